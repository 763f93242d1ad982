"""Which upload goes next: pure bookkeeping, no I/O. One queue per instance; everybody gets a turn, who is in trouble waits alone.

A store that fails is tried with one upload at a time, after 1, 5, 15, 60, 300 s and then every 10 minutes, each +-20 %; one that
refuses the credentials, or that only a person can mend otherwise, after 60 s first. The first success lets everything go. An
object that a store refuses for itself waits on its own while the others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..store.uploads import Upload
from .s3 import ADDRESS, BUCKET, CONFIGURATION, CREDENTIALS

PER_INSTANCE: Final = 4
IN_ALL: Final = 16
TROUBLED: Final = IN_ALL // 2
"""Places that instances in trouble may take together: the rest is for those whose store works."""
WAITS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 600.0)
JITTER: Final = 0.2
SLOW: Final = frozenset({CREDENTIALS, ADDRESS, BUCKET, CONFIGURATION})
"""Kinds of failure that only a person mends."""
SLOW_FROM: Final = 3
LONGEST: Final = 7 * 86400.0
"""Seconds after which an upload is given up."""


def wait(failures: int, kind: str, random: Callable[[], float]) -> float:
    """Seconds after the `failures`-th failure in a row, from 1. `random`: a number in [0, 1)."""
    step = failures - 1 + (SLOW_FROM if kind in SLOW else 0)
    return WAITS[min(step, len(WAITS) - 1)] * (1 + JITTER * (2 * random() - 1))


@dataclass(slots=True)
class Queue:
    """One instance's. `failures`: in a row; `kind` and `answer` of the last; `resting`: until a timer says otherwise.

    `era` changes with the configuration: what an attempt of an older one led to says nothing about this one.
    """

    instance_id: str
    waiting: deque[Upload] = field(default_factory=deque)
    later: list[Upload] = field(default_factory=list)
    in_flight: int = 0
    failures: int = 0
    kind: str = ""
    answer: str = ""
    resting: bool = False
    era: int = 0

    @property
    def idle(self) -> bool:
        """Nothing to remember."""
        return not (self.waiting or self.later or self.in_flight or self.failures)

    def all(self) -> list[Upload]:
        """What waits, under way or not counted."""
        return [*self.waiting, *self.later]


class Queues:
    """Every instance's queue by its id."""

    def __init__(self) -> None:
        self.of: dict[str, Queue] = {}
        self._turn: deque[Queue] = deque()
        self.in_flight = self._troubled = 0

    def queue(self, instance_id: str) -> Queue:
        """That instance's, made when there is none."""
        if (queue := self.of.get(instance_id)) is None:
            queue = self.of[instance_id] = Queue(instance_id)
            self._turn.append(queue)
        return queue

    def next(self) -> tuple[Queue, Upload, bool] | None:
        """The next that may go, and whether its instance is in trouble; `done` when it is over."""
        if self.in_flight >= IN_ALL:
            return None
        for _queue in range(len(self._turn)):
            queue = self._turn[0]
            self._turn.rotate(-1)
            troubled = queue.failures > 0
            if not queue.waiting or queue.resting or queue.in_flight >= (1 if troubled else PER_INSTANCE):
                continue
            if troubled and self._troubled >= TROUBLED:
                continue
            queue.in_flight += 1
            self.in_flight += 1
            self._troubled += troubled
            return queue, queue.waiting.popleft(), troubled
        return None

    def done(self, queue: Queue, troubled: bool) -> None:
        """The attempt is over, however it ended."""
        queue.in_flight -= 1
        self.in_flight -= 1
        self._troubled -= troubled
        self.forget(queue)

    def forget(self, queue: Queue) -> None:
        """When nothing is left of it."""
        if queue.idle and self.of.get(queue.instance_id) is queue:
            del self.of[queue.instance_id]
            self._turn.remove(queue)
