"""How texts are fitted to the screen; how states and ages are written is fleet/telling.py's. Pure; widths are terminal cells."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size

from ..fleet.telling import GLYPH, PHASE, age, badge, dated, day, lasting, number
from ..redact import clean

__all__ = ["DOT", "GLYPH", "PHASE", "age", "badge", "dated", "day", "fit", "lasting", "number", "safe", "wrap"]

DOT: Final = " · "


@lru_cache(maxsize=4096)
def safe(text: str) -> str:
    """A text of a stranger, fit for the terminal: one line, no control, escape or direction characters."""
    return clean(text)


@lru_cache(maxsize=8192)
def fit(text: str, width: int) -> str:
    """Cut or pad to exactly `width` cells; a cut shows as `…`."""
    if width <= 0:
        return ""
    if len(text) == width and text.isascii():
        return text
    if text.isascii() and len(text) < width:
        return text.ljust(width)
    size = cell_len(text)
    if size <= width:
        return text + " " * (width - size)
    return (
        "…"
        if width == 1
        else set_cell_size(text, width - 1).rstrip() + "…" + " " * (width - 1 - cell_len(set_cell_size(text, width - 1).rstrip()))
    )


def wrap(text: str, width: int) -> list[str]:
    """Break a text of ours into lines of at most `width` cells, at spaces where possible."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            while cell_len(word) > width > 0:
                if line:
                    lines.append(line)
                    line = ""
                head = set_cell_size(word, width).rstrip() or word[:1]
                lines.append(head)
                word = word[len(head) :]
            longer = f"{line} {word}" if line else word
            if cell_len(longer) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines
