"""Every key and what it does, from the action registry."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical

from ... import __version__, keys
from ...api import states
from ...i18n import _, mark
from ..actions import ACTIONS
from ..bindings import bind, moves
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import badge, wrap
from .dialogs import Dialog

MEANING = {
    states.CONNECTED: mark("Ready to send and receive."),
    states.CONNECTING: mark("Waiting for a scan, or calling WhatsApp."),
    states.DISCONNECTED: mark("No link to WhatsApp now; a saved session may be there."),
    states.LOGGEDOUT: mark("Unlinked on the phone or logged out; needs a new QR or code."),
    states.BANNED: mark("WhatsApp blocked the number, for a while or for good."),
}


ROOM: Final = 24
"""Cells that words beside a key need to be read."""


class Page(Canvas):
    """Lines that can be scrolled by keys."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = moves("scroll")

    def __init__(self) -> None:
        super().__init__(id="page")
        self._top = 0

    def all_lines(self, width: int) -> list[Line]:
        """Everything there is to show."""
        raise NotImplementedError

    def lines(self) -> list[Line]:
        everything = self.all_lines(self.size.width)
        self._top = max(0, min(self._top, len(everything) - self.size.height))
        return everything[self._top : self._top + self.size.height]

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def action_scroll(self, by: int) -> None:
        self._top += by
        self.sync()


def beside(head: Line, used: int, words: str, width: int) -> list[Line]:
    """Words in a column of their own beside `head`, which takes `used` cells; below it where that leaves too little."""
    room = width - 1 - used
    if room < ROOM:
        return [head, *[[seg("    " + line, ink.BAR_DIM)] for line in wrap(words, max(width - 5, 16))]]
    first, *more = wrap(words, room)
    return [[*head, seg(first, ink.BAR_DIM)], *[[seg(" " * used + line, ink.BAR_DIM)] for line in more]]


class HelpPage(Page):
    """Keys by group, then the states."""

    def all_lines(self, width: int) -> list[Line]:
        moving = _("↑ ↓ or {down} {up} move · {first} and {last} first and last · mouse works too")
        out: list[Line] = [[seg(line, ink.BAR_DIM)] for line in wrap(keys.fill(moving), max(width, 16))]
        told = [action for action in ACTIONS if action.group]
        column = max(13, *(cell_len(action.key) + 3 for action in told))
        titles = max(16, *(cell_len(_(action.title)) + 2 for action in told))
        groups = [action.group for action in told]
        for group, actions in groupby(sorted(told, key=lambda action: groups.index(action.group)), lambda action: action.group):
            out += [[], [seg(_(group), ink.BAR_BOLD)]]
            for action in actions:
                head = [field(f"  {action.key}", column, ink.BAR_KEY), field(_(action.title), titles, ink.BAR)]
                out += beside(head, column + titles, action.told(), width)
        out += [[], [seg(_("States"), ink.BAR_BOLD)]]
        badges = max(18, *(cell_len(badge(state)) + 4 for state in MEANING))
        for state, meaning in MEANING.items():
            out += beside([field("  " + badge(state), badges, ink.STATE_BAR[state])], badges, _(meaning), width)
        blocks = _("BLOCKS: W webhook · S stream · C Chatwoot · P proxy · B bucket (S3)")
        return [*out, [], *[[seg(line, ink.BAR_DIM)] for line in wrap(blocks, max(width, 16))]]


class HelpScreen(Dialog[None]):
    """`?`, and any of escape, q or `?` again closes it."""

    CSS = "HelpScreen > #box { height: 90%; width: 84; }  HelpScreen Page { height: 1fr; }"
    BINDINGS = [bind("close_too", "close"), bind("help", "close")]

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = f"ryze-tui {__version__}"
            box.border_subtitle = _("↑↓ scroll · esc closes")
            yield HelpPage()

    def on_mount(self) -> None:
        self.query_one(Page).focus()
