"""The server is killed, paused, cut off or back with other data: the screen never lies, and is right within a second."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..pace import patient
from ..terminal.proxy import Mangle, Proxy
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash, bright, dimmed, said

pytestmark = pytest.mark.e2e
AS_OF = re.compile(r"As of (\d\d:\d\d:\d\d): 127\.0\.0\.1:\d+ refuses connections; is the server")
WORDS = {"loggedout": "logged out"}


def truth(server: Server) -> dict[str, str]:
    """What the screen has to show."""
    return {name: WORDS.get(state, state) for name, state in server.states().items()}


def shown(console: Console) -> dict[str, str]:
    """Rows of the screen, without those that it says were deleted."""
    return {name: word for name, word in console.rows().items() if word != "deleted"}


def change_everything(server: Server) -> None:
    """While it was down: one number logged out, one gone, one new."""
    connected = server.wait_connected(2)  # sessions come back one after the other
    server.simulate(connected[0], "unlink")
    server.call("DELETE", f"/api/instance/delete/{connected[1]}")
    server.create("brand-new", websocketEnabled=True, websocketEvents=["instance.state"])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.long)])
def test_stopped_and_changed_meanwhile(serve: Server, tmp_path: Path, seconds: float) -> None:
    with Console(serve.url, serve.token, tmp_path) as console:
        console.ready()
        before = console.rows()
        serve.kill()
        down = time.monotonic()
        console.wait_for(lambda _: dimmed(console), 2, what="every row dimmed")
        assert "OFFLINE" in console.lines()[0]
        console.wait_for(lambda _: AS_OF.search(said(console)), 2, what="since when, and why")

        def never_lies(_: object) -> None:
            assert dimmed(console) and console.rows() == before, console.picture()
            assert AS_OF.search(said(console)) and "OFFLINE" in console.lines()[0], console.picture()

        with serve.elsewhere() as other:
            change_everything(other)
        console.watch(max(0.5, seconds - (time.monotonic() - down)), never_lies)
        serve.start()
        up = time.monotonic()
        # Its sessions come back one after the other, so that what it knows changes while we look.
        console.wait_for(lambda _: bright(console) and shown(console) == truth(serve), 10, what="rows that are proven again")
        took = console.read_at - up
        assert console.rows() != before
        assert took < patient(1.0), f"right after {took:.2f} s"
        console.wait_for("LIVE", 30)
        console.quit()
    assert_no_crash(tmp_path)


def test_restarted_as_if_nothing_had_been(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path, (80, 24)) as console:
        console.ready()
        for kill in (serve.kill, serve.stop):
            kill()
            console.wait_for(lambda _: dimmed(console), 3, what="every row dimmed")
            console.wait_for(lambda _: AS_OF.search(said(console)), 2, what="since when, and why")
            serve.start()
            up = time.monotonic()
            console.wait_for(lambda _: bright(console) and shown(console) == truth(serve), 10, what="rows that are proven again")
            assert console.read_at - up < patient(1.0)
        console.wait_for("LIVE", 30)
        console.quit()
    assert_no_crash(tmp_path)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_paused_server(serve: Server, tmp_path: Path) -> None:
    with Console(serve.url, serve.token, tmp_path) as console:
        console.ready()
        before = console.rows()
        serve.pause()
        try:
            console.wait_for(lambda _: dimmed(console), 45, what="every row dimmed")
            assert "LIVE" not in console.lines()[0]
            console.wait_for(re.compile(r"As of \d\d:\d\d:\d\d: "), 2)
            console.watch(45, lambda _: _assert(dimmed(console) and console.rows() == before, console))
            assert "OFFLINE" in console.lines()[0]
        finally:
            serve.go_on()
        up = time.monotonic()
        console.wait_for(lambda _: bright(console), 15, what="rows that are proven again")
        assert console.read_at - up < patient(1.0)
        name = next(name for name, word in before.items() if word == "connected")
        serve.simulate(name, "unlink")
        console.wait_badge(name, "logged out", 30)
        console.wait_for("LIVE", 45)
        console.quit()
    assert_no_crash(tmp_path)


def _assert(holds: bool, console: Console) -> None:
    assert holds, console.picture()


def delayed() -> Mangle:
    return lambda data: (data, 0.3, True)


def doubled() -> Mangle:
    """Every piece of a stream comes twice."""
    return lambda data: (data if data.startswith(b"HTTP/1.1") or b'"instances"' in data else data * 2, 0.0, True)


def cut_short() -> Mangle:
    """Every answer ends after a few bytes."""
    return lambda data: (data[:150], 0.0, False)


@pytest.mark.parametrize("fault", [delayed, doubled, cut_short], ids=lambda fault: fault.__name__)
def test_a_line_that_spoils_what_passes(serve: Server, tmp_path: Path, fault: Callable[[], Mangle]) -> None:
    with Proxy(serve.url) as proxy, Console(proxy.url, serve.token, tmp_path) as console:
        console.ready()
        before = set(console.rows())
        proxy.mangle(fault())
        proxy.drop()
        name = next(name for name, word in console.rows().items() if word == "connected")
        serve.simulate(name, "unlink")
        if fault is cut_short:
            console.wait_for(lambda _: dimmed(console) and "broke off its" in console.text(), 8, what="the reason")
        else:
            console.wait_badge(name, "logged out", 15)
        assert set(console.rows()) == before
        proxy.mangle(None)
        proxy.drop()
        console.wait_for(lambda _: shown(console) == truth(serve) and bright(console), 10, what="everything right")
        console.wait_for("LIVE", 45)
        console.quit()
    assert_no_crash(tmp_path)
