"""A light widget: lines of segments, of which only the spans that changed are drawn again."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from ..styles import ink
from ..words import fit

Line = list[Segment]


def cut(line: Line, width: int, ground: Style) -> Line:
    """The line in exactly `width` cells."""
    return list(Strip(line).adjust_cell_length(width, ground))


class Canvas(Widget):
    """Subclasses give `lines()`; `sync()` compares with what is shown and refreshes the changed spans only.

    Textual's own refresh redraws the whole widget: 12 KB for a badge over SSH where a span costs 130 bytes.
    """

    can_focus = False
    ground: Style = ink.BASE

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: list[Line] = []
        self._drawn_for: Size | None = None

    def lines(self) -> list[Line]:
        """What to show now, top to bottom."""
        raise NotImplementedError

    def fitted(self) -> None:
        """Called when the size is new, before `lines()`."""

    def sync(self) -> None:
        """Bring the screen to what `lines()` says, cheaply."""
        if self._drawn_for != self.size:  # hidden, not laid out yet, or being resized: render_line will build it anew,
            self._drawn_for = None  # in the size that it had before as well
            self.refresh()
            return
        new, old = self.lines(), self._shown
        if new == old:
            return
        self._shown = new
        if len(new) != len(old):
            self.refresh()
            return
        dirty = [span for y, (now, was) in enumerate(zip(new, old, strict=True)) if now != was and (span := _span(y, now, was))]
        if dirty:
            self.refresh(*dirty)

    def render_line(self, y: int) -> Strip:
        return self._line(y, self.size)

    def _line(self, y: int, size: Size) -> Strip:
        if self._drawn_for != size:
            self._drawn_for = size
            self.fitted()
            self._shown = self.lines()
        if 0 <= y < len(self._shown) and self._shown[y]:
            return Strip(ink.dressed(self._shown[y])).adjust_cell_length(size.width, ink.look(self.ground))
        return Strip.blank(size.width, ink.look(self.ground))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region, straight from `render_line`: there is no border or padding for Textual's cache to add."""
        size = self.size  # dear: Textual works it out anew each time
        strips = [self._line(y, size) for y in range(crop.y, crop.bottom)]
        for line_filter in self.app.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # nothing to do: no ink needs it where it is on
                ground = self.background_colors[1]
                strips = [strip.apply_filter(line_filter, ground) for strip in strips]
        if (crop.x, crop.right) != (0, size.width):
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def text_of(self, y: int) -> str:
        """The plain text of a line (tests, mouse)."""
        return "".join(segment.text for segment in self._shown[y]) if 0 <= y < len(self._shown) else ""


def _cells(line: Line) -> int:
    return sum(segment.cell_length for segment in line)


def _span(y: int, now: Line, was: Line) -> Region | None:
    """The smallest run of cells that holds every changed segment."""
    shorter, head, tail = min(len(now), len(was)), 0, 0
    while head < shorter and now[head] == was[head]:
        head += 1
    while tail < shorter - head and now[-1 - tail] == was[-1 - tail]:
        tail += 1
    width = max(_cells(now[head : len(now) - tail]), _cells(was[head : len(was) - tail]))
    # Equal tails only stay where they are when both middles are equally wide.
    if _cells(now) != _cells(was):
        width = max(_cells(now), _cells(was)) - _cells(now[:head])
    return Region(_cells(now[:head]), y, width, 1) if width else None


def seg(text: str, style: Style = ink.BASE) -> Segment:
    """A piece of a line."""
    return Segment(text, style)


def field(text: str, width: int, style: Style = ink.BASE) -> Segment:
    """A piece of exactly `width` cells."""
    return Segment(fit(text, width), style)
