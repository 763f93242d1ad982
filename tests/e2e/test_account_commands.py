"""`ryze-tui account` beside a real server: in a pipe, in a terminal, and after kill -9."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..terminal.process import Terminal, environment, private_dirs
from ..terminal.server import TOKEN, Server
from .driver import COMMAND

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, instances=5, speed=20.0, rate_limit=0, options=["--verbose"]) as made:
        yield made


def words(server: Server, *more: str) -> list[str]:
    return [*COMMAND, "account", *more, "--data-dir", str(server.home / "server")]


def account(server: Server, *more: str, code: int = 0) -> str:
    """Its standard output; with another exit code its standard error."""
    env = environment(private_dirs(server.home / "home"))
    done = subprocess.run(words(server, *more), env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return (done.stderr if code else done.stdout).strip()


def names(server: Server, token: str) -> list[str] | int:
    """What a token sees, or the status it is refused with."""
    reply = httpx.get(f"{server.url}/api/instance/list", headers={"token": token}, timeout=20, trust_env=False)
    return [item["name"] for item in reply.json()["instances"]] if reply.is_success else reply.status_code


def listening(pid: int) -> int:
    """How many TCP sockets a process listens on."""
    inodes = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return sum(row[3] == "0A" and f"socket:[{row[9]}]" in inodes for row in rows)


@pytest.mark.long
def test_what_was_acknowledged_survives_kill_9(server: Server) -> None:
    ours = names(server, TOKEN)
    acme, gone = account(server, "add", "acme", "--quota", "1"), account(server, "add", "gone")
    assert names(server, acme) == []
    made = httpx.post(f"{server.url}/api/instance/new", headers={"token": acme}, json={"name": "sales"}, trust_env=False)
    assert made.status_code == 201
    assert listening(server.process.pid) == 1, "accounts are nobody's business over TCP"
    account(server, "remove", "gone", "--yes")
    rotated = account(server, "rotate", "default")
    server.kill()
    assert (server.home / "server" / "admin.sock").exists()
    assert "no server answers" in account(server, "list", code=1)
    server.start()  # with the old token in RYZE_ACCOUNT_TOKEN, as a unit file would have it
    assert [names(server, token) for token in (acme, rotated, gone, TOKEN)] == [["sales"], ours, 401, 401]
    second = account(server, "rotate", "acme")
    server.kill()
    server.start()
    assert [names(server, token) for token in (acme, second)] == [401, ["sales"]]
    full = httpx.post(f"{server.url}/api/instance/new", headers={"token": second}, json={"name": "more"}, trust_env=False)
    assert (full.status_code, full.json()["error"]["message"]) == (403, "Account instance quota exceeded")
    shown = json.loads(account(server, "list", "--json"))["accounts"]
    assert [(row["name"], row["instances"]) for row in shown] == [("acme", 1), ("default", 5)]
    assert server.stop() == 0
    assert not (server.home / "server" / "admin.sock").exists()
    said = server.log.read_text()
    assert "revoked" in said and "Traceback" not in said
    assert not [token for token in (TOKEN, acme, gone, rotated, second) if token in said]


def test_in_a_terminal(server: Server, tmp_path: Path) -> None:
    env = private_dirs(tmp_path / "home")
    with Terminal(words(server, "add", "acme"), 120, 20, env) as terminal:
        assert terminal.wait_exit() == 0
        text = terminal.text()
        assert "shown once" in text and "cannot be recovered" in text
        token = next(line.strip() for line in text.splitlines() if len(line.strip()) == 43)
    assert names(server, token) == []
    with Terminal(words(server, "remove", "default"), 120, 20, env) as terminal:
        terminal.wait_for("Type the account's name")
        assert "5 instances go with it" in terminal.text()
        terminal.type("acme\r")
        assert terminal.wait_exit() == 1
        assert "nothing was removed" in terminal.text()
    with Terminal(words(server, "remove", "default"), 120, 20, env) as terminal:
        terminal.wait_for("Type the account's name")
        terminal.type("default\r")
        assert terminal.wait_exit() == 0
        assert "removed; 5 instances" in terminal.text()
    assert (names(server, TOKEN), names(server, token)) == (401, [])
