"""The audit log: every write from this machine, by console and command line; who, what, when, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from datetime import datetime
from typing import Any, Final

from textual.app import ComposeResult

from ... import keys
from ...i18n import _, mark, n_
from ...operations.audit import audit_path
from ...operations.auditreading import Reader
from ...redact import clean, mask, masked
from ..bindings import bind
from ..styles import ink
from ..widgets.canvas import Line, field
from ..words import DOT, fit, safe, wrap
from .newest import Newest
from .rolls import FilterLine, RollScreen, copy, save
from .whole import WholeScreen

MOST: Final = 5000
"""Lines that are kept, the newest; `ryze-tui audit` reads all of them."""
EVERY: Final = 2.0
"""Seconds between two looks at the file while the screen is open."""
_RESULTS: Final = {"ok": mark("done"), "failed": mark("failed"), "unknown": mark("unknown")}
_WORDS: Final = ("instance", "action", "result", "message", "user", "from", "profile", "program")

Entry = tuple[int, dict[str, Any], str]
"""Its number since the screen was opened, the line, and all of its words in small letters."""


def local(when: str, form: str) -> str:
    """RFC 3339 by this machine's clock; what is none as it is."""
    try:
        return datetime.fromisoformat(when).astimezone().strftime(form)
    except (ValueError, OverflowError):
        return when


def written(value: Any) -> str:
    """A value of a field in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value in ("", []):
        return "–"
    return mask(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def whole(line: dict[str, Any]) -> dict[str, Any]:
    """As it is shown and saved. What is said of secrets in its changes is that they are set, or changed: that stays."""
    return {**masked(line), "changes": line["changes"]}


class AuditPane(Newest[Entry]):
    """One line for each write."""

    DETAIL = 6

    def __init__(self) -> None:
        super().__init__("audit")
        self.trouble = ""
        self._entries: deque[Entry] = deque(maxlen=MOST)
        self._count = 0

    def take(self, lines: list[dict[str, Any]]) -> None:
        """More of them, oldest first."""
        for line in lines:
            words = [str(line[name] or "") for name in _WORDS] + list(line["changes"])
            self._entries.append((self._count, line, " ".join(words).lower()))
            self._count += 1
        self.sync()

    def all(self) -> list[Entry]:
        return list(self._entries)

    def ident(self, thing: Entry) -> int:
        return thing[0]

    def haystack(self, thing: Entry) -> str:
        return thing[2]

    def title(self, count: int) -> list[str]:
        parts = [_("Audit log of this machine"), n_("{n} write", "{n} writes", count)]
        return parts if self._count <= MOST else [*parts, _("older ones: ryze-tui audit")]

    def remark(self) -> str:
        return safe(self.trouble) or (_("Nothing matches.") if self._entries else _("Nothing was written from here yet."))

    def row(self, thing: Entry, width: int) -> Line:
        line, name = thing[1], max(8, min(24, width // 5))
        result = line["result"]
        style = {"ok": ink.GOOD, "failed": ink.BAD}.get(result, ink.WARN)
        return [
            field(local(line["when"], "%m-%d %H:%M:%S"), 15, ink.DIM),
            field(f"{fit(_(_RESULTS[result]) if result in _RESULTS else safe(result), 11)} ", 12, style),
            field(f"{fit(safe(line['instance']) or '–', name)} ", name + 1, ink.BASE),
            field(clean(mask(line["action"])), max(width - name - 28, 1), ink.BASE),
        ]

    def about(self, thing: Entry, width: int) -> list[Line]:
        line = thing[1]
        where = f"@{line['from']}" if line["from"] else ""
        by = _("by {who}").format(who=f"{line['user'] or line['uid'] or '?'}{where}")
        parts = [local(line["when"], "%Y-%m-%d %H:%M:%S"), by, line["program"] or "", line["profile"], line["request"] or ""]
        changes = [f"{name}: {written(one.get('before'))} → {written(one.get('after'))}" for name, one in line["changes"].items()]
        text = [
            *wrap(safe(f"{line['action']}{DOT}{mask(line['message'])}"), max(width - 2, 10))[:2],
            safe(DOT.join(filter(None, parts))),
            *wrap(safe(DOT.join(changes)), max(width - 2, 10)),
        ]  # fmt: skip
        return [[field(f" {row}", width, ink.BOLD if index == 0 else ink.BASE)] for index, row in enumerate(text)]

    def hints(self) -> list[tuple[str, str]]:
        return [(keys.name("choose"), _("JSON")), (keys.name("copy"), _("Copy"))]


class AuditScreen(RollScreen[AuditPane]):
    """Reads what is there, and goes on reading while it is open."""

    AUTO_FOCUS = "#audit"
    BINDINGS = [
        bind("close", "close"), bind("close_too", "close"), bind("audit", "close"), bind("copy", "copy"),
        bind("filter", "filter"), bind("choose", "json"), bind("tape_pause", "turn"), bind("tape_save", "save"),
    ]  # fmt: skip

    def __init__(self, name: str = "") -> None:
        """`name`: of one instance only, to begin with."""
        super().__init__()
        self.pane = AuditPane()
        self.pane.filter = name
        self.line = FilterLine(_("words, !word; enter keeps it, esc clears it"))

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.line

    def on_mount(self) -> None:
        self.pane.focus()
        self.run_worker(self._read(), group="audit", exclusive=True)

    async def _read(self) -> None:
        try:
            with contextlib.closing(await asyncio.to_thread(Reader)) as reader:
                while True:
                    if lines := await asyncio.to_thread(lambda: list(deque(reader.lines(), maxlen=MOST))):
                        self.pane.take(lines)
                    await asyncio.sleep(EVERY)
        except OSError as error:
            path = error.filename or audit_path()
            self.pane.trouble = _("{path} cannot be read: {problem}").format(path=path, problem=error.strerror)
            self.pane.sync()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_json(self) -> None:
        if (entry := self.pane.current) is not None:
            title = DOT.join(filter(None, (entry[1]["instance"], entry[1]["action"])))
            self.app.push_screen(WholeScreen(title, json.dumps(whole(entry[1]), ensure_ascii=False, indent=2)))

    def action_copy(self) -> None:
        if (entry := self.pane.current) is not None:
            copy(self.app, json.dumps(whole(entry[1]), ensure_ascii=False))

    def action_save(self) -> None:
        entries = list(reversed(self.pane.things))
        lines = [json.dumps(whole(line), ensure_ascii=False) for _number, line, _words in entries]
        save(self.app, "audit", lines, n_("{n} write", "{n} writes", len(lines)))
