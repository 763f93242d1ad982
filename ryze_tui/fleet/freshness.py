"""How true the screen is: a pure judgement from what was proven when. Cheap to import; times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..api.errors import RyzeError, TokenRefused

CONNECTING: Final = "connecting"
LIVE: Final = "live"
POLLING: Final = "polling"
STALE: Final = "stale"
OFFLINE: Final = "offline"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Link:
    """What the badge says. `since`: monotonic second at which the rows were last proven (of our start while they never were).

    `age`: seconds since then, at the moment of asking. `retry_at`: monotonic second of the next attempt, 0 when none is planned.
    `message`: what is wrong, in words; empty when nothing is. While `live`, a list that cannot be read; while `polling`, why
    there is no stream.
    """

    kind: str = CONNECTING
    since: float = 0.0
    age: float = 0.0
    retry_at: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the sockets prove. `complete`: every row that can be streamed is; `proof`: when the quietest of them was last heard.

    `silence`: seconds for which that proof stands. `rest`: rows exist that only a list tells about. `trouble`: why the streams
    do not prove everything, in words.
    """

    complete: bool = False
    proof: float = 0.0
    silence: float = 0.0
    rest: bool = False
    trouble: str = ""


class Freshness:
    """Collects proofs and failures; `link` judges them. `good_for`: seconds for which a list stands."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.coverage = Coverage()
        self.good_for = 0.0
        self._listed: float | None = None
        self._doubted = float("-inf")
        self._failure: RyzeError | None = None
        self._away = False
        self._retry_at = 0.0

    def listed(self, asked_at: float) -> None:
        """A whole list was read."""
        self._listed = max(asked_at, self._listed or asked_at)
        self._failure, self._away, self._retry_at = None, False, 0.0

    def failed(self, error: RyzeError, retry_at: float) -> None:
        """A list could not be read; the next attempt is at `retry_at`."""
        self._failure, self._away, self._retry_at = error, False, retry_at

    def lost(self, error: RyzeError, retry_at: float) -> None:
        """The server is not there at all; the next attempt is at `retry_at`."""
        self._failure, self._away, self._retry_at = error, True, retry_at

    def recovered(self, lost_at: float) -> None:
        """The server answers again: nothing is proven by that, and what was listed before it was away does not stand any more."""
        if self._away:
            self._failure, self._away, self._retry_at, self._doubted = None, False, 0.0, lost_at

    def whole(self) -> float | None:
        """The monotonic second as of which every single row is proven, streamed or not; None before there is one."""
        proof = self.coverage.proof or None  # of the moment at which they were complete, also when they are not any more
        if self.coverage.complete and self.coverage.rest:
            return None if self._listed is None or proof is None else min(self._listed, proof)
        return max((moment for moment in (self._listed, proof) if moment is not None), default=None)

    def _list_stands(self, now: float) -> bool:
        return self._listed is not None and self._listed >= self._doubted and now - self._listed <= self.good_for

    def is_live(self, now: float) -> bool:
        """Whether heartbeats prove every streamed row, and a fresh list the others."""
        coverage = self.coverage
        return coverage.complete and now - coverage.proof <= coverage.silence and (not coverage.rest or self._list_stands(now))

    def link(self, now: float) -> Link:
        """The badge at this moment."""
        proof = self.began if self._listed is None else self._listed
        if not self.coverage.rest or self._listed is None:  # rows that only a list tells of are as old as the list
            proof = max(proof, self.coverage.proof)
        message = self._failure.message if self._failure is not None else self.coverage.trouble
        return Link(self._kind(now), proof, max(0.0, now - proof), self._retry_at, message)

    def _kind(self, now: float) -> str:
        if isinstance(self._failure, TokenRefused):
            return REFUSED
        if self.is_live(now):
            return LIVE
        never = self._listed is None and not self.coverage.proof
        if self._failure is None:
            if never:
                return CONNECTING
            return POLLING if self._list_stands(now) else STALE
        return OFFLINE if never or self._away else STALE

    def next_change(self, now: float) -> float | None:
        """The monotonic second at which time alone may change the badge; None when it cannot."""
        moments = []
        if self.coverage.complete:
            moments.append(self.coverage.proof + self.coverage.silence)
        if self._listed is not None:
            moments.append(self._listed + self.good_for)
        return min((moment for moment in moments if moment >= now), default=None)
