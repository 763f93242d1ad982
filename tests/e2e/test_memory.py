"""What the console remembers: the list of last time at once, dated; since and reason after a restart; nothing of a demo."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from ..terminal.server import TOKEN, Server
from .driver import Console

pytestmark = pytest.mark.e2e
MODES = pytest.mark.parametrize("extensions", [True, False], ids=["extensions", "plain"])


def again(server: Server, port: str) -> None:
    """The same server, on the same port."""
    server._argv[server._argv.index("--port") + 1] = port
    server.start()


@MODES
def test_the_list_of_last_time_while_the_server_is_away(tmp_path: Path, extensions: bool) -> None:
    with Server(tmp_path / "server", instances=12, speed=10.0, extensions=extensions) as server:
        port = server.url.rpartition(":")[2]
        with Console(server.url, server.token, tmp_path) as console:
            console.ready()
            server.simulate("sim-00001", "unlink")
            console.wait_badge("sim-00001", "logged out")
            console.settle()
            before = console.rows()
            console.quit()
        server.stop()
        with Console(server.url, server.token, tmp_path) as console:
            console.wait_for("OFFLINE", 10)
            text = console.text()
            assert console.rows() == before, "what was known last time"
            assert re.search(r"as of \d\d:\d\d", text) and "LIVE" not in text and "POLLING" not in text
            console.press("d")
            console.wait_for("Waiting for the server's list")
            assert "Delete" not in console.text()
            again(server, port)
            console.press("R")  # not waiting for the next attempt
            console.wait_gone("as of", 5)
            words = {"loggedout": "logged out"}
            # Its sessions come back one after the other: what it knows changes while we look.
            console.wait_for(lambda _: console.rows() == {name: words.get(s, s) for name, s in server.states().items()}, 10)
            console.wait_for("LIVE", 30)
            console.put_cursor("sim-00001")
            console.wait_for("(logged out from the", what="the reason of before")
            console.quit()
        for path in [*tmp_path.rglob("*.jsonl"), *tmp_path.rglob("ryze-tui.log*")]:
            text = path.read_text()
            assert TOKEN not in text and not any(item["token"] in text for item in server.instances().values()), path
            assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_keeps_the_list_too(shared: Server, tmp_path: Path, ending: signal.Signals) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.signal(ending)
        assert console.wait_exit() == 128 + ending
        console.assert_clean()
    assert len(list((tmp_path / "cache").rglob("*.jsonl"))) == len(list((tmp_path / "state").rglob("*.jsonl"))) == 1


def test_the_kept_list_comes_before_the_network(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.quit()
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.wait_for(lambda t: console.rows() and "as of" in t.text(), what="the kept list before the server's")
        console.ready()
        assert "as of" not in console.text()
        console.quit()


@pytest.mark.parametrize("options", [["demo"], []], ids=["demo", "RYZE_NO_CACHE"])
def test_nothing_is_kept_of_a_demo_or_when_it_is_switched_off(shared: Server, tmp_path: Path, options: list[str]) -> None:
    url, token, env = ("", "", {}) if options else (shared.url, shared.token, {"RYZE_NO_CACHE": "1"})
    with Console(url, token, tmp_path, (80, 24), options=options, env=env) as console:
        console.ready()
        console.quit()
    assert not list(tmp_path.rglob("*.jsonl")) and not list(tmp_path.rglob("fingerprint.key"))


def test_a_damaged_file_is_as_good_as_none(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.quit()
    for path in tmp_path.rglob("*.jsonl"):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + b"\x00\xff\x1b]0;pwn\x07")
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.quit()
    assert all(path.read_bytes().endswith(b'{"rows": 12}\n') for path in tmp_path.rglob("*.jsonl"))
