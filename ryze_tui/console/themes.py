"""Which colours the console has: our own, those of a Textual theme, the terminal's 16, or (`NO_COLOR`) none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .styles import ink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

    from .compat import CellExact

OWN: Final = "ryze"
"""Our own colours; nothing is worked out for them, so the start costs nothing."""
ANSI: Final = "ansi"
"""The terminal's own 16 colours and ground."""
_BENEATH: Final = {OWN: "textual-dark", ANSI: "ansi-dark"}
"""Textual's theme for its own widgets, where ours has another name."""


def names() -> list[str]:
    """Every theme there is, ours first."""
    from textual.theme import BUILTIN_THEMES

    return [OWN, ANSI, *sorted(name for name, theme in BUILTIN_THEMES.items() if not theme.ansi)]


def known(name: str) -> bool:
    """Whether there is such a theme; none is our own."""
    return name in ("", OWN, ANSI) or name in names()


def begin(app: CellExact, name: str) -> None:
    """The theme of an app that has not drawn yet. An unknown name is our own theme."""
    _wear(app, name if known(name) else OWN)
    if app.uncoloured or app.theme_name != OWN:
        app.stylesheet.set_variables(app.get_css_variables())  # the sheet was made with our own


def change(app: CellExact, name: str) -> None:
    """Another theme while it runs."""
    _wear(app, name)
    app.repaint()


def _wear(app: CellExact, name: str) -> None:
    name = name or OWN
    beneath = _BENEATH.get(name, name)
    app.theme_name = name
    if app.uncoloured or name == ANSI:
        _plainly(app)
    elif name == OWN:
        ink.wear(None)
    else:
        looks, variables = _derived(name)
        ink.wear(looks, variables)
    app.only_terminal_colours = name == ANSI and not app.uncoloured
    app.plain_scrollbars(app.uncoloured or name == ANSI)
    if app.theme != beneath:
        app.theme = beneath


def _plainly(app: CellExact) -> None:
    from .styles import palette

    looks = palette.plain_looks() if app.uncoloured else palette.ansi_looks()
    ink.wear(looks, palette.terminal_variables())


def _derived(name: str) -> tuple[Mapping[Style, Style], Mapping[str, str]]:
    from textual.theme import BUILTIN_THEMES

    from .styles.palette import Palette

    palette = Palette(BUILTIN_THEMES[name].to_color_system().generate())
    return palette.looks(), palette.variables()
