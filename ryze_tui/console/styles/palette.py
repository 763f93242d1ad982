"""A theme's colours as our inks: what is too weak to be read is made stronger, until 4.5:1 (WCAG AA) on every ground. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.style import Style
from textual.color import Color

from ...api import states
from . import ink

READABLE: Final = 4.5
"""Contrast of words on their ground, at least."""
_STRONG: Final = 7.0
"""Contrast that the ground below the cursor leaves to black or white: room for every hue."""
_STEPS: Final = 50
_WHITE: Final = Color(255, 255, 255)
_BLACK: Final = Color(0, 0, 0)


def luminance(colour: Color) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.1)."""

    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


def contrast(one: Color, other: Color) -> float:
    """1 to 21 (WCAG 2.1)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def opposite(ground: Color) -> Color:
    """Black or white, whichever is read better there."""
    return max((_WHITE, _BLACK), key=lambda colour: contrast(colour, ground))


def readable(colour: Color, grounds: Iterable[Color], least: float = READABLE) -> Color:
    """The colour, moved towards white or black only as far as words in it need on all of the grounds."""
    grounds = tuple(grounds)
    end = opposite(grounds[0])
    for step in range(_STEPS + 1):
        tried = colour.blend(end, step / _STEPS)
        if all(contrast(tried, ground) >= least for ground in grounds):
            return tried
    return end


def _cursor(ground: Color, accent: Color) -> Color:
    """The ground of the cursor's line: as much of the accent as leaves words readable."""
    end = opposite(ground)
    for part in range(30, 0, -2):
        tried = ground.blend(accent, part / 100)
        if contrast(end, tried) >= _STRONG:
            return tried
    return ground.blend(end, 0.1)


def _raised(ground: Color, wanted: Color) -> Color:
    """The ground of bars and boxes: never so far from the ground that no ink is read on both."""
    for part in range(100, 0, -5):
        tried = ground.blend(wanted, part / 100)
        if contrast(opposite(ground), tried) >= _STRONG:
            return tried
    return ground


class Palette:
    """The colours of the inks, from those of a theme: `background`, `panel`, `foreground`, `primary`, `warning`, …"""

    def __init__(self, given: Mapping[str, str]) -> None:
        colour = {name: Color(*Color.parse(given[name]).rgb) for name in _NEEDED}
        self.ground = colour["background"]
        self.raised = _raised(self.ground, colour["panel"])
        self.cursor = _cursor(self.ground, colour["primary"])
        self.button = self.raised.blend(opposite(self.ground), 0.08)
        self.grounds = (self.ground, self.raised, self.cursor, self.button)
        self.text = readable(colour["foreground"], self.grounds, 6.0)
        self.dim = readable(self.text.blend(self.ground, 0.4), self.grounds)
        self.rule = self.ground.blend(self.text, 0.45)
        self.bold = self.text.blend(opposite(self.ground), 0.7)
        self.off = self.button.blend(self.text, 0.5)
        self.key, self.warn, self.good, self.bad, accent, second = (
            readable(colour[name], self.grounds)
            for name in ("primary", "warning", "success", "error", "accent", "secondary")
        )
        self.badge = colour["warning"]
        self.states = {
            states.BANNED: self.bad,
            states.LOGGEDOUT: self.warn,
            states.DISCONNECTED: self.text.blend(self.dim, 0.6),
            states.CONNECTING: accent,
            states.CONNECTED: self.good,
            states.UNKNOWN: second,
        }

    def looks(self) -> dict[Style, Style]:
        """What every ink looks like."""
        ground, raised = self.ground, self.raised
        out = {
            ink.BASE: _style(self.text, ground),
            ink.DIM: _style(self.dim, ground),
            ink.FAINT: _style(self.rule, ground),
            ink.BOLD: _style(self.bold, ground, bold=True),
            ink.KEY: _style(self.key, ground, bold=True),
            ink.WARN: _style(self.warn, ground),
            ink.GOOD: _style(self.good, ground),
            ink.BAD: _style(self.bad, ground, bold=True),
            ink.BAR: _style(self.text, raised),
            ink.BAR_DIM: _style(self.dim, raised),
            ink.BAR_BOLD: _style(self.bold, raised, bold=True),
            ink.BAR_KEY: _style(self.key, raised, bold=True),
            ink.BAR_WARN: _style(opposite(self.badge), self.badge, bold=True),
            ink.BAR_GOOD: _style(self.good, raised),
            ink.BAR_TROUBLE: _style(self.warn, raised),
            ink.BAR_BAD: _style(self.bad, raised, bold=True),
            **{ink.STATE[state]: _style(colour, ground) for state, colour in self.states.items()},
            **{ink.STATE_BAR[state]: _style(colour, raised) for state, colour in self.states.items()},
        }
        return with_cursor(out, Style(bgcolor=self.cursor.rich_color))

    def variables(self) -> dict[str, str]:
        """The same for the style sheets."""
        named = {
            "ground": self.ground, "raised": self.raised, "cursor": self.cursor, "text": self.text, "dim": self.dim,
            "hint": self.dim,
            "bold": self.bold, "key": self.key, "on-key": opposite(self.key), "warn": self.warn, "bad": self.bad,
            "border": self.rule, "button": self.button, "off": self.off,
        }  # fmt: skip
        return {**ink.VARIABLES, **{f"ink-{name}": colour.hex for name, colour in named.items()}}


_NEEDED: Final = frozenset(
    ("background", "panel", "foreground", "primary", "warning", "success", "error", "accent", "secondary")
)


def _style(colour: Color, ground: Color, *, bold: bool | None = None) -> Style:
    return Style(color=colour.rich_color, bgcolor=ground.rich_color, bold=bold)


def with_cursor(looks: dict[Style, Style], cursor: Style) -> dict[Style, Style]:
    """The looks, and those of the same inks on the cursor's line."""
    pairs = [(one, there) for one in looks for there in (ink.on_cursor(one), ink.on_bar_cursor(one)) if there is not one]
    return {**{there: looks[one] + cursor for one, there in pairs}, **looks}


def _of_terminal(*, colours: bool) -> dict[Style, Style]:
    """Inks on the terminal's own ground, in its own 16 colours or without any."""

    def of(colour: str = "", **attributes: bool) -> Style:
        return Style(color=colour or "default", bgcolor="default", **attributes) if colours else Style(**attributes)  # type: ignore[arg-type]

    plain, dim, bold = of(), of(dim=True), of(bold=True)
    warn, good, bad = of("magenta", bold=not colours), of("green"), of("red", bold=True)
    state = {
        states.BANNED: bad, states.LOGGEDOUT: warn, states.DISCONNECTED: plain, states.CONNECTING: of("cyan"),
        states.CONNECTED: good, states.UNKNOWN: of("blue"),
    }  # fmt: skip
    out = {
        ink.BASE: plain, ink.DIM: dim, ink.FAINT: dim, ink.BOLD: bold, ink.KEY: bold, ink.WARN: warn,
        ink.GOOD: good, ink.BAD: bad, ink.BAR: plain, ink.BAR_DIM: dim, ink.BAR_BOLD: bold, ink.BAR_KEY: bold,
        ink.BAR_GOOD: good, ink.BAR_TROUBLE: warn,
        ink.BAR_BAD: bad, ink.BAR_WARN: of(bold=True, reverse=True), ink.CODE: of(bold=True, reverse=True),
        **{ink.STATE[name]: style for name, style in state.items()},
        **{ink.STATE_BAR[name]: style for name, style in state.items()},
    }  # fmt: skip
    # Below the cursor no hue and no dim: reversed, both would make a ground that nobody chose.
    on = {there: of(reverse=True, bold=bool(one.bold)) for one in out for there in (ink.on_cursor(one), ink.on_bar_cursor(one))
          if there is not one}  # fmt: skip
    return {**on, **out}


def ansi_looks() -> dict[Style, Style]:
    """The terminal's own 16 colours. Black and white of a QR are taken from the 240 that no terminal's theme repaints."""
    exact = Style(color="color(16)", bgcolor="color(231)")
    return {**_of_terminal(colours=True), ink.QR: exact, ink.QR_DARK: Style(color="color(231)", bgcolor="color(16)")}


def plain_looks() -> dict[Style, Style]:
    """No colour at all; a QR stays black on white."""
    return _of_terminal(colours=False)


def terminal_variables() -> dict[str, str]:
    """The style sheets' part of both. Textual loses `reverse` on its way to most of its widgets, underline not."""
    own = {name: "ansi_default" for name in ink.VARIABLES if ink.VARIABLES[name].startswith("#")}
    return {
        **own,
        "ink-focus": "bold underline", "ink-field": "underline", "ink-disabled": "dim", "ink-chosen": "underline",
        "block-cursor-foreground": "ansi_default", "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-text-style": "bold",
        "input-cursor-text-style": "reverse", "button-focus-text-style": "bold reverse",
        "input-cursor-background": "ansi_default", "input-cursor-foreground": "ansi_default",
    }  # fmt: skip
