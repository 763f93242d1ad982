"""When the next list is to be read, and of which names: wishes, doubts, pauses after failures, and how many a minute. No I/O."""

from __future__ import annotations

from typing import Final

from ..api.errors import RateLimited, RyzeError
from .scheduler import LISTS_A_MINUTE, Pace, Random, backoff

DETAIL: Final = 1.0
"""Seconds that wishes for details are collected."""
FEW: Final = 20
"""Names that one narrowed list asks for at most."""
CATCH_UP: Final = 60.0
"""Seconds after an outage in which lists have a pace of their own, whatever was read before, unless all is proven sooner."""
LISTS_AFTER_OUTAGES: Final = 6


class Agenda:
    """Times are monotonic seconds. `asked`: when the last whole list was asked for; `failures`: lists that failed in a row."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pace = Pace(LISTS_A_MINUTE, 60.0)
        self._outages = Pace(LISTS_AFTER_OUTAGES, 60.0)
        self._catch_up_until = 0.0
        self._wishes: dict[str, float] = {}
        self._doubt: float | None = None
        self._not_before = 0.0
        self.asked: float | None = None
        self.failures = 0

    # -- what makes a list due -----------------------------------------------------------------------------------------

    def want(self, name: str, now: float) -> None:
        """Something only a list tells about this row is missing; it is read soon, together with others."""
        self._wishes.setdefault(name, now + DETAIL)

    def known(self, name: str) -> None:
        """It is not missing any more."""
        self._wishes.pop(name, None)

    def doubt(self, now: float) -> None:
        """Something contradicts what we know: the whole list must be read, and asked for from now on."""
        self._doubt = now

    def back(self, now: float, lost_at: float, *, told: bool) -> None:
        """The server is there again. `told`: a stream tells what happened since `lost_at`, else the list does."""
        self._doubt = None if told else lost_at
        self._catch_up_until = 0.0 if told else now + CATCH_UP
        self.failures, self._not_before = 0, 0.0

    # -- what became of it ---------------------------------------------------------------------------------------------

    def spend(self, now: float) -> None:
        """A list is being asked for."""
        self._pace_at(now).spend(now)

    def was_read(self, names: list[str] | None, asked_at: float, now: float) -> bool:
        """A list was read (None: the whole one); whether those before it had failed."""
        recovered, self.failures, self._not_before = self.failures > 0, 0, 0.0
        if recovered:
            self._catch_up_until = now + CATCH_UP
        for name in names if names is not None else list(self._wishes):
            if self._wishes.get(name, asked_at + DETAIL) <= asked_at + DETAIL:
                self._wishes.pop(name, None)
        if names is None and self._doubt is not None and self._doubt <= asked_at:
            self._doubt = None
        return recovered

    def caught_up(self) -> None:
        """Streams prove every row again."""
        self._catch_up_until = 0.0

    def failed(self, error: RyzeError, now: float) -> float:
        """A list could not be read, though the server is there; when the next one may be asked for."""
        pause = error.retry_after if isinstance(error, RateLimited) else backoff(self.failures, self._random, first=1.0)
        self.failures += 1
        self._not_before = now + pause
        return self._not_before

    # -- when ----------------------------------------------------------------------------------------------------------

    def due(self, now: float, usual: float, spare: float) -> tuple[float, list[str] | None]:
        """When, and of which names (None: all). `usual`: when the next is due by itself; `spare`: when the budget allows it."""
        names: list[str] | None = None
        at = now if self.asked is None or self._doubt is not None or self.failures else usual
        if self._wishes and (wish := min(self._wishes.values())) < at:
            at = wish
            names = sorted(self._wishes) if len(self._wishes) <= FEW else None
        pace = now if self.failures else self._pace_at(now).ready_at(now)
        return max(at, self._not_before, spare, pace), names

    def _pace_at(self, now: float) -> Pace:
        return self._outages if now < self._catch_up_until else self._pace
