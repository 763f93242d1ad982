"""Many instances change their state at a given rate; afterwards all are as before."""

from __future__ import annotations

from collections import deque
from typing import Final

from ...table import Happening
from .engine import SimulatedEngine
from .link import Link, Phase

TICK: Final = 0.02
REASON: Final = "storm: stream error"


class Storm:
    """Links go down and come up in turn; those that are down at the end come back at the same rate."""

    def __init__(self, engine: SimulatedEngine, links: list[Link], rate: float, seconds: float) -> None:
        self._engine, self._rate, self._seconds = engine, rate, seconds
        self._up = deque((link, link.attempt) for link in links)
        self._down: deque[tuple[Link, int]] = deque()
        self._began = engine.clock.monotonic()
        self._done = 0
        self._stopped = False
        self._tick()

    def stop(self) -> None:
        """No more changes, and what is down comes up at once."""
        self._stopped = True
        while self._down:
            self._raise()

    def _tick(self) -> None:
        if self._stopped:
            return
        elapsed = self._engine.clock.monotonic() - self._began
        while self._done < self._rate * elapsed and not self._over(elapsed):
            self._done += 1
            # Half of the changes break links, half bring them back.
            if self._up and elapsed < self._seconds and (self._done % 2 or not self._down):
                self._break()
            else:
                self._raise()
        if not self._over(elapsed):
            self._engine.clock.call_later(TICK, self._tick)

    def _over(self, elapsed: float) -> bool:
        return not self._down and (elapsed >= self._seconds or not self._up)

    def _break(self) -> None:
        link, attempt = self._up.popleft()
        if link.attempt == attempt and link.phase is Phase.ONLINE:
            link.quiet()
            self._engine.tell(link, Happening.DISCONNECTED, {"reason": REASON})
            self._down.append((link, attempt))

    def _raise(self) -> None:
        if not self._down:
            return
        link, attempt = self._down.popleft()
        if link.attempt == attempt and link.phase is Phase.OFF and link.session is not None:
            self._engine.online(link)
            self._up.append((link, attempt))
