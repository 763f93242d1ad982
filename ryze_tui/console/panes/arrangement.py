"""Where the panes of the main screen stand: one pure table instead of nested containers and style rules (20 ms at start)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.layouts.vertical import VerticalLayout
from textual.widget import Widget

WIDE: Final = 100
"""Columns from which list and detail stand side by side."""
SMALLEST: Final = (40, 12)
LIST_MOST: Final = 112
"""Columns that the list takes at most: what is longer is hard to read across."""

Pane = Literal["header", "title", "list", "summary", "overview", "footer", "notice"]
Regions = Mapping[Pane, Region]


def arrange(size: Size, *, detail: bool) -> Regions:
    """The region of every pane that is shown. `detail`: in a narrow terminal the detail replaces the list."""
    width, height = size
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"notice": size.region}
    regions: dict[Pane, Region] = {"header": Region(0, 0, width, 1), "footer": Region(0, height - 1, width, 1)}
    body = Region(0, 1, width, height - 2)
    if width >= WIDE:
        left = min(width * 56 // 100, LIST_MOST)
        regions["overview"] = Region(left, body.y, width - left, body.height)
        body = Region(0, body.y, left, body.height)
    elif detail:
        return {**regions, "overview": body}
    else:
        regions["summary"] = Region(0, body.bottom - 2, width, 2)
        body = body.shrink((0, 0, 2, 0))
    return {
        **regions, "title": Region(0, body.y, body.width, 1), "list": Region(0, body.y + 1, body.width, body.height - 1)
    }


class Arrangement(Layout):
    """Puts widgets where `place` says; what it does not know (toasts, tooltips) goes one below the other as usual."""

    name = "panes"

    def __init__(self, place: Callable[[Size], Mapping[Widget, Region]], panes: Callable[[Widget], bool]) -> None:
        self._place, self._panes, self._others = place, panes, VerticalLayout()

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        regions = self._place(size)
        placed = [WidgetPlacement(regions[child], NULL_OFFSET, NULL_SPACING, child) for child in children if child in regions]
        others = [child for child in children if not self._panes(child)]
        return placed + (list(self._others.arrange(parent, others, size, greedy)) if others else [])
