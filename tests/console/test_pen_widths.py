"""Whatever a terminal thinks of a character's width: each cell that is agreed about is where it belongs, in each frame."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import pytest
import rich._unicode_data._versions as unicode_versions
import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size
from rich.segment import Segment
from ryze_tui.console.pen import Pen, cells_of, doubt
from ryze_tui.redact import clean

Opinion = Callable[[str], int]
WIDTH: Final = 24
CSI: Final = re.compile(r"\x1b\[(\d*)(?:;(\d+))?([HGm])|(.)", re.DOTALL)
HOSTILE: Final = (
    "abcdef ghi|.", "éßαж①§×", "漢字한글", "👩👍🏽🙂🇧🇷☎⚠⚡☰●…", "e\u0301\u0308x", "हिन्दी क\u093e\u093e",
    "ᄒ\u1161\u11ab", "ทำ", "1\u20e3", "𝌆𗀀﷽",
)  # fmt: skip


class Model:
    """One row of a terminal that neither wraps nor joins: half of a wide character that is written over goes whole.

    One that would not fit into the last column is not drawn.
    """

    def __init__(self, opinion: Opinion) -> None:
        self.opinion, self.at = opinion, 0
        self.cells: list[str] = ["?"] * WIDTH  # something else stood there

    def feed(self, text: str) -> None:
        for row_or_column, column, what, character in CSI.findall(text):
            if what == "H":
                assert row_or_column == "1"
                self.at = int(column) - 1
            elif what == "G":
                self.at = int(row_or_column) - 1
            elif character:
                self._write(character)

    def _write(self, character: str) -> None:
        width = self.opinion(character)
        if width == 0:
            return
        if self.at + width > WIDTH:
            character, width = " ", 1
        for x in range(self.at, self.at + width):
            if self.cells[x] == "":
                self.cells[x - 1] = " "
            if x + 1 < WIDTH and self.cells[x + 1] == "":
                self.cells[x + 1] = " "
        self.cells[self.at : self.at + width] = [character] + [""] * (width - 1)
        self.at = min(self.at + width, WIDTH - 1) if self.at + width < WIDTH else WIDTH - 1


def ours(character: str) -> int:
    return get_character_cell_size(character)


def one_each(character: str) -> int:
    """Every mark, tone and emoji in one cell."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 1 if doubt(character)[0] or ours(character) == 0 else ours(character)


def two_each(character: str) -> int:
    """All that is in doubt in two cells, vowel signs in one."""
    if unicodedata.category(character) == "Mc" or character in "\u1161\u11ab":
        return 1
    return 2 if doubt(character)[0] and unicodedata.category(character) not in ("Mn", "Me") else ours(character)


texts = st.text(alphabet="".join(HOSTILE), max_size=14) | st.sampled_from(HOSTILE)
frames = st.lists(st.tuples(st.integers(0, WIDTH - 1), texts), min_size=1, max_size=6)


@pytest.mark.parametrize("opinion", [ours, one_each, two_each])
@given(frames)
@example([(0, "éab"), (0, "xab"), (0, "éab")])
@example([(0, "ab12"), (0, "🙂12"), (0, "ab12")])
def test_what_is_agreed_about_stands_in_its_cell(opinion: Opinion, drawn: list[tuple[int, str]]) -> None:
    terminal, shadow = Model(opinion), list(cells_of([Segment("." * WIDTH)]))
    first = Pen(None)
    first.move(0, 0)
    first.put(0, "." * WIDTH, None)
    terminal.feed(first.finish())
    for x, text in drawn:
        new = cells_of([Segment(clean(text))])
        if x + len(new) > WIDTH or not new:
            continue
        if x and shadow[x][0] == "":  # Textual never cuts a wide character in two: what is left of it becomes a space
            new, x = [(" ", None), *new], x - 1
        if (after := x + len(new)) < WIDTH and shadow[after][0] == "":
            new.append((" ", None))
        pen = Pen(None)
        pen.row(x, 0, new, shadow)  # type: ignore[arg-type]
        terminal.feed(pen.finish())
        for column, (cell, _style) in enumerate(shadow):
            if cell and not doubt(cell)[0]:
                assert terminal.cells[column] == cell, (column, "".join(terminal.cells), [cell for cell, _style in shadow])
            elif cell:
                shown = terminal.cells[column]
                assert shown in (cell[0], " ") or shown in cell, (column, shown, cell)


def test_what_is_in_doubt_costs_a_few_bytes_and_nothing_else_does() -> None:
    def size(text: str) -> int:
        pen = Pen(None)
        pen.row(0, 0, cells_of([Segment(text)]), [None] * WIDTH)
        return len(pen.finish().encode())

    assert size("a" * 20) == 20 + len("\x1b[1;1H")
    assert size("─" * 20) == 3 * 20 + len("\x1b[1;1H"), "borders are ours"
    assert size("漢" * 10) == 3 * 10 + len("\x1b[1;1H"), "everybody agrees about these"
    assert size("é" * 10 + "a") <= (2 + len("\x1b[11G")) * 11
    assert size("🙂" * 10) <= (4 + 2 + 2 * len("\x1b[11G")) * 10 + len("\x1b[1;1H")


@pytest.mark.long
def test_every_character_whose_width_changed_or_is_ambiguous_is_in_doubt() -> None:
    versions = [version for version in unicode_versions.VERSIONS if int(version.split(".")[0]) >= 9]
    wrong = []
    for code in range(0xA0, 0x110000):
        character = chr(code)
        if clean(character) != character or unicodedata.category(character)[0] == "M":
            continue
        frame = 0x2500 <= code < 0x25A0 or 0x1FB00 <= code < 0x1FC00
        widths = {get_character_cell_size(character, "17.0.0"), wcwidth.wcwidth(character)}
        if unicodedata.category(character) not in ("Lo", "Ll", "Lu") or not character.isalpha():
            widths |= {get_character_cell_size(character, version) for version in versions}
        ambiguous = unicodedata.east_asian_width(character) == "A"
        if (len(widths) > 1 or ambiguous) and not frame and not doubt(character)[0]:
            wrong.append(hex(code))
    assert not wrong


@pytest.mark.parametrize("mark", ["\u0301", "\u093e", "\U0001f3fd", "\u1161", "\u11ab"])
def test_a_stranger_stacks_no_more_than_two_marks(mark: str) -> None:
    assert clean("ab" + mark * 50 + "c") == "ab" + mark * 2 + "c"
    assert sum(doubt(cell)[1] for cell, _style in cells_of([Segment(clean("ab" + mark * 50 + "c"))])) <= 4
