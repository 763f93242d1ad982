"""The bridge's durable queue: on the disk first, then tried until it is done.

What is finished is remembered for a while: what comes twice is known by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ...clock import Clock
from ...errors import StoreError
from ...store.chatwoot import DEAD, DONE, ChatwootRows, Content, Item
from .api import ChatwootError
from .lanes import Lanes, Where
from .rules import ACTIVE, judge

log = logging.getLogger(__name__)

MESSAGE: Final = "message"
REPLY: Final = "reply"
NOTE: Final = "note"

PRUNE_EVERY: Final = 200
DISK_SECONDS: Final = 5.0
"""How long an item waits when its row cannot be read or written."""
NOT_YET_SECONDS: Final = 1.0
REPLIES_SECONDS: Final = 2.0
"""How long an end waits for replies that are being sent: broken off, nobody knows whether they were."""

Follow = tuple[Item, Content]
Work = Callable[[Item, Content], Awaitable[Sequence[Follow]]]
"""Do it once; returns what follows from it. Raises ChatwootError, StoreError."""
Told = Callable[[str, str, str], None]
"""Instance id, status of its integration from now on, why."""


class NotYet(Exception):
    """It is not time for this item, and nobody is to blame; it is looked at again a moment later."""


def where(item: Item) -> Where:
    """Replies go on while Chatwoot is away, and messages while WhatsApp is."""
    return item.instance_id, item.kind == REPLY


class Queue:
    """`put` items; `open` takes up what was not finished. `random`: a number in [0, 1)."""

    def __init__(self, rows: ChatwootRows, clock: Clock, work: Work, told: Told, *, random: Callable[[], float]) -> None:
        self._rows, self._clock, self._work, self._told, self._random = rows, clock, work, told, random
        self._lanes = Lanes()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replying: set[asyncio.Task[None]] = set()
        self._finished: Counter[str] = Counter()
        self._closed = False

    async def open(self) -> None:
        """Take up what was not finished. Raises StoreError."""
        for item in await self._rows.unfinished():
            self._lanes.add(where(item), item)

    def start(self) -> None:
        """Begin to work."""
        self._pump()

    async def close(self) -> None:
        """Nothing new is begun; what is under way is broken off and will be looked into, replies after a while only."""
        self._closed = True
        if self._replying:
            await asyncio.wait(self._replying, timeout=REPLIES_SECONDS)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def put(self, item: Item, content: Content) -> bool:
        """On the disk when it returns, and on its way; False when it came before. Raises StoreError."""
        fresh = await self._rows.add(item, content)
        if fresh:
            self._lanes.add(where(item), item)
            self._pump()
        return fresh

    def wake(self, instance_id: str) -> None:
        """Whatever kept it waiting may be over."""
        self._lanes.open(instance_id)
        self._pump()

    def forget(self, instance_id: str) -> None:
        """Nothing of this instance waits any more."""
        self._lanes.drop(instance_id)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while not self._closed and (found := self._lanes.next(self._clock.monotonic())) is not None:
            task = asyncio.get_running_loop().create_task(self._run(*found), name=f"chatwoot {found[1].id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if found[1].kind == REPLY:
                self._replying.add(task)
                task.add_done_callback(self._replying.discard)

    async def _run(self, gate: Where, item: Item) -> None:
        try:
            more = await self._work(item, await self._rows.content(item))
        except ChatwootError as error:
            await self._failed(gate, item, error)
        except NotYet:
            self._lanes.again(gate, item, ready=False)
            self._clock.call_later(NOT_YET_SECONDS, self._due, gate, item)
        except StoreError as error:
            log.warning("chatwoot item %s waits for the disk: %s", item.id, error)
            self._lanes.again(gate, item, ready=False)
            self._clock.call_later(DISK_SECONDS, self._due, gate, item)
        except Exception:
            log.exception("chatwoot item %s ended by a bug", item.id)
            await self._finish(gate, item, DEAD, "an error of this server", ())
        else:
            at = self._lanes.gate(gate)
            at.failures, at.succeeded = 0, at.succeeded + 1
            self._told(item.instance_id, ACTIVE, "")
            await self._finish(gate, item, DONE, "", more)
        self._pump()

    async def _finish(self, gate: Where, item: Item, state: str, answer: str, more: Sequence[Follow]) -> None:
        item.state, item.answer, item.done_at = state, answer, self._clock.now()
        while True:
            try:
                await self._rows.save(item, *more)
                break
            except StoreError as error:
                # The next of the lane has to wait: after a crash only the first of a lane is looked for.
                log.error("what became of chatwoot item %s cannot be written yet: %s", item.id, error)
                over = asyncio.Event()
                self._clock.call_later(DISK_SECONDS, over.set)
                await over.wait()
        self._lanes.done(gate, item)
        for new, _content in more:
            if new.state != DONE:
                self._lanes.add(where(new), new)
        self._finished[item.instance_id] += 1
        if self._finished[item.instance_id] >= PRUNE_EVERY:
            del self._finished[item.instance_id]
            self._rows.prune(item.instance_id).add_done_callback(_noted)

    async def _failed(self, gate: Where, item: Item, error: ChatwootError) -> None:
        at = self._lanes.gate(gate)
        alone, item.seen = 0 <= item.seen < at.succeeded, at.succeeded
        item.attempts += 1
        item.uncertain = item.uncertain or error.sent
        verdict = judge(error, item.attempts, at.failures + 1, self._random, alone=alone)
        if verdict.wait is None and item.media and item.kind == MESSAGE:
            # Perhaps it is the file that is not wanted: the text goes without it, and says so.
            item.media, item.attempts, item.answer = False, 0, error.words
            self._lanes.again(gate, item, ready=True)
            return
        if verdict.wait is None:
            log.warning("chatwoot item %s was given up: %s", item.id, error.words)
            self._told(item.instance_id, ACTIVE, f"a message could not be shown in Chatwoot: {error.words}")
            await self._finish(gate, item, DEAD, error.words, ())
            return
        self._told(item.instance_id, verdict.status, error.words)
        if verdict.everything:
            at.failures += 1
            at.until = self._clock.monotonic() + verdict.wait
        self._lanes.again(gate, item, ready=verdict.everything)
        self._clock.call_later(verdict.wait, self._due, gate, item)

    def _due(self, gate: Where, item: Item) -> None:
        if not self._closed:
            self._lanes.ready(gate, item)
            self._pump()


def _noted(saving: asyncio.Future[None]) -> None:
    if not saving.cancelled() and (error := saving.exception()) is not None:
        log.error("old rows of the chatwoot queue could not be removed: %s", error)
