"""A proxy in the test's own loop: HTTP CONNECT and SOCKS5 on one port, which counts, and knows every way to fail."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CountingProxy:
    """`upstream`: the local addresses it dialled targets from, in order; `asked`: what for; `heads`: of HTTP, as they came.

    `mood`: well, silent (accepts and says nothing), or an answer's bytes that it gives to whatever comes. While `stuck` is clear
    nothing is carried, and no connection ends.
    """

    def __init__(self, username: str = "", password: str = "", *, tls: ssl.SSLContext | None = None) -> None:
        self.username, self.password, self.tls = username, password, tls
        self.accepted = 0
        self.asked: list[tuple[str, int]] = []
        self.heads: list[bytes] = []
        self.upstream: list[tuple[str, int]] = []
        self.mood: str | bytes = "well"
        self.stuck = asyncio.Event()
        self.stuck.set()
        self.resolves: dict[str, tuple[str, int]] = {}
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """On the same port as before, after the first time."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Everything it carries breaks."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, ValueError):
                if self.mood == "silent":
                    await reader.read()
                elif isinstance(self.mood, bytes):
                    await reader.read(1)
                    writer.write(self.mood)
                    await reader.read()
                else:
                    first = await reader.readexactly(1)
                    await (self._socks if first == b"\x05" else self._http)(first, reader, writer)
        finally:
            writer.transport.abort()

    async def _http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        wanted = base64.b64encode(f"{self.username}:{self.password}".encode())
        if self.username and b"Proxy-Authorization: Basic " + wanted + b"\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        if (streams := await self._dial(host.strip("[]"), int(port))) is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: test\r\n\r\n")
        await self._carry(reader, writer, *streams)

    async def _socks(self, _first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        method = 2 if self.username else 0
        writer.write(bytes([5, method if method in methods else 255]))
        if method not in methods:
            return
        if method:
            await reader.readexactly(1)
            username = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            good = (username, password) == (self.username, self.password)
            writer.write(bytes([1, 0 if good else 1]))
            if not good:
                return
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = ".".join(map(str, await reader.readexactly(4)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        streams = await self._dial(host, port)
        writer.write(bytes([5, 0 if streams else 5, 0, 1, 0, 0, 0, 0, 0, 0]))
        if streams:
            await self._carry(reader, writer, *streams)

    async def _dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self.asked.append((host, port))
        host, port = self.resolves.get(host, (host, port))
        assert host in ("127.0.0.1", "::1"), f"{host} is not this machine"
        try:
            streams = await asyncio.open_connection(host, port)
        except OSError:
            return None
        self.upstream.append(tuple(streams[1].get_extra_info("sockname"))[:2])
        return streams

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader, far_writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                await self.stuck.wait()
                sink.write(data)
                await sink.drain()

        pumps = [asyncio.ensure_future(pump(reader, far_writer)), asyncio.ensure_future(pump(far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in pumps:
                one.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            far_writer.transport.abort()


@asynccontextmanager
async def counting_proxy(
    username: str = "", password: str = "", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[CountingProxy]:
    """A proxy that runs."""
    proxy = CountingProxy(username, password, tls=tls)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
