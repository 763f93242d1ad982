"""Where toasts stand: never over the field that has the focus, nor over buttons; over nothing at all where there is room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from .words import wrap

if TYPE_CHECKING:
    from textual.notifications import Notification
    from textual.screen import Screen
    from textual.widget import Widget

WIDEST: Final = 64
_FRAME: Final = 3
"""Cells of a toast beside its words."""
_FIRST: Final = 1
"""The row they stand in where nothing is in the way: below the title."""
_KEPT: Final = 10_000
_FIELD: Final = 3
"""Rows of the highest widget that is a field; what is higher cannot be kept clear."""


def best(height: int, costs: Sequence[int]) -> int:
    """The row in which `height` rows hide least, the nearest to that below the title; `costs`: of hiding each row."""
    tops = range(max(len(costs) - height, 0) + 1)
    return min(tops, key=lambda top: (sum(costs[top : top + height]), abs(top - _FIRST), top))


def place(screens: Sequence[Screen[Any]], said: Iterable[Notification]) -> None:
    """Move what is said on the last of `screens` to where it hides least; on those below it would be read twice."""
    for below in screens[:-1]:
        if (rack := _rack(below)) is not None:
            rack.display = False
    screen, words = screens[-1], [one.message for one in said]
    rack = _rack(screen)
    if not words or rack is None or rack.styles.dock != "top":
        return
    width, height = screen.size
    most = min(WIDEST, width)
    lines = [wrap(text, max(most - _FRAME, 8)) or [""] for text in words]
    left = width - min(max(len(line) for one in lines for line in one) + _FRAME, most)
    top = best(sum(map(len, lines)), _costs(screen, left, height))
    if rack.styles.margin.top != top:
        rack.styles.margin = (top, 0, 0, 0)


def _rack(screen: Screen[Any]) -> Widget | None:
    return next(iter(screen.query("ToastRack")), None)


def _costs(screen: Screen[Any], left: int, height: int) -> list[int]:
    """For each row what it costs to hide what stands there right of column `left`."""
    costs, focused = [0] * height, screen.focused
    if not screen.is_modal:
        return costs
    costs[0] = 1  # the link's badge, or whose form it is
    for box in screen.query("#box"):
        if 0 <= box.region.y < height:
            costs[box.region.y] = 3
    for widget in screen.query("#box *"):
        if weight := _weight(widget, focused):
            region = widget.region.intersection(widget.parent.region if widget.parent else widget.region)  # type: ignore[attr-defined]
            if region and region.right > left:
                for row in range(max(region.y, 0), min(region.bottom, height)):
                    costs[row] += weight
    return costs


def _weight(widget: Widget, focused: Widget | None) -> int:
    if not widget.display or not widget.visible:
        return 0
    if widget.has_class("buttons"):
        return _KEPT
    if widget is focused:
        return _KEPT if widget.region.height <= _FIELD else 5
    if widget.is_container or not widget.region.height:
        return 0
    return 3 if widget.id in ("tabs", "pages", "help", "note") or widget.has_class("problem") else 2
