"""The top line: whose numbers these are, whether the screen is live, how many are in which state, requests left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ...api import states
from ...i18n import _
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import GLYPH, WORD, safe
from .linkwords import badge

if TYPE_CHECKING:
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

    def __init__(self) -> None:
        super().__init__(id="header")
        self.title_text = ""
        self.host = ""

    def lines(self) -> list[Line]:
        account, width = self.app.account, self.size.width  # type: ignore[attr-defined]
        if account is None:
            return [[seg(" ryze ", ink.BAR_BOLD)]]
        right = self._budget()
        for host, words in ((True, True), (False, True), (False, False)):  # the fullest form that fits
            line = self._left(account, host=host and width >= WIDE, words=words)
            used = sum(segment.cell_length for segment in line)
            if used + cell_len(right) <= width:
                return [[*line, seg(" " * (width - used - cell_len(right)) + right, ink.BAR_DIM)]]
        return [line]

    def _left(self, account: Account, *, host: bool, words: bool) -> Line:
        name = safe(self.title_text)
        at = f" @ {self.host}" if host and self.host and self.host != name else ""
        line = [seg(f" {name}{at}  ", ink.BAR_BOLD)]
        text, kind = badge(account.link, time.monotonic())
        line.append(seg(text, _LINK_INK.get(kind, ink.BAR)))
        if account.server.simulated:
            line += [seg("  ", ink.BAR), seg(f" {_('SIMULATED')} ", ink.BAR_WARN)]
        line.append(seg("   ", ink.BAR))
        for state in COUNTED:
            if count := account.model.counts[state]:
                word = f" {_(WORD[state])}" if words else ""
                line.append(seg(f"{GLYPH[state]}{count}{word}  ", ink.STATE_BAR[state]))
        return line

    def _budget(self) -> str:
        budget = self.app.shown_budget  # type: ignore[attr-defined]
        return f"API {budget[0]}/{budget[1]} " if budget else ""
