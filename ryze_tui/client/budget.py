"""The rate budget of one token: what the server says is left, and what we keep for the person."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from .clock import SYSTEM, Clock

WINDOW: Final = 60.0
"""Seconds of a rate window (contract §7)."""
ASSUMED_LIMIT: Final = 100
"""Requests a minute while the server has not said otherwise (contract §7)."""
CREATIONS: Final = 20
"""The same for `POST /api/instance/new` (contract §7)."""
KEPT_FOR_PERSON: Final = 30
"""Requests a minute that background work never touches."""
KEPT_MOST: Final = 0.3
"""Of a server's limit: where it is small, background work would do one request a minute."""


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def date_of(headers: Mapping[str, str], name: str = "date") -> float | None:
    """An HTTP date in Unix seconds; None when there is none."""
    from email.utils import parsedate_to_datetime  # 5 ms that the first list does not wait for

    try:
        return parsedate_to_datetime(headers.get(name, "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def is_spent(headers: Mapping[str, str]) -> bool:
    """Whether a 429 with these headers is about requests: with some left it is about something else (contract §7, §8 #36)."""
    return "retry-after" in headers or not _number(headers, "x-ratelimit-remaining")


class Budget:
    """Requests left of one token in one bucket. Without rate headers it counts our own requests against `assumed` a minute."""

    def __init__(self, clock: Clock = SYSTEM, assumed: int = ASSUMED_LIMIT) -> None:
        self._clock, self._assumed = clock, assumed
        self._limit: int | None = None
        self._left = 0
        self._ends = 0.0  # monotonic
        self._blocked = 0.0  # monotonic
        self._sent: deque[float] = deque()

    @property
    def limit(self) -> int | None:
        """Requests a window, as the server said; None when it never did."""
        return self._limit

    @property
    def remaining(self) -> int | None:
        """Requests left in this window; None while the server has not said."""
        if self._limit is None:
            return None
        return self._limit if self._clock.monotonic() >= self._ends else self._left

    @property
    def reset_at(self) -> float | None:
        """Unix seconds when the window ends; None while unknown."""
        left = self._ends - self._clock.monotonic()
        return None if self._limit is None else self._clock.time() + max(0.0, left)

    def spend(self) -> None:
        """A request is being sent."""
        now = self._clock.monotonic()
        self._forget(now)
        self._sent.append(now)
        if self._limit is not None:
            if now >= self._ends:
                self._left, self._ends = self._limit, now + WINDOW
            self._left = max(0, self._left - 1)

    def earlier(self, count: int) -> None:
        """Requests that another program of ours has just sent; nothing when the server has told how many are left."""
        if self._limit is None:
            self._sent.extend([self._clock.monotonic()] * count)

    def told(self, headers: Mapping[str, str]) -> None:
        """Read `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds on the server's clock)."""
        limit, left, reset = (_number(headers, f"x-ratelimit-{word}") for word in ("limit", "remaining", "reset"))
        if limit is None or left is None:
            return
        now = self._clock.monotonic()
        span = WINDOW if reset is None else min(reset - (date_of(headers) or self._clock.time()), WINDOW)
        known = self._limit is not None and now < self._ends
        if span <= 0.0:
            # A window that is over: a late answer, or a server without a date whose clock is behind ours.
            span = self._ends - now if known else WINDOW
        # Answers of one window can overtake each other: the smallest number is the truth.
        same_window = known and abs(now + span - self._ends) < 5.0
        self._limit, ends = int(limit), now + span
        # What is under way was not counted when this was written; the ends are whole seconds.
        ours = sum(at >= ends - WINDOW - 2.0 for at in self._sent)
        self._left = max(0, min(self._left if same_window else self._limit, int(left), self._limit - ours))
        self._ends = ends

    def refused(self, retry_after: float) -> None:
        """A 429 came: nothing more is sent for `retry_after` seconds."""
        now = self._clock.monotonic()
        self._blocked = max(self._blocked, now + retry_after)
        if self._limit is not None:
            self._left, self._ends = 0, max(self._ends, now + retry_after)

    def wait(self, *, keep: int = 0) -> float:
        """Seconds until one more request leaves at least `keep`; 0 when it may be sent now."""
        now = self._clock.monotonic()
        self._forget(now)
        blocked = max(0.0, self._blocked - now)
        if self._limit is not None:
            if now < self._ends and self._left <= min(keep, int(self._limit * KEPT_MOST)):
                return max(blocked, self._ends - now)
            return blocked
        allowed = self._assumed - keep
        if len(self._sent) >= allowed:
            return max(blocked, self._sent[len(self._sent) - allowed] + WINDOW - now)
        return blocked

    def blocked(self) -> float:
        """Seconds for which the server refused everything (429); 0 when it did not."""
        return max(0.0, self._blocked - self._clock.monotonic())

    def is_idle(self) -> bool:
        """Nothing was sent for a window, and nothing is refused: a new budget would say the same."""
        now = self._clock.monotonic()
        self._forget(now)
        return not self._sent and now >= max(self._blocked, self._ends)

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()


class Budgets:
    """One budget per token and bucket (`POST /api/instance/new` has its own)."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._all: dict[tuple[str, str], Budget] = {}
        self._kept: set[str] = set()
        self._crowded = 500

    def keep(self, token: str) -> None:
        """Never forget this token's budgets; those of instances are forgotten when they are as good as new."""
        self._kept.add(token)

    def of(self, token: str, bucket: str = "") -> Budget:
        """The budget of a token's bucket, made when first asked for."""
        key = (token, bucket)
        if key not in self._all:
            if len(self._all) >= self._crowded:
                self._all = {key: one for key, one in self._all.items() if key[0] in self._kept or not one.is_idle()}
                self._crowded = 500 + 2 * len(self._all)
            self._all[key] = Budget(self._clock, CREATIONS if bucket else ASSUMED_LIMIT)
        return self._all[key]
