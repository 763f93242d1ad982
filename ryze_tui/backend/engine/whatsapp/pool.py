"""The worker processes: how many sessions each has, when one is started again, and one that waits, loaded, for whatever is next.

Loading neonize takes most of a second, so a spare process is always ready: a pairing takes it, or the next worker.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ...clock import Clock, Timer
from ...egress import Egress
from ...errors import EngineError
from .frames import Event
from .parent import Limits, Worker

log = logging.getLogger(__name__)

FIRST_SECONDS: Final = 0.25
MOST_SECONDS: Final = 60.0
"""How long a worker that failed is left alone: doubled each time, up to this."""

STEADY_SECONDS: Final = 120.0
"""A worker that lived so long begins anew with its failures."""

BUDGET: Final = 5
"""Failures in a row that are borne in silence; then /health says so, and sessions wait for a minute each time."""


WORN: Final = 300
WORN_OUT: Final = 900
"""Dials after which a worker is replaced, when none of its sessions is up, and whatever is up: neonize closes no session's file,
nor forgets the session, before its process ends."""

WORN_WORDS: Final = "it has dialled often enough"


class Heard(Protocol):
    """Who looks after the links."""

    def hear(self, event: Event) -> None:
        """A link's event."""

    def came(self, slot: Slot) -> None:
        """A worker is ready."""

    def fell(self, slot: Slot, why: str) -> None:
        """A worker ended; another one is started, later."""


@dataclass(slots=True, eq=False)
class Slot:
    """A place for a worker and the instances that it has."""

    links: set[str] = field(default_factory=set)
    worker: Worker | None = None
    dials: int = 0
    failures: int = 0
    why: str = ""
    began: float = 0.0
    timer: Timer | None = None

    @property
    def works(self) -> bool:
        """Whether its worker takes dials."""
        return self.worker is not None and self.worker.works

    @property
    def exhausted(self) -> bool:
        """Whether its worker fails again and again."""
        return self.failures >= BUDGET


class Pool:
    """`per_worker`: sessions that a worker has at most. `links` is told what happens; set it before anything does."""

    def __init__(
        self, command: Sequence[str], egress: Egress, clock: Clock, *, per_worker: int, limits: Limits | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._command, self._egress, self._clock = tuple(command), egress, clock
        self._per_worker, self._limits, self._random = max(1, per_worker), limits or Limits(), random
        self.links: Heard | None = None
        self.slots: list[Slot] = []
        self._of: dict[str, Slot] = {}
        self._spare: Worker | None = None
        self._all: set[Worker] = set()
        self._closed = False

    async def open(self) -> None:
        """Load neonize once, which shows whether it can be. Raises EngineError with advice."""
        self._spare = self._new()
        await asyncio.shield(self._spare.ready)

    @property
    def trouble(self) -> str:
        """Why sessions are down for good, empty when nothing of the kind is known."""
        return next((f"a worker fails again and again: {slot.why}" for slot in self.slots if slot.exhausted), "")

    @property
    def pids(self) -> list[int]:
        """Every worker process there is."""
        return [worker.pid for worker in self._all if worker.pid]

    def take(self) -> Worker:
        """A process that does nothing yet, ready or about to be; the next one is started in its place. Raises EngineError."""
        if self._closed:
            raise EngineError("the server is shutting down")
        taken = self._spare or self._new()
        self._spare = self._new()
        return taken

    def place(self, instance: str) -> Slot:
        """Where an instance is, from now on at the latest."""
        slot = self._of.get(instance)
        if slot is None:
            slot = next((one for one in self.slots if len(one.links) < self._per_worker), None)
            if slot is None:
                slot = Slot()
                self.slots.append(slot)
            self._of[instance] = slot
            slot.links.add(instance)
        if slot.worker is None and slot.timer is None:
            self._start(slot)
        return slot

    def slot_of(self, instance: str) -> Slot | None:
        """Where an instance is; None when it has no place."""
        return self._of.get(instance)

    def release(self, instance: str) -> None:
        """The instance has no session any more; a worker without any is ended."""
        slot = self._of.pop(instance, None)
        if slot is None:
            return
        slot.links.discard(instance)
        if slot.links:
            return
        self.slots.remove(slot)
        if slot.timer is not None:
            slot.timer.cancel()
        if slot.worker is not None:
            slot.worker.kill("it has no session any more")

    async def close(self) -> None:
        """End every process, all at once."""
        self._closed = True
        for slot in self.slots:
            if slot.timer is not None:
                slot.timer.cancel()
        await asyncio.gather(*(worker.stop() for worker in list(self._all)))

    def _new(self) -> Worker:
        worker = Worker(self._command, self._egress, self._limits)
        self._all.add(worker)
        worker.ended = self._ended
        return worker

    def _start(self, slot: Slot) -> None:
        slot.timer = None
        if self._closed:
            return
        worker = slot.worker = self.take()
        assert self.links is not None
        worker.hear = self.links.hear
        slot.began, slot.dials = self._clock.monotonic(), 0
        worker.ready.add_done_callback(lambda _: self._came(slot, worker))

    def _came(self, slot: Slot, worker: Worker) -> None:
        if slot.worker is worker and worker.works and self.links is not None:
            self.links.came(slot)

    def _ended(self, worker: Worker, why: str) -> None:
        self._all.discard(worker)
        if worker is self._spare and not self._closed:
            self._spare = None
            log.warning("the spare worker ended: %s", why)
        slot = next((one for one in self.slots if one.worker is worker), None)
        if slot is None or self._closed:
            return
        slot.worker, slot.why = None, why
        if self._clock.monotonic() - slot.began >= STEADY_SECONDS:
            slot.failures = 0
        slot.failures += why != WORN_WORDS
        seconds = self._pause(slot.failures)
        log.warning("a worker with %d sessions ended (%s); the next one in %.1f s", len(slot.links), why, seconds)
        slot.timer = self._clock.call_later(seconds, self._start, slot)
        if self.links is not None:
            self.links.fell(slot, why)

    def _pause(self, failures: int) -> float:
        seconds = min(FIRST_SECONDS * 2 ** max(failures - 1, 0), MOST_SECONDS) if failures < BUDGET else MOST_SECONDS
        return seconds * (0.8 + 0.4 * self._random())
