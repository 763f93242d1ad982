"""`ryze-tui wait`: until an instance is in a state. Follows the server's stream where there is one, else asks now and then."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure, failure_of
from .ls import state_words, states_of
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..fleet.model import Row
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """Which, and for what."""
    parser.add_argument("name", metavar="NAME", help=_("the instance"))
    words = state_words(_("one of these:"))
    parser.add_argument("states", nargs="?", type=states_of, default=(), metavar="STATE[,STATE]", help=words)
    parser.add_argument("--for-change", action="store_true", help=_("until it is in another state than now"))
    session.add_common(parser)
    parser.description = _(
        "Ends with 0 once the instance is in one of the states (and says which), with 7 after --timeout, with 3 when the\n"
        "instance is not there or is deleted meanwhile. A server that goes away is waited for."
    )


def run(options: argparse.Namespace) -> int:
    """0, 3 or 7."""

    async def work(account: Account, out: Out) -> Failure | None:
        if bool(options.states) == options.for_change:
            raise Failure(_("wait needs a state, or --for-change."), "usage")
        from ..operations.following import Stopped, Waiting

        waiting = Waiting(account, options.name)
        try:
            row = await waiting.until(lambda row: _there(row, waiting.first, options))
        except Stopped as problem:
            raise failure_of(replace(problem.outcome, name=options.name)) from None
        if out.as_json:
            from .shapes import instance

            out.document({"instance": instance(row), "reached": True, "waited": round(waiting.waited, 3)})
        elif not out.quiet:
            out.line(row.state)
        return None

    return session.run(options, work, late="timed_out", sockets=1)


def _there(row: Row, first: str, options: argparse.Namespace) -> bool:
    return row.state != first if options.for_change else row.state in options.states
