"""Keys that come as fast as a person's over a slow line: in one packet."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("extensions", [True], ids=["extensions"])]


def test_the_filter_shows_where_letters_go(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.press("/")
        console.wait_for(re.compile(r"^ / █", re.MULTILINE), 3)


def test_letters_after_the_slash_are_text_however_fast_they_come(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.send(b"/state:banned\r")
        console.wait_for(lambda _: set(console.rows().values()) == {"banned"}, 3, what="only banned rows")


def test_what_is_typed_ahead_of_a_dialog_is_for_the_dialog(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.send(b"ndusk-1\r")
        console.wait_for("Pair dusk-1", 5)
        assert "dusk-1" in serve.states()


def test_keys_before_the_first_paint_do_no_harm(serve: Server, tmp_path: Path) -> None:
    before = serve.states()
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.send(b"jjkd\x1bx\x1bccpq?n\x1b\x1b:\x1b\r\r")
        console.wait_for(lambda t: t.emulator.alternate or t.exit_code is not None, what="a screen or an end")
        console.settle(0.5)
    assert serve.states() == before


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


def test_the_other_keys_do_what_they_say(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    """Those that the story does not press."""
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        for key, text in (("?", "Pairing code"), (":", "Type a command"), ("ctrl+p", "Type a command"), ("L", "Log of calls")):
            console.press(key)
            console.wait_for(text)
            console.press("esc")
            console.wait_for(lambda _: len(console.rows()) == 12, what="the list again")
            console.settle(0.15)
        for key, back in (("j", "k"), ("down", "up"), ("end", "home"), ("G", "g")):
            here = console.cursor()
            console.press(key)
            console.wait_for(lambda _, was=here: console.cursor() not in ("", was), 3, what=f"{key} to move the cursor")
            console.press(back)
            console.wait_for(lambda _, was=here: console.cursor() == was, 3, what=f"{back} to move it back")
        saved = "sim-00003"
        console.put_cursor(saved)
        console.press("enter")
        console.wait_for(lambda t: not console.rows() and "Token" in t.text(), what="the detail")
        console.press("esc")
        console.wait_for(lambda _: console.rows(), what="the list again")
        console.press("r")
        console.wait_badge(saved, "connected")
        assert len(proxy.seen(f"POST /api/instance/reconnect/{saved}$")) == 1
        before = len(proxy.list_calls())
        console.press("R")
        console.wait_for(lambda _: len(proxy.list_calls()) == before + 1, what="a list call")
        console.settle(0.2)
        console.press("S")
        console.wait_for(f"Virtual phone of {saved}")
        console.press("u")
        console.wait_badge(saved, "logged out")
        console.press("y")
        console.wait_for(f"Copy from {saved}")
        console.press("n")
        console.wait_for(lambda t: t.emulator.clipboard, what="the clipboard")
        assert base64.b64decode(console.emulator.clipboard[-1].partition(";")[2]).decode() == saved
        console.settle(0.2)
        console.quit()


def test_a_console_that_may_only_read_says_so(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    with Console(proxy.url, serve.token, tmp_path, (80, 24), options=["--read-only"]) as console:
        console.ready()
        for key in "ncprbxd":
            console.press(key)
            console.wait_for(re.compile("read.only", re.IGNORECASE), 3)
            console.settle(0.1)
        assert {request.method for request in proxy.requests} == {"GET"}
        assert proxy.seen("/connect/") == []
