"""The instance list: our own line-drawn widget. Draws only rows that can be seen; the cursor is a row, not an index."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from ...api import states
from ...i18n import _, language, mark
from ..bindings import moves
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import GLYPH, badge, fit, lasting, number, safe

if TYPE_CHECKING:
    from ...fleet.model import Row
    from .marks import Marks
    from .order import Order

Column = tuple[str, int]
_STATE_WIDTH: Final = 15
_TITLES: Final = {
    "name": mark("NAME"),
    "state": mark("STATE"),
    "for": mark("FOR"),
    "number": mark("NUMBER"),
    "profile": mark("PROFILE"),
    "blocks": mark("BLOCKS"),
}


@lru_cache
def _least(_language: str) -> dict[str, int]:
    """The width in cells that each column needs for its own words in a language."""
    least = {"state": _STATE_WIDTH, "for": 5, "number": 15, "blocks": 6, "profile": 12}
    words = {name: [_(_TITLES[name])] for name in least}
    words["state"] += [badge(state) for state in GLYPH] + [_("deleted")]
    words["for"].append(_("now"))
    return {name: max(size, *map(cell_len, words[name])) for name, size in least.items()}


def columns(width: int) -> list[Column]:
    """Which columns fit, with their widths in cells, for a list `width` cells wide. The mark column (3) is not counted."""
    room, least = width - 3, _least(language())
    chosen = {"name": 12, "state": least["state"] if room >= 34 else 2}
    left = room - sum(chosen.values()) - len(chosen)
    for name in ("for", "number", "blocks", "profile"):
        size = least[name]
        if left >= size + 1:
            chosen[name] = size
            left -= size + 1
    grow = min(left, 20)
    chosen["name"] += grow
    left -= grow
    if left > 0:
        chosen["profile" if "profile" in chosen else "name"] += left
    order = ("name", "state", "for", "number", "profile", "blocks")
    return [(name, chosen[name]) for name in order if name in chosen]


class InstanceList(Canvas):
    """Reads the app's model through an `Order`. Posts `Moved` when another row is under the cursor."""

    can_focus = True
    BINDINGS = moves(paging="page", space=False)

    class Moved(Message):
        """The cursor is on another row, or on none."""

    class Opened(Message):
        """The row under the cursor was clicked."""

    class Headed(Message):
        """The head of a column was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self) -> None:
        super().__init__(id="instances")
        self.order: Order | None = None
        self.marks: Marks | None = None
        self.empty = ""
        self.dimmed = False
        self.kept_at = 0.0
        self._at = 0
        self._top = 0
        self._current = ""
        self._columns: list[Column] = []

    # -- what is under the cursor ----------------------------------------------------------------------------------

    @property
    def current(self) -> Row | None:
        """The row under the cursor; None also when that row is gone."""
        rows = self._rows
        if not 0 <= self._at < len(rows) or self.order is None:
            return None
        row = rows[self._at]
        return None if row.name in self.order.gone else row

    @property
    def current_name(self) -> str:
        """The name on the cursor's line, even when that row is gone."""
        rows = self._rows
        return rows[self._at].name if 0 <= self._at < len(rows) else ""

    @property
    def _rows(self) -> list[Row]:
        return self.order.rows if self.order is not None else []

    @property
    def _body(self) -> int:
        return max(self.size.height - 1, 1)

    def select(self, name: str) -> None:
        """Put the cursor on a row, if it is shown."""
        for index, row in enumerate(self._rows):
            if row.name == name:
                self._put(index)
                return

    def begin(self) -> None:
        """Other rows: the cursor is on the first."""
        self._at = self._top = 0
        self._current = ""

    def restore(self, *, anchored: bool = True, home: bool = False) -> None:
        """After the order changed: the cursor stays on its row, the row stays on its line where it can.

        `anchored=False` (a new filter or order): the view goes to the top when the row is not there. `home`: a cursor on the
        first line stays there, whatever row that is now: nobody has moved it, and what is worst is at the top.
        """
        if home and self._at == 0:
            self._current = ""
        rows, line = self._rows, self._at - self._top
        found = next((index for index, row in enumerate(rows) if row.name == self._current), None)
        if found is None:
            found = min(self._at, len(rows) - 1) if anchored else 0
        self._at = max(found, 0)
        self._top = max(0, min(self._at - line, len(rows) - self._body))
        self._clamp()

    def _clamp(self) -> None:
        count = len(self._rows)
        self._at = max(0, min(self._at, count - 1))
        self._top = max(0, min(self._top, max(count - self._body, 0)))
        if self._at < self._top:
            self._top = self._at
        elif self._at >= self._top + self._body:
            self._top = self._at - self._body + 1
        name = self.current_name
        if name != self._current:
            self._current = name
            self.post_message(self.Moved())

    def _put(self, index: int) -> None:
        if self.order is not None and self.order.gone and self._current in self.order.gone:
            self.order.bury()
            index -= index > self._at
        self._at = index
        if self.marks is not None and self.marks.ranging:
            self.marks.stretch(self.names, self._at)
        self._clamp()
        self.sync()

    @property
    def names(self) -> list[str]:
        """Of the rows that are shown and there, in their order."""
        gone = self.order.gone if self.order is not None else ()
        return [row.name for row in self._rows if row.name not in gone]

    def action_move(self, by: int) -> None:
        self._put(max(0, min(self._at + by, len(self._rows) - 1)))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self._body - 1, 1))

    def fitted(self) -> None:
        self._columns = columns(self.size.width)
        self._clamp()

    # -- mouse -----------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 1
        if event.y < 1:
            if name := self._column_at(event.x):
                self.post_message(self.Headed(name))
        elif index < len(self._rows):
            again = index == self._at
            self._put(index)
            if again:
                self.post_message(self.Opened())

    def _column_at(self, x: int) -> str:
        at = 3
        for name, width in self._columns:
            if at <= x < at + width + 1:
                return name
            at += width + 1
        return ""

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        heading: Line = [seg("   ", ink.DIM)]
        for name, width in self._columns:
            heading.append(field(_(_TITLES[name]) if width > 2 else "", width + 1, ink.DIM))
        out = [heading]
        now = self.kept_at or time.time()  # how long it had been so when that was known
        visible = self._rows[self._top : self._top + self._body]
        for index, row in enumerate(visible, self._top):
            out.append(self._row(row, index == self._at, now))
        if not visible:
            out += [[], [seg("   ", ink.DIM), field(self.empty, max(self.size.width - 3, 0), ink.DIM)]]
        blank: Line = []
        while len(out) < self.size.height:
            out.append(blank)
        return out[: self.size.height]

    def _row(self, row: Row, here: bool, now: float) -> Line:
        gone = self.order is not None and row.name in self.order.gone
        faded = self.dimmed or row.stale or row.garbled
        line: Line = [seg(" ▸ " if here else "   ", ink.KEY)]
        if self.marks is not None and row.name in self.marks:
            line = [seg("✓", ink.WARN), seg("▸ " if here else "  ", ink.KEY)]
        for name, width in self._columns:
            text, style = self._cell(row, name, width, now)
            if gone:
                text, style = (_("deleted") if name == "state" else text if name == "name" else ""), ink.DIM
            elif faded:
                style = ink.faded(style)
            elif here and name == "name":
                style = ink.BOLD
            line.append(field(f"{fit(text, width)} ", width + 1, style))
        if not here:
            return line
        used = sum(segment.cell_length for segment in line)
        line.append(seg(" " * max(self.size.width - used, 0), ink.BASE))
        return [Segment(text, ink.on_cursor(style or ink.BASE)) for text, style, _control in line]

    def _cell(self, row: Row, name: str, width: int, now: float) -> tuple[str, Style]:
        if name == "name":
            return safe(row.name), ink.BASE
        if name == "state":
            shown = safe(row.raw_state) if row.state == states.UNKNOWN and row.raw_state else ""
            return (GLYPH[row.state] if width <= 2 else f"? {shown}" if shown else badge(row.state)), ink.STATE[row.state]
        if name == "for":
            notes = self.order.notes if self.order is not None else None
            return (_("held") if notes is not None and row.name in notes.held else lasting(row, now)), ink.DIM
        if name == "number":
            return number(row.number), ink.BASE if row.number else ink.DIM
        if name == "profile":
            return safe(row.item.profile_name), ink.DIM
        return safe(row.item.blocks), ink.DIM
