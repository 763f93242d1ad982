"""Which rows are marked, by name: marks outlive filters, orders and gaps in the connection, and go with their instance."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence


class Marks:
    """A set of names. While `ranging`, moving marks what is passed over: from the row where it began to the cursor."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._begun = ""
        self._before: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they were marked."""
        return tuple(self._names)

    def hidden(self, shown: Container[str]) -> int:
        """How many are marked and not among `shown`."""
        return sum(name not in shown for name in self._names)

    def toggle(self, name: str) -> None:
        """Mark it, or take its mark away."""
        self.end_range()
        if name in self._names:
            del self._names[name]
        else:
            self._names[name] = None

    def all(self, names: Sequence[str]) -> None:
        """Mark all of these; when they are all marked already, unmark them."""
        self.end_range()
        if self.are_just(names, of=True):
            for name in names:
                del self._names[name]
        else:
            self._names.update(dict.fromkeys(names))

    def are_just(self, names: Iterable[str], *, of: bool = False) -> bool:
        """Whether these are the marked ones; `of`: whether they are among them."""
        wanted = set(names)
        return wanted <= self._names.keys() and (of or len(wanted) == len(self._names))

    def discard(self, names: Iterable[str]) -> None:
        """These are not there any more."""
        for name in names:
            self._names.pop(name, None)
            self._before.pop(name, None)

    def clear(self) -> None:
        """No marks."""
        self._names.clear()
        self.end_range()

    # -- a range -------------------------------------------------------------------------------------------------------

    @property
    def ranging(self) -> bool:
        """Whether moving marks."""
        return bool(self._begun)

    def begin_range(self, name: str) -> None:
        """From this row on."""
        self._begun, self._before = name, dict(self._names)
        self._names[name] = None

    def stretch(self, names: Sequence[str], at: int) -> None:
        """The cursor is on `names[at]` of the shown ones now. A row where it began that is not there ends it."""
        try:
            begun = names.index(self._begun)
        except ValueError:
            self.end_range()
            return
        low, high = min(begun, at), max(begun, at)
        self._names = self._before | dict.fromkeys(names[low : high + 1])

    def end_range(self, *, keep: bool = True) -> None:
        """Moving only moves again; `keep`: what the range marked stays marked."""
        if self._begun and not keep:
            self._names = self._before
        self._begun, self._before = "", {}
