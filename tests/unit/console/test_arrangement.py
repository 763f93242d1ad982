"""Panes never overlap, never leave the terminal, and fill it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.console.panes.arrangement import LIST_MOST, arrange
from textual.geometry import Size

SIZES = st.builds(Size, st.integers(1, 400), st.integers(1, 120))


@given(SIZES, st.booleans())
def test_every_cell_belongs_to_exactly_one_pane(size: Size, detail: bool) -> None:
    regions = list(arrange(size, detail=detail).values())
    assert sum(region.area for region in regions) == size.area
    assert all(region.area and region in size.region for region in regions)
    assert not any(one.overlaps(other) for i, one in enumerate(regions) for other in regions[i + 1 :])


def test_wide_shows_both_whatever_was_opened() -> None:
    for detail in (False, True):
        assert set(arrange(Size(120, 40), detail=detail)) == {"header", "title", "list", "overview", "footer"}


def test_narrow_shows_the_list_with_two_lines_or_the_detail() -> None:
    assert set(arrange(Size(80, 24), detail=False)) == {"header", "title", "list", "summary", "footer"}
    assert set(arrange(Size(80, 24), detail=True)) == {"header", "overview", "footer"}


def test_below_40_by_12_only_the_notice_shows() -> None:
    assert set(arrange(Size(39, 30), detail=False)) == set(arrange(Size(90, 11), detail=True)) == {"notice"}


def test_the_list_stops_growing_where_lines_become_hard_to_follow() -> None:
    assert arrange(Size(400, 40), detail=False)["list"].width == LIST_MOST
