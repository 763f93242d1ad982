"""From one ink to the next by the shortest sequence: the cell is what it would be on a clean terminal."""

from __future__ import annotations

import itertools

from rich.color import ColorSystem
from rich.style import Style
from ryze_tui.console.pen import _from_to, _ink

from ..terminal.emulator import Cell, Emulator

ATTRIBUTES = (
    "", "bold", "dim", "bold dim", "underline", "bold underline", "reverse bold", "italic strike", "underline2 bold", "overline",
)  # fmt: skip
COLOURS = ("", "#d7dde3", "on #101418", "#d7dde3 on #101418", "#6bd38a on #24384a")
INKS = [("", "", "")] + [
    _ink(Style.parse(f"{attributes} {colours}".strip() or "none"), ColorSystem.TRUECOLOR)
    for attributes in ATTRIBUTES for colours in COLOURS
]  # fmt: skip


def drawn(*inks: tuple[str, str, str]) -> Cell:
    """A cell written with the last ink, after the others."""
    terminal, now = Emulator(4, 1), ("", "", "")
    for ink in inks:
        terminal.feed((_from_to(now, ink) if ink != now else "").encode())
        now = ink
    terminal.feed(b"x")
    return terminal.cells()[0][0]


def test_any_ink_after_any_other() -> None:
    alone = {ink: drawn(ink) for ink in INKS}
    for first, second in itertools.product(INKS, repeat=2):
        assert drawn(first, second) == alone[second], (first, second, _from_to(first, second))


def test_a_colour_stays_where_only_boldness_ends() -> None:
    bold, plain = (_ink(Style.parse(f"{words}#d7dde3 on #101418"), ColorSystem.TRUECOLOR) for words in ("bold ", ""))
    assert _from_to(plain, bold) == "\x1b[1m"
    assert _from_to(bold, plain) == "\x1b[22m"
    assert _from_to(bold, ("", "", "")) == "\x1b[0m"
