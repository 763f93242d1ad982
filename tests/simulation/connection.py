"""One end of a WebSocket as the `websockets` library shows it: frames in order with delays, half-open, held back or broken."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

if TYPE_CHECKING:
    from .server import Server

_numbers = count()


class Connection:
    """`name`: the instance it follows, None for the account stream. `proof`: when anything of the server last arrived."""

    def __init__(self, server: Server, name: str | None) -> None:
        self.server, self.name = server, name
        self.number = next(_numbers)
        self.opened = self.arrived = server.now
        self.frozen_at: float | None = None
        self.behind = False
        self.code: int | None = None
        self._queue: deque[bytes] = deque()
        self._held: list[bytes] = []
        self._last = 0.0
        self._waiter: asyncio.Future[None] | None = None

    # -- the server's side ---------------------------------------------------------------------------------------------

    def send(self, frame: str, delay: float, *, in_order: bool = True) -> None:
        now = self.server.now
        at = now + delay
        if in_order:
            at = self._last = max(self._last + 1e-6, at)  # timers of one moment have no order
        asyncio.get_running_loop().call_at(at, self._arrive, frame.encode())

    def _arrive(self, frame: bytes) -> None:
        if self.code is not None or self.frozen_at is not None:
            return
        if self.server.hole or self._held:
            self._held.append(frame)
            return
        self.arrived = self.server.now
        self._queue.append(frame)
        self._wake()

    def go_on(self) -> None:
        """What was held back arrives now, late."""
        held, self._held = self._held, []
        for frame in held:
            self._arrive(frame)

    def freeze(self) -> None:
        """Half-open: nothing arrives any more, and nothing says so."""
        if self.frozen_at is None:
            self.frozen_at = self.server.now

    def end(self, code: int) -> None:
        """Closed or broken by the server. A half-open one does not hear it."""
        self.server.connections.discard(self)
        if self.server.hole:
            self.freeze()
        if self.frozen_at is None:
            self.code = code
            self._wake()

    @property
    def healthy(self) -> bool:
        """What the server says arrives."""
        return self.code is None and self.frozen_at is None and not self._held and not self.server.hole

    @property
    def heard(self) -> float:
        """When anything arrived, the server's own pings included (they need no events of the simulation)."""
        until = self.server.now if self.frozen_at is None else self.frozen_at
        if not self.server.pings or self.server.hole:
            return self.arrived
        return max(self.arrived, self.opened + (until - self.opened) // self.server.pings * self.server.pings)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- our side ------------------------------------------------------------------------------------------------------

    async def recv(self, decode: bool) -> bytes:
        while not self._queue:
            if self.code is not None:
                raise ConnectionClosedError(None if self.code == 1006 else Close(self.code, ""), None)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    async def ping(self) -> asyncio.Future[None]:
        if self.code is not None:
            raise ConnectionClosedError(None, None)
        pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.healthy:
            asyncio.get_running_loop().call_later(0.1, self._pong, pong)
        return pong

    def _pong(self, pong: asyncio.Future[None]) -> None:
        if self.healthy and not pong.done():
            self.arrived = self.server.now
            pong.set_result(None)

    async def close(self) -> None:
        self.code = self.code or 1000
        self.server.connections.discard(self)
        self._wake()
