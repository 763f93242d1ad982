"""What stands for WhatsApp's own servers: a listener on loopback that links with a proxy stay on, and that has their media."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ... import accepting
from ...errors import EngineError

HELLO: Final = b"RYZE-SIMULATED-FRONT 1\n"
WELCOME: Final = b"WELCOME\n"
PING: Final = b"PING\n"
PONG: Final = b"PONG\n"
_MEDIA: Final = b"GET /media/"


class Front:
    """Listens from the first question for its address on. `held`: who is on now; `accepted`: how many there ever were."""

    def __init__(self) -> None:
        self.accepted = 0
        self.held: set[tuple[str, int]] = set()
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._media: dict[bytes, bytes] = {}
        self._talks: set[asyncio.Task[None]] = set()

    async def address(self) -> tuple[str, int]:
        """Host and port. Raises EngineError."""
        async with self._starting:
            if self._server is None:
                try:
                    self._server = await accepting.serve(self._accept, accepting.loopback(), limit=1024)
                except OSError as error:
                    raise EngineError(f"the simulated WhatsApp cannot listen on 127.0.0.1: {error.strerror}") from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """Hang up on everybody."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    @contextmanager
    def offered(self, content: bytes) -> Iterator[str]:
        """For the length of the block there are these bytes at the path that it gets."""
        name = secrets.token_hex(16)
        self._media[name.encode()] = content
        try:
            yield f"/media/{name}"
        finally:
            del self._media[name.encode()]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        talk = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: tuple[str, int] = tuple(writer.get_extra_info("peername") or ("", 0))[:2]
        self.held.add(peer)
        try:
            first = await reader.readline()
            if first.startswith(_MEDIA):
                await self._give(first, reader, writer)
            if first != HELLO:
                return
            writer.write(WELCOME)
            while await reader.readline() == PING:
                writer.write(PONG)
                await writer.drain()
        except (OSError, ValueError):
            pass  # it is gone, or says what no link says
        finally:
            self.held.discard(peer)
            writer.close()

    async def _give(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer of HTTP, and the end."""
        while (await reader.readline()).strip():
            pass
        content = self._media.get(first.removeprefix(_MEDIA).partition(b" ")[0])
        status = b"404 Not Found" if content is None else b"200 OK"
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(content or b""))
        writer.write(head + (content or b""))
        await writer.drain()
