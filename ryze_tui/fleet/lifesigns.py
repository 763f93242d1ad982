"""Whether open sockets live: one look at all of them, instead of a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from ..client.clock import Clock
from ..client.stream import Socket, StreamEnded

PONG: Final = 10.0
"""Seconds that a ping may go unanswered."""
_LOOK: Final = 2.0
"""Seconds between two looks, at least."""


@dataclass(slots=True, eq=False)
class _Held:
    socket: Socket
    opened_at: float
    heard: Callable[[float], None]
    limit: asyncio.Timeout
    asking: asyncio.Task[None] | None = None
    error: StreamEnded | None = None


class LifeSigns:
    """Asks sockets that were silent for `interval()` seconds for a sign of life, and ends those which give none.

    The server's pings prove a socket as well as ours do, and cost nothing. With a timer of its own each, two hundred of them woke
    an idle console eight times a second.
    """

    def __init__(self, clock: Clock, interval: Callable[[], float]) -> None:
        self._clock, self._interval = clock, interval
        self._held: set[_Held] = set()
        self._opened = asyncio.Event()

    @asynccontextmanager
    async def of(self, socket: Socket, heard: Callable[[float], None]) -> AsyncIterator[None]:
        """What is done with `socket` in here ends with StreamEnded when it is dead. `heard(at)`: when it last was not."""
        held = _Held(socket, self._clock.monotonic(), heard, asyncio.timeout(None))
        try:
            async with held.limit:
                self._held.add(held)
                self._opened.set()
                yield
        except TimeoutError as error:
            if held.error is None:
                raise
            raise held.error from error
        finally:
            self._held.discard(held)
            if held.asking is not None:
                held.asking.cancel()

    async def run(self) -> None:
        """Look, for ever; while nothing is open, wait."""
        while True:
            await self._opened.wait()
            if not self._held:
                self._opened.clear()
                continue
            await self._clock.sleep(self._look())

    def _look(self) -> float:
        """Look at all; seconds until the next one can have been silent for too long."""
        interval, longest = self._interval(), 0.0
        for held in self._held:
            quiet = self._quiet(held)
            if quiet < interval:
                longest = max(longest, quiet)
            elif held.asking is None:
                held.asking = asyncio.create_task(self._ask(held), name="ask")
        return max(_LOOK, interval - longest)

    def _quiet(self, held: _Held) -> float:
        now = self._clock.monotonic()
        quiet = min(held.socket.silence(), now - held.opened_at)
        held.heard(now - quiet)
        return quiet

    async def _ask(self, held: _Held) -> None:
        try:
            await held.socket.ping(PONG)
        except StreamEnded as error:
            held.error = error
            held.limit.reschedule(asyncio.get_running_loop().time())
            return
        held.asking = None
        self._quiet(held)
