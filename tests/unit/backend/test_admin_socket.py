"""The admin socket and its clients: private, bounded, gone when the server is, and nothing that a client does stops anything."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.backend.admin import listener, wire
from ryze_tui.backend.app import Backend
from ryze_tui.backend.boot import opened
from ryze_tui.backend.settings import Settings

TOKEN = "account-token-0123456789"


@asynccontextmanager
async def serving(home: Path, **more: Any) -> AsyncIterator[Backend]:
    defaults = {"key_file": home / "key", "account_token": TOKEN, "simulator_speed": 50.0}
    async with opened(Settings(data_dir=home / "data", **(defaults | more))) as backend:
        yield backend


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits a twentieth of a second for a slow client."""
    monkeypatch.setattr(listener, "CLIENT_SECONDS", 0.05)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def dial(backend: Backend) -> Streams:
    with wire.address(backend.settings.data_dir / wire.SOCKET_FILE) as address:
        return await asyncio.open_unix_connection(address)


async def answer(streams: Streams) -> Any:
    """The one line that comes before the end; None when there is none."""
    reader, writer = streams
    async with asyncio.timeout(10):
        lines = (await reader.read()).splitlines()
    writer.close()
    assert len(lines) <= 1
    return json.loads(lines[0]) if lines else None


async def said(backend: Backend, raw: bytes, *, end: bool = False) -> Any:
    streams = await dial(backend)
    streams[1].write(raw)
    if end:
        streams[1].write_eof()
    return await answer(streams)


def inside() -> bool:
    """Whether a client is being served."""
    return any("_Door.enter" in repr(task) for task in asyncio.all_tasks())


async def alive(backend: Backend) -> bool:
    told = await said(backend, wire.encode({"do": "list"}))
    return [account["name"] for account in told["ok"]["accounts"]] == ["default"]


async def test_it_is_private_and_ends_with_the_server(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    mask = os.umask(0)
    try:
        async with serving(tmp_path) as backend:
            path = tmp_path / "data" / "admin.sock"
            mode = path.stat().st_mode
            assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
            assert os.umask(0) == 0, "the process's own mask is as it was"
            assert await alive(backend)
        assert not path.exists()
    finally:
        os.umask(mask)


async def test_what_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "data" / "admin.sock"))
    async with serving(tmp_path) as backend:
        assert await alive(backend)


async def test_a_data_directory_with_a_very_long_name(tmp_path: Path) -> None:
    home = tmp_path / ("n" * 100) / ("m" * 100)
    home.mkdir(parents=True)
    async with serving(home) as backend:
        assert len(str(backend.settings.data_dir)) > 200
        assert await alive(backend)
    assert not (home / "data" / "admin.sock").exists()


async def test_without_a_socket_the_server_serves_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.sock").write_text("a file of somebody's")
    with caplog.at_level(logging.WARNING):
        async with serving(tmp_path) as backend:
            assert backend.catalog.account_of(TOKEN)
    assert "no account commands" in caplog.text and "no socket" in caplog.text
    assert (tmp_path / "data" / "admin.sock").read_text() == "a file of somebody's"


async def test_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path) as backend:
        monkeypatch.setattr(listener.wire, "peer_uid", lambda _socket: os.geteuid() + 1)
        assert await said(backend, b"") == {"error": wire.NOT_ALLOWED}
        monkeypatch.undo()
        assert await alive(backend)


GARBAGE = [
    b"\n", b"\0\n", b"\xff\xfe\xfd\n", b"GET / HTTP/1.1\r\n", b"[]\n", b"null\n", b'{"do":"drop"}\n', b"[" * 4000 + b"\n",
    b'{"do":"add","name":"a b"}\n', b'{"do":"add","name":"' + b"a" * 65 + b'"}\n',
    b'{"do":"add","name":"a","quota":' + b"9" * 4000 + b"}\n",
]  # fmt: skip


async def test_garbage(tmp_path: Path) -> None:
    async with serving(tmp_path) as backend:
        for raw in GARBAGE:
            assert await said(backend, raw) == {"error": wire.BAD_REQUEST}, raw[:40]
        for raw in (b"", b'{"do":"list"', b'{"do":"add","name":"half"'):
            assert await said(backend, raw, end=True) == {"error": wire.BAD_REQUEST}, "it left in the middle"
        assert await alive(backend)


async def test_a_client_that_never_ends_its_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as backend:
        _reader, writer = await dial(backend)
        sent = 0
        with pytest.raises((ConnectionError, BrokenPipeError)):
            while sent < 50_000_000:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
        assert sent < 5_000_000, "it was read no further than the limit"
        writer.close()
        assert await alive(backend)


async def test_slow_clients_are_dropped(tmp_path: Path, hasty: None) -> None:
    async with serving(tmp_path) as backend:
        assert await answer(await dial(backend)) is None, "it said nothing"
        streams = await dial(backend)
        streams[1].write(b'{"do":')
        assert await answer(streams) is None, "it did not end its line"
        assert await alive(backend)


async def test_a_client_that_reads_nothing(tmp_path: Path, hasty: None) -> None:
    async with serving(tmp_path) as backend:
        await asyncio.gather(*(backend.catalog.accounts.add(f"account-{index:04}-{'x' * 40}", None) for index in range(1500)))
        raw = socket.socket(socket.AF_UNIX)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, str(tmp_path / "data" / "admin.sock"))
        await asyncio.get_running_loop().sock_sendall(raw, wire.encode({"do": "list"}))
        async with asyncio.timeout(10):
            while inside():
                await asyncio.sleep(0.01)
        raw.close()
        told = await said(backend, wire.encode({"do": "list"}))
        assert len(told["ok"]["accounts"]) == 1501


async def test_a_half_closed_client_gets_its_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as backend:
        told = await said(backend, wire.encode({"do": "add", "name": "acme"}), end=True)
        assert backend.catalog.account_of(told["ok"]["token"])


async def test_too_many_at_a_time_are_told_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as backend:
        waiting = [await dial(backend) for _ in range(listener.MAX_CLIENTS)]
        assert await answer(await dial(backend)) == {"error": wire.BUSY}
        for streams in waiting:
            streams[1].write(wire.encode({"do": "list"}))
            assert "ok" in await answer(streams)
        assert await alive(backend)


async def test_a_command_goes_on_when_its_client_leaves(tmp_path: Path) -> None:
    async with serving(tmp_path, simulator_instances=40) as backend:
        await backend.catalog.accounts.add("acme", None)
        _reader, writer = await dial(backend)
        writer.write(wire.encode({"do": "remove", "name": "default"}))
        await writer.drain()
        writer.transport.abort()
        async with asyncio.timeout(10):
            while len(backend.catalog.accounts.all()) == 2:
                await asyncio.sleep(0.005)
        assert not backend.catalog.by_id


@pytest.mark.long
async def test_a_stop_in_the_middle_of_a_removal_leaves_nothing_half_done(tmp_path: Path) -> None:
    async with serving(tmp_path, simulator_instances=300) as backend:
        await backend.catalog.accounts.add("acme", None)
        streams = await dial(backend)
        streams[1].write(wire.encode({"do": "remove", "name": "default"}))
        async with asyncio.timeout(10):
            while len(backend.catalog.by_id) in (0, 300):
                await asyncio.sleep(0)
        await backend.instances.close()  # as a server that stops does first
        told = await answer(streams)
        assert told["error"] == wire.LEFT_OVER and 0 < told["left"] < 300 and "shutting down" in told["why"]
    async with serving(tmp_path, account_token="") as backend:
        async with asyncio.timeout(10):
            while len(backend.catalog.accounts.all()) == 2:
                await asyncio.sleep(0.005)
        assert not backend.catalog.by_id


async def test_a_server_that_ends_waits_for_no_client(tmp_path: Path) -> None:
    async with serving(tmp_path) as backend:
        streams = await dial(backend)
        async with asyncio.timeout(10):
            while not inside():
                await asyncio.sleep(0)
    assert not inside()
    assert await answer(streams) is None


async def test_no_token_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(tmp_path) as backend:
            told = [await said(backend, wire.encode({"do": do, "name": "acme"})) for do in ("add", "rotate", "remove")]
    tokens = [one["ok"]["token"] for one in told[:2]]
    assert "acme was added" in caplog.text and "acme got a new token" in caplog.text and "acme was removed" in caplog.text
    assert not [token for token in tokens if token in caplog.text]
