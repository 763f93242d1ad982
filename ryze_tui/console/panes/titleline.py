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

    def __init__(self) -> None:
        super().__init__(id="titleline")
        self.order: Order | None = None
        self.text = ""
        self.kept_at = 0.0

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
        warnings = ""
        if order.out_of_order:
            words = n_("{n} out of order · {sort}", "{n} out of order · {sort}", order.out_of_order)
            warnings += DOT + keys.fill(words)
        if order.model.unreadable:
            warnings += DOT + n_("{n} unreadable", "{n} unreadable", order.model.unreadable)
        title = DOT.join([what, _(TITLES[order.sort]), count])
        if not self.text and cell_len(title) + cell_len(warnings) + 1 > width:  # what is wrong matters more than what is known
            title = DOT.join([_(TITLES[order.sort]), count])
        line: Line = [seg(f" {title}", ink.BOLD if self.text else ink.DIM)]
        return [[*line, seg(warnings, ink.WARN)] if warnings else line]
