"""Canaries in every secret field of server and console: nothing that is written, shown, copied or handed on holds one.

Logs, crash files, exports, curl copies, recordings, pictures, the process list, environments of children, the database, its
backup, the spool: everything is searched, plain, escaped, base64 and hex. The only places where secrets belong are the key file,
token files, and `--secrets-dir`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import pytest

from ..fakes.canaries import files, found_in, leaks, process
from ..terminal.server import TOKEN, Server
from ..terminal.svg import svg
from .commands import COMMAND, Commands
from .driver import Console

pytestmark = [pytest.mark.e2e, pytest.mark.long]

FIELDS: Final = {
    "proxyPassword": "cn4ry-Proxy-pAss-7f3a91", "webhookAuthorization": "Bearer cn4ry-Hook-aUth-55d0e2",
    "s3SecretKey": "cn4ry-s3/Secret+kEy-c81b04", "chatwootApiToken": "cn4ry-Chatwoot-tOken-90aa3c",
    "token": "cn4ry-Instance-tOken-1b62f7d4",
}  # fmt: skip
"""Create field -> what is planted in it."""
CANARIES: Final = FIELDS | {"webhookAuthorization": "cn4ry-Hook-aUth-55d0e2", "account": TOKEN}
METRICS: Final = "cn4ry-Metrics-tOken-e0519c77"
BLOCKS: Final = {
    "proxyEnabled": True, "proxyHost": "127.0.0.1", "proxyPort": "9", "proxyProtocol": "socks5", "proxyUsername": "ana",
    "webhookEnabled": True, "webhookEvents": ["instance.state", "message.exchange"], "s3Enabled": True, "s3Region": "r",
    "s3Bucket": "b", "s3AccessKey": "AKIA", "s3Endpoint": "http://127.0.0.1:9", "chatwootEnabled": True,
    "chatwootBaseUrl": "http://127.0.0.1:9", "chatwootAccountId": 1, "websocketEnabled": True,
}  # fmt: skip


class Echo:
    """A hostile receiver: it refuses everything and answers with all that it was sent, headers too."""

    def __init__(self) -> None:
        self.got = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop).result(5)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        body = head + await reader.readexactly(length)
        self.got += 1
        writer.write(b"HTTP/1.1 500 Echo\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


class Recorded(Console):
    """A console whose every byte to the terminal is kept."""

    def __init__(self, *words: Any, **more: Any) -> None:
        self.raw = bytearray()
        super().__init__(*words, **more)

    def _take(self, data: bytes) -> None:
        self.raw += data
        super()._take(data)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Echo]]:
    """A server with a canary in every secret field of an instance that is linked, whose deliveries all fail."""
    home = tmp_path_factory.mktemp("planted")
    (home / "metrics").write_text(METRICS)
    (home / "metrics").chmod(0o600)
    options = ["--verbose", "--metrics-token-file", str(home / "metrics")]
    with Echo() as echo, Server(home, speed=20.0, rate_limit=0, options=options) as server:
        server.create("canary", **FIELDS, **BLOCKS, webhookURL=f"{echo.url}/hook")
        server.create("open")
        server.call("POST", "/api/instance/proxy/canary", json={"enabled": False})  # or it could never be linked
        server.call("GET", "/api/instance/connect/canary")
        server.simulate("canary", "scan")
        server.wait_state("canary", "connected")
        media = base64.b64encode(b"picture").decode()
        server.simulate("canary", "message", **{"from": "5511988887777", "mediaType": "image", "mediaBase64": media})
        server.simulate("canary", "message", **{"from": "5511988887777", "text": "hello"})
        body = {"enabled": True, "host": "127.0.0.1", "port": "9", "protocol": "socks5", "username": "ana",
                "password": FIELDS["proxyPassword"]}  # fmt: skip
        server.call("POST", "/api/instance/proxy/canary", json=body)
        yield server, echo


def waited(condition: Any, seconds: float = 15.0) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come")


def test_what_the_server_writes(planted: tuple[Server, Echo]) -> None:
    server, echo = planted
    waited(lambda: echo.got >= 3)
    for kind in ("proxy", "webhook", "s3", "chatwoot"):  # attempts that fail, with answers that hold what was sent
        path = {"proxy": "/api/instance/proxy/canary/test", "s3": "/api/instance/s3/canary/test",
                "webhook": "/api/events/webhook/canary/test", "chatwoot": "/api/chatwoot/test/canary"}[kind]  # fmt: skip
        server.http.post(path, json={})
    for broken in ("{", '{"token": "' + TOKEN, f'{{"proxyPassword": "{FIELDS["proxyPassword"]}", "name": 3}}'):
        server.http.post("/api/instance/new", content=broken)
    server.http.get("/api/instance/list", headers={"token": TOKEN + "x"})
    server.http.get("/api/instance/list", headers={"Authorization": f"Bearer {TOKEN}"})
    server.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS}"})
    log = server.call("GET", "/api/events/webhook/canary/deliveries")
    assert any(row.get("answer") for row in log["deliveries"]), "the echo is in the log of deliveries, without the secrets"
    assert found_in(CANARIES, json.dumps(log).encode()) == []
    assert found_in(CANARIES, server.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS}"}).content) == []
    assert found_in(CANARIES, process(server.process.pid, environment=False)) == []
    backup = server.home / "backup.db"
    with sqlite3.connect(server.home / "server" / "ryze.db") as live, sqlite3.connect(backup) as copy:
        live.backup(copy)
    kept = [path for path in files(server.home / "server", server.home / "server-home") if path.name != "metrics"]
    assert any(path.name.startswith("ryze.db") for path in kept)
    assert leaks(CANARIES | {"metrics": METRICS}, [*kept, backup, server.log]) == []
    text = (server.home / "server.key").read_text().split()[-1]
    assert leaks({"key": text}, [*kept, backup, server.log]) == [], "a stolen database or backup does not bring its key"


def pressed(console: Recorded, *keys: str) -> None:
    for key in keys:
        console.press(key)
        console.settle(0.2, timeout=3)


def shown(console: Recorded) -> bytes:
    """All that went to the terminal, what was copied, decoded, and the picture of what stands there."""
    copies = [base64.b64decode(text.partition(";")[2] + "==") for text in console.emulator.clipboard]
    return b"\n".join([bytes(console.raw), *copies, svg(console.cells()).encode()])


def test_what_the_console_shows_copies_and_writes(planted: tuple[Server, Echo], tmp_path: Path) -> None:
    server, _echo = planted
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nenv > "$0.env"; tr "\\0" " " < /proc/$PPID/cmdline > "$0.cmd"\n')
    script.chmod(0o700)
    env = {"EDITOR": str(script), "RYZE_KEY": "cn4ry-Key-" + "0" * 20, "RYZE_ACCOUNT_TOKEN": TOKEN}
    with Recorded(server.url, server.token, tmp_path, (160, 45), env=env) as console:
        console.ready()
        console.put_cursor("canary")
        for page in "1234567":
            pressed(console, "enter", page)
            if page in "2345":
                pressed(console, "J", "y", "esc")
            pressed(console, "esc", "esc")
        console.wait_for(lambda _: console.rows(), what="the list")
        pressed(console, "t", "esc", "D", "esc", "E")
        server.simulate("canary", "message", **{"from": "5511988887777", "text": "for the tape"})
        pressed(console, "enter", "y", "esc", "esc", "L")
        for _call in range(12):
            pressed(console, "y", "up")
        pressed(console, "esc")
        pressed(console, "enter", "4", "J", "E", "esc", "esc", "esc", "esc")
        assert (tmp_path / "editor.sh.env").exists(), console.picture()
        assert console.emulator.clipboard, "nothing was copied"
        assert found_in(CANARIES, process(console.pid, environment=False)) == []
        assert found_in(CANARIES, shown(console)) == []
        console.press("ctrl+q")
        console.wait_exit()
    assert leaks(CANARIES | {"key": env["RYZE_KEY"]}, files(tmp_path)) == []


def test_codes_of_a_pairing_are_on_the_screen_only(planted: tuple[Server, Echo], tmp_path: Path) -> None:
    """Whoever has one while it lives has the number: no file, no log of calls, no tape, no copy of an event holds it."""
    server, _echo = planted
    recording = Commands(server, tmp_path).start("events", "--record", str(tmp_path / "tape.ndjson"), "--seconds", "60")
    with Recorded(server.url, server.token, tmp_path, (160, 50)) as console:
        console.ready()
        console.put_cursor("open")
        console.press("c")
        codes = {"QR text": console.wait_qr()}
        pressed(console, "esc", "esc", "p")
        console.wait_for("umber")
        console.type("5511988887777")
        console.press("enter")
        code = console.wait_code()
        pressed(console, "esc", "esc")
        codes |= {"pairing code": code[:4] + "-" + code[4:], "its end in a QR": codes["QR text"][-40:]}
        console.wait_for(lambda _: console.rows(), what="the list")
        pressed(console, "E", "home", "enter", "y", "esc", *["down", "enter", "y", "esc"] * 3, "esc", "L")
        for _call in range(12):
            pressed(console, "y", "enter", "y", "esc", "up")
        pressed(console, "esc")
        copies = b"\n".join(base64.b64decode(text.partition(";")[2] + "==") for text in console.emulator.clipboard)
        assert console.emulator.clipboard and found(codes, code, copies) == [], "copied"
        assert found(codes, code, process(console.pid)) == []
        console.press("ctrl+q")
        console.wait_exit()
    recording.terminate()
    said = "".join(recording.communicate(timeout=30))
    assert (tmp_path / "tape.ndjson").stat().st_size and found(codes, code, said.encode()) == []
    kept = [*files(tmp_path), *files(server.home / "server", server.home / "server-home"), server.log]
    assert [path for path in kept if found(codes, code, path.read_bytes())] == []


def found(codes: dict[str, str], code: str, data: bytes) -> list[str]:
    """The names of codes that are in it; a pairing code is short, so it is looked for as it is, and in base64 and hex."""
    shapes = (code.encode(), code.encode().hex().encode(), base64.b64encode(code.encode())[:10])
    return found_in(codes, data) + ["pairing code"] * any(shape in data for shape in shapes)


CRASHING = """
import os, sys
secret = os.environ.pop("PLANTED")
from ryze_tui.console.moves import MOVES

def crash(main):
    token = main.app.account.client.token if hasattr(main.app, "account") else ""
    raise RuntimeError("made to fail with " + token + " and " + secret)

MOVES["help"] = crash
from ryze_tui.cli import main as command
sys.exit(command(sys.argv[1:]))
"""


def test_what_a_crash_leaves(planted: tuple[Server, Echo], tmp_path: Path) -> None:
    server, _echo = planted
    with Recorded(server.url, server.token, tmp_path, argv=[sys.executable, "-c", CRASHING],
                  env={"PLANTED": FIELDS["token"]}) as console:  # fmt: skip
        console.ready()
        console.press("?")
        console.wait_exit()
        assert found_in(CANARIES, bytes(console.raw)) == []
    assert list(tmp_path.rglob("crash-*")) and leaks(CANARIES, files(tmp_path)) == []


def test_what_commands_print_and_write(planted: tuple[Server, Echo], tmp_path: Path) -> None:
    server, _echo = planted
    ryze = Commands(server, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    words = [
        ["ls", "--json"], ["show", "canary"], ["show", "canary", "--json"], ["doctor", "--instance", "canary"],
        ["doctor", "--instance", "canary", "--json"], ["export", "--all", "--output", str(out / "all.yaml")],
        ["plan", str(out / "all.yaml")], ["webhook", "list", "canary", "--json"], ["chatwoot", "get", "canary", "--json"],
        *([kind, "get", "canary"] for kind in ("settings", "proxy", "s3", "webhook", "stream")),
        *([kind, "get", "canary", "--json"] for kind in ("settings", "proxy", "s3", "webhook", "stream")),
        ["s3", "set", "canary", "--s3-region", "eu"], ["audit", "--json"], ["server", "status"],
    ]  # fmt: skip
    wrong = []
    for one in words:
        done = ryze(*one)
        assert done.code in (0, 1, 2, 3, 10, 11), (one, done.err)
        wrong += [f"{name} printed by {one}" for name in found_in(CANARIES, (done.out + done.err).encode())]
    secret = tmp_path / "proxy-password"
    secret.write_text(FIELDS["proxyPassword"])
    done = ryze("proxy", "set", "canary", "--proxy-password-file", str(secret), "--proxy-username", "eva")
    wrong += found_in(CANARIES, (done.out + done.err).encode())
    secret.unlink()
    recording = ryze.start("events", "--record", str(out / "tape.ndjson"), "--seconds", "4")
    server.simulate("canary", "message", **{"from": "5511988887777", "text": "for the record"})
    server.call("GET", "/api/instance/connect/open")
    said = "".join(recording.communicate(timeout=30))
    wrong += found_in(CANARIES, said.encode())
    assert wrong == []
    assert leaks(CANARIES, files(tmp_path)) == []
    for path in files(tmp_path):
        assert "home" in path.parts or path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


def test_a_secret_in_an_argument_is_refused_before_it_is_used(planted: tuple[Server, Echo], tmp_path: Path) -> None:
    server, _echo = planted
    for words in (["--token", TOKEN, "ls"], ["ls", "--token", TOKEN], ["proxy", "set", "canary", "--proxy-password", "x" * 12]):
        done = subprocess.run([*COMMAND, *words], env=Commands(server, tmp_path).env, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and TOKEN not in done.stdout + done.stderr, words
