"""What stands for WhatsApp's own server: a listener on loopback that links with a proxy dial through it, and stay on."""

from __future__ import annotations

import asyncio
from typing import Final

from ...errors import EngineError

HELLO: Final = b"RYZE-SIMULATED-FRONT 1\n"
WELCOME: Final = b"WELCOME\n"
PING: Final = b"PING\n"
PONG: Final = b"PONG\n"


class Front:
    """Listens from the first question for its address on. `held`: who is on now; `accepted`: how many there ever were."""

    def __init__(self) -> None:
        self.accepted = 0
        self.held: set[tuple[str, int]] = set()
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._talks: set[asyncio.Task[None]] = set()

    async def address(self) -> tuple[str, int]:
        """Host and port. Raises EngineError."""
        async with self._starting:
            if self._server is None:
                try:
                    self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1024)
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

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        talk = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: tuple[str, int] = tuple(writer.get_extra_info("peername") or ("", 0))[:2]
        self.held.add(peer)
        try:
            if await reader.readline() != HELLO:
                return
            writer.write(WELCOME)
            while await reader.readline() == PING:
                writer.write(PONG)
                await writer.drain()
        except (OSError, ValueError):
            pass  # it is gone, or says what no link says
        finally:
            self.held.discard(peer)
            writer.transport.abort()
