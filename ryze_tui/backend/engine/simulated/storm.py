"""Many instances change their state at a given rate; afterwards all are as before."""

from __future__ import annotations

from typing import Final

from ...table import Happening
from .engine import SimulatedEngine
from .link import Link, Phase

TICK: Final = 0.02
TRIES: Final = 8
AT_ONCE: Final = 100
"""Changes in one step of the loop: a machine that cannot bear the rate still serves everybody else in between."""

REASON: Final = "storm: stream error"


class Storm:
    """One link after the other, taken at random, goes down or comes up; what is down at the end comes back at the same rate.

    A link that somebody connects, drops or deletes meanwhile is left alone.
    """

    def __init__(self, engine: SimulatedEngine, links: list[Link], rate: float, seconds: float) -> None:
        self._engine, self._rate, self._seconds = engine, rate, seconds
        self._links = [(link, link.attempt) for link in links]
        self._down: dict[Link, int] = {}
        self._began = engine.clock.monotonic()
        self._done = 0
        self._stopped = False
        self._tick()

    def stop(self) -> None:
        """No more changes, and what is down comes up at once."""
        self._stopped = True
        while self._down:
            self._raise_next()

    def _tick(self) -> None:
        if self._stopped:
            return
        elapsed = self._engine.clock.monotonic() - self._began
        blowing = elapsed < self._seconds
        for _change in range(AT_ONCE):
            if self._done >= self._rate * elapsed or not (blowing or self._down):
                break
            self._done += 1
            if blowing:
                self._toggle_one()
            else:
                self._raise_next()
        if blowing or self._down:
            behind = self._done < self._rate * elapsed
            self._engine.clock.call_later(0.0 if behind else TICK, self._tick)

    def _toggle_one(self) -> None:
        for _ in range(TRIES):
            link, attempt = self._engine.rng.choice(self._links)
            if link in self._down:
                self._raise(link)
                return
            if link.attempt == attempt and link.phase is Phase.ONLINE:
                link.quiet()
                self._engine.tell(link, Happening.DISCONNECTED, {"reason": REASON})
                self._down[link] = attempt
                return

    def _raise_next(self) -> None:
        self._raise(next(iter(self._down)))

    def _raise(self, link: Link) -> None:
        if self._down.pop(link) == link.attempt and link.phase is Phase.OFF and link.session is not None:
            self._engine.online(link)
