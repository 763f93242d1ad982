"""Keys that come as fast as a person's over a slow line: in one packet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..terminal.server import Server
from .driver import Console

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("extensions", [True], ids=["extensions"])]


@pytest.mark.xfail(reason="the prompt is drawn with the first letter only")
def test_the_filter_shows_where_letters_go(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.press("/")
        console.wait_for(re.compile(r"^ / █", re.MULTILINE), 3)


@pytest.mark.xfail(reason="bindings run after letters that are already there")
def test_letters_after_the_slash_are_text_however_fast_they_come(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.send(b"/state:banned\r")
        console.wait_for(lambda _: set(console.rows().values()) == {"banned"}, 3, what="only banned rows")


def test_keys_before_the_first_paint_do_no_harm(serve: Server, tmp_path: Path) -> None:
    before = serve.states()
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.send(b"jjkd\x1bx\x1bccpq?n\x1b\x1b:\x1b\r\r")
        console.wait_for(lambda t: t.emulator.alternate or t.exit_code is not None, what="a screen or an end")
        console.settle(0.5)
    assert serve.states() == before


@pytest.mark.xfail(reason="the focus is left on the filter line")
def test_resizing_down_to_nothing_and_back(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (120, 40)) as console:
        console.ready()
        for key in ("", "?", "n", ":"):
            if key:
                console.press(key)
                console.settle(0.2)
            for size in ((79, 24), (20, 5), (1, 1), (50, 30), (120, 40)):
                console.resize(*size)
                console.settle(0.06)
            console.press("esc")
            console.settle(0.2)
        assert len(console.rows()) == 12
        console.quit()
