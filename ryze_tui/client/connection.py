"""The WebSocket library's connection, made fair: whatever a server sends, keys are answered and memory stays bounded.

Imports websockets (35 ms), so it is itself imported with the first socket.
"""

from __future__ import annotations

import socket
import time
from asyncio import BaseTransport
from typing import Any, ClassVar, Final

from websockets.asyncio.client import ClientConnection

SLICE: Final = 4096
"""Bytes read into frames at once. As many bytes can hold 2,000 pings, which the library answers without ever giving way."""
TURN: Final = 0.005
"""Seconds after which a connection rests for twice the time it took, one connection after the other."""
BEHIND_MOST: Final = 1 << 18
"""Bytes that the system keeps for us: what a flood says is old by the time it is read, and Linux would keep 6 MB of it."""
UNSENT_MOST: Final = 1 << 20
"""Bytes of answers (pongs) that may wait for a server which sends but does not read."""
BIG: Final = 1 << 18
"""Bytes of a frame behind which no other may wait: sixteen of the largest would be 256 MB."""


class FairConnection(ClientConnection):
    """Notes when anything arrived (200 sockets with pings of our own would idle at twice the cost), and takes turns."""

    heard = 0.0
    free_at: ClassVar[float] = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        """The library pauses reading when frames wait to be taken; so do we when it is others' turn."""
        self._late = bytearray()
        self._resting = self._full = False
        super().connection_made(transport)
        if (opened := transport.get_extra_info("socket")) is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BEHIND_MOST)
        self.recv_messages.pause, self.recv_messages.resume = self._fill, self._drain
        self._marks = self.recv_messages.high, self.recv_messages.low

    def data_received(self, data: bytes) -> None:
        """Bytes arrived: read them now, or keep them until it is our turn again."""
        self._late += data
        self._work()

    def eof_received(self) -> None:
        """Nothing more will come: what is left is read first."""
        if self._late:
            rest = bytes(self._late)
            self._late.clear()
            super().data_received(rest)
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over; what was not read yet is of no use."""
        self._late.clear()
        super().connection_lost(exc)

    def send_data(self) -> None:
        """Two thousand pongs go out as one write."""
        waiting = self.protocol.writes
        if len(waiting) > 1 and all(waiting):  # an empty one stands for the end
            self.protocol.writes = [b"".join(waiting)]
        super().send_data()

    def process_event(self, event: Any) -> None:
        """One frame was read."""
        self.heard = time.monotonic()
        queue = self.recv_messages
        if not queue.paused:  # how many frames may wait, and at how many reading goes on
            queue.high, queue.low = (0, 0) if len(getattr(event, "data", b"")) > BIG else self._marks
        super().process_event(event)

    def _work(self) -> None:
        began = time.perf_counter()
        while self._late and not (self._resting or self._full):
            if self.transport.is_closing():
                self._late.clear()  # an answer would be written to nobody
                return
            piece = bytes(self._late[:SLICE])
            del self._late[:SLICE]
            super().data_received(piece)
            if (took := time.perf_counter() - began) > TURN:
                self._rest(took)
        self._sync()

    def _rest(self, took: float) -> None:
        if self.transport.get_write_buffer_size() > UNSENT_MOST:
            self.transport.abort()
            return
        self._resting = True
        FairConnection.free_at = max(self.loop.time(), FairConnection.free_at) + 2 * took
        self.loop.call_at(FairConnection.free_at, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._work()

    def _fill(self) -> None:
        self._full = True
        self._sync()

    def _drain(self) -> None:
        self._full = False
        self.loop.call_soon(self._work)  # not now: it is a frame being taken that called us

    def _sync(self) -> None:
        if self._late or self._resting or self._full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
