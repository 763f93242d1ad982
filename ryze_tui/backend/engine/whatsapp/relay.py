"""The way of links through their proxies: their workers dial us on loopback, and we dial the proxy by the rules of egress.

So a worker never learns a proxy's address, user name or password, what is checked is what is dialled, and when there is no way
through we know why in our own words. The socket that listens is the worker's, which hands it over when it starts; only that
worker's links know the passwords that lead through it, and they lead to WhatsApp's hosts only.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import re
import secrets as entropy
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ....outside.proxy import ProxyUse
from ... import accepting
from ...egress import Egress
from ...tunnel import Streams, TunnelError, open_tunnel

log = logging.getLogger(__name__)

HOSTS: Final = ("whatsapp.com", "whatsapp.net")
READ_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 8 * 1024
HEAD_SECONDS: Final = 10.0
_CONNECT: Final = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):(\d{1,5}) HTTP/1\.[01]\r\n")
_GIVEN: Final = re.compile(rb"(?i)\r\nProxy-Authorization: *Basic +([A-Za-z0-9+/=]+) *\r\n")


@dataclass(slots=True)
class Leave:
    """What one link may use: its proxy, and where it is told how that went (None: it is through)."""

    proxy: ProxyUse
    told: Callable[[TunnelError | None], None]
    password: str = field(default_factory=lambda: entropy.token_urlsafe(24), repr=False)


class Relay:
    """Serves the socket of one worker; made in the loop, closed when the worker is gone."""

    def __init__(self, egress: Egress, listener: socket.socket) -> None:
        self._egress, self._listener = egress, listener
        self._leaves: dict[str, Leave] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to serve. Raises OSError."""
        self._server = await accepting.serve(self._accept, self._listener, limit=HEAD_BYTES)

    def url(self, link: str, port: int, proxy: ProxyUse, told: Callable[[TunnelError | None], None]) -> str:
        """What the link is given as its proxy: a secret, and the only one that counts for it from now on."""
        leave = self._leaves[link] = Leave(proxy, told)
        return f"http://{link}:{leave.password}@127.0.0.1:{port}"

    def forget(self, link: str) -> None:
        """The link may not use its proxy any more; what it has open stays until it closes that."""
        self._leaves.pop(link, None)

    async def close(self) -> None:
        """Break everything off."""
        if self._server is not None:
            self._server.close()
        self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve((reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Streams) -> None:
        reader, writer = client
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            asked, leave = _CONNECT.match(head), self._leave(head)
            if leave is None:
                return _answer(writer, "407 Proxy Authentication Required")
            if asked is None or not _is_whatsapp(asked[1].decode()):
                return _answer(writer, "403 Forbidden")
            await self._through(client, leave, asked[1].decode(), int(asked[2]))
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError) as error:
            log.debug("a link's way through its proxy ended: %s", type(error).__name__)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    def _leave(self, head: bytes) -> Leave | None:
        given = _GIVEN.search(head)
        try:
            link, _, password = base64.b64decode(given[1], validate=True).decode().partition(":") if given else ("", "", "")
        except (binascii.Error, UnicodeDecodeError):
            return None
        leave = self._leaves.get(link)
        return leave if leave is not None and hmac.compare_digest(leave.password.encode(), password.encode()) else None

    async def _through(self, client: Streams, leave: Leave, host: str, port: int) -> None:
        try:
            far = await open_tunnel(self._egress, leave.proxy, host, port)
        except TunnelError as error:
            leave.told(error)
            return _answer(client[1], "502 Bad Gateway")
        leave.told(None)
        try:
            _answer(client[1], "200 OK")
            ways = [asyncio.create_task(_pump(client[0], far[1])), asyncio.create_task(_pump(far[0], client[1]))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far[1].transport.abort()
            client[1].transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(READ_BYTES):
        sink.write(data)
        await sink.drain()


def _answer(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())


def _is_whatsapp(host: str) -> bool:
    name = host.lower().rstrip(".")
    return any(name == known or name.endswith(f".{known}") for known in HOSTS)
