"""One WebSocket: a bounded queue, a sender that runs only while there is something to send, and the close codes.

1001 the server stops, 1008 the instance is gone or the token was revoked, 1013 it reads too slowly (contract §8 #34, #35).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from .bus import Frames

INSTANCE_FRAMES: Final = 256
ACCOUNT_FRAMES: Final = 10_000
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_SOCKETS: Final = 16
"""Per instance, and per account for account streams."""

ABANDON_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 15.0


class Socket:
    """A listener of the bus. `run` returns when it is over, whoever ended it."""

    def __init__(self, websocket: WebSocket, *, max_frames: int, max_bytes: int = MAX_BYTES) -> None:
        self._websocket = websocket
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._queue: deque[str | Frames] = deque()
        self._bytes = 0
        self._sender: asyncio.Task[None] | None = None
        self._close: tuple[int, str] | None = None
        self._open = True
        self._runner: asyncio.Task[object] | None = None
        self._abandoned = False
        self._over = False

    def push(self, frame: str | Frames) -> None:
        """Queue a frame; a queue that is full closes the socket with 1013."""
        if self._close is not None or not self._open:
            return
        self._queue.append(frame)
        if isinstance(frame, str):
            self._bytes += len(frame)
        if len(self._queue) > self._max_frames or self._bytes > self._max_bytes:
            self._queue.clear()
            self.close(1013, "reading too slowly")
        self._start()

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then close; a client that does not read it is dropped after ABANDON_SECONDS."""
        if self._close is None:
            self._close = (code, reason)
            asyncio.get_running_loop().call_later(ABANDON_SECONDS, self._abandon)
            self._start()

    async def run(self) -> None:
        """Read (and ignore) what the client sends until the socket is over."""
        self._runner = asyncio.current_task()
        try:
            while (await self._websocket.receive())["type"] != "websocket.disconnect":
                pass
        except asyncio.CancelledError:
            if not self._abandoned or self._runner is None:
                raise
            self._runner.uncancel()
        finally:
            self._open, self._over = False, True
            self._queue.clear()
            if self._sender is not None and not self._sender.done():
                self._sender.cancel()

    def _abandon(self) -> None:
        """A client that reads nothing at all does not even read the close frame: stop waiting for it."""
        if not self._over and self._runner is not None:
            self._abandoned = True
            self._runner.cancel()

    def _start(self) -> None:
        if self._open and (self._sender is None or self._sender.done()):
            self._sender = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._queue and self._open:
                frame = self._queue.popleft()
                if isinstance(frame, str):
                    self._bytes -= len(frame)
                    await self._websocket.send_text(frame)
                    continue
                for text in frame():
                    await self._websocket.send_text(text)
                await asyncio.sleep(0)  # a large snapshot lets others run in between
            if self._close is not None and self._open and self._websocket.application_state is WebSocketState.CONNECTED:
                self._open = False
                await self._websocket.close(*self._close)
        except WebSocketDisconnect:
            self._open = False
