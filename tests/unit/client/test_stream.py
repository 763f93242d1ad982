"""One socket against a hostile end: refusals in words, junk, silence, a frame too large; never another host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ryze_tui.api.errors import BadReply, NoAnswer, RateLimited, Refused, RyzeError, TokenRefused
from ryze_tui.client import stream
from ryze_tui.client.http import RyzeClient
from ryze_tui.client.stream import Dialler, StreamEnded
from websockets.asyncio.server import ServerConnection, serve

from tests.fakes import misbehaviour
from tests.fakes.hostile import Answer, raw, reply, serving, silence
from tests.fakes.rogue import Manners, Rogue, ws

from ...pace import patient

TOKEN = "the-very-secret-token"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("400 No", b'{"error":{"message":"WebSocket is not enabled"}}'), Refused, "not enabled"),
        (reply("401 No", b'{"error":{"message":"Invalid token"}}'), TokenRefused, "Invalid token"),
        (reply("404 No", b"<html>"), BadReply, "404"),
        (reply("429 No", b"{}", Retry_After="9"), RateLimited, "Rate limit"),
        (reply("500 No", b"\xff"), BadReply, "500"),
        (reply("200 OK", b"{}"), BadReply, "instead of opening a stream"),
        (raw(b"junk\r\n\r\n"), NoAnswer, ""),
        (raw(b""), NoAnswer, ""),
        (silence, NoAnswer, "in time"),
    ],
)
async def test_refusals(answer: Answer, kind: type[RyzeError], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "OPEN_SECONDS", 0.2)
    async with serving(answer) as server:
        client = RyzeClient(server.url, TOKEN)
        with pytest.raises(RyzeError) as caught:
            await Dialler(client)("/ws/a", TOKEN)
    assert type(caught.value) is kind, caught.value
    assert words in caught.value.message
    (call,) = client.calls
    assert call.path == "/ws/a"


async def test_it_never_follows_a_redirect_with_the_token() -> None:
    async with serving(reply("404 No", b"{}")) as evil, serving(reply("302 Found", b"", Location=evil.url + "/ws/a")) as server:
        client = RyzeClient(server.url, TOKEN)
        with pytest.raises(BadReply, match="redirects"):
            await Dialler(client)("/ws/a", TOKEN)
    assert not evil.requests


Handler = Callable[[ServerConnection], Awaitable[None]]


async def with_socket(handler: Handler, test: Callable[[Any], Awaitable[None]]) -> None:
    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        client = RyzeClient(f"http://127.0.0.1:{port}", TOKEN)
        socket = await Dialler(client)("/ws/a", TOKEN)
        try:
            await test(socket)
        finally:
            await socket.close()
        assert [call.status for call in client.calls] == [101]


async def test_frames_silence_pings_and_the_end() -> None:
    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["token"] == TOKEN
        await connection.send('{"event":"x"}')
        await connection.recv()
        await connection.close(1013)

    async def test(socket: Any) -> None:
        assert await socket.recv(5) == b'{"event":"x"}'
        assert await socket.recv(0.01) is None
        heard = socket._connection.heard
        await socket.ping(5)
        assert socket._connection.heard > heard
        assert 0 <= socket.silence() < 60
        await socket._connection.send("go")
        with pytest.raises(StreamEnded) as caught:
            await socket.recv(5)
        assert caught.value.code == 1013

    await with_socket(handler, test)


async def test_a_frame_too_large_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LARGEST_FRAME", 1000)

    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 2000)
        await connection.wait_closed()

    async def test(socket: Any) -> None:
        with pytest.raises(StreamEnded, match="sent a frame larger than"):
            await socket.recv(5)

    await with_socket(handler, test)


async def test_a_connection_that_breaks() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    async def test(socket: Any) -> None:
        with pytest.raises(StreamEnded) as caught:
            await socket.recv(5)
        assert caught.value.code == 1006
        with pytest.raises(StreamEnded):
            await socket.ping(0.1)

    await with_socket(handler, test)


@pytest.mark.parametrize("flood", [misbehaviour.ping_flood, misbehaviour.repeated(ws(b"x" * 300) * 500)], ids=["pings", "frames"])
async def test_a_flood_leaves_time_for_everything_else_and_its_end_is_noticed(flood: Manners) -> None:
    with Rogue(extensions=False) as server:
        server.misbehave(stream=flood)
        client = RyzeClient(server.url, TOKEN)
        socket = await Dialler(client)("/ws/num-0", TOKEN)

        async def read() -> None:
            while True:
                await socket.recv(5)

        reading, began = asyncio.create_task(read()), time.monotonic()
        for _tick in range(50):
            await asyncio.sleep(0.005)
        assert time.monotonic() - began < patient(5), "it held up everything else"
        assert not reading.done()
        await asyncio.to_thread(server.behave)
        with pytest.raises(StreamEnded):
            await asyncio.wait_for(reading, 5)
        await socket.close()
