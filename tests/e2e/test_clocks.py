"""The wall clock is set back and forward by hours while console and server run: nothing waits for it, and ages stay right."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

import pytest

from ..terminal.server import Server
from .driver import Console
from .receivers import Receiver
from .shifted import Wall
from .watching import assert_no_crash, assert_responsive

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]
HOUR: Final = 3600.0
STEPS: Final = (-2 * HOUR, 3 * HOUR, -26 * HOUR)
"""Seconds ahead of the real clock, one after the other."""
AGE: Final = re.compile(r"(?:[✖⚠○◌●] |\? )[a-z ]+?\s+([≥≤]?\d+ [mhd]|now|–)\s")


def ages(console: Console) -> set[str]:
    """How long rows have been in their states, as the list says."""
    found = {match[1] for line in console.in_list() if (match := AGE.search(line))}
    assert found, console.picture()
    return found


def young(console: Console) -> bool:
    """The whole test takes minutes: no row is hours old."""
    return all(not one.endswith(("h", "d")) for one in ages(console))


@pytest.mark.parametrize("extensions", [True, False], ids=["extensions", "plain"])
def test_the_clock_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extensions: bool) -> None:
    wall = Wall(tmp_path / "wall")
    monkeypatch.setenv("PYTHONPATH", wall.environment["PYTHONPATH"])
    answers = iter(["503", "503"])
    receiving = Receiver(lambda *_sight: next(answers, "well"))
    with receiving.beside() as receiver, Server(tmp_path / "server", speed=4, extensions=extensions) as server:
        hook = {"webhookEnabled": True, "webhookURL": receiver.url, "webhookEvents": ["instance.state"]}
        server.paired("shop", websocketEnabled=True, **hook)
        server.paired("other", websocketEnabled=True)
        server.create("idle")
        with Console(server.url, server.token, tmp_path / "c", (120, 40)) as console:
            console.ready("LIVE" if extensions else "POLLING")
            for step in STEPS:
                wall.set(step)
                server.simulate("shop", "drop", seconds=12)
                console.wait_badge("shop", "disconnected", 20)
                console.wait_badge("shop", "connected", 30)
                console.wait_for(lambda _: young(console), 90, what="ages of minutes")
                assert "STALE" not in console.text() and "OFFLINE" not in console.text(), console.picture()
                assert_responsive(console)
            console.put_cursor("idle")
            console.press("c")
            console.wait_qr()
            wall.set(5 * HOUR)
            console.settle(1, timeout=3)
            console.wait_qr()
            server.simulate("idle", "scan")
            console.wait_for(re.compile(r"connected as .* in \d{1,2} s"), 20)
            console.press("esc")
            console.wait_badge("idle", "connected", 20)
            console.wait_for(lambda _: young(console), 90, what="ages of minutes")
            console.press("ctrl+q")
            console.wait_exit()
            console.assert_clean()
        assert_no_crash(tmp_path / "c")
        end = time.monotonic() + 30
        while len({one.id for one in receiver.got if one.answered == "well"}) < len({one.id for one in receiver.got}):
            assert time.monotonic() < end, receiver.got
            time.sleep(0.1)
        assert "Traceback" not in server.log.read_text()
