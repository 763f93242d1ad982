"""A signal to the console, or to the server, at every step of pairing, of saving and of bulk.

The terminal is always clean, no file is half-written, and what was said to be done is done, also after the server's own death.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.proxy import Proxy
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash

pytestmark = [pytest.mark.e2e, pytest.mark.long]
SIGNALS: Final = [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
FIELD: Final = re.compile(r"\(esc\s+leaves")
WEBHOOK: Final = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange"], "mediaBase64": False,
}
WRITE: Final = r"POST /api/events/webhook/saved"
RECONNECT: Final = r"POST /api/instance/reconnect/"
Step = Callable[[Console], object]


def only(console: Console, name: str) -> None:
    console.ready()
    console.put_cursor(name)


def crashes(home: Path) -> list[str]:
    """What crash files say."""
    return [path.read_text() for path in home.rglob("crash-*")]


def ended(console: Console, number: signal.Signals, home: Path) -> None:
    """By that signal, and without a trace on the terminal; nobody can clean up after a SIGKILL."""
    console.signal(number)
    code = console.wait_exit()
    assert code == (-number if number == signal.SIGKILL else 128 + number), (console.text(), crashes(home))
    if number != signal.SIGKILL:
        console.assert_clean()


def whole_files(home: Path) -> None:
    """Every line that was written is a whole one, and nothing temporary stayed behind but of a SIGKILL."""
    assert_no_crash(home)
    for path in home.rglob("*.log"):
        for line in path.read_text().splitlines() if path.name == "audit.log" else []:
            json.loads(line)
    for path in home.rglob("*.json"):
        json.loads(path.read_text())


def audited(home: Path) -> list[dict[str, Any]]:
    path = home / "state" / "ryze-tui" / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# -- saving ------------------------------------------------------------------------------------------------------------


def opened(console: Console) -> None:
    console.press("4")
    console.wait_for("Media base64")


def typed(console: Console) -> None:
    opened(console)
    console.press("down")
    console.wait_for(FIELD)
    console.press("down", "end")
    console.type("2")
    console.wait_for("* unsaved")


def reviewed(console: Console) -> None:
    typed(console)
    console.press("esc")
    console.wait_gone(FIELD)
    console.press("r")
    console.wait_for("s saves")


def sent(console: Console) -> None:
    reviewed(console)
    console.press("s")


def saved(console: Console) -> None:
    sent(console)
    console.wait_for("holds what was asked")


SAVING: Final[list[Step]] = [opened, typed, reviewed, sent, saved]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_console_ends_at_every_step_of_saving(tmp_path: Path, number: signal.Signals) -> None:
    with Server(tmp_path / "server", rate_limit=0) as server, Proxy(server.url) as proxy:
        server.create("saved")
        for step in SAVING:
            server.call("POST", "/api/events/webhook/saved", json=WEBHOOK)
            home = tmp_path / step.__name__
            home.mkdir()
            with Console(proxy.url, server.token, home, (80, 24)) as console:
                only(console, "saved")
                if step is sent:
                    with proxy.hold(WRITE):
                        step(console)
                        console.wait_for(lambda _: proxy.seen(WRITE), 10, what="the write")
                        ended(console, number, tmp_path)
                else:
                    step(console)
                    ended(console, number, tmp_path)
            [held] = server.call("GET", "/api/events/getWebhook/saved")["webhooks"]
            expected = {saved: {"https://hooks.acme.com/wa2"}, sent: {"https://hooks.acme.com/wa", "https://hooks.acme.com/wa2"}}
            assert held["url"] in expected.get(step, {"https://hooks.acme.com/wa"}), step
            kept = ("events", "authorization", "enabled")
            assert {key: held[key] for key in kept} == {key: WEBHOOK[key] for key in kept}, "whole, or not at all"
            whole_files(home)
            if step is saved:
                assert [line["action"][:17] for line in audited(home)] == ["configure webhook"], "it is in the audit log"
            with Console(server.url, server.token, home, (80, 24)) as console:
                only(console, "saved")
                console.press("4")
                console.wait_for("wa2" if held["url"].endswith("2") else "/wa")
                console.press("ctrl+q")
                console.wait_exit()
                console.assert_clean()
            proxy.drop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("step", [reviewed, sent, saved], ids=lambda step: step.__name__)
def test_the_server_ends_while_a_form_is_saved(tmp_path: Path, number: signal.Signals, step: Step) -> None:
    server = Server(tmp_path / "server", rate_limit=0)
    with server, Proxy(server.url) as proxy, Console(proxy.url, server.token, tmp_path, (80, 24)) as console:
        server.create("saved")
        server.call("POST", "/api/events/webhook/saved", json=WEBHOOK)
        only(console, "saved")
        if step is sent:
            with proxy.hold(WRITE):
                step(console)
                console.wait_for(lambda _: proxy.seen(WRITE), 10, what="the write")
                server.process.send_signal(number)
                server.process.wait(20)
        else:
            step(console)
            server.process.send_signal(number)
            server.process.wait(20)
        console.settle(1)
        claimed = step is saved  # which waits for the words
        assert claimed or "holds what was asked" not in console.text()
        if step is reviewed:
            console.press("s")
            console.settle(1)
            assert "holds what was asked" not in console.text()
        server.http.close()
        server.start()
        [held] = server.call("GET", "/api/events/getWebhook/saved")["webhooks"]
        assert held["url"] == WEBHOOK["url"] + ("2" if claimed else ""), "what was said is what is"
        console.press("ctrl+q")
        console.settle(0.5)
        if "Discard" in console.text():
            console.press("d")
        console.wait_exit()
        console.assert_clean()
    whole_files(tmp_path)


# -- pairing -----------------------------------------------------------------------------------------------------------


def asking(console: Console) -> None:
    console.press("c")


def showing(console: Console) -> None:
    console.press("c")
    console.wait_qr()


def by_code(console: Console) -> None:
    console.press("p")
    console.wait_for("umber")


def connect(server: Server, name: str) -> None:
    """Once more when what a dead console had asked for arrives later than this: the newer one of two wins."""
    path = f"/api/instance/connect/{name}"
    if server.http.request("GET", path).status_code == 409:
        server.call("GET", path)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_console_ends_at_every_step_of_pairing(tmp_path: Path, number: signal.Signals) -> None:
    with Server(tmp_path / "server", rate_limit=0, speed=5) as server, Proxy(server.url) as proxy:
        for step in (asking, showing, by_code):
            name = f"pair-{step.__name__.replace('_', '-')}"
            server.create(name, websocketEnabled=True)
            home = tmp_path / step.__name__
            home.mkdir()
            with Console(proxy.url, server.token, home, (100, 34)) as console:
                only(console, name)
                if step is asking:
                    with proxy.hold(r"GET /api/instance/connect/"):
                        step(console)
                        console.wait_for(lambda _: proxy.seen(r"GET /api/instance/connect/"), 10, what="the connect")
                        ended(console, number, home)
                else:
                    step(console)
                    ended(console, number, home)
            whole_files(home)
            connect(server, name)
            server.simulate(name, "scan")
            server.wait_state(name, "connected")


# -- bulk --------------------------------------------------------------------------------------------------------------


def planned(console: Console) -> None:
    console.press("*", "r")
    console.wait_for(re.compile(r"Reconnect \d+ instances"))


def running(console: Console) -> None:
    planned(console)
    console.press("y")
    console.wait_for(re.compile(r"[1-9]/\d"), 10)


def paused(console: Console) -> None:
    running(console)
    console.press("space")
    console.wait_for("Paused")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("step", [planned, running, paused], ids=lambda step: step.__name__)
def test_the_console_ends_at_every_step_of_bulk(tmp_path: Path, number: signal.Signals, step: Step) -> None:
    served = Server(tmp_path / "server", instances=22, speed=20, rate_limit=0)
    with served as server, Proxy(server.url) as proxy:
        server.wait_connected(8)
        with Console(proxy.url, server.token, tmp_path, (80, 24)) as console:
            console.ready()
            console.press("/")
            console.type("state:connected")
            console.press("enter")
            console.wait_for(lambda _: set(console.rows().values()) == {"connected"}, 5, what="only connected rows")
            step(console)
            ended(console, number, tmp_path)
        whole_files(tmp_path)
        before = [request.path for request in proxy.seen(RECONNECT)]
        assert (step is planned) is (not before), "nothing before it is agreed to"
        with Console(proxy.url, server.token, tmp_path, (80, 24)) as console:
            console.ready()
            if step is planned:
                console.settle(0.5)
                assert not re.search(r"Reconnect: \d+ left", console.text())
            else:
                console.wait_for(re.compile(r"Reconnect: \d+ left"), 20)
                console.press("B")
                console.wait_for("Begun")
                console.press("y")
                console.wait_for("It is over", 60)
                console.press("esc")
            console.press("ctrl+q")
            console.wait_exit()
            console.assert_clean()
        after = [request.path for request in proxy.seen(RECONNECT)]
        assert len(after) == len(set(after)), "none twice"
