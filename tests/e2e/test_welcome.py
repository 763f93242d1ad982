"""The first start: no profile yet, three ways to go on, and what is typed there is checked before it is kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ..terminal.server import Server
from .driver import Console

pytestmark = pytest.mark.e2e


def test_without_a_profile_it_asks_where_the_numbers_are(tmp_path: Path) -> None:
    with Console("", "", tmp_path, (80, 24)) as console:
        console.wait_for("Look around with simulated numbers")
        for line in ("Connect to a RyzeAPI server", "Start a local server here"):
            assert line in console.text()
        console.press("q")
        assert console.wait_exit() == 0
        console.assert_clean()


def test_looking_around(tmp_path: Path) -> None:
    with Console("", "", tmp_path, (80, 24)) as console:
        console.wait_for("Look around")
        console.press("d")
        console.ready()
        assert "SIMULATED" in console.text()
        console.quit()


def test_a_server_is_asked_before_it_is_kept(shared: Server, tmp_path: Path) -> None:
    with Console("", "", tmp_path, (80, 24)) as console:
        console.wait_for("Look around")
        console.press("c")
        console.wait_for("Check and save")
        console.type("a-token-that-nobody-gave-out")
        console.press("shift+tab")
        console.retype(shared.url)
        console.press("enter")
        console.wait_for("Invalid token")
        console.press("tab")
        console.retype(shared.token)
        console.press("enter")
        console.ready()
        console.quit()
    kept = [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
    assert kept
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    with Console("", "", tmp_path, (80, 24)) as console:
        console.ready()
        console.quit()
