"""What every line goes through before the terminal where it has no colours or no characters beyond ASCII."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

from rich.segment import Segment, Segments
from rich.style import Style
from textual.filter import LineFilter
from textual.scrollbar import ScrollBarRender

from .glyphs import ascii_of
from .styles import ink

if TYPE_CHECKING:
    from textual.color import Color

_EXEMPT = (ink.QR, ink.QR_DARK)


class Ascii(LineFilter):
    """`--ascii`."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [segment if segment.text.isascii() else Segment(ascii_of(segment.text), *segment[1:]) for segment in segments]


@lru_cache(maxsize=2048)
def _uncoloured(style: Style) -> Style:
    if any(style.color == one.color and style.bgcolor == one.bgcolor for one in _EXEMPT):
        return style  # black on white is what makes a QR code readable
    return style.without_color


class Uncoloured(LineFilter):
    """`NO_COLOR`: bold, reverse and underline say what colour said. Textual's own filter leaves greys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, style and _uncoloured(style), control) for text, style, control in segments]


class PlainScrollBar(ScrollBarRender):
    """A bar that is seen without colours: `█` on `│`."""

    @classmethod
    def render_bar(
        cls, size: int = 25, virtual_size: float = 50, window_size: float = 20, position: float = 0,
        thickness: int = 1, vertical: bool = True, back_color: Any = None, bar_color: Any = None,
    ) -> Segments:  # fmt: skip
        """Textual's signature; `size` in cells along the bar."""
        track, thumb = ("│" if vertical else "─"), "█"
        width = thickness if vertical else 1
        ink_of, grab = Style(color=bar_color), {"@mouse.down": "grab"}
        bar = [Segment(track * width, ink_of + Style(meta={"@mouse.down": "scroll_down"}))] * int(size)
        if window_size and size and virtual_size > window_size:
            length = max(1, round(size * window_size / virtual_size))
            start = ceil((size - length) * position / (virtual_size - window_size))
            start = max(0, min(start, int(size) - length))
            bar[:start] = [Segment(track * width, ink_of + Style(meta={"@mouse.down": "scroll_up"}))] * start
            bar[start : start + length] = [Segment(thumb * width, ink_of + Style(meta=grab))] * length
        if vertical:
            return Segments(bar, new_lines=True)
        return Segments([*bar, Segment.line()] * thickness, new_lines=False)
