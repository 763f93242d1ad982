"""Time as an argument: the loop's clock, and the shape that a virtual one has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """Make sure that the callback does not run."""


class Clock(Protocol):
    """All time that the backend knows."""

    def now(self) -> float:
        """Unix seconds, whole milliseconds, so that what is sent and what is kept are equal."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Timer:
        """Run `callback(*args)` in the loop after `delay` seconds."""


class LoopClock:
    """The clock of the running event loop."""

    def now(self) -> float:
        """Unix seconds."""
        return round(time.time(), 3)

    def monotonic(self) -> float:
        """Seconds of the loop's own clock."""
        return time.monotonic()

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Timer:
        """Run `callback(*args)` in the loop after `delay` seconds."""
        return asyncio.get_running_loop().call_later(delay, callback, *args)


def elapsed(clock: Clock) -> float:
    """Seconds that never go back, those in which the machine slept counted, where the system tells them."""
    if isinstance(clock, LoopClock) and hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return clock.monotonic()


def rfc3339(moment: float) -> str:
    """Unix seconds -> `2026-01-01T00:00:00.000Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
