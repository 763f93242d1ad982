"""An event loop whose time is virtual: a week of waiting runs in seconds, and the same way every time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from ryze_tui.client.clock import Breath

T = TypeVar("T")
EPOCH = 1_790_000_000.0


class _Selector(selectors.SelectSelector):
    """Never waits: what the loop would have slept is added to its clock."""

    skipped = 0.0
    steps = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.steps += 1
        # Nothing comes from outside but a wake-up now and then: looking for it at each step would cost a tenth of the time.
        ready = super().select(0) if timeout is None or self.steps % 64 == 0 else []
        if not ready and timeout:
            self.skipped += timeout
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen any more")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return 1000.0 + self._virtual.skipped


class VirtualClock:
    """The Clock of the loop that is running. `drift`: seconds for which the machine slept; `step`: by which the clock was set."""

    drift = 0.0
    step = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def elapsed(self) -> float:
        return self.monotonic() + self.drift

    def time(self) -> float:
        return EPOCH + self.elapsed() + self.step

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _no_breath(self: Breath) -> None:
    """Real work takes no virtual time."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a virtual loop."""
    real, Breath.__call__ = Breath.__call__, _no_breath  # type: ignore[method-assign]
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(coroutine)
    finally:
        Breath.__call__ = real  # type: ignore[method-assign]


class Manual:
    """A clock set by hand, for pure code."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.wall = EPOCH

    def monotonic(self) -> float:
        return self.now

    def elapsed(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall + self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
