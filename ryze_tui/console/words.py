"""How texts are fitted to the screen; how states and ages are written is fleet/telling.py's. Pure; widths are terminal cells."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size

from ..fleet.telling import GLYPH, PHASE, age, badge, day, lasting, number
from ..redact import clean

__all__ = ["DOT", "GLYPH", "PHASE", "age", "badge", "day", "fit", "lasting", "number", "safe", "wrap"]

<<<<<<< HEAD
DOT: Final = " · "


=======
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
DOT: Final = " · "


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


>>>>>>> edffa57 (English, Portuguese and Spanish: catalogues complete, chosen by RYZE_LANG, configuration or locale; a test counts what is missing)
@lru_cache(maxsize=4096)
def safe(text: str) -> str:
    """A text of a stranger, fit for the terminal: one line, no control, escape or direction characters."""
    return clean(text)


@lru_cache(maxsize=8192)
def fit(text: str, width: int) -> str:
    """Cut or pad to exactly `width` cells; a cut shows as `…`."""
    if width <= 0:
        return ""
    if len(text) == width and text.isascii():
        return text
    if text.isascii() and len(text) < width:
        return text.ljust(width)
    size = cell_len(text)
    if size <= width:
        return text + " " * (width - size)
    return (
        "…"
        if width == 1
        else set_cell_size(text, width - 1).rstrip() + "…" + " " * (width - 1 - cell_len(set_cell_size(text, width - 1).rstrip()))
    )


def wrap(text: str, width: int) -> list[str]:
    """Break a text of ours into lines of at most `width` cells, at spaces where possible."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            while cell_len(word) > width > 0:
                if line:
                    lines.append(line)
                    line = ""
                head = set_cell_size(word, width).rstrip() or word[:1]
                lines.append(head)
                word = word[len(head) :]
            longer = f"{line} {word}" if line else word
            if cell_len(longer) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines
