"""The real command as a process: readiness, signals, kill -9, and what it says when it cannot start."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

TOKEN = "account-token-0123456789"
CODE = (
    "import argparse, sys\nfrom ryze_tui.cli import serve\nparser = argparse.ArgumentParser()\nserve.add_arguments(parser)\n"
    "sys.exit(serve.run(parser.parse_args()))"
)


class Process:
    """`ryze-tui serve` on any free port, with everything below `home`."""

    def __init__(self, home: Path, *flags: str, stdin: int = subprocess.DEVNULL, token: str = TOKEN) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RYZE_")}
        environment |= {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "share")}
        if token:
            environment["RYZE_ACCOUNT_TOKEN"] = token
        self.log = (home / "log").open("ab+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, "--engine", "simulated", "--port", "0", "--data-dir", str(home / "data"),
             "--simulator-speed", "20", "--rate-limit", "0", *flags],
            stdin=stdin, stdout=subprocess.PIPE, stderr=self.log, env=environment,
        )  # fmt: skip

    def ready(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 20)[0], "it said nothing within 20 s"
        line = self.process.stdout.readline().decode()
        assert line.startswith("ryze-tui: serving on http://127.0.0.1:"), (line, self.said())
        self.url = line.removeprefix("ryze-tui: serving on ").strip()
        return self.url

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = httpx.request(method, self.url + path, headers={"token": TOKEN}, json=body, timeout=10, trust_env=False)
        assert answer.status_code < 300, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(15)
        finally:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
            if self.process.stdin is not None:
                self.process.stdin.close()


def test_it_serves_says_so_and_ends_with_sigterm(tmp_path: Path) -> None:
    server = Process(tmp_path, "--verbose")
    server.ready()
    secret = "instance-token-0123456789"
    server.call("POST", "/api/instance/new", name="sales", token=secret)
    code = server.call("GET", "/api/instance/connect/sales?number=5511999990001")["pairingCode"]
    qr = server.call("GET", "/api/instance/connect/sales")["qrCode"]
    httpx.get(f"{server.url}/ws/sales?token={secret}", trust_env=False)
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}
    assert "ryze.db" in modes and not any(modes.values()), modes
    assert server.end() == 0
    said = server.said()
    assert "POST /api/instance/new 201" in said and "Traceback" not in said
    for private in (TOKEN, secret, code, qr[60:], "5511999990001", "?"):
        assert private not in said, private


@pytest.mark.long
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    server = Process(tmp_path)
    server.ready()
    names = [f"n-{index}" for index in range(8)]
    made = {name: server.call("POST", "/api/instance/new", name=name, websocketEnabled=True)["instance"] for name in names}
    tokens = {name: instance["token"] for name, instance in made.items()}
    for name in ("n-1", "n-2", "n-3"):
        server.call("GET", f"/api/instance/connect/{name}")
        server.call("POST", f"/simulator/{name}/scan", number="5511999990001", name="Acme")
    server.call("DELETE", "/api/instance/logout/n-2")
    server.call("DELETE", "/api/instance/delete/n-4")
    server.call("POST", "/api/events/websocket/n-5", enabled=True, events=["call.update"])
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    server = Process(tmp_path, token="")
    server.ready()
    deadline = time.monotonic() + 10
    while True:
        items = {item["name"]: item for item in server.call("GET", "/api/instance/list")["instances"]}
        states = {name: item["connection"]["state"] for name, item in items.items()}
        if states["n-1"] == states["n-3"] == "connected" or time.monotonic() > deadline:
            break
        select.select([], [], [], 0.02)
    assert states == {"n-0": "disconnected", "n-1": "connected", "n-2": "loggedout", "n-3": "connected",
                      "n-5": "disconnected", "n-6": "disconnected", "n-7": "disconnected"}  # fmt: skip
    assert {name: item["token"] for name, item in items.items()} == {name: tokens[name] for name in items}
    assert items["n-5"]["websocket"] == {"enabled": True, "events": ["call.update"], "mediaBase64": False}
    assert items["n-3"]["connection"]["numberJid"] == "5511999990001@s.whatsapp.net"
    assert server.end() == 0


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """However the parent goes, its end of the pipe is closed."""
    server = Process(tmp_path, "--exit-with-parent", stdin=subprocess.PIPE)
    server.ready()
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.wait() == 0


def failed(server: Process) -> str:
    assert server.wait() == 2
    said = server.said()
    assert "Traceback" not in said and len(said.strip().splitlines()) == 1, said
    assert said.startswith("ryze-tui serve: ")
    return said


def test_it_says_why_it_cannot_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        servers = {
            "Address already in use; choose another --port": Process(tmp_path / "a", "--port", str(port)),
            "cannot be written": Process(tmp_path / "b", "--data-dir", "/proc/nowhere"),
            "must name a SQLite file": Process(tmp_path / "c", "--database", "postgresql://localhost/x"),
            "can be read by others; run: chmod 600": keyed(tmp_path / "d"),
        }
        for why, server in servers.items():
            assert why in failed(server)


def keyed(home: Path) -> Process:
    home.mkdir()
    (home / "key").write_text(json.dumps("x"))
    (home / "key").chmod(0o644)
    return Process(home, "--key-file", str(home / "key"))
