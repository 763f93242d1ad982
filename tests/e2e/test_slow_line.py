"""A line that takes nothing, or little: frames are dropped and not queued, keys are heard, and the screen ends up right."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from ..terminal.slow import SlowConsole

pytestmark = [pytest.mark.e2e, pytest.mark.long]
KEYS = 150
WORDS = {"loggedout": "logged out"}


def test_a_line_that_takes_nothing_for_a_while(tmp_path: Path) -> None:
    with (
        Server(tmp_path / "server", instances=300, rate_limit=0) as server, Proxy(server.url) as proxy,
        SlowConsole(proxy.url, server.token, tmp_path, rate=1_000_000, delay=0.01) as console,
    ):  # fmt: skip
        console.ready()
        console.press("down")
        console.wait_for(lambda _: console.cursor() == list(console.rows())[1])
        console.press("home")
        console.settle()
        console.line.held = True
        console.drain()
        mark, frames, lists = console.mark(), console.frames, len(proxy.list_calls())
        server.storm(500, 2.0)
        for key in [*["pagedown", "down", "down"] * (KEYS // 3), "home", "down", "down"]:
            console.press(key)
            console.watch(0.02)  # as a key that is held down: each by itself, so that each would have a frame of its own
        console.press("R")
        # Its loop is not stuck behind the terminal, which has taken 20 KB and takes no more: every key up to R was heard.
        console.wait_for(lambda _: len(proxy.list_calls()) > lists, 20, what="R to be heard")
        assert console.written_since(mark) == 0
        console.line.held = False
        third = list(console.rows())[2]
        console.wait_for(lambda _: console.cursor() == third, 20, what=f"the cursor on {third}")
        assert console.frames - frames < KEYS // 2, "frames of keys that were overtaken came all the same"
        assert console.written_since(mark) < 60_000
        console.wait_for(
            lambda _: {name: WORDS.get(state, state) for name, state in server.states().items()}.items() >= console.rows().items()
            and console.rows(), 30, what="the rows as the server has them",
        )  # fmt: skip
        console.quit()


def test_everything_at_128_kilobits(tmp_path: Path) -> None:
    with (
        Server(tmp_path / "server", instances=300, rate_limit=0) as server,
        SlowConsole(server.url, server.token, tmp_path, (80, 24)) as console,
    ):
        console.ready()
        assert console.bytes_out < 20_000
        server.storm(1000, 3.0)
        mark = console.mark()
        console.press("/")
        console.type("sim-0012")
        console.wait_for(lambda _: set(console.rows()) == {f"sim-0012{n}" for n in range(10)}, 20)
        console.press("esc")
        console.wait_for(lambda _: len(console.rows()) > 15, 20)
        console.settle(1.5, 30)
        assert console.written_since(mark) < 150_000
        states = server.states()
        assert console.rows() == {name: WORDS.get(states[name], states[name]) for name in console.rows()}
        console.quit()
