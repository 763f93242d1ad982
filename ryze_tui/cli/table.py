"""Columns of text for a terminal: as wide as they need, cut where the terminal is narrower, whole where nobody looks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence

from ..redact import clean
from .output import is_terminal

Tint = Callable[[int, str], str]
"""(number of the row, padded text of the cell) -> the text with its colour."""


def cells(text: str) -> int:
    """Cells that a cleaned text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """At most `width` cells; a cut shows as an ellipsis."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text + "…" if width > 0 else ""


def width_of_output() -> int | None:
    """Columns of the terminal; None when the output is none."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def lines(head: Sequence[str], rows: Sequence[Sequence[str]], *, give: Sequence[tuple[int, int]],
          width: int | None = None, tint: tuple[int, Tint] | None = None) -> list[str]:  # fmt: skip
    """The table. `give`: columns that are narrowed for `width`, in this order, and down to what; `tint`: a column's colours."""
    clear = [[clean(cell) for cell in row] for row in [head, *rows]]
    wide = [max(cells(row[column]) for row in clear) for column in range(len(head))]
    if width is not None:
        for column, least in give:
            over = sum(wide) + 2 * (len(wide) - 1) - width
            if over > 0:
                wide[column] = max(min(least, wide[column]), wide[column] - over)
    out = []
    for number, row in enumerate(clear):
        parts = []
        room = width if width is not None else sum(wide) + 2 * len(wide)
        for column, cell in enumerate(row):
            if room <= 0:
                break
            text = cut(cut(cell, wide[column]), room)
            padded = text + " " * max(0, min(wide[column], room) - cells(text))
            room -= wide[column] + 2
            parts.append(tint[1](number - 1, padded) if tint is not None and number and column == tint[0] else padded)
        out.append("  ".join(parts).rstrip())
    return out
