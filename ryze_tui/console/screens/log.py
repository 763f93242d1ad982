"""The log of calls: every request to the server and what came back; one can be copied as curl (the token as $RYZE_TOKEN)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult

from ... import keys
from ...i18n import _, n_
from ...redact import masked
from ..bindings import bind, moves
from ..styles import ink
from ..ticks import Coalescer
from ..widgets.canvas import Line, field, seg
from ..words import DOT, fit, safe
from .rolls import FilterLine, Roll, RollScreen, save

if TYPE_CHECKING:
    from ...operations.account import Account

_DETAIL = 4


class LogPane(Roll):
    """Newest first; the cursor stays on its call while new ones arrive."""

    can_focus = True
    DEFAULT_CSS = "LogPane { width: 1fr; height: 1fr; }"
    BINDINGS = moves(page=15, space=False)

    def __init__(self, account: Account) -> None:
        super().__init__(id="log")
        self._account = account
        self._call: int | None = None
        self.filter = ""
        self._frozen: list | None = None  # type: ignore[type-arg]

    def set_filter(self, words: str) -> None:
        """Show what has all these words, `!word` none of them."""
        self.filter = words
        self.sync()

    def turn(self) -> None:
        """Hold still, or go on."""
        self._frozen = list(self._account.calls) if self._frozen is None else None
        self.sync()

    @property
    def _at(self) -> int:
        calls = self._calls
        return next((index for index, call in enumerate(calls) if call.id == self._call), 0)

    @property
    def _calls(self) -> list:  # type: ignore[type-arg]
        calls = reversed(list(self._account.calls) if self._frozen is None else self._frozen)
        words = [(not word.startswith("!"), word.lstrip("!")) for word in self.filter.lower().split() if word.lstrip("!")]
        if not words:
            return list(calls)
        return [call for call in calls if all((word in haystack(call)) is wanted for wanted, word in words)]

    @property
    def calls(self) -> list:  # type: ignore[type-arg]
        """What the filter lets through, newest first."""
        return self._calls

    @property
    def current(self):  # type: ignore[no-untyped-def]
        """The call under the cursor, or None."""
        calls = self._calls
        return calls[self._at] if calls else None

    def action_move(self, by: int) -> None:
        calls = self._calls
        if calls:
            index = max(0, min(self._at + by, len(calls) - 1))
            self._call = None if index == 0 else calls[index].id
            self.sync()

    def on_click(self, event: events.Click) -> None:
        calls, at = self._calls, self._at
        index = self._top(len(calls), at) + event.y - 1
        if 1 <= event.y <= self._body and index < len(calls):
            self.action_move(index - at)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    @property
    def _body(self) -> int:
        return max(self.size.height - 2 - _DETAIL, 1)

    def _top(self, count: int, at: int) -> int:
        return max(0, min(at - self._body // 2, count - self._body))

    def lines(self) -> list[Line]:
        width, height = self.size.width, self.size.height
        calls, at = self._calls, self._at
        count = n_("{n} call", "{n} calls", len(calls))
        parts = [_("Log of calls"), count, *([f"/{safe(self.filter)}"] if self.filter else [])]
        if self._frozen is not None:
            since = len(self._account.calls) - len(self._frozen)
            parts.append(n_("holds still, {n} came since", "holds still, {n} came since", max(since, 0)))
        out: list[Line] = [[field(" " + DOT.join(parts), width, ink.BAR_BOLD)]]
        body, top = self._body, self._top(len(calls), at)
        for index in range(top, min(top + body, len(calls))):
            call, here = calls[index], index == at
            status = "…" if call.status is None and not call.message else str(call.status or "–")
            good = call.status is not None and call.status < 400
            line: Line = [
                seg(" ▸ " if here else "   ", ink.KEY),
                field(time.strftime("%H:%M:%S", time.localtime(call.at)), 9, ink.DIM),
                field(status, 4, ink.GOOD if good else ink.BAD),
                field(_("{ms} ms").format(ms=round(call.ms)) if call.ms is not None else "", 9, ink.DIM),
                field(call.method, 7, ink.BASE),
                field(safe(call.path), max(width - 32, 1), ink.BASE),
            ]
            out.append([seg(text, ink.on_cursor(style)) for text, style, _control in line] if here else line)  # type: ignore[arg-type]
        while len(out) < height - 1 - _DETAIL:
            out.append([])
        return [*out[: max(height - 1 - _DETAIL, 1)], *self._detail(width), self._keys()]

    def _detail(self, width: int) -> list[Line]:
        call = self.current
        out: list[Line] = [[seg("─" * width, ink.FAINT)]]
        if call is not None:
            out.append([field(f" {call.method} {safe(call.path)}", width, ink.BOLD)])
            out.append([field(" " + safe(call.message or ""), width, ink.BASE)])
        return [*out, *[[] for _missing in range(_DETAIL - len(out))]]

    def _keys(self) -> Line:
        pause = _("Go on") if self._frozen is not None else _("Hold still")
        named = (("copy", _("Copy as curl")), ("filter", _("Filter")), ("tape_pause", pause), ("tape_save", _("Save")))
        hints = (*((f" {keys.name(id)} ", title) for id, title in named), (" esc ", _("Close")))
        line = [part for key, title in hints for part in (seg(key, ink.BAR_KEY), seg(f"{title}  ", ink.BAR_DIM))]
        used = sum(segment.cell_length for segment in line)
        return [*line, seg(fit("", max(self.size.width - used, 0)), ink.BAR)]


def haystack(call: Any) -> str:
    """What words of a filter are looked for in."""
    return f"{call.method} {call.path} {call.status or ''} {call.message}".lower()


class LogScreen(RollScreen[LogPane]):
    """Follows the account's calls while it is open."""

    AUTO_FOCUS = "#log"
    BINDINGS = [
        bind("close", "close"), bind("close_too", "close"), bind("log", "close"), bind("copy", "copy"), bind("filter", "filter"),
        bind("tape_pause", "turn"), bind("tape_save", "save"),
    ]  # fmt: skip

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self.pane = LogPane(account)
        self.line = FilterLine(_("words, !word; enter keeps it, esc clears it"))
        self._coalescer = Coalescer(self.pane.sync, lambda: False, lambda error: self.app._handle_exception(error))

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.line

    def on_mount(self) -> None:
        self.pane.focus()
        self._unsubscribe = self._account.calls.subscribe(lambda _call: self._coalescer.poke())

    def on_unmount(self) -> None:
        self._unsubscribe()
        self._coalescer.stop()

    def action_save(self) -> None:
        calls = list(reversed(self.pane.calls))
        lines = [json.dumps(masked(told(call)), ensure_ascii=False) for call in calls]
        save(self.app, "calls", lines, n_("{n} call", "{n} calls", len(calls)))

    def action_copy(self) -> None:
        call = self.pane.current
        if call is not None:
            self.app.copy_to_clipboard(call.curl)
            self.app.notify(_("Copied as curl; set RYZE_TOKEN where you paste it."), markup=False, timeout=4)


def told(call: Any) -> dict[str, object]:
    """A call as it is saved: no token was ever in it."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(call.at))
    return {
        "at": at, "method": call.method, "path": call.path, "status": call.status, "ms": call.ms, "message": call.message,
    }  # fmt: skip
