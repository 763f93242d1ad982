"""Makes one instance what the file says: made where it is missing, each block read, written where it differs, and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...api.wire import WIRES
from ...client.budget import CREATIONS, WINDOW
from ...i18n import _
from ..bulk.plan import CODE, DONE, ENDED, RUNNING, WAITING, Entry, Job, Pace
from ..bulk.record import Record, path_of
from ..bulk.runner import Bulk
from ..configuring import DEFAULT_LABEL
from ..outcome import NOT_FOUND, REFUSED, Outcome
from .document import Problem, WantedBlock
from .holding import FLYING, Holding
from .known import Known
from .planning import CREATE, DELETE, Item, Planner, needed

if TYPE_CHECKING:
    from ..account import Account
    from ..bulk.deeds import Means

PACE: Final = Pace(starts=10.0, flying=FLYING, jitter=0.0)
"""Nothing is dialled: only the limits of the server hold it up."""
FOLDER: Final = "apply"


class Applying(Holding):
    """The runner's Doing. `account` creates and deletes; `planner` says what the file makes of what is held at that moment."""

    def __init__(self, account: Account, means: Means, planner: Planner, known: Known, items: Iterable[Item]) -> None:
        self._items = {item.name: item for item in items}
        super().__init__(means, self._items)
        self.kinds: dict[str, str] = {}
        """Name -> what sort of failure it was."""
        self._account, self._planner, self._known = account, planner, known
        self._creating = means.client.budgets.of(means.client.token, "new")
        self._creating.earlier(_made_lately(means))

    def pause(self, name: str) -> float:
        """Creations have a limit of their own; everything else waits by itself."""
        item = self._items[name]
        return self._creating.wait() if item.action == CREATE and name not in self._means.model.rows else 0.0

    async def done_already(self, name: str) -> str:
        """Nothing is sent that is held already."""
        return ""

    async def do(self, name: str) -> Outcome:
        """All of it, to its end."""
        outcome = await self._do(name)
        self.kinds[name] = outcome.kind
        return outcome

    async def _do(self, name: str) -> Outcome:
        item = self._items[name]
        if item.action == DELETE:
            outcome = await self._account.delete(name)
            if outcome.ok:
                self._known.forget(name)
            return Outcome(True, _("it is not there any more"), name=name) if outcome.kind == NOT_FOUND else outcome
        made = ""
        if name not in self._means.model.rows:
            outcome = await self._create(item)
            if not outcome.ok:
                return outcome
            made = _("created")
        return await self._blocks(item, made)

    async def _create(self, item: Item) -> Outcome:
        self._known.forget(item.name)
        while (pause := self._creating.wait()) > 0.0:  # others were created meanwhile
            await self._means.clock.sleep(pause)
        return await self._account.create(item.name, item.token, {})

    async def _blocks(self, item: Item, made: str) -> Outcome:
        done, wrong, worst = [made] if made else [], [], Outcome(True, "")
        for step in item.steps:
            outcome = await self._block(item.name, step.block)
            if outcome.ok:
                done += [outcome.message] if outcome.message else []
                continue
            wrong.append(f"{step.block.title}: {outcome.message}")
            worst = outcome
            if outcome.kind not in ("", "failed", REFUSED):
                break  # what comes next would fail as well
        if wrong:
            return Outcome(False, "; ".join([*wrong, *done]), worst.status, item.name, worst.doubtful, worst.kind or "failed")
        return Outcome(True, ", ".join(done) or _("it held that already"), 200, item.name)

    async def _block(self, name: str, block: WantedBlock) -> Outcome:
        """One block; the message of an empty outcome: it was held already."""
        label = block.label or DEFAULT_LABEL
        held = await self.read(name, block.kind, label)
        if isinstance(held, Outcome):
            return held
        problems: list[Problem] = []
        edit = self._planner.edit(name, block, held, problems)
        if problems:
            return Outcome(False, problems[0][1], name=name, kind="failed")
        if not needed(edit):
            return Outcome(True, "", name=name)
        configuring = self.configuring(name)
        if edit.switches_off:
            configuring.drafts.keep(name, edit.wire, edit.was, edit.label)
        saved = await configuring.save(name, edit, held)
        if not saved.outcome.ok:
            return saved.outcome
        for key in WIRES[block.kind].hidden:
            if isinstance(value := edit.yours[key], str) and value:
                self._known.sent(name, block.kind, key, value)
        if saved.differs:
            titles = ", ".join(_(change.field.title) for change in saved.differs)
            words = _("taken, but the server holds something else of: {what}").format(what=titles)
            return Outcome(False, words, saved.outcome.status, name, kind="failed")
        if saved.unread:
            words = _("taken; what the server holds could not be read: {why}").format(why=saved.unread)
            return Outcome(False, words, name=name, kind="failed")
        return Outcome(True, block.title, 200, name)


def _made_lately(means: Means) -> int:
    """Instances that were made within the last minute, perhaps by a run that was killed: they were paid from the same limit."""
    now, count = means.clock.time(), 0
    for row in means.model.rows.values():
        try:
            at = datetime.fromisoformat(row.item.created_at).timestamp()
        except (ValueError, OverflowError):
            continue
        count += abs(now - at) < WINDOW + 5.0
    return count


class Apply:
    """One run over what a plan changes, recorded so that two never run at once, and a killed one is known."""

    def __init__(self, account: Account, means: Means, planner: Planner, known: Known, items: list[Item]) -> None:
        """Raises RecordError, also when another program applies to this account now."""
        self.items = [item for item in items if item.steps or item.action in (CREATE, DELETE)]
        self._record = Record(path_of(means.client.base, means.client.token, FOLDER))
        self.before = 0
        """Instances that a run of the same file, which was broken off, had ended."""
        entries = [Entry(item.name, WAITING) for item in self.items]
        left, names = self._record.take_over(), {item.name for item in self.items}
        if left is not None and left.digest == planner.document.digest:
            ended = [entry for entry in left.entries if entry.state == DONE and entry.name not in names]
            self.before = len(ended)
            entries = [*ended, *entries]
        job = Job(CODE, tuple(entry.name for entry in entries))
        self._record.begin(job, entries, at=means.clock.time(), digest=planner.document.digest)
        self._doing = doing = Applying(account, means, planner, known, self.items)
        self._bulk = Bulk(job, entries, doing, self._record, means.clock, pace=PACE)

    @property
    def seconds(self) -> float:
        """How long it takes at least: so many instances may be made in a minute."""
        return max(0.0, (sum(item.action == CREATE for item in self.items) - 1) // CREATIONS * WINDOW)

    @property
    def kinds(self) -> Mapping[str, str]:
        """What sort of failure each was; empty of what is done."""
        return self._doing.kinds

    def finish(self) -> str:
        """Nothing is to be done."""
        self._record.finish()
        self._record.close()
        return ""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """How far each is."""
        return {entry.name: entry for entry in self._bulk.entries}

    async def run(self, on_end: Callable[[Entry], None] = lambda entry: None) -> str:
        """To the end; why it stopped before it, or empty. `on_end` is told of each instance when it is done or failed."""
        stopped = asyncio.Event()
        bulk = self._bulk
        told: list[str] = []
        open_ones = {entry.name: entry for entry in bulk.entries if entry.state == WAITING}

        def changed() -> None:
            for entry in [one for one in open_ones.values() if one.state in ENDED]:
                on_end(open_ones.pop(entry.name))
            if bulk.paused and not any(entry.state == RUNNING for entry in bulk.entries):
                told.append(bulk.why)
                stopped.set()

        bulk.on_change = changed
        running = asyncio.create_task(bulk.run(), name="apply")
        watching = asyncio.create_task(stopped.wait(), name="apply-stops")
        try:
            await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, watching):
                task.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)
            self._record.close()
        return told[0] if told and not bulk.finished else ""

