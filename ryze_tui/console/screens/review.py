"""Before a block is saved: what was, what the server holds now, what will be. After it: where the server made something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Button

from ... import keys
from ...api.fields import SET, Field
from ...i18n import _
from ...operations.editing import KEEP, Change
from ...redact import MASK
from ..bindings import bind, labelled
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import safe, wrap
from .dialogs import Dialog, text

NARROW: Final = 60
"""Columns below which only what ends it is named on the lower edge; the arrows go without saying."""


def in_words(about: Field, value: Any) -> str:
    """A value as a person reads it; secrets masked."""
    if value is KEEP:
        return _("as stored")
    if about.secret:
        return MASK if value else _("none")
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if about.kind == SET:
        return ", ".join(safe(word) for word in value) or _("all {n}").format(n=len(about.choices))
    return safe(str(value)) if value not in ("", 0) else "–"


class Lines(Canvas):
    """One line and more for each change; on a conflict space or ←→ choose whose value stays."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = [
        bind("down", "move(1)"),
        bind("up", "move(-1)"),
        bind("turn", "turn"),
    ]

    def __init__(self, changes: Sequence[Change], heads: tuple[str, str, str]) -> None:
        super().__init__(id="lines")
        self._changes, self._heads = list(changes), heads
        self.theirs: set[str] = set()
        self._tops = [0] * len(self._changes)
        self._at = next((index for index, change in enumerate(self._changes) if change.conflict), 0)

    def fitted(self) -> None:
        self.call_after_refresh(self._grow)

    def on_resize(self, event: events.Resize) -> None:
        self._grow()

    def _grow(self) -> None:
        self.styles.height = max(len(self.lines()), 2)

    def action_move(self, by: int) -> None:
        """Another change, brought into sight where the box is lower than what it holds; from the last on to what is below."""
        box = self.screen.query_one("#box")
        if by > 0 and self._at == len(self._changes) - 1:
            box.scroll_relative(y=3, animate=False)
            return
        self._at = max(0, min(self._at + by, len(self._changes) - 1))
        self.sync()
        top, end = self._tops[self._at] if self._at else 0, [*self._tops, len(self.lines())][self._at + 1]
        box.scroll_to_region(Region(0, self.virtual_region.y + top, 1, max(end - top, 1)), force=True, animate=False)

    def on_click(self, event: events.Click) -> None:
        """Another change; of the one under the cursor, whose value stays."""
        at = max((index for index, top in enumerate(self._tops) if top <= event.y), default=self._at)
        if at == self._at:
            self.action_turn()
        self._at = at
        self.sync()

    def action_turn(self) -> None:
        change = self._changes[self._at]
        if change.conflict:
            self.theirs ^= {change.field.name}
            self.sync()

    def lines(self) -> list[Line]:
        width = max(self.size.width, 30)
        if width < 60:
            return self._stacked(width)
        names = [_("field"), *(_(change.field.title) for change in self._changes)]
        name = min(max(map(cell_len, names)) + 2, width // 4)
        column = (width - name - 2) // 3
        heads = [field(head, column, ink.BAR_DIM) for head in self._heads]
        out: list[Line] = [[field(f"  {_('field')}", name + 2, ink.BAR_DIM), *heads]]
        for index, change in enumerate(self._changes):
            self._tops[index] = len(out)
            out += self._change(change, index == self._at, name, column)
        return out

    def _stacked(self, width: int) -> list[Line]:
        out: list[Line] = []
        for index, change in enumerate(self._changes):
            self._tops[index] = len(out)
            out += self._below(change, index == self._at, width)
        return out

    def _below(self, change: Change, here: bool, width: int) -> list[Line]:
        """A change where there is no room for columns: a line and more for each of the three."""
        theirs = change.field.name in self.theirs
        head = ("▸ " if here else "  ") + _(change.field.title)
        out: list[Line] = [[field(head, width, ink.BAR_KEY if change.conflict else ink.BAR)]]
        column = max(map(cell_len, self._heads)) + 2
        styles = (ink.BAR_DIM, ink.BAR_BOLD if theirs else ink.BAR, ink.BAR_DIM if theirs else ink.BAR_BOLD)
        for name, value, style in zip(self._heads, (change.was, change.now, change.yours), styles, strict=True):
            for row, part in enumerate(wrap(in_words(change.field, value), max(width - column - 2, 8)) or [""]):
                out.append([field("  " + ("" if row else name), column + 2, ink.BAR_DIM), seg(part, style)])
        return out + self._remarks(change)

    def _remarks(self, change: Change) -> list[Line]:
        if change.conflict:
            words = _("changed by somebody else meanwhile: yours stays · {turn}: theirs")
            if change.field.name in self.theirs:
                words = _("changed by somebody else meanwhile: theirs stays · {turn}: yours")
        elif change.erased:
            words = _("erased on the server")
        else:
            return []
        parts = wrap(keys.fill(words), max(self.size.width - 4, 20))
        return [[seg("    ", ink.BAR), seg(part, ink.BAR_TROUBLE)] for part in parts]

    def _change(self, change: Change, here: bool, name: int, column: int) -> list[Line]:
        theirs = change.field.name in self.theirs
        cells = [wrap(in_words(change.field, value), column - 1) or [""] for value in (change.was, change.now, change.yours)]
        height = max(map(len, cells))
        styles = [ink.BAR_DIM, ink.BAR_BOLD if theirs else ink.BAR, ink.BAR_DIM if theirs else ink.BAR_BOLD]
        out: list[Line] = []
        for row in range(height):
            head = ("▸ " if here else "  ") + _(change.field.title) if row == 0 else ""
            line: Line = [field(head, name + 2, ink.BAR_KEY if change.conflict else ink.BAR)]
            for cell, style in zip(cells, styles, strict=True):
                line.append(field(cell[row] if row < len(cell) else "", column, style))
            out.append(line)
        return out + self._remarks(change)


class ReviewScreen(Dialog[frozenset[str]]):
    """Save or not; gives the fields that stay as they are on the server, None when nothing is to be saved."""

    TAKES_TYPED = False
    BINDINGS = [bind("review_save", "save"), bind("review_try", "try_out")]
    CSS = "ReviewScreen > #box { width: 96; } ReviewScreen #lines { height: auto; }"

    def __init__(
        self, title: str, changes: Sequence[Change], words: str = "", try_out: Callable[[frozenset[str]], None] | None = None
    ) -> None:
        """`try_out(theirs)`: tries what would be saved; None when there is nothing to try."""
        super().__init__()
        self._heading, self._words, self._try_out = title, words, try_out
        self.changes = Lines(changes, (_("was"), _("on the server now"), _("yours")))

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)
            subtitle = _("↑↓ field · {review_save} saves · esc cancels")
            if self._try_out is not None:
                subtitle = _("↑↓ field · {review_try} tries it out · {review_save} saves · esc cancels")
            if self.app.size.width < NARROW:
                subtitle = _("{review_save} saves · esc cancels")
            box.border_subtitle = keys.fill(subtitle)
            yield self.changes
            if self._words:
                yield text("", "gap")
                yield text(self._words, "warn")
            yield text("", "gap")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                yield Button(labelled(_("Save"), "review_save"), id="save")

    def on_mount(self) -> None:
        self.changes.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_close()

    def action_try_out(self) -> None:
        """Before it can do harm."""
        if self._try_out is not None:
            self._try_out(frozenset(self.changes.theirs))

    def action_save(self) -> None:
        self.dismiss(frozenset(self.changes.theirs))


class DiffersScreen(Dialog[None]):
    """The server took it and holds something else."""

    CSS = "DiffersScreen > #box { width: 96; } DiffersScreen #lines { height: auto; }"

    def __init__(self, title: str, changes: Sequence[Change]) -> None:
        super().__init__()
        self._heading = title
        self.changes = Lines(changes, (_("was"), _("the server holds"), _("you asked for")))

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)
            yield self.changes
            yield text("", "gap")
            yield text(_("esc closes; the form shows what the server holds."), "dim")

    def on_mount(self) -> None:
        self.changes.focus()
