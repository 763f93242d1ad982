"""Requests that no route ever sees: the HTTP itself is broken. The answer is in the contract's error shape all the same."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from ryze_tui.backend import protocol

from .harness import TOKEN, Api

HEAD = f"Host: x\r\ntoken: {TOKEN}\r\n".encode()
POST = b"POST /api/instance/new HTTP/1.1\r\n" + HEAD
MALFORMED = "Malformed HTTP request"


async def answers(api: Api, *parts: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Everything that comes back on one connection until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    found = []
    try:
        async with asyncio.timeout(10):
            for part in parts:
                writer.write(part)
                await writer.drain()
            while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
                first, *lines = head.decode().rstrip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                found.append((int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))))
                if headers.get("connection") == "close":
                    assert await reader.read() == b""
    finally:
        writer.close()
    return found


@pytest.mark.parametrize(("sent", "status", "message"), [
    (b"garbage\r\n\r\n", 400, MALFORMED),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, MALFORMED),
    (b"GET /health HTTP/1.1\r\n\r\n", 400, MALFORMED),
    (b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, MALFORMED),
    (b"GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n", 400, MALFORMED),
    (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, MALFORMED),
    (b"GET /health HTTP/1.1\r\nHost: x\r\nbad name: y\r\n\r\n", 400, MALFORMED),
    (b"GET /health HTTP/1.1\r\nHost: x\r\na: b\x00c\r\n\r\n", 400, MALFORMED),
    (POST + b"Content-Length: -1\r\n\r\n", 400, MALFORMED),
    (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, MALFORMED),
    (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
     400, MALFORMED),
    (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, MALFORMED),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, MALFORMED),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}too long", 400, MALFORMED),
    (b"GET /health HTTP/1.1\r\nHost: x\r\na: " + b"b" * 20_000, 431, "Request headers too large"),
    (b"GET /" + b"a" * 20_000, 431, "Request headers too large"),
])  # fmt: skip
async def test_in_the_error_shape(api: Api, sent: bytes, status: int, message: str) -> None:
    (answer,) = await answers(api, sent)
    assert (answer[0], json.loads(answer[2])) == (status, {"success": False, "error": {"message": message}})
    assert (answer[1]["content-type"], answer[1]["connection"]) == ("application/json", "close")
    assert len(answer[1]["x-request-id"]) == 16
    await api.ok("GET", "/api/instance/list")


async def test_after_a_good_request(api: Api) -> None:
    good, bad = await answers(api, b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\nGARBAGE\r\n\r\n")
    assert (good[0], bad[0]) == (200, 400)


async def test_a_body_that_breaks_while_it_is_read(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """One answer, one id, no traceback, and nothing was created."""
    caplog.set_level(logging.INFO, "ryze_tui")
    path = "POST /api/instance/new 400"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    writer.write(POST + b'X-Request-Id: mine\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"name": "sales"\r\n')
    async with asyncio.timeout(10):
        await api.ok("GET", "/api/instance/list")  # the first part was read by now
        writer.write(b"zz\r\n")
        head = (await reader.read()).decode().lower()
    writer.close()
    assert head.startswith("http/1.1 400") and head.count("http/1.1") == 1 and "x-request-id: mine" in head
    assert (await api.ok("GET", "/api/instance/list"))["instances"] == []
    said = [record.getMessage() for record in caplog.records]
    assert [text for text in said if text.startswith(path) and text.endswith("id=mine")], said
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("more", [
    b"", b"Sec-WebSocket-Version: 13\r\n", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
    b"Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
])  # fmt: skip
async def test_an_upgrade_without_a_handshake_is_an_ordinary_request(api: Api, more: bytes) -> None:
    await api.new("sales", websocketEnabled=True)
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade, close\r\n" + HEAD + more + b"\r\n"
    for path, status in ((b"/ws/sales", 404), (b"/ws", 404), (b"/api/instance/list", 200)):
        (answer,) = await answers(api, b"GET " + path + b" HTTP/1.1\r\n" + upgrade)
        assert (answer[0], json.loads(answer[2])["success"]) == (status, status == 200)


@pytest.mark.parametrize(("begun", "answered"), [
    (b"", 0), (b"GET /health HTT", 0), (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nG", 1),
    (b"POST /api/instance/new HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 1),
])  # fmt: skip
async def test_who_asks_nothing_is_let_go_however_slowly_it_does_that(
    api: Api, begun: bytes, answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descriptor each: without a token they could all be taken."""
    monkeypatch.setattr(protocol, "QUIET_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    got = asyncio.create_task(reader.read())
    writer.write(begun)
    async with asyncio.timeout(10):
        while not got.done():
            writer.write(b"a" if begun else b"")
            await asyncio.wait([got], timeout=0.1)
    writer.close()
    assert (await got).count(b"HTTP/1.1 ") == answered


async def test_a_request_that_is_worked_on_takes_its_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "QUIET_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    body = b'{"name": "slow"}'
    writer.write(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for byte in body:
        await asyncio.sleep(0.05)
        writer.write(bytes([byte]))
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 201")
    writer.close()
