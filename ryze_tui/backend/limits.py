"""Requests a minute: two fixed windows of 60 s per token, one of creations and one of everything else (contract §7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .clock import Clock

WINDOW: Final = 60.0
GLOBAL: Final = "global"
CREATE: Final = "new"
CREATE_SHARE: Final = 5
"""Creations are a fifth of the rest: 20 of 100."""

_PRUNE_AT: Final = 10_000


@dataclass(slots=True, frozen=True)
class Verdict:
    """What a request is told. `reset` is in Unix seconds, `retry_after` in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int

    def headers(self) -> dict[str, str]:
        """`X-RateLimit-*`, and `Retry-After` on a refusal."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }
        return headers if self.allowed else headers | {"Retry-After": str(self.retry_after)}


class Limits:
    """`rate` is the global bucket's size; 0 switches limits off."""

    def __init__(self, rate: int, clock: Clock) -> None:
        self._sizes = {GLOBAL: rate, CREATE: max(1, rate // CREATE_SHARE)}
        self._off = rate <= 0
        self._clock = clock
        self._windows: dict[tuple[str, str], list[float]] = {}

    def count(self, key: str, bucket: str) -> Verdict | None:
        """Count a request of `key`; None when limits are off."""
        if self._off:
            return None
        now, size = self._clock.now(), self._sizes[bucket]
        window = self._windows.get((key, bucket))
        if window is None or now >= window[0] + WINDOW or now < window[0]:
            self._prune(now)
            window = self._windows[key, bucket] = [now, 0]
        allowed = window[1] < size
        window[1] += allowed
        end = window[0] + WINDOW
        return Verdict(allowed, size, size - int(window[1]), math.ceil(end), max(1, math.ceil(end - now)))

    def _prune(self, now: float) -> None:
        if len(self._windows) >= _PRUNE_AT:
            self._windows = {key: window for key, window in self._windows.items() if now < window[0] + WINDOW}
