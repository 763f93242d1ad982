"""Bulk by keyboard on a real server with the documented limits: marked, paced, hidden, killed, gone on with; none twice."""

from __future__ import annotations

import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console

OPTIONS = {"instances": 22, "speed": 20.0, "options": ["--verbose"]}
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.parametrize("serve", [OPTIONS], indirect=True)]
RECONNECT = "POST /api/instance/reconnect/"


def done(proxy: Proxy) -> list[str]:
    return [request.path.rpartition("/")[2] for request in proxy.seen(RECONNECT)]


def twelve(console: Console) -> list[str]:
    """Mark twelve that are connected; their names."""
    console.press("/")
    console.type("state:connected")
    console.press("enter")
    console.wait_for(lambda _: set(console.rows().values()) == {"connected"}, 3, what="only connected rows")
    names = list(console.rows())[:12]
    console.press("V", *["down"] * 11)
    console.press("V")
    console.wait_for(lambda _: "12 marked" in console.text() and console.marked() == names, 3, what="twelve marks")
    return names


def begun_hidden_paused_killed(console: Console, proxy: Proxy) -> None:
    """Two a second; killed while it runs."""
    console.press("r")
    console.wait_for("Reconnect 12 instances")
    assert done(proxy) == []
    console.press("+")
    console.wait_for("2 a second, 5 at a time")
    console.press("y")
    console.wait_for(re.compile(r"[1-9]/12"), 5)
    console.press("esc")
    console.wait_for(re.compile(r"Reconnect [2-9]/12"), 10)
    console.press("B")
    console.wait_for("It goes on when this is hidden")
    console.press("space")
    console.wait_for("Paused. space goes on.")
    console.wait_for(lambda t: "under way" not in t.text(), 10, what="what was under way at its end")
    paused = len(done(proxy))
    assert 2 <= paused < 12
    console.press("space")
    console.wait_for(lambda _: len(done(proxy)) > paused, 5, what="going on")
    console.signal(signal.SIGKILL)
    console.wait_exit()
    assert len(done(proxy)) < 12


def gone_on_with(console: Console, proxy: Proxy) -> None:
    """By keyboard, and not by itself."""
    console.wait_for(re.compile(r"Reconnect: \d+ left"), 20)
    before = done(proxy)
    console.settle(0.5)
    assert done(proxy) == before
    console.press("B")
    console.wait_for("Begun")
    console.press("y")
    console.wait_for("12/12", 20)
    console.wait_for("It is over")
    console.press("esc")
    console.wait_for(lambda _: console.rows(), what="the list again")
    console.quit()


def test_twelve_marked_killed_in_the_middle_and_gone_on_with(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    serve.wait_connected(12)
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready("LIVE" if serve.extensions else "API")
        names = twelve(console)
        begun_hidden_paused_killed(console, proxy)
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        gone_on_with(console, proxy)
    assert Counter(done(proxy)) == dict.fromkeys(names, 1), "none twice, none forgotten"
    assert {serve.states()[name] for name in names} == {"connected"}
    answers = Counter(re.findall(r"POST /api/instance/reconnect/\S+ (\d+) ", serve.log.read_text()))
    assert answers == {"200": 12} and " 429 " not in serve.log.read_text(), "no limit was met"


def test_quitting_asks_and_leaves_it_for_the_next_start(serve: Server, proxy: Proxy, tmp_path: Path) -> None:
    serve.wait_connected(12)
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready("LIVE" if serve.extensions else "API")
        console.press("*", "r")
        console.wait_for("Left out")
        console.press("y")
        console.wait_for(lambda _: len(done(proxy)) >= 2, 10, what="two of them")
        console.press("ctrl+q")
        console.wait_for("not done yet")
        console.press("y")
        assert console.wait_exit() == 0
        console.assert_clean()
    sent = len(done(proxy))
    with Console(proxy.url, serve.token, tmp_path, (80, 24)) as console:
        console.wait_for(re.compile(r"Reconnect: \d+ left"), 20)
        console.press("B")
        console.wait_for("Begun")
        console.press("F")
        console.wait_gone("left · B")
        console.press("q")
        assert console.wait_exit() == 0
    assert len(done(proxy)) == sent
