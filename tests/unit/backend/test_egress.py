"""What may be dialled, and that what was checked is what is dialled."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Sequence

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.egress import ANSWER_BYTES, Egress, Forbidden, TooLarge, Whole, inner, refusal

NEVER = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "224.0.0.1", "ff02::1", "0.0.0.0", "0.1.2.3",
    "::", "255.255.255.255", "240.0.0.1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::", "64:ff9b::a9fe:a9fe", "::169.254.169.254",
    "168.63.129.16", "::ffff:168.63.129.16", "fd00:42::42",
]
PRIVATE = ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1", "100.64.0.1", "::ffff:10.0.0.1",
           "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "feff::1"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("text", NEVER)
def test_never(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), allow_private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_only_where_allowed(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), allow_private=False)
    assert not refusal(ipaddress.ip_address(text), allow_private=True)


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert not refusal(ipaddress.ip_address(text), allow_private=False)


@given(st.ip_addresses())
def test_without_private_only_global_unicast_is_dialled(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not refusal(address, allow_private=False):
        seen = inner(address)
        assert seen.is_global
        assert not (seen.is_private or seen.is_loopback or seen.is_link_local or seen.is_multicast or seen.is_reserved)


class Dns:
    """Answers the first question with one address and every later one with another."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def serve(answer: bytes, seen: list[bytes]) -> asyncio.Server:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def test_a_name_that_turns_private_is_refused_and_nothing_is_sent() -> None:
    seen: list[bytes] = []
    async with await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", seen) as server:
        egress = Egress(allow_private=False, resolver=Dns(["127.0.0.1"]))
        with pytest.raises(Forbidden, match="this server itself"):
            await egress.post(f"http://hooks.example:{port_of(server)}/", content=b"{}", headers={}, seconds=5)
        with pytest.raises(Forbidden, match="may not be dialled"):
            await egress.addresses("hooks.example", 80)
        await egress.close()
    assert seen == []


async def test_the_address_checked_is_the_address_dialled() -> None:
    seen: list[bytes] = []
    async with await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", seen) as server:
        dns = Dns(["169.254.169.254", "127.0.0.1"], ["169.254.169.254"])
        egress = Egress(allow_private=True, resolver=dns)
        reply = await egress.post(f"http://hooks.example:{port_of(server)}/x", content=b"{}", headers={"X-A": "b"}, seconds=5)
        assert (reply.status, reply.text, dns.asked) == (200, "ok", 1)
        assert b"host: hooks.example" in seen[0].lower()
        await egress.close()


async def test_redirects_are_not_followed_and_answers_are_cut_and_cleaned() -> None:
    seen: list[bytes] = []
    body = b"\x1b[31m" + b"x" * 100_000
    head = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with await serve(head + body, seen) as server:
        egress = Egress(allow_private=True)
        reply = await egress.post(f"http://127.0.0.1:{port_of(server)}/", content=b"", headers={}, seconds=5)
        assert reply.status == 302
        assert "\x1b" not in reply.text and len(reply.text) <= ANSWER_BYTES
        await egress.close()
    assert len(seen) == 1


async def test_headers_of_other_letters_go_out_as_they_are() -> None:
    """In UTF-8: what was stored and is never sent would cost every delivery."""
    seen: list[bytes] = []
    async with await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", seen) as server:
        egress, url = Egress(allow_private=True), f"http://127.0.0.1:{port_of(server)}/"
        headers = {"Authorization": "Bearer ключ é"}
        assert (await egress.post(url, content=b"", headers=headers, seconds=5)).status == 200
        assert (await egress.request("GET", url, headers=headers, seconds=5, most=10)).status == 200
        await egress.close()
    assert len(seen) == 2 and all("authorization: bearer ключ é\r\n" in head.decode().lower() for head in seen)


async def test_a_receiver_s_cookies_are_not_kept_for_the_next_request() -> None:
    """One client serves all accounts: what one's receiver sets must not go along with another's request."""
    seen: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=theirs; Path=/\r\nContent-Length: 2\r\n\r\nok"
    async with await serve(answer, seen) as server:
        egress = Egress(allow_private=True)
        for _again in range(2):
            await egress.post(f"http://127.0.0.1:{port_of(server)}/", content=b"", headers={}, seconds=5)
            await egress.fetch(f"http://127.0.0.1:{port_of(server)}/", most=9, seconds=5)
        await egress.close()
    assert len(seen) == 4 and not [head for head in seen if b"cookie" in head.lower()]


async def test_an_answer_that_never_ends_costs_its_seconds() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        egress = Egress(allow_private=True)
        with pytest.raises(TimeoutError):
            await egress.post(f"http://127.0.0.1:{port_of(server)}/", content=b"", headers={}, seconds=0.05)
        await egress.close()


@pytest.mark.parametrize("length", [b"Content-Length: 11\r\n", b""])
async def test_no_more_is_fetched_than_was_wanted(length: bytes) -> None:
    seen: list[bytes] = []
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: image/png\r\n" + length + b"\r\n"
    async with await serve(head + b"hello world", seen) as server:
        egress = Egress(allow_private=True)
        url = f"http://127.0.0.1:{port_of(server)}/"
        assert await egress.fetch(url, most=11, seconds=5) == Whole(200, b"hello world", "image/png")
        with pytest.raises(TooLarge):
            await egress.fetch(url, most=10, seconds=5)
        await egress.close()
    assert b"accept-encoding: identity" in seen[0].lower()


async def test_nothing_is_fetched_from_where_nobody_may_dial() -> None:
    seen: list[bytes] = []
    async with await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", seen) as server:
        egress = Egress(allow_private=False)
        with pytest.raises(Forbidden, match="this server itself"):
            await egress.fetch(f"http://127.0.0.1:{port_of(server)}/", most=10, seconds=5)
        await egress.close()
    assert seen == []


async def test_a_connection_that_was_kept_and_is_dead_is_not_a_failed_attempt() -> None:
    """Servers close what is idle whenever they like; what was sent into it at that moment is sent again, on a new connection."""
    connections: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            connections[-1] += 1
            if connections[-1] > 1 or refusing:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    refusing: list[int] = []
    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        egress = Egress(allow_private=True)
        for _again in range(3):
            reply = await egress.post(f"http://127.0.0.1:{port_of(server)}/", content=b"", headers={}, seconds=5)
            assert reply.status == 200
        assert connections == [2, 2, 1]
        refusing.append(1)
        with pytest.raises(httpx.RemoteProtocolError):
            await egress.post(f"http://127.0.0.1:{port_of(server)}/", content=b"", headers={}, seconds=5)
        assert connections == [2, 2, 2, 1], "a new one that dies is a failure"
        await egress.close()


async def test_a_whole_answer_is_taken_up_to_its_size_and_redirects_are_told() -> None:
    seen: list[bytes] = []
    head = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Type: Text/Plain; charset=x\r\n"
    head += b"Content-Length: %d\r\n\r\n"
    async with await serve(head % 5000 + b"y" * 5000, seen) as server:
        egress, url = Egress(allow_private=True), f"http://127.0.0.1:{port_of(server)}/a"
        told = await egress.request("GET", url, seconds=5, most=5000, query={"q": "+55"})
        assert (told.status, len(told.content), told.media_type) == (302, 5000, "text/plain")
        assert told.location == "http://169.254.169.254/"
        assert seen[0].startswith(b"GET /a?q=%2B55 HTTP/1.1")
        with pytest.raises(TooLarge):
            await egress.request("GET", url, seconds=5, most=4999)
        await egress.close()
    assert len(seen) == 2


async def test_an_answer_that_does_not_say_its_size_is_cut_off_too() -> None:
    seen: list[bytes] = []
    async with await serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 5000, seen) as server:
        egress = Egress(allow_private=True)
        with pytest.raises(TooLarge):
            await egress.request("GET", f"http://127.0.0.1:{port_of(server)}/", seconds=5, most=4999)
        await egress.close()


async def test_no_request_goes_where_it_may_not() -> None:
    egress = Egress(allow_private=False)
    with pytest.raises(Forbidden):
        await egress.request("PUT", "http://127.0.0.1:1/", seconds=5, most=1, json={})
    await egress.close()


async def test_a_receiver_that_only_ever_says_go_on_is_not_listened_to_without_end() -> None:
    """Nobody else's deliveries would have their turn until its seconds are over."""
    sent = 0

    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 400)
                await writer.drain()
                sent += 10_000

    async with await asyncio.start_server(go_on, "127.0.0.1", 0) as server:
        egress, url = Egress(allow_private=True), f"http://127.0.0.1:{port_of(server)}/"
        for ask in (egress.post(url, content=b"", headers={}, seconds=30), egress.fetch(url, most=9, seconds=30)):
            with pytest.raises(httpx.RemoteProtocolError, match="do not end"):
                await ask
        await egress.close()
    assert sent < 20 << 20
