"""Whether the server answers at all: one place that knows, so that an outage is probed once and not by every socket."""

from __future__ import annotations

import asyncio

from ..api.errors import RyzeError
from ..client.clock import Clock
from .scheduler import Random, probe_after


class Reach:
    """Up until a connection fails; then down, with the time of the next probe, until something answers."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._up = asyncio.Event()
        self._up.set()
        self._failures = 0
        self.retry_at = 0.0

    @property
    def up(self) -> bool:
        """Whether the last thing we heard of the server was an answer."""
        return self._up.is_set()

    def lost(self, error: RyzeError) -> float:
        """A connection failed; returns the monotonic second of the next probe. Failures of one moment count once."""
        now = self._clock.monotonic()
        if self.up or now >= self.retry_at:
            self.retry_at = now + probe_after(self._failures, self._random)
            self._failures += 1
            self._up.clear()
        return self.retry_at

    def found(self) -> None:
        """The server answered something."""
        self._failures, self.retry_at = 0, 0.0
        self._up.set()

    async def wait(self) -> None:
        """Until the server answers."""
        await self._up.wait()
