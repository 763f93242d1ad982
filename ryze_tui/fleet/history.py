"""What was known of each instance when we last looked: a list of the hosted service tells no since, no reason, no last event.

What may be said after a time in which nobody watched, for a row of the first list (Unix seconds):

- `seen`: until then the row was watched in the remembered state; the first list came at `now`.
- A server that tells `since` itself is believed; what follows is for those that do not.
- **The state is another one**: it began after `seen` and not after `now`. Said as `≤`, counted from `seen`.
- **The state is the same**: it may be unbroken, or it left and came back while nobody watched. So it began at `now` at the
  latest, and not before the remembered beginning if that was exact (or had itself an earliest moment): `≤`, counted from there.
  Without one nothing bounds it from below: `≥`, counted from `now`. Either way the screen says until when it was the same.
  Reason, last word and who told it are taken over with the state: they are of the last time that we know of.
- `≥ 3 d` is therefore said only of 3 days in which it was watched, and a bare `3 d` only when both bounds read the same.
- Changes of state are kept with both bounds, and a drop counts as one of the last hour only when its earliest moment is in it.
- What is of the future (the clock was set back), or of an instance with another id, or that we have just made, is not believed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..api import states
from ..api.instance import name_of
from . import keeping
from .keeping import Kept, masked, second, text
from .model import LIST, PAST_MOST, STREAM, YOU, Row, Transition

KIND: Final = "history"
BYTES_MOST: Final = 96 << 20
ROWS_MOST: Final = 20_000
REASON_MOST: Final = 120
"""Characters of a reason that are kept with each change: what is in the file must stay bounded."""
SPAN: Final = 7 * 86400.0
"""Seconds for which changes of state are kept."""
_FIELDS: Final = 12
_CHANGE: Final = 6
_KNOWN: Final = (*states.STATES, states.UNKNOWN)
_TELLERS: Final = (LIST, STREAM, YOU)


def path(name: str) -> Path:
    """Where an account's history is; `name` is its fingerprint."""
    return paths.state_dir() / "history" / f"{name}{keeping.SUFFIX}"


def look(url: str, token: str) -> Kept | None:
    """What was kept for this account. Reads the file, not yet its rows."""
    name = keeping.fingerprint(url, token) if keeping.wanted() else ""
    return keeping.read(path(name), KIND, most=BYTES_MOST, rows=ROWS_MOST) if name else None


def line_of(row: Row, seen: float) -> str:
    """A row as it is kept. `seen`: Unix second as of which the whole list was proven; the row itself may have been later."""
    past = [
        [round(one.after, 3), round(one.at, 3), one.was, one.now, masked(one.reason)[:REASON_MOST], one.told_by]
        for one in row.past
        if one.at > seen - SPAN
    ]
    return json.dumps([
        row.name, row.item.id, row.state, round(row.since, 3), row.since_exact, round(row.not_before, 3), round(row.unwatched, 3),
        round(max(seen, row.seen), 3), masked(row.reason), row.told_by, [round(row.last_event, 3), row.last_word], past,
    ], separators=(",", ":"))  # fmt: skip


class Memory:
    """One instance as it was remembered: the fields of `Row` of the same names, and its `id`."""

    __slots__ = (
        "id", "last_event", "last_word", "not_before", "past", "reason", "seen", "since", "since_exact", "state", "told_by",
        "unwatched",
    )  # fmt: skip

    def __init__(self, values: list[Any]) -> None:
        self.id, self.state = text(values[1]), text(values[2])
        self.since, self.since_exact = second(values[3]), values[4] is True
        self.not_before, self.unwatched, self.seen = second(values[5]), second(values[6]), second(values[7])
        self.reason, self.told_by = text(values[8]), values[9] if values[9] in _TELLERS else LIST
        event = values[10] if isinstance(values[10], list) and len(values[10]) == 2 else [0, ""]
        self.last_event, self.last_word = second(event[0]), text(event[1], 60)
        changes, least = values[11] if isinstance(values[11], list) else [], max(self.seen - SPAN, 0.0)
        self.past = tuple(change for one in changes[-PAST_MOST:] if (change := _change(one, least)) is not None)


def _change(values: Any, least: float) -> Transition | None:
    """A change after `least`; None when it is older, or none."""
    if not isinstance(values, list) or len(values) != _CHANGE or values[2] not in _KNOWN or values[3] not in _KNOWN:
        return None
    after, at = second(values[0]), second(values[1])
    if at <= least or after > at:
        return None
    return Transition(after, at, values[2], values[3], text(values[4], REASON_MOST), values[5] if values[5] in _TELLERS else LIST)


def memory_of(line: bytes) -> tuple[str, Memory] | None:
    """Name and memory of a line; None when it is none."""
    values = keeping.parsed(line)
    if not isinstance(values, list) or len(values) != _FIELDS or not (name := name_of(values[0])):
        return None
    memory = Memory(values)
    believable = memory.state in _KNOWN and memory.since > 0 and memory.seen > 0
    return (name, memory) if believable else None


class History:
    """What is remembered of instances that no list has shown yet."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}

    def add(self, line: bytes) -> None:
        """Read a row; what is none costs nothing else."""
        if (found := memory_of(line)) is not None:
            self._memories[found[0]] = found[1]

    async def load(self, kept: Kept) -> None:
        """Read every row, letting others run in between."""
        from ..client.clock import Breath

        breath = Breath()
        for line in kept.lines:
            self.add(line)
            await breath()

    def forget(self) -> None:
        """A whole list was read: what is still here was deleted meanwhile."""
        self._memories.clear()

    def recall(self, row: Row, now: float) -> None:
        """Add to a row that has just appeared what is remembered of it, each memory once. `now`: Unix second of its list."""
        memory = self._memories.pop(row.name, None)
        if memory is not None:
            recall(row, memory, now)


def recall(row: Row, memory: Memory, now: float) -> None:
    """The rule of this page."""
    known = min(now, row.seen)
    if row.told_by == YOU or (memory.id and row.item.id and memory.id != row.item.id) or memory.seen > known:
        return
    row.past = tuple(change for change in memory.past if change.at <= known)
    row.last_event = memory.last_event if memory.last_event <= known else 0.0
    if row.state != memory.state:
        # Other states may lie between, whatever the server says of the last one; its own clock may be behind ours.
        after = min(memory.seen, row.since)
        change = Transition(after, row.since, memory.state, row.state, row.reason, row.told_by)
        row.past = (*row.past, change)[-PAST_MOST:]
        row.not_before = after
    elif not row.since_exact:
        row.not_before = min(memory.since if memory.since_exact else memory.not_before, memory.seen)
        row.unwatched = memory.unwatched or memory.seen
        row.reason, row.told_by, row.last_word = row.reason or memory.reason, memory.told_by, memory.last_word
