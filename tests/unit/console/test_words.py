"""Widths, ages and badges as they are written on the screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from ryze_tui.api import states
from ryze_tui.console.panes.instances import columns
from ryze_tui.console.words import age, badge, fit, number, wrap


@pytest.mark.parametrize(
    ("seconds", "exact", "text"),
    [
        (0, True, "now"),
        (59, True, "now"),
        (59, False, "–"),
        (60, True, "1 m"),
        (60, False, "≥1 m"),
        (3599, True, "59 m"),
        (3600, True, "1 h"),
        (86399, True, "23 h"),
        (86400, True, "1 d"),
        (400 * 86400, False, "≥400 d"),
    ],
)
def test_ages_are_coarse(seconds: float, exact: bool, text: str) -> None:
    assert age(seconds, exact=exact) == text


def test_every_state_has_its_glyph_and_word() -> None:
    assert {state: badge(state) for state in (*states.STATES, states.UNKNOWN)} == {
        "banned": "✖ banned",
        "loggedout": "⚠ logged out",
        "disconnected": "○ disconnected",
        "connecting": "◌ connecting",
        "connected": "● connected",
        "unknown": "? unknown",
    }


def test_a_number_that_was_never_paired_is_a_dash() -> None:
    assert number("") == "–" and number("5511999990077") == "+5511999990077"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40), st.integers(0, 30))
def test_fit_is_exact_to_the_cell(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=200), st.integers(4, 40))
def test_wrapped_lines_are_never_too_wide(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap(text, width))


@pytest.mark.parametrize("width", range(16, 200))
def test_the_columns_fill_the_list_and_no_more(width: int) -> None:
    chosen = columns(width)
    assert sum(size for _name, size in chosen) + len(chosen) + 3 <= width or width < 20
    assert [name for name, _size in chosen][:2] == ["name", "state"]


def test_eighty_columns_show_what_the_wireframe_shows() -> None:
    assert [name for name, _size in columns(80)][:4] == ["name", "state", "for", "number"]
    assert "blocks" in dict(columns(80))
