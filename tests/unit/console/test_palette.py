"""Every theme can be read: 4.5:1 for words on every ground, in our own colours as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from ryze_tui.config.declared import THEMES
from ryze_tui.console import themes
from ryze_tui.console.styles import ink
from ryze_tui.console.styles.palette import READABLE, Palette, ansi_looks, contrast, plain_looks, readable
from textual.color import Color
from textual.theme import BUILTIN_THEMES

COLOURS = st.builds(Color, *[st.integers(0, 255)] * 3)


def grounds_and_inks(style: Style) -> float:
    assert style.color is not None and style.bgcolor is not None
    return contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))


def every_ink() -> list[Style]:
    named = [value for value in vars(ink).values() if isinstance(value, Style) and value.color is not None]
    inks = [*named, *ink.STATE.values(), *ink.STATE_BAR.values()]
    return [*inks, *map(ink.on_cursor, inks), *map(ink.on_bar_cursor, inks)]


def words() -> list[Style]:
    """Inks of words; FAINT draws rules only."""
    return [style for style in every_ink() if style.color != ink.FAINT.color]


def test_known_contrasts() -> None:
    assert round(contrast(Color(255, 255, 255), Color(0, 0, 0)), 2) == 21
    assert round(contrast(Color.parse("#777777"), Color(255, 255, 255)), 2) == 4.48


def test_our_own_colours() -> None:
    assert min(map(grounds_and_inks, words())) >= READABLE
    for name, ground in (("text", "raised"), ("dim", "raised"), ("warn", "raised"), ("bold", "cursor"), ("hint", "cursor"),
                         ("hint", "ground"), ("on-key", "key"), ("text", "button"), ("bad", "ground")):  # fmt: skip
        value = contrast(Color.parse(ink.VARIABLES[f"ink-{name}"]), Color.parse(ink.VARIABLES[f"ink-{ground}"]))
        assert value >= READABLE, (name, ground, value)


@pytest.mark.parametrize("name", [name for name in THEMES if name not in (themes.OWN, themes.ANSI)])
def test_every_theme(name: str) -> None:
    palette = Palette(BUILTIN_THEMES[name].to_color_system().generate())
    looks = palette.looks()
    for style in words():
        if style not in (ink.QR, ink.QR_DARK, ink.CODE):
            assert grounds_and_inks(looks[style]) >= READABLE, (name, style)
    seen = palette.variables()
    assert seen.keys() == ink.VARIABLES.keys()
    for role in ("text", "dim", "hint", "bold", "warn", "bad", "key"):
        for ground in ("ground", "raised", "cursor", "button"):
            pair = Color.parse(seen[f"ink-{role}"]), Color.parse(seen[f"ink-{ground}"])
            assert contrast(*pair) >= READABLE, (name, role, ground)
    assert contrast(Color.parse(seen["ink-on-key"]), Color.parse(seen["ink-key"])) >= READABLE


def test_a_qr_is_black_on_white_in_every_theme() -> None:
    for name in THEMES[2:]:
        assert ink.QR not in Palette(BUILTIN_THEMES[name].to_color_system().generate()).looks()
    assert ink.QR not in plain_looks()
    exact = ansi_looks()[ink.QR]
    assert exact.color is not None and exact.bgcolor is not None
    assert (exact.color.number, exact.bgcolor.number) == (16, 231)


def test_every_ink_has_a_look_on_the_terminals_own_ground() -> None:
    for looks in (plain_looks(), ansi_looks()):
        assert all(style in looks for style in every_ink() if style not in (ink.QR, ink.QR_DARK))
    assert all(style.color is None and style.bgcolor is None for style in plain_looks().values())
    assert all(plain_looks()[ink.on_cursor(style)].reverse for style in (ink.BASE, ink.DIM, *ink.STATE.values()))


@given(COLOURS, COLOURS)
def test_any_colour_can_be_read_on_any_ground(colour: Color, ground: Color) -> None:
    assert contrast(readable(colour, [ground]), ground) >= READABLE


def test_the_names_in_the_configuration_are_those_that_there_are() -> None:
    assert themes.names() == list(THEMES)
