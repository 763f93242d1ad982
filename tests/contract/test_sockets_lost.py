"""Clients that are not there any more: pings, and what happens to sockets that answer none (contract §8 #33, #35)."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from pathlib import Path

import pytest
from ryze_tui.backend import server
from ryze_tui.backend.lost import SocketProtocol

from .harness import TOKEN, Api, running

PING, PONG = b"\x89", 0x8A


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PING_SECONDS", 0.05)
    monkeypatch.setattr(server, "PONG_SECONDS", 0.1)


class Raw:
    """A client on a bare socket that does only what it is told to."""

    def __init__(self, api: Api, path: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", int(api.url.rpartition(":")[2])))
        self.socket.setblocking(False)
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\ntoken: {TOKEN}\r\n"
        self.socket.send(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())

    async def read(self, wanted: bytes) -> bytes:
        """Until that comes; nothing is answered."""
        got = b""
        async with asyncio.timeout(10):
            while wanted not in got:
                got += await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        return got

    def pong(self, payload: bytes) -> None:
        mask = os.urandom(4)
        body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.socket.send(bytes([PONG, 0x80 | len(payload)]) + mask + body)


def listeners(api: Api) -> int:
    record = next(iter(api.backend.catalog.by_id.values()))
    return max(api.backend.bus.listeners_of_instance(record), api.backend.bus.listeners_of_account(record.account))


async def until(api: Api, count: int) -> None:
    async with asyncio.timeout(10):
        while listeners(api) != count:
            await asyncio.sleep(0.005)


def test_the_documented_intervals() -> None:
    assert (server.PING_SECONDS, server.PING_SECONDS + server.PONG_SECONDS) == (25, 60)


@pytest.mark.parametrize("path", ["/ws/sales", "/ws"])
async def test_a_client_that_answers_no_ping_is_dropped(tmp_path: Path, hurry: None, path: str) -> None:
    async with running(tmp_path) as api:
        await api.new("sales", websocketEnabled=True)
        raw = Raw(api, path)
        await until(api, 1)
        await raw.read(PING + b"\x04")
        await until(api, 0)
        raw.socket.close()


async def test_a_client_that_answers_pings_stays(tmp_path: Path, hurry: None) -> None:
    async with running(tmp_path) as api:
        await api.new("sales", websocketEnabled=True)
        raw = Raw(api, "/ws/sales")
        for _ in range(6):
            got = await raw.read(PING + b"\x04")
            at = got.index(PING + b"\x04")
            while len(got) < at + 6:
                got += await asyncio.get_running_loop().sock_recv(raw.socket, 4096)
            raw.pong(got[at + 2 : at + 6])
        assert listeners(api) == 1, "twice as long as a silent one may stay"
        raw.socket.close()
        await until(api, 0)


@pytest.mark.parametrize("path", ["/ws/sales", "/ws"])
async def test_a_client_that_left_with_unread_events_is_dropped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A link that broke silently takes nothing off the server's hands: what waits to be sent must not keep the socket."""
    monkeypatch.setattr(server, "PONG_SECONDS", 0.05)
    async with running(tmp_path) as api:
        await api.paired("sales", websocketEnabled=True, websocketMediaBase64=True)
        raw = Raw(api, path)
        await until(api, 1)
        for _ in range(3):
            await api.sim("sales", "message", **{"from": "5511999990002", "text": "A" * 3_000_000})
        assert listeners(api) == 1
        assert api.server._uvicorn is not None
        (stuck,) = [one for one in api.server._uvicorn.server_state.connections if isinstance(one, SocketProtocol)]
        assert stuck.transport.get_write_buffer_size() > 0
        stuck.send_keepalive_ping()  # now and not in 25 s
        await until(api, 0)
        async with asyncio.timeout(10):
            while any(task.get_coro().__qualname__.endswith("run_asgi") for task in asyncio.all_tasks()):  # type: ignore[union-attr]
                await asyncio.sleep(0.005)
        raw.socket.close()


async def test_a_client_that_does_not_answer_the_close_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ryze_tui.backend.events import sockets as limits

    monkeypatch.setattr(limits, "ABANDON_SECONDS", 0.1)
    async with running(tmp_path) as api:
        await api.paired("sales", websocketEnabled=True, websocketMediaBase64=True)
        raw = Raw(api, "/ws/sales")
        await until(api, 1)
        for _ in range(3):
            await api.sim("sales", "message", **{"from": "5511999990002", "text": "A" * 3_000_000})
        await api.ok("DELETE", "/api/instance/delete/sales")
        async with asyncio.timeout(10):
            while any(task.get_coro().__qualname__.endswith("run_asgi") for task in asyncio.all_tasks()):  # type: ignore[union-attr]
                await asyncio.sleep(0.005)
        raw.socket.close()


@pytest.mark.parametrize("path", ["/ws/sales", "/ws"])
async def test_forty_at_once_are_sixteen(tmp_path: Path, path: str) -> None:
    """The limit is counted where the socket begins to listen, not somewhere before."""
    async with running(tmp_path) as api:
        await api.new("sales", websocketEnabled=True)
        everybody = [Raw(api, path) for _ in range(40)]
        first = await asyncio.gather(*(raw.read(b"HTTP/1.1 ") for raw in everybody))
        assert sum(b" 101 " in answer for answer in first) == 16 and sum(b" 429 " in answer for answer in first) == 24
        assert listeners(api) == 16
        for raw in everybody:
            raw.socket.close()
        await until(api, 0)


async def test_pongs_that_nobody_reads_do_not_pile_up(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.new("sales", websocketEnabled=True)
        raw, loop = Raw(api, "/ws/sales"), asyncio.get_running_loop()
        await until(api, 1)
        await raw.read(b"\r\n\r\n")
        (transport,) = [one.transport for one in gc.get_objects() if type(one) is SocketProtocol and one.transport is not None]
        for _ in range(100):
            await loop.sock_sendall(raw.socket, (b"\x89\xfd\0\0\0\0" + b"p" * 125) * 1000)
        await asyncio.sleep(0)
        assert 0 < transport.get_write_buffer_size() < 1_000_000
        await loop.sock_sendall(raw.socket, b"\x89\x84\0\0\0\0last")
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # megabytes through a window of 4 KB take their time
        await raw.read(b"\x8a\x04last")  # once it reads
        raw.socket.close()
