"""When to ask: pure rules for polling, retrying and opening sockets. Times are monotonic seconds, randomness comes in."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from ..api import states
from .model import Row

Random = Callable[[], float]
"""A number in [0, 1)."""

LISTS_A_MINUTE: Final = 4
POLL: Final = 20.0
"""Seconds between lists while some rows are told by lists only."""
POLL_COVERED: Final = 45.0
"""Seconds between lists while every row is streamed: instances that others create or delete show up this way."""
POLL_MOST: Final = 300.0
RETRY_MOST: Final = 30.0
SOCKETS_A_SECOND: Final = 8.0
SOCKETS_AT_ONCE: Final = 16
SOCKETS_MOST: Final = 200

_RANK: Final = {
    states.CONNECTING: 0, states.CONNECTED: 1, states.UNKNOWN: 2, states.DISCONNECTED: 3, states.LOGGEDOUT: 4, states.BANNED: 5,
}


def backoff(failures: int, random: Random, *, first: float = 0.5, most: float = RETRY_MOST) -> float:
    """Seconds before the next attempt after `failures` in a row: doubling from `first`, at most `most`, less up to a quarter."""
    return float(min(most, first * 2 ** min(failures, 10)) * (1.0 - random() / 4))


def knock_after(away: float, random: Random) -> float:
    """Seconds before the next TCP connection to a server that has been away for `away` seconds.

    It costs the server a few packets and no work, so it comes often enough to be back within a second of the server for the
    first ten minutes; a server that is away for longer is not waited for by the second.
    """
    longest = 0.5 if away < 150 else 0.8 if away < 600 else 2.0 if away < 3600 else 5.0
    return longest * (1.0 - random() / 4)


def probe_after(failures: int, random: Random) -> float:
    """Seconds before the next `/health` of a server that takes connections but does not answer (or a gateway does for it)."""
    return backoff(failures, random, most=2.0 if failures < 60 else 5.0 if failures < 120 else RETRY_MOST)


def poll_interval(*, uncovered: bool, took: float) -> float:
    """Seconds between two lists. `took`: seconds the last one took; a slow list is asked for less often (5 % of the time)."""
    return min(max(POLL if uncovered else POLL_COVERED, took * 20), POLL_MOST)


def ping_interval(sockets: int) -> float:
    """Seconds of silence after which a socket is pinged; grows with their number, so that idling stays cheap."""
    return max(20.0, sockets / 5)


def socket_limit() -> int:
    """How many sockets this process may hold: at most 200, and 64 descriptors are left for everything else."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return SOCKETS_MOST if soft == resource.RLIM_INFINITY else max(1, min(SOCKETS_MOST, soft - 64))


def most_important(rows: Iterable[Row], wanted: Iterable[str], limit: int) -> list[str]:
    """The rows to stream, most important first: those a person works on, then those whose state may change soonest."""
    first = set(wanted)
    streamed = (row for row in rows if row.item.streaming)
    ranked = sorted(streamed, key=lambda row: (row.name not in first, _RANK[row.state], row.name))
    return [row.name for row in ranked[:limit]]


class Pace:
    """At most `most` of something in any `span` seconds."""

    def __init__(self, most: int, span: float) -> None:
        self._span = span
        self._times: deque[float] = deque(maxlen=most)

    def ready_at(self, now: float) -> float:
        """When the next one may happen: `now`, or later."""
        if len(self._times) < (self._times.maxlen or 0):
            return now
        return max(now, self._times[0] + self._span)

    def spend(self, now: float) -> None:
        """One happens."""
        self._times.append(now)


class Bucket:
    """A burst of `size`, then `rate` a second."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._size, self._left, self._at = rate, float(size), float(size), 0.0

    def ready_at(self, now: float) -> float:
        """When the next one may happen: `now`, or later."""
        self._fill(now)
        return now if self._left >= 1.0 else now + (1.0 - self._left) / self._rate

    def spend(self, now: float) -> None:
        """One happens."""
        self._fill(now)
        self._left -= 1.0

    def _fill(self, now: float) -> None:
        self._left = min(self._size, self._left + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)
