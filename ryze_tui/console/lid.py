"""Terminals that get too small, and large again: below 40x12 a notice lies over every screen, and nothing below it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from textual import events

from .panes.arrangement import SMALLEST
from .screens.paned import TooSmall

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.widget import Widget

    from .app import RyzeConsole


class Lid(TooSmall):
    """The notice on top of a screen."""


def too_small(size: Size) -> bool:
    """Whether no screen fits."""
    return size.width < SMALLEST[0] or size.height < SMALLEST[1]


class Sizes:
    """Covers and uncovers screens, and gives the focus back to what lost it by having no room."""

    def __init__(self, app: RyzeConsole) -> None:
        self._app = app
        self._had: WeakKeyDictionary[Screen[Any], Widget] = WeakKeyDictionary()
        self._pending = False

    def swallows(self, event: events.Event) -> bool:
        """Whether keys and pastes go nowhere, because nobody could see where. `q` leaves."""
        if not isinstance(event, (events.Key, events.Paste)) or not too_small(self._app.size):
            return False
        if isinstance(event, events.Key) and event.key == "q" and not event.is_forwarded:
            self._app.main.ask_quit()
        return True

    def resized(self, size: Size) -> None:
        """The terminal has another size; nothing is laid out yet."""
        for screen in self._app.screen_stack:
            if screen.focused is not None:
                self._had[screen] = screen.focused
        self._pending = True
        self.cover(size)

    def cover(self, size: Size | None = None) -> None:
        """A notice over the screen, or none. Also when another screen is on top now."""
        screen = self._app.screen
        if screen is self._app.main or not screen.is_attached:  # the main screen has a notice of its own
            return
        lid = next(iter(screen.query(Lid)), None)
        if too_small(size or self._app.size):
            if lid is None:
                screen.mount(Lid())
        elif lid is not None:
            lid.remove()

    def drawn(self) -> None:
        """Something was drawn: what lost the focus for want of room gets it again, and is in sight."""
        if not self._pending or too_small(self._app.size):
            return
        screen = self._app.screen
        if screen.size != self._app.size:
            return
        self._pending = False
        widget = self._had.pop(screen, None)
        if widget is None or not widget.is_attached or not widget.focusable:
            return
        if screen.focused is None and widget.region:
            screen.set_focus(widget, scroll_visible=False)
        if screen.focused is widget and screen is not self._app.main:
            widget.scroll_visible(animate=False)
