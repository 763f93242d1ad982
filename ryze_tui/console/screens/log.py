"""The log of calls: every request to the server and what came back; one can be copied as curl (the token as $RYZE_TOKEN)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult

from ... import keys
from ...i18n import _, n_
from ...redact import masked
from ..bindings import bind
from ..styles import ink
from ..ticks import Coalescer
from ..widgets.canvas import Line, field
from ..words import safe
from .newest import Newest
from .rolls import FilterLine, RollScreen, save

if TYPE_CHECKING:
    from ...operations.account import Account

class LogPane(Newest[Any]):
    """One line for each call."""

    def __init__(self, account: Account) -> None:
        super().__init__("log")
        self._account = account

    def all(self) -> list[Any]:
        return list(self._account.calls)

    def ident(self, thing: Any) -> int:
        return int(thing.id)

    def haystack(self, thing: Any) -> str:
        return f"{thing.method} {thing.path} {thing.status or ''} {thing.message}".lower()

    def title(self, count: int) -> list[str]:
        return [_("Log of calls"), n_("{n} call", "{n} calls", count)]

    def row(self, thing: Any, width: int) -> Line:
        status = "…" if thing.status is None and not thing.message else str(thing.status or "–")
        good = thing.status is not None and thing.status < 400
        return [
            field(time.strftime("%H:%M:%S", time.localtime(thing.at)), 9, ink.DIM),
            field(status, 4, ink.GOOD if good else ink.BAD),
            field(_("{ms} ms").format(ms=round(thing.ms)) if thing.ms is not None else "", 9, ink.DIM),
            field(thing.method, 7, ink.BASE),
            field(safe(thing.path), max(width - 29, 1), ink.BASE),
        ]

    def about(self, thing: Any, width: int) -> list[Line]:
        return [
            [field(f" {thing.method} {safe(thing.path)}", width, ink.BOLD)],
            [field(" " + safe(thing.message or ""), width, ink.BASE)],
        ]

    def hints(self) -> list[tuple[str, str]]:
        return [(keys.name("copy"), _("Copy as curl"))]


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
        calls = list(reversed(self.pane.things))
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
