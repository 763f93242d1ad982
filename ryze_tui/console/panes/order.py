"""Which rows are shown and in what order. Pure: rows never move by themselves.

The order is taken at load, on a sort key, a refresh or a new filter. A row whose state changes stays where it is and counts
as out of order; a row that comes in between finds its own place; a row that goes leaves it, unless the cursor is on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ...api import states
from ...i18n import mark

if TYPE_CHECKING:
    from ...fleet.model import FleetModel, Row

_SEVERITY: Final = {
    state: rank for rank, state in enumerate((states.BANNED, states.LOGGEDOUT, states.UNKNOWN, *states.STATES[2:]))
}

TROUBLE, NAME, NEWEST = "trouble", "name", "newest"
SORTS: Final = (TROUBLE, NAME, NEWEST)
TITLES: Final = {TROUBLE: mark("trouble first"), NAME: mark("by name"), NEWEST: mark("newest first")}


def _key(sort: str) -> Callable[[Row], tuple[float, str]]:
    if sort == TROUBLE:
        return lambda row: (_SEVERITY[row.state], row.name)
    if sort == NEWEST:
        return lambda row: (-row.since, row.name)
    return lambda row: (0.0, row.name)


def parse_filter(text: str) -> Callable[[Row], bool]:
    """Words, `state:word`, `block:word`, each may be negated by `!`; all must hold. An unfinished term matches all."""
    from ...api.instance import BLOCK_LETTERS

    terms: list[tuple[bool, Callable[[Row], bool]]] = []
    for word in text.lower().split():
        wanted, term = not word.startswith("!"), word.lstrip("!")
        key, colon, value = term.partition(":")
        if not term or (colon and not value):
            continue
        if colon and key == "state":
            terms.append((wanted, lambda row, v=value: row.state.startswith(v.replace("_", "").replace(" ", ""))))  # type: ignore[misc]
        elif colon and key == "block":
            letters = frozenset(letter for letter, name in BLOCK_LETTERS if name.startswith(value))
            terms.append((wanted, lambda row, v=letters: not v.isdisjoint(row.item.blocks)))  # type: ignore[misc]
        else:
            terms.append((wanted, lambda row, v=term: v in row.haystack))  # type: ignore[misc]
    return lambda row: all(test(row) is wanted for wanted, test in terms)


class Order:
    """The shown rows. `rows` is the view; `gone` names a row that was removed under the cursor and is still shown."""

    def __init__(self, model: FleetModel) -> None:
        self.model = model
        self.sort = TROUBLE
        self.filter = ""
        self.rows: list[Row] = []
        self.gone: set[str] = set()
        self._taken: dict[str, tuple[float, str]] = {}
        self._moved: set[str] = set()
        self._matches: Callable[[Row], bool] = lambda row: True

    @property
    def out_of_order(self) -> int:
        """How many shown rows would stand elsewhere if the order were taken now."""
        return len(self._moved)

    def take(self) -> None:
        """Take filter and order again."""
        key = _key(self.sort)
        self.rows = sorted((row for row in self.model.rows.values() if self._matches(row)), key=key)
        self._taken = {row.name: key(row) for row in self.rows}
        self._moved.clear()
        self.gone.clear()

    def set_filter(self, text: str) -> None:
        """Show only what matches; takes the order again."""
        narrower = bool(self.filter) and text.startswith(self.filter) and not {":", "!"} & set(text)
        self.filter, self._matches = text, parse_filter(text)
        if narrower and not self.gone:  # the order of what is left is the order it had
            self.rows = [row for row in self.rows if self._matches(row)]
            shown = {row.name for row in self.rows}
            self._moved &= shown
            self._taken = {name: key for name, key in self._taken.items() if name in shown}
        else:
            self.take()

    def next_sort(self) -> None:
        """What `s` does: put in order what is out of it, else go to the next order."""
        if not self._moved:
            self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.take()

    def update(self, names: Iterable[str], keep: str | None) -> None:
        """Some rows changed, came or went. `keep`: the row under the cursor, which is shown as gone rather than removed."""
        key, missing = _key(self.sort), set()
        for name in names:
            row = self.model.rows.get(name)
            if row is None:
                missing.add(name)
            elif name not in self._taken:
                if self._matches(row):
                    self._insert(row, key)
            elif name in self.gone:  # deleted and made again under the cursor: another row of the same name
                self.gone.discard(name)
                self.rows = [row if other.name == name else other for other in self.rows]
            elif key(row) != self._taken[name]:
                self._moved.add(name)
            else:
                self._moved.discard(name)
        missing &= set(self._taken)
        if missing:
            if keep in missing:
                self.gone.add(keep)
            self._remove(missing - self.gone)

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

    def _insert(self, row: Row, key: Callable[[Row], tuple[float, str]]) -> None:
        mine = self._taken[row.name] = key(row)
        self.gone.discard(row.name)
        for index, other in enumerate(self.rows):
            if self._taken[other.name] > mine:
                self.rows.insert(index, row)
                return
        self.rows.append(row)
