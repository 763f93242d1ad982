"""The line above the list: what is shown and in what order, or the filter while it is typed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.message import Message

from ... import keys
from ...i18n import _, n_
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import DOT, day
from .order import TITLES

if TYPE_CHECKING:
    from .marks import Marks
    from .order import Order


class TitleLine(Canvas):
    """Takes the keys while a filter is typed: letters are text there, never commands."""

    can_focus = True

    class Typed(Message):
        """The filter is now `text`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """Enter or escape: the list gets the keys again. `clear` when escape was pressed."""

        def __init__(self, clear: bool) -> None:
            super().__init__()
            self.clear = clear

    class Clicked(Message):
        """`action` is what the place stands for: filter, or sort."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__(id="titleline")
        self.order: Order | None = None
        self.marks: Marks | None = None
        self.bulk = ""
        """How far a bulk is, while one is under way or was left unfinished."""
        self.text = ""
        self.kept_at = 0.0

    def on_click(self, event: events.Click) -> None:
        if self.has_focus:
            return
        sorting = self.order is not None and self.order.out_of_order and event.x >= cell_len(self.text_of(0)) // 2
        self.post_message(self.Clicked("sort" if sorting else "filter"))

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self.sync()

    def on_key(self, event: events.Key) -> None:
        text = self.text
        if event.key in ("enter", "escape"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Done(clear=event.key == "escape"))
            return
        if event.key == "backspace":
            text = text[:-1]
        elif event.key == "ctrl+u":
            text = ""
        elif event.key == "ctrl+w":
            text = text.rstrip().rpartition(" ")[0]
        elif event.is_printable and event.character and len(text) < 100:
            text += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self._type(text)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._type((self.text + " ".join(event.text.split()))[:100])

    def _type(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.post_message(self.Typed(text))

    def _marked(self, order: Order) -> str:
        marks = self.marks
        if not marks:
            return ""
        words = n_("{n} marked", "{n} marked", len(marks))
        if hidden := marks.hidden(order.shown) if order.filter else 0:
            words = n_("{marked}, {n} of them not shown", "{marked}, {n} of them not shown", hidden).format(marked=words)
        return f"{words} · {_('range')}" if marks.ranging else words

    def lines(self) -> list[Line]:
        order, width = self.order, self.size.width
        if order is None:
            return [[field(f" {_('Instances')}", width, ink.DIM)]]
        total = len(order.model.rows)
        count = _("{shown} of {total}").format(shown=len(order.rows) - len(order.gone), total=total)
        if self.has_focus:
            right = f"{count} "
            return [
                [
                    seg(" / ", ink.KEY),
                    field(self.text[-max(width - len(right) - 6, 1) :] + "█", max(width - 3 - len(right), 1), ink.BOLD),
                    seg(right, ink.DIM),
                ]
            ]
        what = f"/{self.text}" if self.text else _("Instances")
        if self.kept_at:
            dated = _("as of {when}").format(when=day(self.kept_at, time.time()))
            return [[seg(f" {what}{DOT}", ink.DIM), seg(dated, ink.WARN), seg(f"{DOT}{count}", ink.DIM)]]
        marked = DOT + words if (words := self._marked(order)) else ""
        warnings = self._warnings(order)
        sort = [] if self.bulk else [_(TITLES[order.sort])]
        title = DOT.join([what, *sort, count])
        if not self.text and cell_len(title) + cell_len(marked) + cell_len(warnings) + 1 > width:
            title = DOT.join([*sort, count])  # what is wrong matters more than what is known
        line: Line = [seg(f" {title}", ink.BOLD if self.text else ink.DIM)]
        line += [seg(words, style) for words, style in ((marked, ink.KEY), (warnings, ink.WARN)) if words]
        return [line]

    def _warnings(self, order: Order) -> str:
        warnings = DOT + self.bulk if self.bulk else ""
        if order.out_of_order:
            words = n_("{n} out of order · {sort}", "{n} out of order · {sort}", order.out_of_order)
            warnings += DOT + keys.fill(words)
        if order.model.unreadable:
            warnings += DOT + n_("{n} unreadable", "{n} unreadable", order.model.unreadable)
        return warnings
