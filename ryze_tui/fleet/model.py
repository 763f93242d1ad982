"""What we know: a pure reducer from facts to rows. No I/O, no clock; times come with the facts.

The one ordering rule: a row of a list (or of one re-read) loses to anything heard of that instance after the list was
asked for. Everything that changes a row goes through `apply_*`, and each says which rows changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from ..api import states
from ..api.instance import Instance
from .moments import AGREED, happened, shifted, unix

if TYPE_CHECKING:
    from ..api.events import Event

STREAM: Final = "stream"
LIST: Final = "list"
YOU: Final = "you"
PAST_MOST: Final = 20
"""Changes of state that are kept of each row."""


class Transition(NamedTuple):
    """A change of state, later than `after` and not later than `at` (Unix seconds, equal when it was told as it happened).

    `after` is 0 when nothing says how long before `at` it may have been.
    """

    after: float
    at: float
    was: str
    now: str
    reason: str = ""
    told_by: str = LIST

OLDEST_LIST: Final = 120.0
"""Seconds after which no list that was asked for can still arrive (the client gives one up after 60)."""
GONE_MOST: Final = 20_000
"""Names of those that are gone that are remembered so long."""
STALE_MOST: Final = 180.0
"""Seconds after the last failed keepalive at which a row is connected again if it is connected: whatsmeow tells of each one that
fails, and after so long of them it dials anew. The word of its return may have been lost in a gap."""
AHEAD_MOST: Final = 86400.0
"""Seconds by which a server's clock may be ahead of ours: a later time orders nothing, or all that follows would be old news."""
_COMPACT: Final = ("number_jid", "profile_name", "blocks", "streaming")
"""What a compact row of the account stream tells."""
_NEVER: Final = float("-inf")


@dataclass(slots=True)
class Row:
    """One instance as we know it.

    `since` and `last_event` are Unix seconds; `since_exact` is False when the state was already there at our first look
    (shown as `>= 14 m`): then `since` is the latest moment at which it can have begun, and `not_before` the earliest, 0 when
    nothing says. `unwatched`: since when nobody watched all the time, in the same state (up to `since`); 0 when it was watched.
    `past`: the last changes of state, oldest first. `seen` is the Unix second as of which the row is true, and `heard` is the
    monotonic one: when an event arrived, when a list was asked for. `told_by`: stream, list or you. `phase`: where a connecting
    instance is (scan, linking, dialling, refused). `stale` is True when the server itself lost touch with WhatsApp; `garbled`
    when the last list said nothing readable about it, so that the row is what was known before. `until`: Unix seconds at which
    a ban ends, 0 when not told.

    `listed_at`: when the list was asked for that gave the details; `pushed_at`: when a stream last told anything of it;
    `compact_at`: when a stream last told all of its compact row (monotonic seconds). `happened`: the server's own time of the
    last event, in Unix seconds on the server's clock. `ours`: `since` is one by our clock. `doubted`: of an event that was
    older than one told before, its state, when it happened, and when it was heard.
    """

    name: str
    state: str
    since: float
    since_exact: bool
    heard: float
    seen: float
    told_by: str = LIST
    raw_state: str = ""
    reason: str = ""
    phase: str = ""
    stale: bool = False
    garbled: bool = False
    last_event: float = 0.0
    last_word: str = ""
    until: float = 0.0
    not_before: float = 0.0
    unwatched: float = 0.0
    past: tuple[Transition, ...] = ()
    item: Instance = field(default_factory=lambda: Instance(""))
    haystack: str = ""
    listed_at: float = _NEVER
    pushed_at: float = _NEVER
    compact_at: float = _NEVER
    happened: float = _NEVER
    ours: bool = True
    doubted: tuple[str, float, float] | None = None

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


def _haystack(item: Instance) -> str:
    return f"{item.name} {item.number} {item.profile_name} {item.business_name}".lower()


class FleetModel:
    """Rows by name, and the count of each state."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.counts: dict[str, int] = dict.fromkeys((*states.STATES, states.UNKNOWN), 0)
        self.unreadable = 0
        self.loaded = False
        self.recall: Callable[[Row, float], None] | None = None
        """Adds to a row that is new to us what an earlier run of the program knew of it (history.py); gets the Unix time."""
        self._gone: dict[str, float] = {}
        self._crowded = 100

    def shift(self, seconds: float) -> Changes:
        """Our clock was set by so much: what it dated lasts as long as before."""
        for row in self.rows.values():
            shifted(row, seconds)
        return Changes(set(self.rows))

    # -- facts ---------------------------------------------------------------------------------------------------------

    def apply_list(
        self, items: Iterable[Instance], *, asked_at: float, received_at: float, now: float, complete: bool = True
    ) -> Changes:
        """A list answer. `complete` when it was the whole account: rows it lacks, unheard of since, are gone.

        `asked_at` and `received_at` are monotonic seconds, `now` is the Unix time of the answer. What a list says is at least
        as new as `asked_at`, and nothing proves it to be newer: of two lists the one asked for later wins, in any order.
        """
        changes, seen, unreadable, true_at = Changes(), set(), 0, now - max(received_at - asked_at, 0.0)
        for item in items:
            if not item.name:
                unreadable += 1
                continue
            seen.add(item.name)
            changes.merge(self._list_row(item, asked_at, true_at, now))
        if complete:
            changes.merge(self.end_list(seen, asked_at=asked_at, unreadable=unreadable))
        return changes

    def end_list(self, seen: Set[str], *, asked_at: float, unreadable: int = 0) -> Changes:
        """After the last item of a whole list: rows it lacks, unheard of since it was asked for, are gone."""
        changes = self.drop_absent(list(self.rows), seen, asked_at=asked_at)
        self.unreadable = unreadable + sum(row.garbled for row in self.rows.values())
        self.loaded = True
        return changes

    def drop_absent(self, asked: Iterable[str], seen: Set[str], *, asked_at: float) -> Changes:
        """A list of the names in `asked` held only `seen`: the others are gone, unless heard of since."""
        changes = Changes()
        for name in asked:
            if name not in seen and name in self.rows and self.rows[name].heard <= asked_at:
                changes.merge(self.apply_deleted(name, received_at=asked_at))
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
            changes.merge(self.apply_deleted(name, received_at=began_at))
        self.loaded = True
        return changes

    def is_old(self, event: Event) -> bool:
        """Whether it happened, by the server's own clock, before an event that was told already: a frame sent again, late.

        The frames of an account stream are numbered: their order needs no clock.
        """
        if event.seq:
            return False
        row, at = self.rows.get(event.instance), happened(event)
        return row is not None and at is not None and at < row.happened

    def doubt(self, event: Event, *, received_at: float) -> None:
        """It is old, or the server's clock was set back: what a list says that is asked for after it, decides."""
        meaning, at = states.from_event(event.state_word), happened(event)
        if meaning.state is not None and at is not None and event.instance in self.rows:
            self.rows[event.instance].doubted = meaning.state, at, received_at

    def apply_event(self, event: Event, *, received_at: float, now: float) -> Changes:
        """One `instance.state` event; any other event, an old one, or an unknown instance, changes nothing."""
        word, row = event.state_word, self.rows.get(event.instance)
        if not word or row is None or received_at < row.heard or self.is_old(event):
            return Changes()
        meaning = states.from_event(word)
        told = happened(event)
        at = min(told or now, now)
        row.heard, row.told_by, row.last_event, row.last_word = received_at, STREAM, now, word
        row.pushed_at = received_at
        if told and told < now + AHEAD_MOST:
            row.happened = told
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
            self._move(row, meaning.state, at, exact=True, watched=True, ours=now - at < AGREED)
            row.raw_state = word
            if meaning.state == states.BANNED:
                row.until = now + event.expire if event.expire else 0.0
        row.seen = now
        return Changes({row.name})

    def apply_written(self, name: str, state: str, *, asked_at: float, received_at: float, now: float) -> Changes:
        """The answer to something we did ourselves (logout, reconnect): the server said what the state is now.

        An event heard since we asked is newer than that: it is what our asking led to. A list read meanwhile is not: it may
        have been made before the write.
        """
        row = self.rows.get(name)
        if row is None or row.pushed_at > asked_at:
            return Changes()
        row.heard, row.told_by, row.phase, row.reason = received_at, YOU, "", ""
        self._move(row, state, now, exact=True, watched=True, ours=True)
        row.seen, row.raw_state = now, state
        return Changes({name})

    def apply_created(self, item: Instance, *, received_at: float, now: float) -> Changes:
        """We created it: the row is there at once, whatever an older list says."""
        self._gone.pop(item.name, None)
        return self._list_row(item, received_at, now, now, exact=True)

    def apply_deleted(self, name: str, *, received_at: float) -> Changes:
        """It is gone, and a list asked for earlier must not bring it back."""
        self._gone[name] = received_at
        if len(self._gone) > self._crowded:
            kept = [(name, at) for name, at in self._gone.items() if at > received_at - OLDEST_LIST][-GONE_MOST:]
            self._gone, self._crowded = dict(kept), 100 + 2 * len(kept)
        return self._drop(name)

    # -- one row -------------------------------------------------------------------------------------------------------

    def _list_row(self, item: Instance, asked_at: float, true_at: float, now: float, exact: bool = False) -> Changes:
        row = self.rows.get(item.name)
        if row is None:
            if self._gone.get(item.name, float("-inf")) >= asked_at:
                return Changes()
            return self._add(item, asked_at, true_at, now, YOU if exact else LIST, exact, listed_at=asked_at)
        if row.listed_at > asked_at:
            return Changes()  # a list asked for later was read already: everything in this one is older
        row.listed_at = asked_at
        turned = Changes({row.name} if row.garbled == item.readable else set())
        row.garbled = not item.readable
        if item.readable:
            turned.merge(self._list_facts(row, item, asked_at, true_at, now))
        return turned

    def _list_facts(self, row: Row, item: Instance, asked_at: float, true_at: float, now: float) -> Changes:
        if row.heard > asked_at:  # the state is older news; what only a list tells is not
            item.state, item.raw_state, item.since = row.state, row.raw_state, ""
            if row.told_by == STREAM and row.number:
                item.number_jid = row.item.number_jid
            if row.compact_at > asked_at:
                for attribute in _COMPACT:
                    setattr(item, attribute, getattr(row.item, attribute))
            return self._details(row, item)
        changes = self._details(row, item)
        if row.doubted is not None and row.doubted[2] <= asked_at:
            if row.doubted[0] == item.state != row.state:
                row.happened = row.doubted[1]  # it was no old news: their clock was set back
            row.doubted = None
        if item.state != row.state:
            row.phase, row.told_by, row.reason = "", LIST, item.reason  # the reason before was of the state before
            since = unix(item.since)
            self._move(row, item.state, since or now, exact=since is not None, ours=since is None)
            changes.rows.add(row.name)
        else:
            if self._is_back(row, true_at):
                changes.rows.add(row.name)
            if (since := unix(item.since)) and since != row.since:
                row.since, row.since_exact, row.ours = since, True, False
                changes.rows.add(row.name)
        if item.reason != row.reason and (item.reason or item.since):
            row.reason = item.reason
            changes.rows.add(row.name)
        row.heard, row.seen, row.raw_state = asked_at, true_at, item.raw_state
        return changes

    def _snapshot_row(self, item: Instance, received_at: float, now: float) -> Changes:
        row = self.rows.get(item.name)
        if row is None:
            return self._add(item, received_at, now, now, STREAM)
        row.heard = row.pushed_at = row.compact_at = received_at
        changed, row.garbled = row.garbled, False
        changed = self._is_back(row, now) or changed
        since = unix(item.since)
        if not since and not item.reason and item.state == row.state:
            item.reason = row.reason  # a server that tells no since tells no reason either
        if item.state != row.state or (since and since != row.since) or item.reason != row.reason:
            if item.state != row.state:
                row.told_by = STREAM
            row.reason, row.raw_state = item.reason, item.raw_state
            row.phase = "" if item.state != row.state else row.phase
            self._move(row, item.state, since or now, exact=since is not None, ours=since is None)
            if since:
                row.since, row.since_exact, row.ours = since, True, False
            changed = True
        for attribute in _COMPACT:
            value = getattr(item, attribute)
            same = row.number == item.number if attribute == "number_jid" else getattr(row.item, attribute) == value
            if not same:
                setattr(row.item, attribute, value)
                changed = True
        row.seen, row.haystack = now, _haystack(row.item)
        return Changes({row.name} if changed else set())

    @staticmethod
    def _is_back(row: Row, true_at: float) -> bool:
        """Whether a row that was stale is not any more, since `true_at` (Unix seconds) is long after the last word of that."""
        if not row.stale or true_at - row.last_event <= STALE_MOST:
            return False
        row.stale = False
        return True

    def _details(self, row: Row, item: Instance) -> Changes:
        if not item.token:
            item.token = row.item.token
        if item == row.item:
            return Changes()
        row.item, row.haystack = item, _haystack(item)
        return Changes({row.name})

    def _add(
        self, item: Instance, heard: float, seen: float, now: float, told_by: str, exact: bool = False, *,
        listed_at: float = _NEVER,
    ) -> Changes:
        since, pushed = unix(item.since), heard if told_by == STREAM else _NEVER
        row = Row(
            name=item.name, state=item.state, since=since or now, since_exact=exact or since is not None, heard=heard, seen=seen,
            told_by=told_by, raw_state=item.raw_state, reason=item.reason, item=item, listed_at=listed_at, pushed_at=pushed,
            compact_at=pushed, garbled=not item.readable, ours=since is None,
        )
        self.put(row)
        if self.recall is not None:
            self.recall(row, now)
        return Changes({item.name}, order=True)

    def put(self, row: Row) -> None:
        """A row as it is, under a name that has none: of a list that was kept, not a fact."""
        row.haystack = _haystack(row.item)
        self.rows[row.name] = row
        self.counts[row.state] += 1

    def _move(self, row: Row, state: str, since: float, *, exact: bool, ours: bool, watched: bool = False) -> None:
        """`watched`: it was told as it happened, so that nothing lies between the state before and this one. `ours`: see Row."""
        if state != row.state:
            self.counts[row.state] -= 1
            self.counts[state] += 1
            # What a list says began after the row was last true, and other states may lie between; a server's own clock may be
            # behind ours.
            after = since if watched else min(row.seen, since)
            row.past = (*row.past, Transition(after, since, row.state, state, row.reason, row.told_by))[-PAST_MOST:]
            row.state, row.since, row.since_exact, row.not_before, row.unwatched = state, since, exact, after, 0.0
            row.until, row.stale, row.ours = 0.0, False, ours
        elif exact and not row.since_exact:
            row.since, row.since_exact, row.ours = since, True, ours

    def _drop(self, name: str) -> Changes:
        row = self.rows.pop(name, None)
        if row is None:
            return Changes()
        self.counts[row.state] -= 1
        return Changes({name}, order=True)
