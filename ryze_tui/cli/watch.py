"""`ryze-tui watch`: states as they change, for ever; one line each, the present states first."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure, failure_of
from .following import Following
from .output import Out
from .parser import Parser, factor

if TYPE_CHECKING:
    from ..fleet.model import Changes
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """Which ones, and how."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=_("only these instances, also when they are made later"))
    parser.add_argument("--heartbeat", type=factor, metavar="SECONDS", help=_("also a line so often, to show that it runs"))
    session.add_common(parser, as_json=_("NDJSON: one object a line"))
    parser.description = _(
        "Goes on for ever, also while the server is away; then a `link` line says so. With --timeout it ends with 0 after\n"
        "that time. A token that is refused ends it with 4."
    )


def run(options: argparse.Namespace) -> int:
    """Until it is ended."""

    async def work(account: Account, out: Out) -> Failure | None:
        return await _Watch(account, out, options).run()

    # Only the named ones are worth a socket of their own.
    return session.run(options, work, late="", sockets=len(set(options.names)) or None)


class _Watch:
    """What was told last of each instance."""

    def __init__(self, account: Account, out: Out, options: argparse.Namespace) -> None:
        self._account, self._out, self._options = account, out, options
        self._names = frozenset(options.names)
        self._told: dict[str, str] = {}
        self._absent: set[str] = set()
        self._begun = False
        self._link = ("", "")
        self._following = Following()

    async def run(self) -> Failure | None:
        """Until the token is refused or the output is closed."""
        guarded = self._following.guarded
        self._account.on_changes, self._account.on_link = guarded(self._changed), guarded(self._linked)
        for name in self._names:
            self._account.prefer(name)
        try:
            return await self._following.run(self._account.run(), self._beat())
        finally:
            self._account.on_changes = self._account.on_link = None

    def _linked(self) -> None:
        from ..fleet.freshness import REFUSED
        from ..operations.outcome import NOT_ALLOWED, Outcome

        link = self._account.link
        if link.kind == REFUSED:
            self._following.end(failure_of(Outcome(False, link.message, 401, kind=NOT_ALLOWED)))
        elif (link.kind, link.message) != self._link:
            self._link = (link.kind, link.message)
            self._line("link", None)
        if self._account.model.loaded and not self._begun:
            self._begin()

    def _changed(self, changes: Changes) -> None:
        if not self._begun:
            if self._account.model.loaded:
                self._begin()
            return
        for name in sorted(changes.rows):
            self._tell(name, "state")

    def _begin(self) -> None:
        self._begun = True
        for name in sorted(self._account.model.rows):
            self._tell(name, "present")
        for name in sorted(self._names - self._account.model.rows.keys()):
            self._line("deleted", name)

    def _tell(self, name: str, event: str) -> None:
        if self._names and name not in self._names:
            return
        row, was = self._account.model.rows.get(name), self._told.get(name)
        if row is None:
            if self._told.pop(name, None) is not None:
                self._line("deleted", name, was)
        elif row.state != was:
            self._told[name] = row.state
            self._line(event, name, was)

    def _line(self, event: str, name: str | None, was: str | None = None) -> None:
        row = self._account.model.rows.get(name) if name is not None else None
        kind, message = self._account.link.kind, self._account.link.message
        if self._out.as_json:
            from .shapes import instance, moment

            self._out.event({
                "event": event, "at": moment(time.time()), "name": name, "was": was,
                "instance": instance(row) if row is not None else None, "link": kind, "message": message,
            })  # fmt: skip
            return
        from ..fleet.telling import badge
        from ..redact import clean

        what = self._out.tinted(badge(row.state), row.state) if row is not None else _("deleted") if name is not None else kind
        more = (row.reason if row is not None and row.reason else message if name is None else "")
        if event != "link" or not self._out.quiet:
            words = [time.strftime("%H:%M:%S"), clean(name) if name is not None else f"[{event}]", what, clean(more)]
            self._out.line("  ".join(filter(None, words)), flush=True)

    async def _beat(self) -> None:
        if not self._options.heartbeat:
            await asyncio.Event().wait()  # the end of this would be the end of all
        while True:
            await asyncio.sleep(self._options.heartbeat)
            self._following.guarded(self._line)("heartbeat", None)
