"""The inks that the light widgets draw with, made once. Colour only repeats what glyph and word already say.

An ink is a role, and the styles below are its looks in our own colours. Another theme (themes.py) gives every ink another
look; a Canvas takes it when a line goes out (`dressed`), so that widgets may keep, compare and combine inks as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.segment import Segment
from rich.style import Style

from ...api import states

GROUND: Final = "#101418"
RAISED: Final = "#1b232b"
CURSOR: Final = "#24384a"

BASE: Final = Style(color="#d7dde3", bgcolor=GROUND)
DIM: Final = Style(color="#8b98a5", bgcolor=GROUND)
FAINT: Final = Style(color="#4a5763", bgcolor=GROUND)
"""Rules and edges; never words."""
BOLD: Final = Style(color="#ffffff", bgcolor=GROUND, bold=True)
KEY: Final = Style(color="#7fd1ff", bgcolor=GROUND, bold=True)
WARN: Final = Style(color="#ffb454", bgcolor=GROUND)
GOOD: Final = Style(color="#6bd38a", bgcolor=GROUND)
BAD: Final = Style(color="#ff6b6b", bgcolor=GROUND, bold=True)

BAR: Final = Style(color="#d7dde3", bgcolor=RAISED)
BAR_DIM: Final = Style(color="#8b98a5", bgcolor=RAISED)
BAR_BOLD: Final = Style(color="#ffffff", bgcolor=RAISED, bold=True)
BAR_KEY: Final = Style(color="#7fd1ff", bgcolor=RAISED, bold=True)
BAR_WARN: Final = Style(color="#101418", bgcolor="#ffb454", bold=True)
BAR_GOOD: Final = Style(color="#6bd38a", bgcolor=RAISED)
BAR_TROUBLE: Final = Style(color="#ffb454", bgcolor=RAISED)
BAR_BAD: Final = Style(color="#ff6b6b", bgcolor=RAISED, bold=True)

QR: Final = Style(color="#000000", bgcolor="#ffffff")
"""Black on white whatever the theme: phones read nothing else reliably."""
QR_DARK: Final = Style(color="#ffffff", bgcolor="#000000")
"""A dark module where the QR is drawn in spaces."""
CODE: Final = Style(color="#000000", bgcolor="#ffffff", bold=True)
"""A pairing code: read from across the desk."""

_COLOUR: Final = {
    states.BANNED: "#ff6b6b",
    states.LOGGEDOUT: "#ffb454",
    states.DISCONNECTED: "#a9b6c2",
    states.CONNECTING: "#ffe07a",
    states.CONNECTED: "#6bd38a",
    states.UNKNOWN: "#d7a6ff",
}
STATE: Final = {state: Style(color=colour, bgcolor=GROUND) for state, colour in _COLOUR.items()}
STATE_BAR: Final = {state: Style(color=colour, bgcolor=RAISED) for state, colour in _COLOUR.items()}

_ON_CURSOR: Final = Style(bgcolor=CURSOR)
_DIM_ON_CURSOR: Final = Style(color="#98a5b2", bgcolor=CURSOR)  # the dim of the ground has 4.2:1 there
_FADED: Final = {id(style): DIM for style in (BASE, BOLD, GOOD, WARN, BAD, *STATE.values())}
_CURSORED: Final = {id(style): style + _ON_CURSOR for style in (BASE, FAINT, BOLD, KEY, WARN, GOOD, BAD, *STATE.values())}
_CURSORED[id(DIM)] = _DIM_ON_CURSOR
_CURSORED[id(BAD)] = Style(color="#ff7a7a", bgcolor=CURSOR, bold=True)
_CURSORED[id(STATE[states.BANNED])] = Style(color="#ff7a7a", bgcolor=CURSOR)
_BAR_CURSORED: Final = {id(style): style + _ON_CURSOR for style in (BAR, BAR_BOLD, BAR_KEY)}
_BAR_CURSORED[id(BAR_DIM)] = _DIM_ON_CURSOR


def on_cursor(style: Style) -> Style:
    """The same ink on the cursor's line."""
    return _CURSORED.get(id(style), style)


def faded(style: Style) -> Style:
    """The same text when what it says may be old."""
    return _FADED.get(id(style), style)


def on_bar_cursor(style: Style) -> Style:
    """The same ink on the chosen line of a menu."""
    return _BAR_CURSORED.get(id(style), style)


VARIABLES: Final[Mapping[str, str]] = {
    "ink-ground": GROUND,
    "ink-raised": RAISED,
    "ink-cursor": CURSOR,
    "ink-text": "#d7dde3",
    "ink-dim": "#8b98a5",
    "ink-hint": "#98a5b2",
    "ink-bold": "#ffffff",
    "ink-key": "#7fd1ff",
    "ink-on-key": "#101418",
    "ink-warn": "#ffb454",
    "ink-bad": "#ff6b6b",
    "ink-border": "#4f6a80",
    "ink-button": "#2c3843",
    "ink-off": "#5c6a76",
    "ink-focus": "bold",
    "ink-field": "none",
    "ink-disabled": "none",
    "ink-chosen": "bold",
}
"""The same colours for the style sheets, and the text styles of what has the focus, of a focused field, of what is disabled, of
a chosen option."""

_looks: Mapping[Style, Style] | None = None
_variables: Mapping[str, str] = VARIABLES


def wear(looks: Mapping[Style, Style] | None, variables: Mapping[str, str] = VARIABLES) -> None:
    """From now on every ink looks like this (`None`: our own colours). What is on the screen must be drawn again."""
    global _looks, _variables
    _looks, _variables = looks, variables


def variables() -> Mapping[str, str]:
    """What the style sheets may name, in the colours of now."""
    return _variables


def look(style: Style) -> Style:
    """An ink in the colours of now."""
    return style if _looks is None else _looks.get(style, style)


def dressed(line: list[Segment]) -> list[Segment]:
    """A line in the colours of now."""
    looks = _looks
    if looks is None:
        return line
    return [Segment(text, looks.get(style, style) if style is not None else None, control) for text, style, control in line]
