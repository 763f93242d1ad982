"""Keeps an account's list and history on disk while the program runs: at most every half minute, and at the end.

The disk is touched in a thread, and what is written is put together in slices: no key waits for it. A disk that refuses is
reported once in the program's log and stops nobody's work.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from ..client.clock import Breath, Clock
from ..fleet import cache, history, keeping
from ..fleet.model import FleetModel

_log = logging.getLogger(__name__)

FIRST: Final = 5.0
"""Seconds after the first list until it is kept: the start is over by then."""
PERIOD: Final = 30.0
"""Seconds between two writings while things change."""

Aside = Callable[[Callable[[], None]], Awaitable[None]]


class Keeper:
    """`proven()`: monotonic second as of which the whole list was proven, None before that. `aside` runs what blocks."""

    def __init__(
        self, url: str, token: str, model: FleetModel, clock: Clock, proven: Callable[[], float | None], *,
        aside: Aside = asyncio.to_thread,
    ) -> None:
        self._url, self._token, self._model, self._clock, self._proven = url, token, model, clock, proven
        self._aside = aside
        self._history = history.History()
        self._dirty = asyncio.Event()
        self._writing = threading.Lock()
        self._began = False
        self._complained = False
        self._last: float | None = None
        self._offset = clock.time() - clock.monotonic()

    async def open(self) -> None:
        """Read what is remembered; the first list that comes is then completed by it. Milliseconds for fifty rows."""
        kept = history.look(self._url, self._token)
        if kept is not None:
            await self._history.load(kept)
            self._model.recall = self._history.recall

    def changed(self) -> None:
        """Rows changed."""
        if self._model.loaded:
            if not self._began:
                self._began, self._model.recall = True, None
                self._history.forget()
            self._dirty.set()

    async def run(self) -> None:
        """Write while things change, until cancelled."""
        pause = FIRST
        try:
            while True:
                await self._dirty.wait()
                await self._clock.sleep(pause)
                self._dirty.clear()
                await self._save()
                pause = PERIOD
        finally:
            self._last = self._proven()  # now: what proves it is about to be closed

    def save_now(self) -> None:
        """At the end: what is known now, all in one go."""
        if (seen := self._seen()) is not None:
            rows = list(self._model.rows.values())
            self._write(seen, [cache.line_of(row) for row in rows], [history.line_of(row, seen) for row in rows])

    async def _save(self) -> None:
        seen, breath = self._seen(), Breath()
        if seen is None:
            return
        lists, pasts = [], []
        for row in list(self._model.rows.values()):
            lists.append(cache.line_of(row))
            pasts.append(history.line_of(row, seen))
            await breath()
        await self._aside(lambda: self._write(seen, lists, pasts))

    def _seen(self) -> float | None:
        """Unix second as of which the whole list was true; None when there is none yet."""
        keeping.masked.cache_clear()
        proofs = [moment for moment in (self._proven(), self._last) if moment is not None]
        now = self._clock.monotonic()
        # While the machine sleeps the monotonic clock stands still: what was proven before that is not moved to after it.
        offset, self._offset = min(self._offset, self._clock.time() - now), self._clock.time() - now
        return min(max(proofs), now) + offset if proofs and self._model.loaded else None

    def _write(self, seen: float, lists: list[str], pasts: list[str]) -> None:
        with self._writing:
            try:
                if name := keeping.fingerprint(self._url, self._token, make=True):
                    keeping.write(cache.path(name), cache.KIND, seen=seen, lines=lists)
                    keeping.write(history.path(name), history.KIND, seen=seen, lines=pasts)
            except OSError as error:
                if not self._complained:
                    self._complained = True
                    _log.warning("the list cannot be kept for the next start: %s", error)
