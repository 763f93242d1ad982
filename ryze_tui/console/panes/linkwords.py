"""The link's state in words: the badge of the top line, and the sentence that dates what is shown and says what is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ...i18n import _
from ..words import safe

if TYPE_CHECKING:
    from ...fleet.freshness import Link

OLD: Final = ("stale", "offline", "refused")
"""Kinds of link in which rows are what was last known: dimmed and dated."""
SOON: Final = 3.0
"""Seconds: an attempt that is so near is not announced."""


def badge(link: Link, now: float) -> tuple[str, str]:
    """(mark and words, kind of ink) of the link badge. `now` is the link's own clock (monotonic seconds)."""
    if link.kind == "live":
        return f"● {_('LIVE')}", "good"
    if link.kind == "polling":
        return f"◐ {_('POLLING')}", "plain"
    if link.kind == "stale":
        return f"◔ {_('STALE')} {_ago(link.age)}", "warn"
    if link.kind == "offline":
        wait = round(link.retry_at - now)
        tail = _("retry in {n} s").format(n=wait) if wait > SOON else f"{_ago(link.age)}, {_('retrying')}"
        return f"✖ {_('OFFLINE')} {tail}", "bad"
    if link.kind == "refused":
        return f"✖ {_('TOKEN REFUSED')}", "bad"
    return waiting()


def waiting() -> tuple[str, str]:
    """The badge before anything is proven."""
    return f"○ {_('CONNECTING')}", "plain"


def _ago(seconds: float) -> str:
    """Coarse above a minute, so that the badge is not a clock."""
    return _("{n} s").format(n=max(0, int(seconds))) if seconds < 60 else _("{n} m").format(n=int(seconds // 60))


def sentence(link: Link, wall: float, now: float) -> str:
    """What is wrong, since when, and what happens next; empty when nothing is. `wall`: Unix seconds, `now`: monotonic.

    Times of day and no counting: a sentence that changed every second would be drawn every second.
    """
    message = safe(link.message).rstrip(".")
    if link.kind == "live":
        words = _("List not read: {message}. What others make or delete is not seen.")
        return words.format(message=message) + _again(link, wall, now) if message else ""
    if link.kind == "polling":
        return _("No stream: {message}. The list is read instead.").format(message=message) if message else ""
    if link.kind not in OLD:
        return ""
    as_of = _("As of {time}").format(time=_clock(wall - link.age))
    message = message or (_("the server does not answer") if link.kind == "offline" else _("nothing new came since"))
    message = ended(message)
    hint = " " + _("Is RYZE_TOKEN, --token-file or the profile still right?") if link.kind == "refused" else ""
    return f"{as_of}: {message}{hint}{_again(link, wall, now)}"


def ended(message: str) -> str:
    """A message as the end of a sentence."""
    return message if not message or message.endswith((".", "?", "!")) else message + "."


def _again(link: Link, wall: float, now: float) -> str:
    left = link.retry_at - now
    return " " + _("Asked again at {time}.").format(time=_clock(wall + left)) if left > SOON else ""


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))
