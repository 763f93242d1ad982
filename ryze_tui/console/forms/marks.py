"""Widgets for what is not typed: ticks for yes/no and for sets, and a pick of one word. One line high where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.message import Message

from ...i18n import _
from ...keys import fill
from ..bindings import bind
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import safe


class Marked(Message):
    """What is marked in a widget changed."""

    def __init__(self, control: Marks) -> None:
        super().__init__()
        self.marks = control

    @property
    def control(self) -> Marks:
        """The widget."""
        return self.marks


class Marks(Canvas):
    """Words with a mark before each; arrows move between them, space marks, enter goes on. Columns as the width allows."""

    can_focus = True
    ground = ink.BAR
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("mark_left", "move(-1)"),
        bind("mark_right", "move(1)"),
        bind("mark_up", "leap(-1)"),
        bind("mark_down", "leap(1)"),
        bind("mark", "mark"),
        bind("mark_next", "app.focus_next"),  # as in a field of text: who goes on changes nothing
    ]

    def __init__(self, words: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words = list(words)
        self.at = 0

    @property
    def value(self) -> Any:
        """What is marked."""
        raise NotImplementedError

    @property
    def keys(self) -> str:
        """How it is changed."""
        return _("Space ticks, arrow keys move.")

    def marked(self, word: str) -> str:
        """The mark of a word."""
        raise NotImplementedError

    def shown(self, word: str) -> str:
        """The word, as it is shown."""
        return safe(word)

    def _columns(self, width: int) -> int:
        widest = max((cell_len(self.shown(word)) + 6 for word in self.words), default=1)
        return max(min(width // widest, len(self.words)), 1)

    def rows_for(self, width: int) -> int:
        """How many lines they take in a width."""
        return -(-len(self.words) // self._columns(width)) if self.words else 1

    def on_resize(self, event: events.Resize) -> None:
        self.styles.height = self.rows_for(event.size.width)

    def action_move(self, by: int) -> None:
        self.at = max(0, min(self.at + by, len(self.words) - 1))
        self.sync()

    def action_leap(self, by: int) -> None:
        """A line up or down; beyond the first and the last, the field before or after."""
        at = self.at + by * self._columns(self.size.width)
        if 0 <= at < len(self.words):
            self.at = at
            self.sync()
        elif by < 0:
            self.screen.focus_previous()
        else:
            self.screen.focus_next()

    def action_mark(self) -> None:
        if self.words and not self.disabled:
            self.mark(self.words[self.at])
            self.sync()
            self.post_message(Marked(self))

    def mark(self, word: str) -> None:
        """Mark a word, or take its mark away."""
        raise NotImplementedError

    def on_click(self, event: events.Click) -> None:
        width, columns = self.size.width, self._columns(self.size.width)
        at = event.y * columns + min(event.x // max(width // columns, 1), columns - 1)
        if at < len(self.words):
            self.at = at
            self.action_mark()

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self.sync()

    def lines(self) -> list[Line]:
        width, columns = self.size.width, self._columns(self.size.width)
        column, out = max(width // columns, 1), list[Line]()
        for start in range(0, len(self.words), columns):
            line: Line = []
            for at, word in enumerate(self.words[start : start + columns], start):
                here = self.has_focus and at == self.at
                text = f"{self.marked(word)} {self.shown(word)}".rstrip()
                style = ink.BAR_DIM if self.disabled else ink.BAR
                line.append(seg(text, ink.on_bar_cursor(ink.BAR_BOLD) if here else style))
                line.append(seg(" " * max(column - cell_len(text), 1), ink.BAR))
            out.append(line)
        return out


class Switch(Marks):
    """Yes or no."""

    def __init__(self, value: bool, *, id: str | None = None) -> None:
        super().__init__([""], id=id)
        self.on = value

    @property
    def value(self) -> bool:
        return self.on

    @property
    def keys(self) -> str:
        return _("Space turns it on and off.")

    def marked(self, word: str) -> str:
        return "[x]" if self.on else "[ ]"

    def shown(self, word: str) -> str:
        return _("on") if self.on else _("off")

    def mark(self, word: str) -> None:
        self.on = not self.on

    def put(self, value: bool) -> None:
        """Show another value."""
        self.on = value
        self.sync()


class Ticks(Marks):
    """Any number of words, none meaning all; what is marked keeps its order, and words that are not ours stay."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("mark_words", "mark_all")]

    def __init__(self, words: Sequence[str], value: Sequence[str], *, id: str | None = None) -> None:
        super().__init__([*words, *(word for word in dict.fromkeys(value) if word not in words)], id=id)
        self.chosen = list(value)

    @property
    def value(self) -> list[str]:
        return list(self.chosen)

    def marked(self, word: str) -> str:
        return "[x]" if word in self.chosen else "[ ]" if self.chosen else "[·]"

    def mark(self, word: str) -> None:
        if word in self.chosen:
            self.chosen = [one for one in self.chosen if one != word]
        else:
            self.chosen.append(word)

    @property
    def keys(self) -> str:
        return fill(_("Space ticks, arrow keys move, {mark_words} all."))

    def action_mark_all(self) -> None:
        """All of them, which is what none chosen means; those that come with a later version too."""
        if self.chosen and not self.disabled:
            self.put([])
            self.post_message(Marked(self))

    def put(self, value: Sequence[str]) -> None:
        """Show another value."""
        self.chosen = list(value)
        self.sync()


class Pick(Marks):
    """One word of several."""

    def __init__(self, words: Sequence[str], value: str, *, id: str | None = None) -> None:
        super().__init__([word for word in words if word], id=id)
        self.chosen = value
        self.at = self.words.index(value) if value in self.words else 0

    @property
    def value(self) -> str:
        return self.chosen

    @property
    def keys(self) -> str:
        return _("←→ choose.")

    def marked(self, word: str) -> str:
        return "(•)" if word == self.chosen else "( )"

    def mark(self, word: str) -> None:
        self.chosen = word

    def action_move(self, by: int) -> None:
        super().action_move(by)
        if not self.disabled:
            self.action_mark()

    def put(self, value: str) -> None:
        """Show another value."""
        self.chosen = value
        self.at = self.words.index(value) if value in self.words else 0
        self.sync()
