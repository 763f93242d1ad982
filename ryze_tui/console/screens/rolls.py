"""What the tape of events and the log of calls share: the line that a filter is typed in, and what is taken out of them."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

from textual.app import App
from textual.screen import Screen
from textual.widgets import Input

from ...i18n import _
from ..widgets.hints import Hinted
from ..words import safe
from .blockjson import CLIPBOARD


class FilterLine(Input):
    """One line below the pane, there only while a filter is typed."""

    DEFAULT_CSS = """
    FilterLine { dock: bottom; height: 1; border: none; padding: 0 1; background: $ink-raised; color: $ink-bold; display: none; }
    FilterLine.-open { display: block; }
    FilterLine:focus { border: none; }
    """

    def __init__(self, hint: str) -> None:
        super().__init__(id="filter", placeholder=hint, max_length=200, select_on_focus=False)
        self.cursor_blink = False

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, words: str) -> None:
        """Show it, and type here from now on."""
        self.value = words
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Out of the way."""
        self.remove_class("-open")


class Roll(Hinted):
    """The lines of such a screen."""

    def set_filter(self, words: str) -> None:
        """Show what matches."""
        raise NotImplementedError

    def turn(self) -> None:
        """Hold still, or go on."""
        raise NotImplementedError

    filter = ""


Pane = TypeVar("Pane", bound=Roll)


class RollScreen(Screen[None], Generic[Pane]):
    """`pane` with `line` below it: what is typed there filters at once, and the pane holds still on a key."""

    pane: Pane
    line: FilterLine

    def action_close(self) -> None:
        if self.focused is self.line:
            self._end("")
        else:
            self.dismiss(None)

    def action_filter(self) -> None:
        self.line.open(self.pane.filter)

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.line.is_open:
            self.pane.set_filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._end(event.value)

    def _end(self, words: str) -> None:
        self.line.close()
        self.pane.focus()
        self.pane.set_filter(words)

    def action_turn(self) -> None:
        self.pane.turn()


def save(app: App[int], what: str, lines: list[str], many: str) -> None:
    """As NDJSON into a file of its own in the current directory, 0600."""
    name = f"ryze-{what}-{time.strftime('%Y%m%d-%H%M%S', time.localtime())}"
    path = next(path for number in count(1) if not (path := Path.cwd() / f"{name}{f'-{number}' * (number > 1)}.ndjson").exists())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as problem:
        words = _("{path} could not be written: {problem}").format(path=path, problem=problem.strerror)
        app.notify(safe(words), severity="error", markup=False)
        return
    words = _("{count} saved, secrets masked: {path}").format(count=many, path=path)
    app.notify(safe(words), markup=False, timeout=8)


def copy(app: App[int], text: str) -> None:
    """To the clipboard, as far as a terminal takes it."""
    if len(text.encode(errors="replace")) > CLIPBOARD:
        app.notify(_("It is too long for the clipboard of a terminal."), severity="warning", markup=False)
        return
    app.copy_to_clipboard(text)
    app.notify(_("Copied, secrets masked. Terminals that refuse it say nothing."), markup=False, timeout=5)
