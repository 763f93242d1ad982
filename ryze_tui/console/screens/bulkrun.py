"""A bulk while it runs and afterwards: how far it is, what came of each, pause, pace, retry. It goes on when hidden."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen

from ... import keys
from ...i18n import _, n_
from ...operations.bulk.plan import DONE, ENDED, FAILED, RUNNING, SKIPPED, WAITING
from ..bindings import bind, moves
from ..bulkwords import GLYPHS, WORDS, heading, ndjson, sentence, stepped
from ..styles import ink
from ..ticks import Coalescer
from ..widgets.canvas import Line, field, seg
from ..widgets.hints import Hinted
from ..words import badge, fit, safe, wrap
from .dialogs import Dialog, text

if TYPE_CHECKING:
    from rich.style import Style

    from ...operations.bulk.plan import Entry
    from ...operations.bulk.runner import Bulk
    from ..bulking import Bulking

_RANK: Final = {FAILED: 0, RUNNING: 1, WAITING: 2, DONE: 3, SKIPPED: 4}
_STYLES: Final[dict[str, Style]] = {FAILED: ink.BAD, RUNNING: ink.KEY, WAITING: ink.DIM, DONE: ink.GOOD, SKIPPED: ink.WARN}
VIEWS: Final = ("", FAILED, WAITING, DONE, SKIPPED)
"""What is listed: all, the worst first, or those in one state."""
HEAD: Final = 5
DETAIL: Final = 4
CLIPBOARD: Final = 70_000
"""Bytes that terminals take for their clipboard."""


class BulkPane(Hinted):
    """The cursor stays on its instance while others come to their ends."""

    can_focus = True
    DEFAULT_CSS = "BulkPane { width: 1fr; height: 1fr; }"
    BINDINGS = moves(paging="page", space=False)

    def __init__(self, bulk: Bulk) -> None:
        super().__init__(id="bulk")
        self.bulk, self.view = bulk, ""
        self._name = ""

    def rows(self) -> list[Entry]:
        """What is listed now."""
        if self.view:
            return [entry for entry in self.bulk.entries if entry.state == self.view]
        return sorted(self.bulk.entries, key=lambda entry: _RANK[entry.state])

    def at(self, rows: list[Entry]) -> int:
        """The line of the cursor; the first unless it was moved."""
        return next((index for index, entry in enumerate(rows) if entry.name == self._name), 0)

    @property
    def current(self) -> Entry | None:
        """What is under the cursor."""
        rows = self.rows()
        return rows[self.at(rows)] if rows else None

    @property
    def _body(self) -> int:
        return max(self.size.height - HEAD - DETAIL - 1, 1)

    def action_move(self, by: int) -> None:
        rows = self.rows()
        if rows:
            index = max(0, min(self.at(rows) + by, len(rows) - 1))
            self._name = rows[index].name if index else ""
            self.sync()

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self._body - 1, 1))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        width, height = self.size.width, self.size.height
        rows = self.rows()
        at = self.at(rows)
        top = max(0, min(at - self._body // 2, len(rows) - self._body))
        out = self._head(width, len(rows))
        out += [self._row(entry, top + index == at, width) for index, entry in enumerate(rows[top : top + self._body])]
        out += [[] for _line in range(height - DETAIL - 1 - len(out))]
        return [*out[: max(height - DETAIL - 1, 1)], *self._detail(rows[at] if rows else None, width), self._keys(width)]

    def _head(self, width: int, listed: int) -> list[Line]:
        bulk = self.bulk
        counts = bulk.counts
        whole = len(bulk.entries) - counts[SKIPPED]
        ended = counts[DONE] + counts[FAILED]
        about_it = heading(bulk.job, whole, bulk.pace, None if bulk.finished else bulk.seconds_left, width)
        size = 20 if width < 100 else 40
        full = size * ended // whole if whole else size
        line: Line = [
            seg(f" {'▓' * full}{'░' * (size - full)}", ink.KEY), seg(f"  {ended}/{whole}", ink.BOLD),
        ]  # fmt: skip
        for state in (DONE, RUNNING, FAILED, WAITING, SKIPPED):
            if counts[state]:
                line.append(seg(f"  {GLYPHS[state]} {counts[state]} {_(WORDS[state])}", _STYLES[state]))
        view = _(WORDS[self.view]) if self.view else _("all")
        hint = keys.fill(_("{bulk_view} shows others"))
        listing = f" ── {view}: {listed} · {hint} "
        return [[field(about_it, width, ink.BAR_BOLD)], line, *self._state(width), [field(listing, width, ink.DIM)]]

    def _state(self, width: int) -> list[Line]:
        """Two lines: whether it runs, and why not."""
        bulk, hint = self.bulk, ""
        if bulk.finished:
            hint = _("It is over. {bulk_retry} does the failed ones again.") if bulk.counts[FAILED] else _("It is over.")
            words, hint, style = bulk.why or keys.fill(hint), "", ink.DIM
        elif bulk.paused:
            failed = bulk.counts[FAILED]
            hint = _("{bulk_pause} goes on; {bulk_retry} with the failed ones too.") if failed else _("{bulk_pause} goes on.")
            words, hint, style = sentence(bulk.why or _("Paused")), keys.fill(hint), ink.WARN
        else:
            words, style = _("Under way. It goes on when this is hidden."), ink.DIM
        room = max(width - 2, 10)
        lines = wrap(safe(f"{words} {hint}".rstrip()), room)
        if hint and len(lines) > 2:  # what to do is never what is cut off; the whole reason stands beside each that failed
            lines = [fit(safe(words), room), hint]
        lines = [*lines, "", ""][:2]
        return [[field(f" {line}", width, style)] for line in lines]

    def _row(self, entry: Entry, here: bool, width: int) -> Line:
        name = min(max(width // 4, 12), 30)
        line: Line = [
            seg(" ▸ " if here else "   ", ink.KEY),
            field(f"{GLYPHS[entry.state]} {_(WORDS[entry.state])}", 13, _STYLES[entry.state]),
            field(f"{fit(safe(entry.name), name - 1)} ", name, ink.BOLD if here else ink.BASE),
            field(safe(entry.words), max(width - 16 - name, 1), ink.DIM),
        ]  # fmt: skip
        return [seg(text, ink.on_cursor(style or ink.BASE)) for text, style, _control in line] if here else line

    def _detail(self, entry: Entry | None, width: int) -> list[Line]:
        out: list[Line] = [[seg("─" * width, ink.FAINT)]]
        if entry is not None:
            status = f" ({entry.status})" if entry.status else ""
            lines = wrap(safe(entry.words) + status, max(width - 2, 10))
            out.append([field(f" {safe(entry.name)}", width, ink.BOLD)])
            out += [[field(f" {line}", width, ink.BASE)] for line in lines]
        return [*out, *[[] for _missing in range(DETAIL)]][:DETAIL]

    def _keys(self, width: int) -> Line:
        bulk = self.bulk
        turn = _("Go on") if bulk.paused else _("Pause")
        hints = [
            (("close",), _("Close") if bulk.finished else _("Hide (goes on)")),
            *([] if bulk.finished else [(("bulk_pause",), turn)]),
            *([(("bulk_retry",), _("Retry failed"))] if bulk.counts[FAILED] else []), (("bulk_details",), _("Details")),
            *([] if bulk.finished else [(("bulk_faster", "bulk_slower"), _("Pace"))]), (("bulk_save",), _("Save")),
            (("copy",), _("Copy")), *([] if bulk.finished else [(("bulk_more", "bulk_fewer"), _("At a time"))]),
        ]  # fmt: skip
        line: Line = []
        for ids, words in hints:
            key = " ".join(map(keys.name, ids))
            if sum(segment.cell_length for segment in line) + len(key) + len(words) + 3 <= width:
                line += [seg(f" {key} ", ink.BAR_KEY), seg(f"{words} ", ink.BAR_DIM)]
        used = sum(segment.cell_length for segment in line)
        return [*line, seg(fit("", max(width - used, 0)), ink.BAR)]


class Result(Dialog[None]):
    """What came of one, in full."""

    TAKES_TYPED = False
    BINDINGS = [bind("close_too", "close"), bind("choose", "close")]

    def __init__(self, entry: Entry, now: str) -> None:
        super().__init__()
        self._entry, self._now = entry, now

    def compose(self) -> ComposeResult:
        entry = self._entry
        with Vertical(id="box") as box:
            box.border_title = Content(safe(entry.name))
            status = f" · HTTP {entry.status}" if entry.status else ""
            yield text(f"{GLYPHS[entry.state]} {_(WORDS[entry.state])}{status}")
            yield text(safe(entry.words))
            if entry.begun and entry.state in ENDED:
                yield text(_("Its answer is missing: a retry looks at it before anything is sent again."), "warn")
            yield text("", "gap")
            yield text(_("Now: {state}").format(state=self._now), "dim")
            yield text(_("esc closes"), "dim")


class BulkScreen(Screen[None]):
    """`esc` hides it; the bulk goes on, and its title line and a toast tell of it."""

    BINDINGS = [
        bind("close", "close"), bind("close_too", "close"), bind("bulk", "close"), bind("copy", "copy"), bind("help", "help"),
        bind("bulk_pause", "turn"), bind("bulk_retry", "again"), bind("bulk_faster", "pace(1, 0)"),
        bind("bulk_slower", "pace(-1, 0)"), bind("bulk_more", "pace(0, 1)"), bind("bulk_fewer", "pace(0, -1)"),
        bind("bulk_view", "view"), bind("bulk_details", "details"), bind("bulk_save", "save"),
    ]  # fmt: skip

    def __init__(self, bulking: Bulking, bulk: Bulk) -> None:
        super().__init__()
        self._bulking, self._bulk = bulking, bulk
        self.pane = BulkPane(bulk)
        self._coalescer = Coalescer(self.pane.sync, lambda: False, lambda error: self.app._handle_exception(error))
        bulking.screen = self

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.focus()
        self.set_interval(1.0, self._second)

    def on_unmount(self) -> None:
        self._bulking.screen = None
        self._coalescer.stop()

    def poke(self) -> None:
        """Something changed."""
        if self.is_running:
            self._coalescer.poke()

    def _second(self) -> None:
        if not self._bulk.finished:
            self.pane.sync()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_close(self) -> None:
        self.dismiss(None)

    def action_help(self) -> None:
        from .help import HelpScreen

        self.app.push_screen(HelpScreen())

    def action_turn(self) -> None:
        self._bulking.turn()

    def action_again(self) -> None:
        self._bulking.again()
        self.pane.sync()

    def action_pace(self, starts: int, flying: int) -> None:
        pace = stepped(self._bulk.pace, starts, flying)
        self._bulking.pace = pace
        self._bulk.pace_by(pace)

    def action_view(self) -> None:
        """All, then those in each state that some are in."""
        counts = self._bulk.counts
        views = [view for view in VIEWS if not view or counts[view] or view == self.pane.view]
        self.pane.view = views[(views.index(self.pane.view) + 1) % len(views)]
        self.pane.sync()

    def action_details(self) -> None:
        entry = self.pane.current
        if entry is not None:
            row = self._bulking.account.model.rows.get(entry.name)
            self.app.push_screen(Result(entry, badge(row.state) if row is not None else _("not on the server")))

    def action_copy(self) -> None:
        results = ndjson(self._bulk)
        if len(results.encode()) > CLIPBOARD:
            words = keys.fill(_("Too much for the clipboard of a terminal: {bulk_save} saves it in a file."))
            self.app.notify(words, severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(results)
        words = n_("Copied {n} result as NDJSON.", "Copied {n} results as NDJSON.", len(self._bulk.entries))
        self.app.notify(words, markup=False)

    def action_save(self) -> None:
        when = time.strftime("%Y%m%d-%H%M%S", time.localtime())
        path = Path.cwd() / f"ryze-bulk-{re.sub(r'[^a-z]', '-', self._bulk.job.action)}-{when}.ndjson"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)  # it may have been there before
                file.write(ndjson(self._bulk))
        except OSError as problem:
            words = _("{path} could not be written: {problem}").format(path=path, problem=problem.strerror)
            self.app.notify(words, severity="error", markup=False)
            return
        self.app.notify(_("Saved {path}; only you can read it.").format(path=path), markup=False)
