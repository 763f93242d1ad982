"""Every key and what it does, from the action registry."""

from __future__ import annotations

from itertools import groupby

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from ... import __version__
from ...api import states
from ...i18n import _, mark
from ..actions import ACTIONS, key_name
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


class Page(Canvas):
    """Lines that can be scrolled by keys."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = [
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("home,g", "scroll(-9999)", show=False),
        Binding("pagedown,space", "scroll(12)", show=False),
        Binding("pageup", "scroll(-12)", show=False),
        Binding("end,G", "scroll(9999)", show=False),
    ]

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

    def action_scroll(self, by: int) -> None:
        self._top += by
        self.sync()


class HelpPage(Page):
    """Keys by group, then the states."""

    def all_lines(self, width: int) -> list[Line]:
        out: list[Line] = [[seg(_("↑ ↓ or j k move · g and G first and last · mouse works too"), ink.BAR_DIM)]]
        told = [action for action in ACTIONS if action.group]
        groups = [action.group for action in told]
        for group, actions in groupby(sorted(told, key=lambda action: groups.index(action.group)), lambda action: action.group):
            out += [[], [seg(_(group), ink.BAR_BOLD)]]
            for action in actions:
                keys = key_name(action.keys[0])
                first, *more = wrap(_(action.help), max(width - 30, 16))
                out.append([field(f"  {keys}", 13, ink.BAR_KEY), field(_(action.title), 16, ink.BAR), seg(first, ink.BAR_DIM)])
                out += [[seg(" " * 29 + line, ink.BAR_DIM)] for line in more]
        out += [[], [seg(_("States"), ink.BAR_BOLD)]]
        for state, meaning in MEANING.items():
            out.append([field("  " + badge(state), 18, ink.STATE_BAR[state]), seg(_(meaning), ink.BAR_DIM)])
        blocks = _("BLOCKS: W webhook · S stream · C Chatwoot · P proxy · B bucket (S3)")
        return [*out, [], *[[seg(line, ink.BAR_DIM)] for line in wrap(blocks, max(width, 16))]]


class HelpScreen(Dialog[None]):
    """`?`, and any of escape, q or `?` again closes it."""

    CSS = "HelpScreen > #box { height: 90%; width: 84; }  HelpScreen Page { height: 1fr; }"
    BINDINGS = [Binding("q,question_mark", "close", show=False)]

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = f"ryze-tui {__version__}"
            box.border_subtitle = _("↑↓ scroll · esc closes")
            yield HelpPage()

    def on_mount(self) -> None:
        self.query_one(HelpPage).focus()
