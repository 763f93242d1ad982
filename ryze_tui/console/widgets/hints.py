"""Hints on keys that can be clicked: the click presses the key that is written there, and everything else follows from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import events
from textual.keys import _character_to_key

from ...keys import NAMES
from ..styles import ink
from ..words import DOT
from .canvas import Canvas, Line

if TYPE_CHECKING:
    from textual.widget import Widget

_NAMED: Final = {written: key for key, written in NAMES.items()} | {"enter": "enter", "space": "space", "tab": "tab"}


def key_of(written: str) -> str:
    """`?` -> `question_mark`, `ctrl+pgdn` -> `ctrl+pagedown`: what a key is to Textual; empty for a word that is none."""
    *modifiers, name = written.split("+") if len(written) > 1 else [written]
    if name in _NAMED:
        name = _NAMED[name]
    elif len(name) == 1 and name.isascii() and name.isprintable():
        name = _character_to_key(name)
    elif not (name[:1] == "f" and name[1:].isdigit()) or not all(part in ("ctrl", "alt", "shift") for part in modifiers):
        return ""
    return "+".join([*modifiers, name])


def press(widget: Widget, written: str) -> bool:
    """Press a key that is written on the screen, if anything hears it now. Never a letter into a field."""
    key, screen = key_of(written), widget.screen
    bound = screen.active_bindings.get(key)
    if not key or bound is None or not bound.enabled:
        return False
    if len(written) == 1 and screen.focused is not None:
        from textual.widgets import Input  # at start there is none

        if isinstance(screen.focused, Input):
            return False
    widget.app.call_later(widget.app.simulate_key, key)  # from the app: a key that a screen sends bubbles no further than it
    return True


def hint_at(line: Line, x: int) -> str:
    """The key of the hint in column `x`: a key's own ink, or the words right behind it."""
    at, key = 0, ""
    for text, style, _control in line:
        if style is ink.KEY or style is ink.BAR_KEY:
            key = text.strip()
        elif style is not ink.DIM and style is not ink.BAR_DIM and style is not ink.BASE:
            key = ""
        if at <= x < at + cell_len(text):
            return key
        if style is not ink.KEY and style is not ink.BAR_KEY:
            key = ""
        at += cell_len(text)
    return ""


def piece_at(text: str, x: int) -> str:
    """The key that the part of a sentence in column `x` begins with: `t looks again · esc closes`."""
    at = 0
    for piece in text.split(DOT):
        if at <= x < at + cell_len(piece) + cell_len(DOT) and piece.strip():
            return piece.strip().split()[0].strip("()")
        at += cell_len(piece) + cell_len(DOT)
    return ""


class Hinted(Canvas):
    """Lines with hints in the inks of keys."""

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._shown) and press(self, hint_at(self._shown[event.y], event.x)):
            event.stop()
