"""The real command while it starts: it serves before its sessions are back, tells the truth meanwhile, and can be stopped."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from ryze_tui.cli import serve

from ...pace import patient
from .test_serve import Process

COUNT = 200


def states(server: Process) -> Counter[str]:
    return Counter(item["connection"]["state"] for item in server.call("GET", "/api/instance/list")["instances"])


def until_connected(server: Process, count: int) -> None:
    end = time.monotonic() + 15
    while (now := states(server))["connected"] != count:
        assert time.monotonic() < end, now
        select.select([], [], [], 0.05)


@pytest.mark.long
def test_it_serves_while_its_sessions_come_back(tmp_path: Path) -> None:
    filled = {"connected": COUNT - 8, "disconnected": 2, "connecting": 2, "loggedout": 2, "banned": 2}
    server = Process(tmp_path, "--simulator-instances", str(COUNT))
    server.ready()
    assert states(server) == filled
    server.end(signal.SIGKILL)

    server = Process(tmp_path, "--simulator-speed", "0.01")  # a dial takes half a minute
    server.ready()
    assert states(server) == {"connecting": COUNT - 3, "disconnected": 1, "loggedout": 2}
    items = server.call("GET", "/api/instance/list")["instances"]
    waiting = [item["connection"] for item in items if item["connection"]["state"] == "connecting"]
    assert all(connection["numberJid"] for connection in waiting)
    assert {"the server was restarted"} <= {connection["reason"] for connection in waiting}
    assert server.call("POST", "/api/instance/new", name="meanwhile")["instance"]["status"] == "disconnected"
    assert server.call("DELETE", "/api/instance/logout/sim-00020")["instance"]["status"] == "loggedout"
    assert server.call("DELETE", "/api/instance/delete/sim-00021")["instance"]["status"] == "deleted"
    began = time.monotonic()
    assert server.end() == 0 and time.monotonic() - began < patient(10)
    assert "Traceback" not in server.said()

    server = Process(tmp_path)
    server.ready()
    until_connected(server, COUNT - 8 - 2 + 1)  # less two, and what was filled as disconnected has a session
    assert states(server)["loggedout"] == 3
    assert server.end() == 0


def test_a_stop_at_any_moment_of_the_start_is_clean(tmp_path: Path) -> None:
    """As soon as the process minds SIGTERM at all."""
    server = Process(tmp_path, "--simulator-instances", "500")
    status, end = Path(f"/proc/{server.process.pid}/status"), time.monotonic() + 15
    while not minds_sigterm(status.read_text()):
        assert time.monotonic() < end
        select.select([], [], [], 0.005)
    assert server.end() == 0
    assert server.said() == ""


def minds_sigterm(status: str) -> bool:
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_sigterm_before_the_server_listens_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While modules are still being imported; nothing was opened yet, and it is not a failure."""
    import argparse

    async def slow_start(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(serve, "_serve", slow_start)
    monkeypatch.setattr(serve, "_settings", lambda _: None)
    monkeypatch.setattr(serve, "_log_to_stderr", lambda _: None)
    before, mask = signal.getsignal(signal.SIGTERM), os.umask(0o077)
    try:
        with pytest.raises(SystemExit) as caught:
            serve.run(argparse.Namespace(exit_with_parent=False, verbose=False))
        assert caught.value.code == 0
    finally:
        signal.signal(signal.SIGTERM, before)
        os.umask(mask)
