"""Every style the light widgets draw with, made once. Colour only repeats what glyph and word already say."""

from __future__ import annotations

from typing import Final

from rich.style import Style

from ...api import states

GROUND: Final = "#101418"
RAISED: Final = "#1b232b"
CURSOR: Final = "#24384a"

BASE: Final = Style(color="#d7dde3", bgcolor=GROUND)
DIM: Final = Style(color="#8b98a5", bgcolor=GROUND)
FAINT: Final = Style(color="#4a5763", bgcolor=GROUND)
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
_FADED: Final = {id(style): DIM for style in (BASE, BOLD, GOOD, WARN, BAD, *STATE.values())}
_CURSORED: Final = {id(style): style + _ON_CURSOR for style in (BASE, DIM, FAINT, BOLD, KEY, WARN, GOOD, BAD, *STATE.values())}


def on_cursor(style: Style) -> Style:
    """The same ink on the cursor's line."""
    return _CURSORED.get(id(style), style)


def faded(style: Style) -> Style:
    """The same text when what it says may be old."""
    return _FADED.get(id(style), style)


_BAR_CURSORED: Final = {id(style): style + _ON_CURSOR for style in (BAR, BAR_DIM, BAR_BOLD, BAR_KEY)}


def on_bar_cursor(style: Style) -> Style:
    """The same ink on the chosen line of a menu."""
    return _BAR_CURSORED.get(id(style), style)


CODE: Final = Style(color="#000000", bgcolor="#ffffff", bold=True)
"""A pairing code: read from across the desk."""
