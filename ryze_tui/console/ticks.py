"""Coalescing: the first change after quiet is drawn at once, a burst at most 20 times a second, the last one always."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

PERIOD: Final = 1 / 20
"""Seconds between two drawings of a burst."""
SLOWEST: Final = 1.0
"""The same on a line that does not carry them."""
RECOVERY: Final = 0.95
"""What each drawing that went through makes of the pause: back to 20 a second in half a minute."""


class Coalescer:
    """Calls `draw` for any number of `poke`s.

    `busy()` true: the terminal is behind, the frame is dropped, and the next ones come at longer intervals: what waits in a line,
    where nobody can take it back, is what every key waits for. `failed` gets what `draw` raises.
    """

    def __init__(self, draw: Callable[[], None], busy: Callable[[], bool], failed: Callable[[Exception], None]) -> None:
        self._draw, self._busy, self._failed = draw, busy, failed
        self._last = float("-inf")
        self._period = PERIOD
        self._timer: asyncio.TimerHandle | None = None

    def poke(self) -> None:
        """Something changed."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._last + self._period - loop.time()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        if self._busy():
            self._period = min(self._period * 2, SLOWEST)
            self.poke()
            return
        self._period = max(self._period * RECOVERY, PERIOD)
        try:
            self._draw()
        except Exception as error:  # noqa: BLE001 - a timer has no caller: asyncio would log it and leave a lying screen
            self._failed(error)

    def stop(self) -> None:
        """Forget what is pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
