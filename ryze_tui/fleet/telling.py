"""How states, ages, times and numbers are written, on the screen and on the command line. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ..api import states
from ..i18n import _, mark

if TYPE_CHECKING:
    from .model import Row

GLYPH: Final = {
    states.BANNED: "✖",
    states.LOGGEDOUT: "⚠",
    states.DISCONNECTED: "○",
    states.CONNECTING: "◌",
    states.CONNECTED: "●",
    states.UNKNOWN: "?",
}
PHASE: Final = {
    "scan": mark("waiting for the scan"),
    "linking": mark("the phone is linking"),
    "dialling": mark("calling WhatsApp"),
    "refused": mark("the phone was refused"),
}
_MONTHS: Final = (
    mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun"),
    mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec"),
)


def badge(state: str) -> str:
    """`● connected`."""
    return f"{GLYPH[state]} {_(states.LABEL[state])}"


def age(seconds: float, *, exact: bool = True) -> str:
    """How long: `now` below a minute, then whole minutes, hours, days.

    Not `exact`: it may be longer, so `≥`, and a dash below a minute, when nothing is known yet.
    """
    if seconds < 60:
        return _("now") if exact else "–"
    elif seconds < 3600:
        text = _("{n} m").format(n=int(seconds // 60))
    elif seconds < 86400:
        text = _("{n} h").format(n=int(seconds // 3600))
    else:
        text = _("{n} d").format(n=int(seconds // 86400))
    return text if exact else f"≥{text}"


def lasting(row: Row, now: float) -> str:
    """How long a row has been in its state, as far as anybody knows. `now`: Unix seconds.

    `≥` at least, `≤` at most: of two bounds the nearer one, and neither when both read the same.
    """
    least = now - row.since
    if row.since_exact or not row.not_before:
        return age(least, exact=row.since_exact)
    most = now - row.not_before
    if age(least) == age(most):
        return age(most)
    return age(least, exact=False) if 2 * least >= most and least >= 60 else f"≤{age(most)}"


def day(moment: float, now: float) -> str:
    """`14:02`, `14:02 yesterday`, `Nov 20 14:02` or `2025-11-20`; local time."""
    when, today = time.localtime(moment), time.localtime(now)
    clock = time.strftime("%H:%M", when)
    if when[:3] == today[:3]:
        return clock
    # Noon of today less a day is yesterday, also where a day has 23 or 25 hours.
    noon = time.mktime((*today[:3], 12, 0, 0, 0, 0, -1))
    if when[:3] == time.localtime(noon - 86400)[:3]:
        return _("{clock} yesterday").format(clock=clock)
    return dated(when) if 0 <= now - moment < 300 * 86400 else time.strftime("%Y-%m-%d", when)


def dated(when: time.struct_time) -> str:
    """`Nov 20 14:02`; our own words for the months, not those of the C library."""
    return _("{month} {day} {clock}").format(
        month=_(_MONTHS[when.tm_mon - 1]), day=f"{when.tm_mday:02}", clock=time.strftime("%H:%M", when)
    )


def number(digits: str) -> str:
    """`5511…` -> `+5511…`; a dash when never paired."""
    return f"+{digits}" if digits else "–"
