"""Two servers and the token of one instance under profiles: changing over by keyboard, and what such a token can and cannot."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ..terminal.process import private_dirs
from ..terminal.server import Server
from .driver import Console
from .watching import assert_no_crash

pytestmark = pytest.mark.e2e


def write(home: Path, **profiles: str) -> None:
    path = Path(private_dirs(home)["XDG_CONFIG_HOME"]) / "ryze-tui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"[profiles.{name}]\n{lines}\n" for name, lines in profiles.items())
    path.write_text('default = "acme"\n' + text, encoding="utf-8")
    path.chmod(0o600)


def of(server: Server, token: str = "") -> str:
    return f'url = "{server.url}"\ntoken = "{token or server.token}"'


def port_of(server: Server) -> int:
    return urlsplit(server.url).port or 0


def connections(console: Console) -> set[int]:
    """The ports to which the console has open connections."""
    links = []
    for number in os.listdir(f"/proc/{console.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.append(os.readlink(f"/proc/{console.pid}/fd/{number}"))
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    lines = [line.split() for line in Path(f"/proc/{console.pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(words[2].partition(":")[2], 16) for words in lines if words[9] in inodes and words[3] == "01"}


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_from_one_server_to_another_and_back(serve: Server, tmp_path: Path, size: tuple[int, int]) -> None:
    with Server(tmp_path / "other", speed=10.0, rate_limit=0) as other:
        for name in ("north", "south"):
            other.create(name)
        write(tmp_path, acme=of(serve), night=of(other) + "\nread_only = true")
        with Console("", "", tmp_path, size) as console:
            console.ready("acme")
            first = console.rows()
            threads = len(os.listdir(f"/proc/{console.pid}/task"))
            for _turn in range(2):
                console.press("P")
                console.wait_for("enter opens")
                console.press("down", "enter")
                console.wait_for(lambda _: set(console.rows()) == {"north", "south"}, what="the other server's rows")
                console.wait_for("READ-ONLY")
                console.wait_for("LIVE")
                console.wait_for(lambda _: connections(console) <= {port_of(other)}, what="no connection to the first is left")
                console.press("r")
                console.wait_for("Read-only")
                console.press("P")
                console.wait_for("enter opens")
                console.press("up", "enter")
                console.wait_for(lambda _: console.rows() == first, what="the first server's rows again")
                console.wait_for(lambda _: connections(console) <= {port_of(serve)}, what="no connection to the other is left")
            assert len(os.listdir(f"/proc/{console.pid}/task")) <= threads + 2
            assert other.states() == {"north": "disconnected", "south": "disconnected"}
            console.quit()
    assert_no_crash(tmp_path)


def other_keys(console: Console, serve: Server, name: str) -> None:
    """The virtual phone says why not; a message is sent; what was dropped is dialled again."""
    console.press("S")
    console.wait_for("the virtual phone")
    console.press("m")
    console.wait_for("Test message")
    console.press(*"+5511999990001")
    console.wait_for("Brazil")
    console.press("enter")
    console.settle(0.2)
    console.press(*"hello")
    console.wait_for("hello")
    console.press("enter")
    console.wait_for("Send to +55 11 99999-0001")
    console.press("y")
    console.wait_for("Message sent")
    console.press("escape")
    serve.simulate(name, "drop", seconds=3600)
    console.wait_badge(name, "disconnected", 50)
    console.press("r")
    console.wait_badge(name, "connected", 50)


def test_the_token_of_one_instance(serve: Server, tmp_path: Path) -> None:
    """Its own row, every key that works with it, and a reason for every one that does not."""
    name = next(name for name, state in serve.states().items() if state == "connected")
    token = serve.instances()[name]["token"]
    with Console(serve.url, token, tmp_path) as console:
        console.wait_for("ONE INSTANCE", 20)
        console.wait_for(lambda _: console.rows() == {name: "connected"}, what="its row alone")
        console.press("n")
        console.wait_for("This is the token of one instance")
        console.wait_gone("This is the token of one instance", 15)
        console.press("d")
        console.wait_for("This is the token of one instance")
        serve.simulate(name, "unlink")
        console.wait_badge(name, "logged out", 50)
        console.press("c")
        code = console.wait_qr()
        serve.simulate(name, "scan")
        console.wait_for("connected as")
        console.press("escape")
        console.wait_badge(name, "connected")
        assert code not in console.text()
        other_keys(console, serve, name)
        console.press("2")
        console.wait_for("Reject message")
        console.press("down", "space")
        console.wait_for("* unsaved")
        console.press("escape", "r")
        console.wait_for("s saves")
        console.press("s")
        console.wait_for("holds what was asked")
        console.press("escape")
        console.wait_gone("Reject message")
        console.press("x")
        console.type_name("Log out", name)
        console.wait_badge(name, "logged out")
        console.quit()
    held = serve.call("GET", f"/api/instance/getSettings/{name}")["settings"]
    assert held["autoRejectCalls"] is True and name in serve.states()
    assert_no_crash(tmp_path)
