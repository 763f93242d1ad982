"""The top line: whose numbers these are, whether the screen is live, how many are in which state, requests left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.message import Message

from ...api import states
from ...i18n import _
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import GLYPH, safe
from .linkwords import badge, waiting

if TYPE_CHECKING:
    from ...fleet.model import FleetModel
    from ...operations.account import Account

WIDE = 100
"""Cells from which the host is shown too."""
_LINK_INK = {
    "good": ink.STATE_BAR[states.CONNECTED],
    "bad": ink.STATE_BAR[states.BANNED],
    "warn": ink.STATE_BAR[states.LOGGEDOUT],
}
COUNTED = (states.BANNED, states.LOGGEDOUT, states.DISCONNECTED, states.CONNECTING, states.CONNECTED, states.UNKNOWN)


class Header(Canvas):
    """One line. Reads the app's account; knows nothing of how it is kept true."""

    ground = ink.BAR

    class Clicked(Message):
        """A count (`state`) was clicked, or what stands for an action."""

        def __init__(self, action: str, state: str = "") -> None:
            super().__init__()
            self.action, self.state = action, state

    def on_click(self, event: events.Click) -> None:
        line, at = self._shown[0] if self._shown else [], 0
        for text, _style, _control in line:
            end = at + cell_len(text)
            if at <= event.x < end:
                self._clicked(text, event.x >= self.size.width - cell_len(self._budget()))
            at = end

    def _clicked(self, text: str, right: bool) -> None:
        state = next((state for state in COUNTED if text.startswith(GLYPH[state]) and text[1:2].isdigit()), "")
        if state:
            self.post_message(self.Clicked("filter", state))
        elif right and self._budget():
            self.post_message(self.Clicked("log"))
        elif text == self._badge:
            self.post_message(self.Clicked("probe"))

    def __init__(self) -> None:
        super().__init__(id="header")
        self._badge = ""
        self.title_text = ""
        self.host = ""
        self.kept_at = 0.0
        self.model: FleetModel | None = None

    def lines(self) -> list[Line]:
        account, width = self.app.account, self.size.width  # type: ignore[attr-defined]
        if account is None and not self.kept_at:
            return [[seg(" ryze ", ink.BAR_BOLD)]]
        right = self._budget()
        for host, words in ((True, True), (False, True), (False, False)):  # the fullest form that fits
            line = self._left(account, host=host and width >= WIDE, words=words)
            used = sum(segment.cell_length for segment in line)
            if used + cell_len(right) <= width:
                return [[*line, seg(" " * (width - used - cell_len(right)) + right, ink.BAR_DIM)]]
        return [line]

    def _left(self, account: Account | None, *, host: bool, words: bool) -> Line:
        name = safe(self.title_text)
        at = f" @ {self.host}" if host and self.host and self.host != name else ""
        line = [seg(f" {name}{at}  ", ink.BAR_BOLD)]
        link = account.link if account is not None else None
        if link is None or (self.kept_at and link.kind in ("live", "polling")):
            text, kind = waiting()  # whatever the link is: the rows on the screen are not what it proves
        else:
            text, kind = badge(link, time.monotonic())
        self._badge = text
        line.append(seg(text, _LINK_INK.get(kind, ink.BAR)))
        for flag in _flags(account):
            line += [seg("  ", ink.BAR), seg(f" {flag} ", ink.BAR_WARN)]
        line.append(seg("   ", ink.BAR))
        model = self.model if self.kept_at or account is None else account.model
        for state in COUNTED:
            if count := model.counts[state] if model is not None else 0:
                word = f" {_(states.LABEL[state])}" if words else ""
                line.append(seg(f"{GLYPH[state]}{count}{word}  ", ink.BAR_DIM if self.kept_at else ink.STATE_BAR[state]))
        return line

    def _budget(self) -> str:
        budget = self.app.shown_budget  # type: ignore[attr-defined]
        return f"API {budget[0]}/{budget[1]} " if budget else ""


def _flags(account: Account | None) -> list[str]:
    """What makes this account less than it looks."""
    if account is None:
        return []
    named = (
        (account.server.simulated, _("SIMULATED")), (account.read_only, _("READ-ONLY")),
        (account.server.account_token is False, _("ONE INSTANCE")),
    )  # fmt: skip
    return [words for true, words in named if true]
