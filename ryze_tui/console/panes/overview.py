"""What is known of one instance, first what is wrong and which key mends it; and its two-line form for narrow screens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rich.cells import cell_len

from ...api import states
from ...i18n import _, mark, n_
from ..styles import ink
from ..widgets.canvas import Line, field, seg
from ..widgets.hints import Hinted
from ..words import DOT, PHASE, age, badge, dated, fit, lasting, number, safe, wrap

if TYPE_CHECKING:
    from ...fleet.model import Row
    from ...fleet.notes import Notes
    from ...fleet.triage import Triage


LONGEST: Final = "≥59 m"
GARBLED: Final = mark("The server's last list says nothing readable about it; this is what was known before.")


def _assess(row: Row, now: float) -> Triage:
    # Imported with the first row: no row exists before the first paint, and start-up is counted in milliseconds.
    from ...fleet.triage import assess

    return assess(row, now)


def clock(moment: float, now: float) -> str:
    """`14:02`, or with its day when it is more than 20 hours away; local time."""
    when = time.localtime(moment)
    return time.strftime("%H:%M", when) if abs(now - moment) < 72000 else dated(when)


def told(row: Row, now: float, at: float | None = None, *, lasts: str = "") -> str:
    """`since 14:02 (14 m), told by stream`. `at`: the Unix second as of which that is said, when it is not `now`.

    `lasts`: an age to say in place of its own.
    """
    since, first, at = clock(row.since, now), clock(row.not_before, now), now if at is None else at
    if row.since_exact or (row.not_before and first == since):
        text = _("since {since} ({age})")
    elif row.unwatched and row.not_before:
        text = _("since {first} at the earliest ({age})")
    elif row.not_before:
        text = _("since {first}–{since} ({age})")
    elif at - row.since < 60 and not lasts:
        text = _("since {since} or before")
    else:
        text = _("since {since} or before ({age})")
    by = {"stream": _("told by stream"), "list": _("told by list"), "you": _("told by your own call")}.get(row.told_by, "")
    return f"{text.format(first=first, since=since, age=lasts or lasting(row, at))}, {by}"


def gap(row: Row, now: float) -> str:
    """What is not known of a state that was there before a time in which nobody watched, and after it; else empty."""
    if row.since_exact or not row.unwatched or clock(row.unwatched, now) == clock(row.since, now):
        return ""
    words = _("The same at {left}; not always watched until {back}.")
    return words.format(left=clock(row.unwatched, now), back=clock(row.since, now))


def _facts(row: Row, now: float) -> list[tuple[str, str]]:
    item = row.item
    facts = [(_("Number"), number(row.number)), (_("Profile"), safe(item.profile_name) or "–")]
    if row.until:
        left = _("in {age}").format(age=age(row.until - now)) if row.until - now >= 60 else ""
        facts.insert(0, (_("Ban ends"), f"{clock(row.until, now)}   {left}"))
    if item.is_business:
        facts.append((_("Business"), safe(item.business_name) or _("yes")))
    if item.webhook_url:
        host = safe(urlsplit(item.webhook_url).netloc or item.webhook_url) if _plain(item.webhook_url) else "?"
        events = n_("{n} event", "{n} events", item.webhook_events) if item.webhook_events else _("all events")
        facts.append((_("Webhook"), f"{_('on')}   {host}   {events}"))
    else:
        facts.append((_("Webhook"), _("on") if "W" in item.blocks else _("off")))
    stream = _("on") if item.streaming else _("on, without state events") if "S" in item.blocks else _("off, badges are polled")
    if row.last_event:
        stream += "   " + _("last event {time}").format(time=clock(row.last_event, now))
    facts.append((_("Stream"), stream))
    if item.token:
        facts.append((_("Token"), "••••••••" + (safe(item.token[-4:]) if len(item.token) >= 12 else "")))
    from ...fleet.moments import unix

    if created := unix(item.created_at):
        facts.append((_("Created"), time.strftime("%Y-%m-%d %H:%M", time.localtime(created))))
    return facts


def _plain(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


class Overview(Hinted):
    """The detail pane's first page."""

    def __init__(self) -> None:
        super().__init__(id="overview")
        self.row: Row | None = None
        self.dated = ""
        self.hint = ""
        self.top = 0
        self._of = ""
        self.kept_at = 0.0
        self.notes: Notes | None = None

    def _noted(self, name: str) -> list[tuple[str, str]]:
        if self.notes is None or not (self.notes.tags or self.notes.held):
            return []
        from ..noting import told

        return told(self.notes, name)

    def lines(self) -> list[Line]:
        if not self.region.x:
            return self._scrolled(self._page(self.size.width))
        edge = seg("│", ink.FAINT)  # drawn here: a border costs a style sheet rule and a second layout at start
        page = self._scrolled(self._page(self.size.width - 1))
        return [[edge, *(page[y] if y < len(page) else [])] for y in range(self.size.height)]

    def _scrolled(self, page: list[Line]) -> list[Line]:
        name = self.row.name if self.row is not None else ""
        if name != self._of:
            self._of, self.top = name, 0
        self.top = max(0, min(self.top, len(page) - self.size.height))
        return page[self.top :]

    def on_mouse_scroll_down(self) -> None:
        self.top += 3
        self.sync()

    def on_mouse_scroll_up(self) -> None:
        self.top -= 3
        self.sync()

    def _page(self, width: int) -> list[Line]:
        row, now = self.row, time.time()
        if row is None:
            return [[], *[[seg("  " + text, ink.DIM)] for text in wrap(self.hint, max(width - 4, 10))]]
        at = self.kept_at or now
        triage = _assess(row, at)
        out: list[Line] = [[seg(" ", ink.BASE), field(safe(row.name), max(width - 2, 1), ink.BOLD)], []]
        state, said = badge(row.state), told(row, now, at)
        out.append([seg("  ", ink.BASE), seg(state, ink.STATE[row.state])])
        # The place is that of the longest age: a page that moved by a line when a minute is over would be drawn anew.
        if cell_len(state) + cell_len(told(row, now, at, lasts=LONGEST)) + 4 <= width:
            out[-1].append(seg("  " + said, ink.DIM))
        else:
            out += [[seg("  " + text, ink.DIM)] for text in wrap(said, max(width - 4, 10))]
        if row.state == states.UNKNOWN and row.raw_state:
            out.append([seg("  " + _("The server said “{word}”.").format(word=safe(row.raw_state)), ink.BASE)])
        if row.state == states.CONNECTING and row.phase in PHASE:
            out.append([seg("  " + _(PHASE[row.phase]), ink.BASE)])
        if unknown := gap(row, now):
            out += [[seg("  " + text, ink.DIM)] for text in wrap(unknown, max(width - 4, 10))]
        if row.garbled:
            out += [[seg("  " + text, ink.WARN)] for text in wrap(_(GARBLED), max(width - 4, 10))]
        if self.dated:
            out += [[seg("  " + text, ink.WARN)] for text in wrap(self.dated, max(width - 4, 10))]
        out += [[seg("  " + text, ink.BASE)] for text in wrap(safe(triage.reason), max(width - 4, 10)) if text]
        if triage.next_step:
            key = f"{triage.next_key}  " if triage.next_key else ""
            steps = wrap(f"{_('Next:')} {key}{triage.next_step}", max(width - 4, 10))
            head = f"{_('Next:')} "
            out.append([seg("  " + head, ink.BASE), seg(key, ink.KEY), seg(steps[0][len(head) + len(key) :], ink.BASE)])
            out += [[seg("  " + text, ink.BASE)] for text in steps[1:]]
        out.append([])
        facts = [*self._noted(row.name), *_facts(row, now)]
        label = max(len(name) for name, _value in facts) + 2
        for name, value in facts:
            out.append([seg("  ", ink.BASE), field(name, label, ink.DIM), field(value, max(width - label - 3, 1), ink.BASE)])
        return out


class Summary(Hinted):
    """Two lines about the row under the cursor, where there is no room for the detail."""

    def __init__(self) -> None:
        super().__init__(id="summary")
        self.row: Row | None = None
        self.dated = ""
        self.kept_at = 0.0
        self.old = False

    def lines(self) -> list[Line]:
        row, now, width = self.row, time.time(), self.size.width
        at = self.kept_at or now
        if row is None:
            return [[field(" " + self.dated, width, ink.WARN)], []]
        triage = _assess(row, at)
        reason = _(GARBLED) if row.garbled else safe(triage.reason)
        what = (self.dated if self.old else "") or reason or self.dated or badge(row.state)
        name = safe(row.name)
        head = f" {name if len(name) <= 30 else fit(name, 30)}: "
        style = ink.WARN if what in (self.dated, _(GARBLED)) else ink.BASE
        first = [seg(head, ink.BOLD), field(what, max(width - cell_len(head), 1), style)]
        line: Line = [seg(" ", ink.BASE)]
        if triage.next_step:
            key = f"{triage.next_key}  " if triage.next_key else ""
            line += [seg(f"{_('Next:')} ", ink.BASE), seg(key, ink.KEY), seg(triage.next_step, ink.BASE)]
        used = sum(segment.cell_length for segment in line)
        if used > width:  # cut where it shows
            line[-1] = seg(fit(triage.next_step, max(width - used + cell_len(triage.next_step), 1)), ink.BASE)
            return [first, line]
        if triage.next_step:
            line.append(seg(DOT, ink.BASE))
            used += len(DOT)
        return [first, [*line, field(told(row, now, at), max(width - used, 1), ink.DIM)]]
