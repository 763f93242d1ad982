"""Bringing saved sessions back when the server starts: a steady rate with jitter, and a bound on how many dial at once.

Many logins from one address in one moment are what hurts numbers, and a start must not starve those who call already.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from .clock import Clock
from .record import Record

TICK: Final = 0.02
SLOW_SECONDS: Final = 10.0
"""A dial that takes longer holds up nobody else any more."""


class Revival:
    """Dials one record after the other. `dial` never raises; `busy` says whether a record that was dialled still dials."""

    def __init__(
        self, records: Iterable[Record], clock: Clock, rng: random.Random, *, rate: float, at_once: int,
        dial: Callable[[Record], None], busy: Callable[[Record], bool],
    ) -> None:  # fmt: skip
        self._waiting = deque(records)
        self._clock, self._rng, self._dial, self._busy = clock, rng, dial, busy
        self._rate, self._at_once = rate, max(at_once, 1)
        self._tick = max(TICK, 1 / rate)
        self._begun: dict[Record, float] = {}
        self._stopped = False

    def latest(self, position: int) -> float:
        """Seconds after which the record at this position has been dialled, whatever the others do."""
        return 2 * self._tick + position / self._rate + (position // self._at_once) * (SLOW_SECONDS + 2 * self._tick)

    def start(self) -> None:
        """Begin; the first ones are dialled in the next step of the loop."""
        self._next()

    def stop(self) -> None:
        """No more dials."""
        self._stopped = True
        self._waiting.clear()

    def _next(self) -> None:
        if self._stopped or not self._waiting:
            return
        self._clock.call_later(self._tick, self._next)
        now = self._clock.monotonic()
        self._begun = {
            record: begun for record, begun in self._begun.items() if now - begun < SLOW_SECONDS and self._busy(record)
        }
        free = self._at_once - len(self._begun)
        for _ in range(min(len(self._waiting), free, max(1, round(self._rate * self._tick)))):
            record = self._waiting.popleft()
            self._begun[record] = now
            # Each in a step of its own, somewhere in this tick.
            self._clock.call_later(self._rng.uniform(0, self._tick), self._one, record)

    def _one(self, record: Record) -> None:
        if not self._stopped:
            self._dial(record)
