"""The way through proxies: for links of the worker, to WhatsApp, and for nobody else to nowhere else."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from ryze_tui.backend.egress import Egress
from ryze_tui.backend.engine.port import ProxyUse
from ryze_tui.backend.engine.whatsapp.relay import Relay
from ryze_tui.backend.tunnel import Fault, TunnelError

from tests.fakes.proxy import CountingProxy


class Way:
    def __init__(self, relay: Relay, port: int, proxy: CountingProxy) -> None:
        self.relay, self.port, self.proxy = relay, port, proxy
        self.told: list[TunnelError | None] = []

    def password(self, link: str, password: str = "secret-1", port: int = 0) -> str:
        use = ProxyUse("http", "127.0.0.1", port or self.proxy.port, "user", password)
        return self.relay.url(link, self.port, use, self.told.append).split(":")[2].partition("@")[0]

    async def ask(self, target: str, link: str = "", password: str = "", head: bytes = b"") -> tuple[bytes, bytes]:
        """The status line, and what comes after `ping` is said through it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        given = base64.b64encode(f"{link}:{password}".encode()).decode()
        asked = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
        asked += f"Proxy-Authorization: Basic {given}\r\n" if link else ""
        try:
            writer.write(head or (asked + "\r\n").encode())
            async with asyncio.timeout(10):
                status = await reader.readline()
                if b" 200 " not in status:
                    return status.strip(), b""
                await reader.readline()
                writer.write(b"ping\n")
                return status.strip(), await reader.readline()
        finally:
            writer.close()


@pytest_asyncio.fixture
async def way() -> AsyncIterator[Way]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"echo " + await reader.readline())
        writer.close()

    echoing = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = CountingProxy("user", "secret-1")
    proxy.resolves["web.whatsapp.com"] = ("127.0.0.1", echoing.sockets[0].getsockname()[1])
    await proxy.start()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    relay = Relay(Egress(allow_private=True), listener)
    await relay.open()
    yield Way(relay, listener.getsockname()[1], proxy)
    await relay.close()
    await proxy.stop()
    echoing.close()


async def test_a_link_gets_through(way: Way) -> None:
    password = way.password("link")
    assert await way.ask("web.whatsapp.com:443", "link", password) == (b"HTTP/1.1 200 OK", b"echo ping\n")
    assert way.told == [None] and way.proxy.asked == [("web.whatsapp.com", 443)]


async def test_nobody_without_the_password_of_now(way: Way) -> None:
    refused = (b"HTTP/1.1 407 Proxy Authentication Required", b"")
    assert await way.ask("web.whatsapp.com:443", "link", "guess") == refused
    old = way.password("link")
    assert await way.ask("web.whatsapp.com:443") == refused
    assert await way.ask("web.whatsapp.com:443", "other", old) == refused
    assert await way.ask("web.whatsapp.com:443", "link", way.password("link") and old) == refused
    new = way.password("link")
    way.relay.forget("link")
    assert await way.ask("web.whatsapp.com:443", "link", new) == refused
    assert way.proxy.asked == [] and way.told == []


@pytest.mark.parametrize(
    "target", ["example.com:443", "whatsapp.com.example.com:443", "evilwhatsapp.com:443", "127.0.0.1:22", "169.254.169.254:80"]
)
async def test_nowhere_but_to_whatsapp(way: Way, target: str) -> None:
    assert await way.ask(target, "link", way.password("link")) == (b"HTTP/1.1 403 Forbidden", b"")
    assert way.proxy.asked == []


async def test_a_proxy_that_refuses_is_told_in_our_words(way: Way) -> None:
    assert (await way.ask("web.whatsapp.com:443", "link", way.password("link", "wrong")))[0] == b"HTTP/1.1 502 Bad Gateway"
    assert (await way.ask("web.whatsapp.com:443", "link", way.password("link", port=9)))[0] == b"HTTP/1.1 502 Bad Gateway"
    assert [error.fault for error in way.told if error is not None] == [Fault.CREDENTIALS, Fault.UNREACHABLE]
    assert not any("wrong" in str(error) for error in way.told)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"x" * 9000 + b"\r\n\r\n"])
async def test_noise(way: Way, head: bytes) -> None:
    status, _ = await way.ask("", head=head)
    assert status in (b"HTTP/1.1 407 Proxy Authentication Required", b"")
