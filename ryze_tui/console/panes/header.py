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

if TYPE_CHECKING:
    from ...fleet.freshness import Link

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
    return f"○ {_('CONNECTING')}", "plain"


def _ago(seconds: float) -> str:
    """Coarse above a minute, so that the badge is not a clock."""
    return f"{max(0, int(seconds))} s" if seconds < 60 else f"{int(seconds // 60)} m"


class Header(Canvas):
    """One line. Reads the app's account; knows nothing of how it is kept true."""

    ground = ink.BAR
    DEFAULT_CSS = "Header { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__(id="header")
        self.title_text = ""
        self.host = ""

    def lines(self) -> list[Line]:
        account, width = self.app.account, self.size.width  # type: ignore[attr-defined]
        wide = width >= 100
        left = [seg(" ryze ", ink.BAR_BOLD)] if wide else [seg(" ", ink.BAR)]
        name = safe(self.title_text)
        left.append(seg(f"{name} @ {self.host}  " if wide and self.host and self.host != name else f"{name}  ", ink.BAR))
        if account is None:
            return [left]
        text, kind = link_text(account.link, time.monotonic())
        left.append(
            seg(
                text,
                {
                    "good": ink.STATE_BAR[states.CONNECTED],
                    "bad": ink.STATE_BAR[states.BANNED],
                    "warn": ink.STATE_BAR[states.LOGGEDOUT],
                }.get(kind, ink.BAR),
            )
        )
        if account.server.simulated:
            left += [seg("  ", ink.BAR), seg(f" {_('SIMULATED')} ", ink.BAR_WARN)]
        left.append(seg("   ", ink.BAR))
        for state in COUNTED:
            count = account.model.counts[state]
            if count:
                word = f" {_(WORD[state])}" if wide else ""
                left.append(seg(f"{GLYPH[state]}{count}{word}  ", ink.STATE_BAR[state]))
        used = sum(segment.cell_length for segment in left)
        right = self._budget()
        if used + cell_len(right) <= width:
            left.append(seg(" " * (width - used - cell_len(right)) + right, ink.BAR_DIM))
        return [left]

    def _budget(self) -> str:
        budget = self.app.shown_budget  # type: ignore[attr-defined]
        return f"API {budget[0]}/{budget[1]} " if budget else ""
