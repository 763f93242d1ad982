"""The server ends, by kill -9 or politely, at every step of a pairing and of a bulk that a console shows.

The console never says more than is so, what was acknowledged is there afterwards, and what was not can be done again.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash

pytestmark = [pytest.mark.e2e, pytest.mark.long]
ENDS: Final = [signal.SIGKILL, signal.SIGTERM]
CONNECT: Final = r"GET /api/instance/connect/pairing"
RECONNECT: Final = r"POST /api/instance/reconnect/"
Step = Callable[[Console, Server, Proxy], None]


def ends(server: Server, number: signal.Signals) -> None:
    server.process.send_signal(number)
    assert server.process.wait(20) in (0, -number)
    server.http.close()


def asked(console: Console, server: Server, proxy: Proxy) -> None:
    """Connect was sent, and is not answered."""
    with proxy.hold(CONNECT):
        console.press("c")
        console.wait_for(lambda _: proxy.seen(CONNECT), 10, what="the connect")


def shown(console: Console, server: Server, proxy: Proxy) -> None:
    """A code is on the screen."""
    console.press("c")
    console.wait_qr()


def by_code(console: Console, server: Server, proxy: Proxy) -> None:
    """A pairing code is on the screen."""
    console.press("p")
    console.wait_for("umber")
    console.type("5511988887777")
    console.press("enter")
    console.wait_code()


def scanned(console: Console, server: Server, proxy: Proxy) -> None:
    """A phone has scanned it and the server has said so; the linking is under way or done."""
    code = (console.press("c"), console.wait_qr())[1]
    server.simulate("pairing", "scan", code=code)


def linked(console: Console, server: Server, proxy: Proxy) -> None:
    """The console says that it is connected."""
    scanned(console, server, proxy)
    console.wait_for("connected as")


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
@pytest.mark.parametrize("step", [asked, shown, by_code, scanned, linked], ids=lambda step: step.__name__)
def test_while_a_number_is_paired(tmp_path: Path, step: Step, number: signal.Signals) -> None:
    served = Server(tmp_path / "server", rate_limit=0, speed=5)
    with served as server, Proxy(server.url) as proxy, Console(proxy.url, server.token, tmp_path, (100, 34)) as console:
        server.create("pairing", websocketEnabled=True)
        console.ready("pairing")
        console.put_cursor("pairing")
        step(console, server, proxy)
        ends(server, number)
        console.settle(1)
        said = "connected as" in console.text()
        assert step in (scanned, linked) or not said, console.picture()
        server.start()
        if said or step is linked:
            server.wait_state("pairing", "connected")
        state = server.states()["pairing"]
        for _again in range(4):
            console.press("esc")
            console.settle(0.2)
        assert console.qr() == [], f"a code of a dead server can still be scanned\n{console.picture()}"
        console.wait_for(lambda _: console.rows().get("pairing") == server.states()["pairing"], 30, what="the true state")
        if state != "connected" and server.states()["pairing"] != "connected":
            console.press("c")  # it can be done again
            server.simulate("pairing", "scan", code=console.wait_qr())
            console.wait_for("connected as")
            server.wait_state("pairing", "connected")
        for key in ("esc", "esc", "ctrl+q"):
            console.press(key)
            console.settle(0.2)
        assert console.wait_exit() == 0
        console.assert_clean()
    assert_no_crash(tmp_path)


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
def test_in_the_middle_of_a_bulk(tmp_path: Path, number: signal.Signals) -> None:
    served = Server(tmp_path / "server", instances=22, speed=20, rate_limit=0)
    with served as server, Proxy(server.url) as proxy, Console(proxy.url, server.token, tmp_path, (80, 24)) as console:
        names = server.wait_connected(8)
        console.ready()
        console.press("/")
        console.type("state:connected")
        console.press("enter")
        console.wait_for(lambda _: set(console.rows().values()) == {"connected"}, 5, what="only connected rows")
        console.press("*", "r")
        console.wait_for(re.compile(r"Reconnect \d+ instances"))
        console.press("y")
        console.wait_for(re.compile(r"[2-9]/\d+"), 15)
        ends(server, number)
        console.wait_for("Paused: ", 30)  # what may come back is waited for, not failed one by one
        done = set(re.findall(r"● done +(\S+)", console.text()))
        before = {request.path.rpartition("/")[2] for request in proxy.seen(RECONNECT)}
        assert done and done <= before, "nothing is called done that was not asked for"
        server.start()
        server.wait_connected(len(names), 30)
        console.wait_for("The server is back. space goes on.", 60)
        assert {request.path.rpartition("/")[2] for request in proxy.seen(RECONNECT)} == before, "and not by itself"
        console.press("space")
        console.wait_for("It is over", 60)
        sent = Counter(request.path.rpartition("/")[2] for request in proxy.seen(RECONNECT))
        assert set(sent) == set(names) and all(sent[name] == 1 for name in done), "none forgotten, nothing done again"
        server.wait_connected(len(names), 30)
        for key in ("esc", "esc", "ctrl+q"):
            console.press(key)
            console.settle(0.3)
        if console.exit_code is None and "not done yet" in console.text():
            console.press("y")
        assert console.wait_exit() == 0
        console.assert_clean()
    assert_no_crash(tmp_path)
