"""HTTP through an instance's proxy, for engines that fetch media over HTTP: every request in a tunnel, plain ones too."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpcore
import httpx

from .egress import Egress, Forbidden, client_on
from .engine.port import ProxyUse
from .tunnel import OPEN_SECONDS, Streams, TunnelError, open_tunnel


def proxied_client(egress: Egress, proxy: ProxyUse) -> httpx.AsyncClient:
    """A client whose every connection goes through this proxy; close it.

    Its requests raise httpx.ConnectError with the tunnel's words when there is no way through, and never go another way.
    """
    return client_on(_Tunnels(egress, proxy), egress.tls())


class _Tunnels(httpcore.AsyncNetworkBackend):
    def __init__(self, egress: Egress, proxy: ProxyUse) -> None:
        self._egress, self._proxy = egress, proxy

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await open_tunnel(self._egress, self._proxy, host, port, timeout or OPEN_SECONDS))
        except TunnelError as error:
            raise httpcore.ConnectError(str(error)) from error

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise Forbidden("Unix sockets may not be dialled")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """asyncio's streams as httpcore wants them."""

    def __init__(self, streams: Streams, below: _Stream | None = None) -> None:
        self._reader, self._writer = streams
        self._below = below  # a writer that nobody holds closes its transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            async with asyncio.timeout(timeout):
                self._writer.write(buffer)
                await self._writer.drain()
        except TimeoutError:
            raise httpcore.WriteTimeout from None
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """TLS with the target, inside the tunnel, whose other end is TLS as well with an HTTPS proxy."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(self._writer.transport, protocol, ssl_context, server_hostname=server_hostname)
        except TimeoutError:
            await self.aclose()
            raise httpcore.ConnectTimeout from None
        except OSError as error:  # also every ssl.SSLError
            await self.aclose()
            raise httpcore.ConnectError(str(error)) from error
        assert transport is not None
        protocol.connection_made(transport)
        return _Stream((reader, asyncio.StreamWriter(transport, protocol, reader, loop)), self)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # whether a connection that idles was closed by the other side
            return self._reader.at_eof()
        return self._writer.get_extra_info(info)
