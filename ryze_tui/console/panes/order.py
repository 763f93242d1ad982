"""Which rows are shown and in what order. Pure: rows never move by themselves.

The order is taken at load, on a sort key, a refresh or a new filter. A row whose state changes stays where it is and counts
as out of order; a row that comes in between finds its own place; a row that goes leaves it, unless the cursor is on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from ...fleet.filtering import FLAPPING_RANK, HELD_RANK, NAME, NEWEST, SEVERITY, SORTS, TITLES, TROUBLE, by_of, parse_filter

if TYPE_CHECKING:
    from ...fleet.model import FleetModel, Row
    from ...fleet.notes import Notes

__all__ = ["TITLES", "Order"]

Place = tuple[float, str]
"""Where a row stands: what the order goes by, then its name."""


class Order:
    """The shown rows. `rows` is the view; `gone` names a row that was removed under the cursor and is still shown.

    `clock` gives Unix seconds (the system's unless given): what dropped often in the last hour stands before what is fine.
    """

    def __init__(self, model: FleetModel, clock: Callable[[], float] | None = None, notes: Notes | None = None) -> None:
        self.model, self.notes = model, notes
        self._time = clock or time.time
        self.sort = TROUBLE
        self.filter = ""
        self.rows: list[Row] = []
        self.gone: set[str] = set()
        self._taken: dict[str, float] = {}
        self._moved: set[str] = set()
        self._select = parse_filter("")
        self._named: list[Row] = []
        self._named_stale = True

    @property
    def out_of_order(self) -> int:
        """How many shown rows would stand elsewhere if the order were taken now."""
        return len(self._moved)

    @property
    def shown(self) -> Container[str]:
        """Names of the rows that the filter lets through."""
        return self._taken.keys()

    def reload(self) -> None:
        """The model was filled anew: take everything again."""
        self._named_stale = True
        self.take()

    def take(self) -> None:
        """Take filter and order again."""
        if self._named_stale:
            self._named = sorted(self.model.rows.values(), key=attrgetter("name"))
            self._named_stale = False
        rows = self._select(self._named)
        by = self._by()
        if self.sort == TROUBLE:
            ranks = sorted({FLAPPING_RANK, HELD_RANK, *map(float, SEVERITY.values())})
            buckets: dict[float, list[Row]] = {rank: [] for rank in ranks}
            taken = {}
            for row in rows:
                taken[row.name] = rank = by(row)
                buckets[rank].append(row)
            self.rows, self._taken = [row for bucket in buckets.values() for row in bucket], taken
        else:
            if self.sort == NEWEST:
                rows.sort(key=by)
            self.rows, self._taken = rows, {row.name: by(row) for row in rows}
        self._moved.clear()
        self.gone.clear()

    def set_filter(self, text: str) -> None:
        """Show only what matches; takes the order again."""
        self.filter = text
        self._select = parse_filter(text, self.notes.tags_of) if self.notes is not None else parse_filter(text)
        self.take()

    def sort_by(self, column: str) -> None:
        """The order that the head of a column stands for; the next one where it is that already."""
        sort = {"name": NAME, "for": NEWEST}.get(column, TROUBLE)
        if sort == self.sort:
            self.reload()
        else:
            self.sort = sort
            self.take()

    def _by(self) -> Callable[[Row], float]:
        return by_of(self.sort, self._time(), self.notes.held) if self.notes is not None else by_of(self.sort, self._time())

    def next_sort(self) -> None:
        """What `s` does: put in order what is out of it, else go to the next order."""
        if not self._moved:
            self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.take()

    def update(self, names: Iterable[str], keep: str | None, *, membership: bool = True) -> None:
        """Some rows changed; `membership`: some came or went.

        `keep`: the row under the cursor, which is shown as gone rather than removed.
        """
        by, missing, arrived = self._by(), set(), []
        if membership:
            self._named_stale = True
            self._replace()
        for name in names:
            row, taken = self.model.rows.get(name), self._taken.get(name)
            if row is None:
                missing.add(name)
            elif taken is None:
                if self._select([row]):
                    arrived.append((by(row), name, row))
            elif name in self.gone:  # deleted and made again under the cursor
                self.gone.discard(name)
            elif by(row) != taken:
                self._moved.add(name)
            else:
                self._moved.discard(name)
        self._insert(arrived)
        if missing:
            missing &= self._taken.keys()
            if keep in missing:
                self.gone.add(keep)
            self._remove(missing - self.gone)

    def _replace(self) -> None:
        """A name that was deleted and made again between two drawings is another row object: show that one."""
        rows = self.model.rows
        self.rows = [rows.get(row.name, row) for row in self.rows]

    def bury(self) -> None:
        """The cursor left a row that is gone."""
        if self.gone:
            self._remove(set(self.gone))
            self.gone.clear()

    def _remove(self, names: set[str]) -> None:
        if names:
            self.rows = [row for row in self.rows if row.name not in names]
            for name in names:
                self._taken.pop(name, None)
                self._moved.discard(name)

    def _insert(self, arrived: list[tuple[float, str, Row]]) -> None:
        """Each before the first that stands after it; one pass for all, since a server can tell of 10,000 at once."""
        if not arrived:
            return
        arrived.sort(key=itemgetter(0, 1), reverse=True)  # the next is the last
        merged: list[Row] = []
        for other in self.rows:
            place: Place = (self._taken[other.name], other.name)
            while arrived and arrived[-1][:2] < place:
                merged.append(self._placed(arrived.pop()))
            merged.append(other)
        self.rows = merged + [self._placed(one) for one in reversed(arrived)]

    def _placed(self, arrival: tuple[float, str, Row]) -> Row:
        by, name, row = arrival
        self._taken[name] = by
        return row
