"""`ryze-tui bring-back`: what has a session is dialled again; of the others it says what they need, and why."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.outcome import Outcome


def add_arguments(parser: Parser) -> None:
    """Which ones."""
    session.names_argument(parser)
    session.add_common(parser)
    parser.description = _(
        "Reconnects what has a saved session, leaves alone what is connected, and says what the others need: a number without a\n"
        "session needs a phone, so `ryze-tui connect NAME`; one that is banned needs time. Those count as failed."
    )


def run(options: argparse.Namespace) -> int:
    """0 when each is connected already or was dialled again."""

    async def work(account: Account, out: Out) -> Failure | None:
        return await session.several(account, options.names, lambda name: _one(account, name), out)

    return session.run(options, work, late="unknown")


async def _one(account: Account, name: str) -> Outcome:
    from ..api.states import CONNECTED
    from ..operations.outcome import NOT_FOUND, REFUSED, Outcome, Unconfirmed

    try:
        row = await account.confirm_state(name)
    except Unconfirmed as problem:
        return replace(problem.outcome, name=name)
    if row is None:
        return Outcome(False, _("there is no such instance"), 404, name, kind=NOT_FOUND)
    remedy = account.bring_back(name)
    if remedy.action == "reconnect":
        return await account.reconnect(name)
    why = _("{why} (ryze-tui connect {name})").format(why=remedy.why, name=name) if remedy.action == "connect" else remedy.why
    return Outcome(row.state == CONNECTED, why, name=name, kind="" if row.state == CONNECTED else REFUSED)
