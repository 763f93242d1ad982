"""The gateway: nobody without its password, nowhere that Egress refuses, and what it carries is not changed on the way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from ryze_tui.backend import egress_gateway
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.egress_gateway import Gateway

from .test_egress import Dns

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def gateway(egress: Egress | None = None, most: int = 256) -> AsyncIterator[Gateway]:
    made = Gateway(egress or Egress(allow_private=True), most=most)
    try:
        yield made
    finally:
        async with asyncio.timeout(5):
            await made.close()


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    made = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{made.sockets[0].getsockname()[1]}"
    finally:
        made.close()


def authorization(url: str) -> str:
    parts = urlsplit(url)
    return "Basic " + base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()


def request(url: str, line: str, *headers: str) -> bytes:
    """A request's head with the password."""
    sent = ["Host: x", f"Proxy-Authorization: {authorization(url)}", *headers]
    return "\r\n".join([f"{line} HTTP/1.1", *sent, "", ""]).encode()


async def raw(url: str, said: bytes) -> bytes:
    """What comes back until the gateway closes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(said)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


class Echo:
    """An HTTP server that keeps its connections and says what it got."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self.heads.append(head)
            lower, body = head.lower(), b""
            if b"transfer-encoding: chunked" in lower:
                while size := int(await reader.readline(), 16):
                    body += await reader.readexactly(size)
                    await reader.readline()
                await reader.readline()
            elif b"content-length:" in lower:
                body = await reader.readexactly(int(lower.split(b"content-length:")[1].split()[0]))
            self.bodies.append(body)
            answer = b"5\r\nwhole\r\n0\r\n\r\n" if b"/chunked" in head else b"%d" % len(body)
            framing = b"Transfer-Encoding: chunked" if b"/chunked" in head else b"Content-Length: %d" % len(answer)
            writer.write(b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nConnection: keep-alive\r\n" + framing + b"\r\n\r\n" + answer)


async def test_requests_pass_with_their_bodies_over_one_connection() -> None:
    echo = Echo()
    async with server(echo) as address, gateway() as made, httpx.AsyncClient(proxy=await made.url(), trust_env=False) as http:
        url = f"http://{address}/a%2Fb/%C3%A9?x=1&y="
        assert (await http.put(url, content=b"x" * 300_000, headers={"X-Kept": "yes"})).text == "300000"

        async def parts() -> AsyncIterator[bytes]:
            for _part in range(50):
                yield b"y" * 1000

        assert (await http.put(url, content=parts())).text == "50000"
        answer = await http.get(f"http://{address}/chunked")
        assert (answer.text, answer.headers["ETag"]) == ("whole", '"a"')
    assert echo.connections == 1
    assert echo.heads[0].startswith(b"PUT /a%2Fb/%C3%A9?x=1&y= HTTP/1.1\r\n")
    assert echo.bodies[0] == b"x" * 300_000 and echo.bodies[1] == b"y" * 50_000
    first = echo.heads[0].lower()
    assert b"proxy-" not in first and b"x-kept: yes" in first and f"host: {address}".encode() in first
    assert b"basic" not in b"".join(echo.heads).lower()


async def test_a_client_that_waits_for_100_is_told_to_go_on() -> None:
    echo = Echo()
    async with server(echo) as address, gateway() as made:
        url = await made.url()
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"PUT http://{address}/ HTTP/1.1\r\nHost: {address}\r\nProxy-Authorization: {authorization(url)}\r\n"
        writer.write(f"{head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n".encode())
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            writer.write(b"abc")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert echo.bodies == [b"abc"]


async def test_a_tunnel_carries_bytes_both_ways() -> None:
    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper() + b"!")
        await writer.drain()

    async with server(upper) as address, gateway() as made:
        url = await made.url()
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        # What is sent right behind the head belongs to the other side already.
        writer.write(request(url, f"CONNECT {address}") + b"ab")
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            writer.write(b"cd" * 100_000)
            writer.write_eof()
            assert await reader.read() == b"AB" + b"CD" * 100_000 + b"!"
        writer.close()


@pytest.mark.parametrize("method", ["CONNECT", "GET"])
@pytest.mark.parametrize("sent", ["", "Basic cnl6ZTpndWVzcw==", "Bearer x", "Basic"])
async def test_without_the_password_nothing_is_dialled(method: str, sent: str) -> None:
    echo = Echo()
    async with server(echo) as address, gateway() as made:
        target = address if method == "CONNECT" else f"http://{address}/"
        header = f"Proxy-Authorization: {sent}\r\n" if sent else ""
        said = await raw(await made.url(), f"{method} {target} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n".encode())
    assert said.startswith(b"HTTP/1.1 407 ") and b"Proxy-Authenticate: Basic" in said
    assert echo.connections == 0


async def test_two_passwords_are_none() -> None:
    async with gateway() as made:
        url = await made.url()
        head = f"Proxy-Authorization: {authorization(url)}\r\n"
        said = await raw(url, f"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n{head}{head}\r\n".encode())
    assert said.startswith(b"HTTP/1.1 407 ")


@pytest.mark.parametrize("method", ["CONNECT", "GET"])
@pytest.mark.parametrize(
    ("host", "says"),
    [("169.254.169.254", "metadata"), ("hooks.example", "server itself"), ("[::1]", "server itself"), ("10.0.0.1", "private")],
)  # fmt: skip
async def test_what_may_not_be_dialled_is_403_with_the_reason(method: str, host: str, says: str) -> None:
    egress = Egress(allow_private=False, resolver=Dns(["127.0.0.1"]))
    async with gateway(egress) as made:
        url = await made.url()
        target = f"{host}:80" if method == "CONNECT" else f"http://{host}/x"
        said = await raw(url, request(url, f"{method} {target}"))
    assert said.startswith(b"HTTP/1.1 403 ") and says.encode() in said


async def test_the_host_header_does_not_choose_the_way() -> None:
    """The target is checked, dialled and told; a Host header that says something else is not passed on."""
    echo = Echo()
    async with server(echo) as address, gateway() as made:
        url = await made.url()
        head = f"Host: 169.254.169.254\r\nConnection: close\r\nProxy-Authorization: {authorization(url)}\r\n"
        said = await raw(url, f"GET http://{address}/ HTTP/1.1\r\n{head}\r\n".encode())
    assert said.startswith(b"HTTP/1.1 200 ") and b"169.254" not in echo.heads[0]


async def test_the_address_checked_is_the_address_dialled_for_each_host_anew() -> None:
    echo = Echo()
    dns = Dns(["127.0.0.1"], ["169.254.169.254"])
    async with server(echo) as address, gateway(Egress(allow_private=True, resolver=dns)) as made:
        port = address.partition(":")[2]
        async with httpx.AsyncClient(proxy=await made.url(), trust_env=False) as http:
            assert (await http.get(f"http://store.example:{port}/")).status_code == 200
            assert (await http.get(f"http://other.example:{port}/")).status_code == 403
    assert (dns.asked, echo.connections) == (2, 1)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET / HTTP/1.1", 400), ("GET https://a.example/ HTTP/1.1", 400), ("GET http://u:p@a.example/ HTTP/1.1", 400),
        ("GET http:///x HTTP/1.1", 400), ("CONNECT a.example:99999 HTTP/1.1", 400), ("GET http://127.0.0.1:1/ HTTP/1.1", 502),
        ("CONNECT 127.0.0.1:1 HTTP/1.1", 502), (f"GET http://{'a' * 70}.example/ HTTP/1.1", 502),
    ],
)  # fmt: skip
async def test_what_leads_nowhere(line: str, status: int) -> None:
    async with gateway() as made:
        url = await made.url()
        said = await raw(url, f"{line}\r\nHost: x\r\nProxy-Authorization: {authorization(url)}\r\n\r\n".encode())
    assert said.startswith(f"HTTP/1.1 {status} ".encode()), said


async def test_an_answer_may_come_before_the_body_is_through() -> None:
    answered = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        await answered.wait()  # it takes nothing more, and does not break off either

    async with server(refuse) as address, gateway() as made:
        url = await made.url()
        head = f"PUT http://{address}/ HTTP/1.1\r\nHost: {address}\r\nProxy-Authorization: {authorization(url)}\r\n"
        said = await raw(url, f"{head}Content-Length: 10000000\r\n\r\n".encode() + b"x" * 3_000_000)
        answered.set()
    assert said.startswith(b"HTTP/1.1 403 ") and said.endswith(b"no")


async def test_a_server_that_breaks_off_in_the_middle_is_no_whole_answer() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with server(half) as address, gateway() as made, httpx.AsyncClient(proxy=await made.url(), trust_env=False) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"http://{address}/")


async def test_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress_gateway, "HEAD_SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(silent) as address, gateway() as made:
        url = await made.url()
        head = f"Host: x\r\nProxy-Authorization: {authorization(url)}\r\n\r\n"
        assert await raw(url, b"") == b""
        monkeypatch.undo()  # a machine that is busy may need longer for the heads of those below
        monkeypatch.setattr(egress_gateway, "STALL_SECONDS", 0.05)
        monkeypatch.setattr(egress_gateway, "TUNNEL_SECONDS", 0.05)
        assert await raw(url, f"GET http://{address}/ HTTP/1.1\r\n{head}".encode()) == b""
        assert (await raw(url, f"CONNECT {address} HTTP/1.1\r\n{head}".encode())).startswith(b"HTTP/1.1 200 ")


async def test_connections_are_bounded_and_closing_ends_them() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(silent) as address, gateway(most=2) as made:
        url = await made.url()
        parts = urlsplit(url)
        connect = request(url, f"CONNECT {address}")
        open_ones = []
        for _one in range(2):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(connect)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            open_ones.append((reader, writer))
        assert (await raw(url, connect)).startswith(b"HTTP/1.1 503 ")
        await made.close()
        async with asyncio.timeout(5):
            assert [await reader.read() for reader, _writer in open_ones] == [b"", b""]
        with pytest.raises(OSError):
            await asyncio.open_connection(parts.hostname, parts.port)
        with pytest.raises(OSError):
            await made.url()


async def test_its_password_is_in_no_representation() -> None:
    async with gateway() as made:
        password = urlsplit(await made.url()).password
        assert password and password not in repr(made) and len(password) >= 40


async def test_a_server_that_says_too_much_is_cut_off() -> None:
    """What a library keeps in memory of an answer, an endless one of an error too, is bounded by the gateway."""
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100000000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    async with server(endless) as address, gateway() as made:
        url = await made.url(most=500_000)
        assert 0 < len(await raw(url, request(url, f"GET http://{address}/"))) < 700_000
        tunnel = request(url, f"CONNECT {address}") + b"GET / HTTP/1.1\r\n\r\n"
        assert 0 < len(await raw(url, tunnel)) < 700_000


async def test_obstore_is_not_led_elsewhere() -> None:
    """A store that redirects is an error, and the gateway would have to be passed again anyway."""
    from ryze_tui.backend.integrations.s3 import TROUBLE, Client, Failure, target

    echo = Echo()

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{other}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()

    async with server(echo) as other, server(elsewhere) as address, gateway() as made:
        values = {"region": "", "bucket": "media", "accessKey": "AK", "endpoint": f"http://{address}"}
        egress = Egress(allow_private=True)
        with pytest.raises(Failure) as told:
            await Client(egress, made).put(target(values, {"secretKey": "s"}), "key", b"x", {})
        assert told.value.kind == TROUBLE
    assert echo.connections == 0
