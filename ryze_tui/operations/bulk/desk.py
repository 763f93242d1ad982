"""The one bulk of an account: planning it, starting it, and going on with one that was broken off."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ...api.fields import Field
from ...api.wire import WIRES
from ...i18n import _
from ...redact import register
from ..editing import KEEP
from ..outcome import Outcome
from . import plan, record
from .deeds import Deeds, Means, values_of
from .plan import APPLY, Entry, Job, Pace
from .record import Record, RecordError, Unfinished
from .runner import GENTLE, Bulk

Values = dict[str, Any]
_SALT: Final = 16


class Desk:
    """`current`: the bulk that runs or was run last; None when there was none."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.current: Bulk | None = None

    @property
    def busy(self) -> bool:
        """Whether one is under way, running or paused."""
        return self.current is not None and not self.current.finished

    def plan(self, job: Job) -> list[Entry]:
        """What would be done to each, and what not."""
        return plan.plan(job, self._means.model.rows, self._means.clock.time())

    def seconds(self, job: Job, entries: list[Entry], pace: Pace = GENTLE) -> float:
        """How long it would take, roughly."""
        return plan.seconds(job, entries, pace, own_tokens=Deeds(self._means, job).own_tokens)

    async def values(self, job: Job) -> Values | Outcome:
        """What the source of an APPLY holds; an Outcome that says why it cannot be read."""
        return await values_of(self._means, job)

    def start(self, job: Job, entries: list[Entry], values: Mapping[str, Any] | None = None, pace: Pace = GENTLE) -> Bulk:
        """A new bulk; give it `run()`. `values`: of an APPLY all of them, secrets too. Raises RecordError."""
        kept = self._record()
        try:
            kept.begin(job, entries, at=self._means.clock.time(), digest=digest(job, values))
        except RecordError:
            kept.close()
            raise
        return self._open(job, entries, values, kept, pace)

    def unfinished(self) -> Unfinished | None:
        """One that an earlier program left; None when there is none, or when it is ours."""
        path = self._path
        return None if path is None or self.busy else record.read(path)

    @property
    def elsewhere(self) -> bool:
        """Whether another program runs a bulk of this account at this moment."""
        return not self.busy and (path := self._path) is not None and record.held(path)

    def resume(self, values: Mapping[str, Any] | None = None, pace: Pace = GENTLE) -> Bulk:
        """Go on with what was left unfinished; give it `run()`. Raises RecordError, also when another console does so already."""
        kept = self._record()
        left = kept.take_over()
        if left is None:
            kept.close()
            raise RecordError(_("Nothing is unfinished any more: another ryze-tui has ended it."))
        return self._open(left.job, left.entries, values, kept, pace)

    def forget(self) -> None:
        """What was left unfinished is not wanted any more. Raises RecordError."""
        kept = self._record()
        try:
            kept.finish()
        finally:
            kept.close()

    def close(self) -> None:
        """Let another program go on with what is unfinished."""
        if self.current is not None:
            self.current.record.close()

    @property
    def _path(self) -> Path | None:
        return record.path_of(self._means.client.base, self._means.client.token)

    def _record(self) -> Record:
        if self.busy:
            raise RecordError(_("A bulk is under way: wait for its end, or pause it and leave it unfinished."))
        self.close()
        return Record(self._path)

    def _open(
        self, job: Job, entries: list[Entry], values: Mapping[str, Any] | None, kept: Record, pace: Pace
    ) -> Bulk:
        if job.kind:
            for field in secrets(job):
                if values is not None and isinstance(value := values.get(field.name), str) and value:
                    register(value)
        self.current = Bulk(job, entries, Deeds(self._means, job, values), kept, self._means.clock, pace=pace)
        return self.current


def secrets(job: Job) -> list[Field]:
    """The secrets of the block that an APPLY gives to many and that no read tells: they are asked for."""
    if job.action != APPLY:
        return []
    wire = WIRES[job.kind]
    return [field for field in wire.fields if field.name in wire.hidden]


def digest(job: Job, values: Mapping[str, Any] | None, salt: str = "") -> str:
    """What tells whether the source still holds what it held; of nothing that is secret."""
    if job.action != APPLY or values is None:
        return ""
    salt = salt or os.urandom(_SALT).hex()
    plain = {field.name: values.get(field.name) for field in WIRES[job.kind].fields if not field.secret}
    text = json.dumps(plain, sort_keys=True, default=str)
    return f"{salt}:{hashlib.blake2b(text.encode(), key=salt.encode(), digest_size=16).hexdigest()}"


def same(job: Job, kept: str, values: Mapping[str, Any]) -> bool:
    """Whether the source holds what it held when the bulk began."""
    return digest(job, values, kept.partition(":")[0]) == kept


def incomplete(values: Mapping[str, Any]) -> list[str]:
    """Fields whose value no read tells."""
    return [name for name, value in values.items() if value is KEEP]
