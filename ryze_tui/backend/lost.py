"""uvicorn's WebSocket protocol, and what it lacks: a peer that takes nothing any more is let go with what waits for it.

Its `transport.close()` waits until everything is sent, which is for ever (a quarter of an hour in TCP's own time) when the
other side went away in silence.
"""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FLUSH_SECONDS: Final = 5.0
"""How long a socket that is over may take to send its rest."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """Ends sockets for certain."""

    _pongs = b""

    def handle_ping(self) -> None:
        """Answered when the peer takes something again: pongs that nobody reads would fill the memory. The last ones will do."""
        if self.writable.is_set():
            super().handle_ping()
        elif pongs := b"".join(self.conn.data_to_send()):
            self._pongs = pongs

    def resume_writing(self) -> None:
        """It takes something again."""
        super().resume_writing()
        pongs, self._pongs = self._pongs, b""
        if pongs:
            self.transport.write(pongs)

    def keepalive_timeout(self) -> None:
        """No pong came."""
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    async def run_asgi(self) -> None:
        """The whole life of the socket as the application sees it."""
        await super().run_asgi()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(FLUSH_SECONDS, self.transport.abort)
