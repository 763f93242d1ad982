"""Connections are kept for the next request where both sides go on, and never used when the server has closed them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from ryze_tui.api.errors import NoAnswer, RyzeError, Unreachable
from ryze_tui.client.transport import KEPT, Answer, Bounds, Transport

from tests.fakes.hostile import reply, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request of each connection with `says(number of the request)`; None closes the connection instead."""

    def __init__(self, says: Callable[[int], bytes | None]) -> None:
        self.says, self.url, self.connections, self.requests = says, "", 0, 0
        self.open: set[asyncio.StreamWriter] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                self.requests += 1
                if (answer := self.says(self.requests)) is None:
                    break
                writer.write(answer)
                if b"Connection: close" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@asynccontextmanager
async def kept(says: Callable[[int], bytes | None] = lambda _n: OK) -> AsyncIterator[tuple[Server, Transport]]:
    server = Server(says)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    transport = Transport(server.url)
    try:
        yield server, transport
    finally:
        await transport.close()
        listening.close()


async def ask(transport: Transport, method: str = "GET", content: bytes | None = None, path: str = "/a") -> Answer:
    return await transport.send(method, path, headers={"token": "t"}, content=content, bounds=Bounds())


async def test_one_connection_for_requests_one_after_the_other() -> None:
    async with kept() as (server, transport):
        for method, content in (("GET", None), ("POST", b'{"a": 1}'), ("POST", None), ("DELETE", None)):
            assert (await ask(transport, method, content)).text == "{}"
        assert (server.connections, server.requests) == (1, 4)


async def test_one_for_each_at_once_of_which_some_are_kept() -> None:
    async with kept() as (server, transport):
        await asyncio.gather(*(ask(transport) for _ in range(30)))
        assert server.connections == 30
        while len(server.open) > KEPT:
            await asyncio.sleep(0.001)
        await asyncio.gather(*(ask(transport) for _ in range(KEPT)))
        assert server.connections == 30, "those that are kept are enough"
        await transport.close()
        while server.open:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("how", ["closed", "close header", "says more", "HTTP/1.0"])
async def test_a_connection_that_the_server_is_done_with_is_not_used_again(how: str) -> None:
    answers = {
        "close header": OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), "says more": OK + b"HTTP/1.1 200 OK\r\n",
        "HTTP/1.0": OK.replace(b"1.1", b"1.0"),
    }  # fmt: skip
    async with kept(lambda _n: answers.get(how, OK)) as (server, transport):
        await ask(transport)
        if how == "closed":
            for writer in list(server.open):
                writer.close()
            await asyncio.sleep(0)
        await ask(transport)
        assert (server.connections, server.requests) == (2, 2)


async def test_a_request_is_not_sent_twice_when_its_connection_breaks() -> None:
    async with kept(lambda number: OK if number == 1 else None) as (server, transport):
        await ask(transport)
        with pytest.raises(NoAnswer, match="broke off its answer"):
            await ask(transport, "POST", b"{}")
        assert server.requests == 2, "it may have been done"


async def test_one_that_is_given_up_takes_its_connection_with_it() -> None:
    async with kept(lambda _n: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") as (server, transport):
        task = asyncio.create_task(ask(transport))
        while not server.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while server.open:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["chunked", "interim", "to the end", "no reason"],
)  # fmt: skip
async def test_the_forms_of_an_answer(answer: bytes) -> None:
    async with kept(lambda _n: answer) as (_server, transport):
        assert (await ask(transport)).text == "{}"


async def test_headers_of_an_answer() -> None:
    lines = b"HTTP/1.1 200 OK\r\nX-Two: a\r\nX-Two: b\r\nX-Name: caf\xe9\r\nX-More: caf\xc3\xa9\r\n"
    async with kept(lambda _n: lines + b"Content-Length: 0\r\n\r\n") as (_server, transport):
        headers = (await ask(transport)).headers
    assert (headers["x-two"], headers["x-name"], headers["x-more"]) == ("a, b", "café", "café")


async def test_what_cannot_be_sent_is_not_sent() -> None:
    async with kept() as (server, transport):
        for headers, path in (({"a": "b\r\nc: d"}, "/a"), ({"a": "ü"}, "/a"), ({}, "/a b"), ({}, "/ü")):
            with pytest.raises(RyzeError, match="the request could not be made"):
                await transport.send("GET", path, headers=headers, content=None, bounds=Bounds())
        assert not server.requests


async def test_a_path_of_the_address_stays() -> None:
    async with serving(reply("200 OK", b"{}")) as server:
        transport = Transport(server.url + "/behind")
        await ask(transport, path="/api/x?y=z")
        await transport.close()
    assert server.requests[0].startswith("GET /behind/api/x?y=z HTTP/1.1\r\n")
    assert f"Host: {server.url[7:]}\r\n" in server.requests[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_the_reason_of_a_refusal_whatever_a_name_stands_for(host: str) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        transport = Transport(f"http://{host}:{taken.getsockname()[1]}")
        with pytest.raises(Unreachable, match="refuses connections"):
            await ask(transport)


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
async def test_a_host_that_is_no_name(host: str) -> None:
    with pytest.raises(RyzeError, match=r"could not be made|is not known"):
        await ask(Transport(f"http://{host}:1"))
