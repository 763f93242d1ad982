"""Runs a bulk: paced, a few at a time, every step recorded first; it pauses by itself where going on makes no sense."""

from __future__ import annotations

import asyncio
import random as _random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from ...client.clock import Clock, wait
from ...i18n import _
from ..outcome import Outcome, Unconfirmed
from .plan import DONE, ENDED, FAILED, RUNNING, WAITING, Entry, Job, Pace, counts, seconds
from .record import Record, RecordError

EQUAL: Final = 3
"""Equal failures in a row after which a bulk pauses: the fourth would fail in the same way."""
TRIES: Final = 5
"""How often an instance that the server puts off (429) is tried."""
PUT_OFF: Final = 10.0
"""Seconds until the next try where the server's budget does not say; doubled each time."""


GENTLE: Final = Pace()
Aside = Callable[[Callable[[], None]], Awaitable[None]]


class Doing(Protocol):
    """What is done to one instance; deeds.Deeds."""

    @property
    def own_tokens(self) -> bool: ...

    def pause(self, name: str) -> float: ...

    async def done_already(self, name: str) -> str: ...

    async def do(self, name: str) -> Outcome: ...


class Bulk:
    """`run` until nothing is left; `entries` say how far it is. `on_change` is called after every step.

    `aside` runs what waits for the disk: no key is to wait for that.
    """

    def __init__(
        self, job: Job, entries: list[Entry], doing: Doing, record: Record, clock: Clock, *, pace: Pace = GENTLE,
        random: Callable[[], float] = _random.random, aside: Aside = asyncio.to_thread,
    ) -> None:
        self.job, self.entries, self.pace, self.record = job, entries, pace, record
        self.on_change: Callable[[], None] | None = None
        self.paused = False
        self.why = ""
        """Why it paused by itself; empty when a person paused it."""
        self.finished = False
        self._doing, self._clock, self._random, self._aside = doing, clock, random, aside
        self._flying: set[asyncio.Task[None]] = set()
        self._poke = asyncio.Event()
        self._next_start = float("-inf")
        self._later: dict[str, float] = {}
        self._failures: deque[tuple[int | None, str]] = deque(maxlen=EQUAL)

    # -- what a person sees and does -----------------------------------------------------------------------------------

    @property
    def counts(self) -> dict[str, int]:
        """State -> how many."""
        return counts(self.entries)

    @property
    def seconds_left(self) -> float:
        """How long the rest takes, roughly."""
        return seconds(self.job, self.entries, self.pace, own_tokens=self._doing.own_tokens)

    def pause(self, why: str = "") -> None:
        """Start nothing more; what is under way goes to its end. `why`: when no person asked for it."""
        self._pause(why)

    def resume(self) -> None:
        """Go on."""
        self.paused, self.why = False, ""
        self._failures.clear()
        self._changed()

    def retry(self) -> int:
        """Do the failed ones again, how many those are; when the run is over already, run it once more."""
        again = [entry for entry in self.entries if entry.state == FAILED]
        for entry in again:  # one in doubt stays so: it is looked at before it is sent again
            entry.state, entry.words, entry.status, entry.tries = WAITING, "", None, 0
        self._failures.clear()
        self._changed()
        return len(again)

    def pace_by(self, pace: Pace) -> None:
        """Another pace from now on."""
        self.pace = pace
        self._changed()

    def _pause(self, why: str) -> None:
        self.paused, self.why = True, why
        self._changed()

    def _changed(self) -> None:
        self._poke.set()
        if self.on_change is not None:
            self.on_change()

    # -- running -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """To the end; once more after `retry`. When it is cancelled, the record tells what is left, as after a kill.

        Raises RecordError when it cannot be begun once more.
        """
        if self.finished:
            await self._aside(lambda: self.record.again(self.entries))
            self.finished = False
        try:
            while await self._step():
                pass
            await self._finish()
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            self._changed()

    async def _finish(self) -> None:
        try:
            await self._aside(self.record.finish)
        except RecordError as error:
            self.why = str(error)
        self.record.close()
        self.finished = True

    async def _step(self) -> bool:
        """Start the next one, or wait for whatever has to happen before; False when all is done."""
        self._poke.clear()
        now = self._clock.monotonic()
        waiting = [entry for entry in self.entries if entry.state == WAITING]
        if not waiting and not self._flying:
            return False
        pause: float | None = None  # until a task ends or a person acts
        if waiting and not self.paused and len(self._flying) < self.pace.flying:
            entry, held = self._first(waiting, now)
            pause = max(held, self._next_start - now)
            if pause <= 0.0:
                await self._start(entry, now)
                return True
        await wait(self._clock, self._poke, pause)
        return True

    def _first(self, waiting: list[Entry], now: float) -> tuple[Entry, float]:
        """The first that may be sent at once, else the one that may be sent soonest, and in how many seconds."""
        best, least = waiting[0], float("inf")
        for entry in waiting:
            held = max(self._doing.pause(entry.name), self._later.get(entry.name, 0.0) - now)
            if held <= 0.0:
                return entry, 0.0
            if held < least:
                best, least = entry, held
        return best, least

    async def _start(self, entry: Entry, now: float) -> None:
        doubtful = entry.begun
        try:
            await self._aside(lambda: self.record.begun(entry))
        except RecordError as error:
            self._pause(str(error))
            return
        entry.state, entry.begun = RUNNING, True
        self._next_start = now + (1.0 + self._random() * self.pace.jitter) / self.pace.starts
        task = asyncio.create_task(self._one(entry, doubtful), name=f"bulk {entry.name}")
        self._flying.add(task)
        task.add_done_callback(self._landed)
        self._changed()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._poke.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._pause(_("Something went wrong in this program: {error}").format(error=type(error).__name__))

    async def _one(self, entry: Entry, doubtful: bool) -> None:
        if doubtful:
            try:
                words = await self._doing.done_already(entry.name)
            except Unconfirmed as problem:
                entry.state = WAITING  # still begun: it is looked at again
                words = _("It cannot be found out whether {name} was done: {why}")
                self._pause(words.format(name=entry.name, why=problem.message))
                return
            if words:
                await self._end(entry, Outcome(True, words, name=entry.name))
                return
        outcome = await self._doing.do(entry.name)
        if outcome.status == 429 and entry.tries < TRIES:
            entry.tries += 1
            entry.state, entry.begun, entry.words = WAITING, False, outcome.message
            self._later[entry.name] = self._clock.monotonic() + PUT_OFF * 2 ** (entry.tries - 1)
            await self._put_down(entry)
            return
        await self._end(entry, outcome)

    async def _end(self, entry: Entry, outcome: Outcome) -> None:
        entry.state, entry.words, entry.status = DONE if outcome.ok else FAILED, outcome.message, outcome.status
        entry.begun = outcome.doubtful
        await self._put_down(entry)
        if outcome.ok:
            self._failures.clear()
            return
        self._failures.append((outcome.status, outcome.message))
        left = any(other.state not in ENDED for other in self.entries)
        if len(self._failures) == EQUAL and len(set(self._failures)) == 1 and left and not self.paused:
            self._pause(_("Paused after {n} equal failures in a row: {why}").format(n=EQUAL, why=outcome.message))

    async def _put_down(self, entry: Entry) -> None:
        try:
            await self._aside(lambda: self.record.ended(entry))
        except RecordError as error:
            self._pause(str(error))
        self._changed()
