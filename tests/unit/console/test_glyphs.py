"""`--ascii`: 7 bits, cell for cell."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from ryze_tui.console.glyphs import TABLE, ascii_of


@pytest.mark.parametrize(("text", "shown"), [
    ("● connected", "* connected"), ("Armazém São João", "Armazem Sao Joao"), ("日本", "????"), ("╭─╮", "+-+"),
    ("3 · s", "3 . s"),    ("sales-nor…", "sales-nor~"), ("e\u0301", "e"), ("plain", "plain"), ("[·] (•)", "[.] (*)"),
])  # fmt: skip
def test_examples(text: str, shown: str) -> None:
    assert ascii_of(text) == shown


@given(st.text())
def test_seven_bits_and_as_wide(text: str) -> None:
    assert ascii_of(text).isascii()
    assert len(ascii_of(text)) == cell_len(text) or text.isascii()


def test_every_glyph_of_ours_has_something_better_than_a_question_mark() -> None:
    ours = set()
    for path in (Path(__file__).parents[3] / "ryze_tui").rglob("*.py"):
        text = re.sub(r"\"\"\".*?\"\"\"", "", path.read_text(), flags=re.S)
        ours |= {character for character in text if ord(character) > 126}
    drawn = {glyph for glyph in ours if not "\U0001fb00" <= glyph <= "\U0001fbff"}
    assert {glyph for glyph in drawn if ascii_of(glyph).startswith("?") and glyph not in TABLE and glyph.isprintable()} == set()
    assert all(set(stand_in) <= set(string.printable) for stand_in in TABLE.values())
