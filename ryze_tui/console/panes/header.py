"""The top line: whose numbers these are, whether the screen is live, how many are in which state, requests left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ...api import states
from ...i18n import _
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import GLYPH, safe

if TYPE_CHECKING:
    from ...fleet.freshness import Link
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


def link_text(link: Link, now: float) -> tuple[str, str]:
    """(mark and words, kind of ink) of the link badge. `now` is the link's own clock (monotonic seconds)."""
    if link.kind == "live":
        return f"● {_('LIVE')}", "good"
    if link.kind == "polling":
        return f"◐ {_('POLLING')}", "plain"
    if link.kind == "stale":
        return f"◔ {_('STALE')} {_ago(now - link.since)}", "warn"
    if link.kind == "offline":
        wait = max(0, round(link.retry_at - now))
        tail = _("retry in {n} s").format(n=wait) if wait else _("retrying")
        return f"✖ {_('OFFLINE')} {tail}", "bad"
    if link.kind == "refused":
        return f"✖ {_('TOKEN REFUSED')}", "bad"
    return waiting()


def waiting() -> tuple[str, str]:
    """The badge before anything is proven."""
    return f"○ {_('CONNECTING')}", "plain"


def _ago(seconds: float) -> str:
    """Coarse above a minute, so that the badge is not a clock."""
    return f"{max(0, int(seconds))} s" if seconds < 60 else f"{int(seconds // 60)} m"


class Header(Canvas):
    """One line. Reads the app's account; knows nothing of how it is kept true."""

    ground = ink.BAR

    def __init__(self) -> None:
        super().__init__(id="header")
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
            text, kind = link_text(link, time.monotonic())
        line.append(seg(text, _LINK_INK.get(kind, ink.BAR)))
        if account is not None and account.server.simulated:
            line += [seg("  ", ink.BAR), seg(f" {_('SIMULATED')} ", ink.BAR_WARN)]
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
