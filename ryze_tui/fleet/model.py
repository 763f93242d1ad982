"""What we know: a pure reducer from facts to rows. No I/O, no clock; times come with the facts.

The one ordering rule: a row of a list (or of one re-read) loses to anything heard of that instance after the list was
asked for. Everything that changes a row goes through `apply_*`, and each says which rows changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..api import states
from ..api.events import Event
from ..api.instance import Instance

STREAM: Final = "stream"
LIST: Final = "list"
YOU: Final = "you"


@dataclass(slots=True)
class Row:
    """One instance as we know it.

    `since` and `last_event` are Unix seconds; `since_exact` is False when the state was already there at our first look
    (shown as `>= 14 m`). `heard` is the monotonic second as of which the row is true: when an event arrived, when a list was
    asked for. `told_by`: stream, list or you. `phase`: where a connecting instance is (scan, linking, dialling, refused).
    `stale` is True when the server itself lost touch with WhatsApp; `garbled` when the last list said nothing readable about it,
    so that the row is what was known before.
    """

    name: str
    state: str
    since: float
    since_exact: bool
    heard: float
    told_by: str = LIST
    raw_state: str = ""
    reason: str = ""
    phase: str = ""
    stale: bool = False
    garbled: bool = False
    last_event: float = 0.0
    last_word: str = ""
    item: Instance = field(default_factory=lambda: Instance(""))
    haystack: str = ""

    @property
    def number(self) -> str:
        """Digits only; empty when never paired."""
        return self.item.number


@dataclass(slots=True)
class Changes:
    """What one or more facts changed. `rows`: names to draw again; `order`: rows came or went."""

    rows: set[str] = field(default_factory=set)
    order: bool = False

    def merge(self, other: Changes) -> None:
        """Add what another fact changed."""
        self.rows |= other.rows
        self.order = self.order or other.order

    def __bool__(self) -> bool:
        return bool(self.rows) or self.order


def unix(text: str) -> float | None:
    """RFC 3339 (or Python's ISO form) to Unix seconds; None when it is not a time with a zone, of these centuries."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo and 1970 < moment.year < 2200 else None


def _haystack(item: Instance) -> str:
    return f"{item.name} {item.number} {item.profile_name} {item.business_name}".lower()


class FleetModel:
    """Rows by name, and the count of each state."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.counts: dict[str, int] = dict.fromkeys((*states.STATES, states.UNKNOWN), 0)
        self.unreadable = 0
        self.loaded = False
        self._gone: dict[str, float] = {}

    # -- facts ---------------------------------------------------------------------------------------------------------

    def apply_list(
        self, items: Iterable[Instance], *, asked_at: float, received_at: float, now: float, complete: bool = True
    ) -> Changes:
        """A list answer. `complete` when it was the whole account: rows it lacks, unheard of since, are gone.

        `asked_at` and `received_at` are monotonic seconds, `now` is the Unix time of the answer. What a list says is at least
        as new as `asked_at`, and nothing proves it to be newer: of two lists the one asked for later wins, in any order.
        """
        changes, seen, unreadable = Changes(), set(), 0
        for item in items:
            if not item.name:
                unreadable += 1
                continue
            seen.add(item.name)
            changes.merge(self._list_row(item, asked_at, now))
        if complete:
            changes.merge(self.end_list(seen, asked_at=asked_at, unreadable=unreadable))
        return changes

    def end_list(self, seen: Set[str], *, asked_at: float, unreadable: int = 0) -> Changes:
        """After the last item of a whole list: rows it lacks, unheard of since it was asked for, are gone."""
        changes = self.drop_absent(list(self.rows), seen, asked_at=asked_at)
        self.unreadable = unreadable + sum(row.garbled for row in self.rows.values())
        self.loaded = True
        self._gone = {name: when for name, when in self._gone.items() if when > asked_at}
        return changes

    def drop_absent(self, asked: Iterable[str], seen: Set[str], *, asked_at: float) -> Changes:
        """A list of the names in `asked` held only `seen`: the others are gone, unless heard of since."""
        changes = Changes()
        for name in asked:
            if name not in seen and name in self.rows and self.rows[name].heard <= asked_at:
                changes.merge(self._drop(name))
        return changes

    def apply_snapshot(self, rows: Iterable[Instance], *, received_at: float, now: float) -> Changes:
        """Slices of an account stream's snapshot: as true as an event; details that only a list tells are kept."""
        changes = Changes()
        for item in rows:
            if item.name:
                changes.merge(self._snapshot_row(item, received_at, now))
        return changes

    def end_snapshot(self, names: set[str], *, began_at: float) -> Changes:
        """After the last slice: rows that are not in it, and unheard of since it began, are gone."""
        changes = Changes()
        for name in [name for name, row in self.rows.items() if name not in names and row.heard < began_at]:
            changes.merge(self._drop(name))
        self.loaded = True
        return changes

    def apply_event(self, event: Event, *, received_at: float, now: float) -> Changes:
        """One `instance.state` event; any other event, or an unknown instance, changes nothing."""
        word, row = event.state_word, self.rows.get(event.instance)
        if not word or row is None or received_at < row.heard:
            return Changes()
        meaning = states.from_event(word)
        stamp = event.data.get("timestamp")
        at = (unix(stamp) if isinstance(stamp, str) else None) or now
        row.heard, row.told_by, row.last_event, row.last_word = received_at, STREAM, now, word
        if meaning.fresh is not None:
            row.stale = not meaning.fresh
        if event.number and event.number != row.number:
            row.item.number_jid = f"{event.number}@s.whatsapp.net"
            row.item.profile_name = row.item.business_name = ""  # they were those of the number before
            row.haystack = _haystack(row.item)
        if meaning.state is not None:
            row.garbled = False
            row.phase, row.stale = meaning.phase, row.stale and meaning.state == row.state
            row.reason = event.reason
            self._move(row, meaning.state, min(at, now), exact=True)
            row.raw_state = word
        return Changes({row.name})

    def apply_written(self, name: str, state: str, *, asked_at: float, received_at: float, now: float) -> Changes:
        """The answer to something we did ourselves (logout, reconnect): the server said what the state is now.

        An event heard since we asked is newer than that: it is what our asking led to.
        """
        row = self.rows.get(name)
        if row is None or row.heard > asked_at:
            return Changes()
        row.heard, row.told_by, row.phase, row.reason = received_at, YOU, "", ""
        self._move(row, state, now, exact=True)
        row.raw_state = state
        return Changes({name})

    def apply_created(self, item: Instance, *, received_at: float, now: float) -> Changes:
        """We created it: the row is there at once, whatever an older list says."""
        self._gone.pop(item.name, None)
        return self._list_row(item, received_at, now, exact=True)

    def apply_deleted(self, name: str, *, received_at: float) -> Changes:
        """It is gone, and a list asked for earlier must not bring it back."""
        self._gone[name] = received_at
        return self._drop(name)

    # -- one row -------------------------------------------------------------------------------------------------------

    def _list_row(self, item: Instance, asked_at: float, now: float, exact: bool = False) -> Changes:
        row = self.rows.get(item.name)
        if row is None:
            if self._gone.get(item.name, float("-inf")) >= asked_at:
                return Changes()
            return self._add(item, asked_at, now, YOU if exact else LIST, exact)
        if row.garbled == item.readable:
            row.garbled = not item.readable
            turned = Changes({row.name})
            if item.readable:
                turned.merge(self._list_row(item, asked_at, now, exact))
            return turned
        if not item.readable:
            return Changes()
        if row.heard > asked_at:  # the state is older news; what only a list tells is not
            item.state, item.raw_state, item.since = row.state, row.raw_state, ""
            if row.told_by == STREAM and row.number:
                item.number_jid = row.item.number_jid
            return self._details(row, item)
        changes = self._details(row, item)
        if item.state != row.state:
            row.phase, row.told_by = "", LIST
            self._move(row, item.state, unix(item.since) or now, exact=bool(item.since))
            changes.rows.add(row.name)
        elif (since := unix(item.since)) and since != row.since:
            row.since, row.since_exact = since, True
            changes.rows.add(row.name)
        if item.reason != row.reason and (item.reason or item.since):
            row.reason = item.reason
            changes.rows.add(row.name)
        row.heard, row.raw_state = asked_at, item.raw_state
        return changes

    def _snapshot_row(self, item: Instance, received_at: float, now: float) -> Changes:
        row = self.rows.get(item.name)
        if row is None:
            return self._add(item, received_at, now, STREAM)
        row.heard, changed, row.garbled = received_at, row.garbled, False
        since = unix(item.since)
        if item.state != row.state or (since and since != row.since) or item.reason != row.reason:
            if item.state != row.state:
                row.told_by, row.stale = STREAM, False
            row.reason, row.raw_state = item.reason, item.raw_state
            row.phase = "" if item.state != row.state else row.phase
            self._move(row, item.state, since or now, exact=since is not None)
            row.since, row.since_exact = (since, True) if since else (row.since, row.since_exact)
            changed = True
        for attribute in ("number_jid", "profile_name", "blocks", "streaming"):
            value = getattr(item, attribute)
            same = row.number == item.number if attribute == "number_jid" else getattr(row.item, attribute) == value
            if not same:
                setattr(row.item, attribute, value)
                changed = True
        row.haystack = _haystack(row.item)
        return Changes({row.name} if changed else set())

    def _details(self, row: Row, item: Instance) -> Changes:
        if not item.token:
            item.token = row.item.token
        if item == row.item:
            return Changes()
        row.item, row.haystack = item, _haystack(item)
        return Changes({row.name})

    def _add(self, item: Instance, heard: float, now: float, told_by: str, exact: bool = False) -> Changes:
        since = unix(item.since)
        self.rows[item.name] = Row(
            name=item.name, state=item.state, since=since or now, since_exact=exact or since is not None, heard=heard,
            told_by=told_by, raw_state=item.raw_state, reason=item.reason, garbled=not item.readable, item=item,
            haystack=_haystack(item),
        )
        self.counts[item.state] += 1
        return Changes({item.name}, order=True)

    def _move(self, row: Row, state: str, since: float, *, exact: bool) -> None:
        if state != row.state:
            self.counts[row.state] -= 1
            self.counts[state] += 1
            row.state, row.since, row.since_exact = state, since, exact
        elif exact and not row.since_exact:
            row.since, row.since_exact = since, True

    def _drop(self, name: str) -> Changes:
        row = self.rows.pop(name, None)
        if row is None:
            return Changes()
        self.counts[row.state] -= 1
        return Changes({name}, order=True)
