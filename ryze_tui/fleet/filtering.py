"""Which rows a filter lets through, and what they are sorted by: the console's list and `ryze-tui ls` share it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ..api import states
from ..i18n import mark

if TYPE_CHECKING:
    from .model import Row

SEVERITY: Final = {
    state: rank for rank, state in enumerate((states.BANNED, states.LOGGEDOUT, states.UNKNOWN, *states.STATES[2:]))
}

FLAPPING_RANK: Final = 3.5
"""Between what is down and what is on its way: a connection that keeps dropping, whatever it is right now."""
_MANY: Final = 3  # changes below which nothing can be flapping

TROUBLE, NAME, NEWEST = "trouble", "name", "newest"
SORTS: Final = (TROUBLE, NAME, NEWEST)
TITLES: Final = {TROUBLE: mark("trouble first"), NAME: mark("by name"), NEWEST: mark("newest first")}

Test = Callable[["Row"], bool]
Tags = Callable[[str], Iterable[str]]
HELD_RANK: Final = 99.0
"""Rows that a person put aside stand after everything else."""
_NOBODY: Final[frozenset[str]] = frozenset()


def rank_of(row: Row, now: float) -> float:
    """How soon a person should look at it; 0 is first."""
    rank = float(SEVERITY[row.state])
    if rank <= FLAPPING_RANK or len(row.past) < _MANY:
        return rank
    from .triage import FLAPPING, flaps

    return FLAPPING_RANK if flaps(row, now) >= FLAPPING else rank


def by_of(sort: str, now: float, held: Container[str] = _NOBODY) -> Callable[[Row], float]:
    """What an order goes by, before the name; the smallest is first. `held`: names that sink where trouble comes first."""
    if sort == TROUBLE:
        return lambda row: HELD_RANK if row.name in held else rank_of(row, now)
    return (lambda row: -row.since) if sort == NEWEST else (lambda row: 0.0)


def _terms(text: str, tags: Tags) -> tuple[list[tuple[bool, str]], list[tuple[bool, Test]]]:
    """A filter's words and its other terms, each with whether it must hold; an unfinished term is left out."""
    from ..api.instance import BLOCK_LETTERS

    words: list[tuple[bool, str]] = []
    tests: list[tuple[bool, Test]] = []
    for word in text.lower().split():
        wanted, term = not word.startswith("!"), word.lstrip("!")
        key, colon, value = term.partition(":")
        if not term or (colon and not value):
            continue
        if colon and key == "state":
            plain = value.replace("_", "")
            tests.append((wanted, lambda row, v=plain: row.state.startswith(v)))  # type: ignore[misc]
        elif colon and key == "block":
            letters = frozenset(letter for letter, name in BLOCK_LETTERS if name.startswith(value))
            tests.append((wanted, lambda row, v=letters: not v.isdisjoint(row.item.blocks)))  # type: ignore[misc]
        elif colon and key == "tag":
            tests.append((wanted, lambda row, v=value: any(tag.startswith(v) for tag in tags(row.name))))  # type: ignore[misc]
        else:
            words.append((wanted, term))
    return words, tests


def parse_filter(text: str, tags: Tags = lambda name: ()) -> Callable[[Iterable[Row]], list[Row]]:
    """Words, `state:word`, `block:word`, `tag:word`, each may be negated by `!`; all must hold. Keeps the order of its rows.

    `tags(name)`: what the person calls that instance on this machine.
    """
    words, tests = _terms(text, tags)

    def select(rows: Iterable[Row]) -> list[Row]:
        found = list(rows)
        for wanted, word in words:  # one comprehension a word: 10,000 rows between two keystrokes
            found = [row for row in found if (word in row.haystack) is wanted]
        for wanted, test in tests:
            found = [row for row in found if test(row) is wanted]
        return found

    return select


def sorted_rows(rows: Iterable[Row], sort: str, now: float) -> list[Row]:
    """The rows in that order, by name where it says nothing. `now`: Unix seconds."""
    named = sorted(rows, key=attrgetter("name"))
    return named if sort == NAME else sorted(named, key=by_of(sort, now))
