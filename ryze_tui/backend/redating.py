"""The wall clock was set: since when every instance is in its state moves along, so that it lasts as long as it did."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from .catalog import Catalog
from .clock import Clock, Timer, elapsed
from .events.bus import Bus
from .record import Record

LOOK: Final = 5.0
"""Seconds between two looks."""
STEP: Final = 10.0
"""Seconds by which a clock that was set differs; less than that may be a busy machine."""
log = logging.getLogger(__name__)


class Touch(Protocol):
    """Of the store."""

    def touch(self, record: Record) -> None:
        """Write it soon."""


class Redating:
    """`start` to look, `close` to stop. A machine that slept was not set; a virtual one that was paused looks as if it were."""

    def __init__(self, catalog: Catalog, store: Touch, bus: Bus, clock: Clock) -> None:
        self._catalog, self._store, self._bus, self._clock = catalog, store, bus, clock
        self._ahead = 0.0
        self._timer: Timer | None = None

    def start(self) -> None:
        """From now on."""
        self._ahead = self._clock.now() - elapsed(self._clock)
        self._catalog.before_dating = self.look
        self._timer = self._clock.call_later(LOOK, self._look)

    def close(self) -> None:
        """No more."""
        if self._timer is not None:
            self._timer.cancel()
            self._catalog.before_dating = lambda: None

    def _look(self) -> None:
        self._timer = self._clock.call_later(LOOK, self._look)
        self.look()

    def look(self) -> None:
        """Notice it now: what is dated afterwards is dated by the new time, and must not be moved."""
        step = self._clock.now() - elapsed(self._clock) - self._ahead
        if abs(step) < STEP:
            return
        self._ahead += step
        log.warning("the clock was set by %+.0f s: since when instances are in their states moves along", step)
        for record in self._catalog.by_id.values():
            record.since += step
            record.changed()
            self._store.touch(record)
            self._bus.row(record)
