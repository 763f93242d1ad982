"""Whether the server answers at all: one place that knows, so that an outage is probed once and not by every socket."""

from __future__ import annotations

import asyncio

from ..client.clock import Clock
from .scheduler import Random, knock_after, probe_after

_EARLY = 0.001
"""Seconds by which a timer may be early: an attempt made then is the one that was planned."""


class Reach:
    """Up until a connection fails; then down, with the time of the next probe, until something answers."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._up = asyncio.Event()
        self._up.set()
        self._since = 0.0
        self._failures = 0
        self.retry_at = 0.0

    @property
    def up(self) -> bool:
        """Whether the last thing we heard of the server was an answer."""
        return self._up.is_set()

    def lost(self, *, opened: bool = False, asked_at: float | None = None) -> float:
        """A connection failed; returns the monotonic second of the next probe. Failures of one moment count once.

        `opened`: it was taken, and then nothing came of it. Such a server is asked less often, since each time costs it work,
        counted from `asked_at`: one that hung for long is asked again soon, so that somebody waits when it goes on.
        """
        now = self._clock.monotonic()
        if self.up:
            self._since, self._failures = now, 0
            self.retry_at = now + knock_after(0.0, self._random)
            self._up.clear()
        elif now >= self.retry_at - _EARLY:
            self._failures = self._failures + 1 if opened else 0
            wait = probe_after(self._failures - 1, self._random) if opened else knock_after(now - self._since, self._random)
            self.retry_at = max((now if asked_at is None else asked_at) + wait, now + knock_after(0.0, self._random))
        return self.retry_at

    def found(self) -> None:
        """The server answered something."""
        self.retry_at = 0.0
        self._up.set()

    async def wait(self) -> None:
        """Until the server answers."""
        await self._up.wait()
