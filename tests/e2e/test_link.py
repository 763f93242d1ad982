"""What the screen says about the link is true, keys act on the row that was under the cursor, and idle sends nothing."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console

pytestmark = pytest.mark.e2e


def test_a_server_that_goes_away_and_comes_back(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    with Console(proxy.url, serve.token, tmp_path) as console:
        console.ready()
        name = next(name for name, word in console.rows().items() if word == "connected")
        before = console.rows()
        proxy.refuse()
        proxy.drop()
        console.wait_for(re.compile("OFFLINE|STALE"), 15)
        assert console.rows() == before, "what was known must stay"
        serve.simulate(name, "unlink")
        proxy.refuse(False)
        console.wait_for("LIVE", 40)
        console.wait_badge(name, "logged out", 10)
        console.quit()


def test_keys_act_on_the_row_that_was_under_the_cursor(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path) as console:
        console.ready()
        console.press("down", "down")
        console.settle()
        serve.storm(50, 6)
        for number in range(3):
            chosen = console.cursor()
            serve.create(f"aaa-{number}")
            console.press("x")
            console.wait_for(f"Log out {chosen}?", 5)
            console.press("esc")
            console.wait_gone("Log out")
            assert console.cursor() == chosen
            console.press("down")
            console.wait_for(lambda _, was=chosen: console.cursor() not in ("", was), 5, what="the cursor to move")


def test_list_calls_stay_rare_while_everything_changes(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    with Console(proxy.url, serve.token, tmp_path) as console:
        console.ready()
        begin = time.monotonic()
        serve.storm(8, 4)
        console.watch(4)
        assert len(proxy.list_calls()) <= 2, [(round(r.at - begin, 1), r.path) for r in proxy.list_calls()]
        console.wait_for(lambda _: same(console.rows(), serve.states()), 5, what="the list as the server has it")


def same(shown: dict[str, str], states: dict[str, str]) -> bool:
    """The screen agrees with the server."""
    words = {"loggedout": "logged out"}
    return shown == {name: words.get(state, state) for name, state in states.items()}


def test_idle_sends_nothing(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path) as console:
        console.ready()
        console.settle(1.0)
        assert console.watch(3) == 0


@pytest.mark.long
def test_a_dead_link_is_not_called_live(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    with Console(proxy.url, serve.token, tmp_path) as console:
        console.ready()
        proxy.freeze()
        console.wait_for(lambda t: "LIVE" not in t.text(), 75, what="LIVE to go")
        proxy.freeze(False)
        console.wait_for("LIVE", 60)
