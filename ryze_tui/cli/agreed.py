"""Commands on some instances that ask for the name first, at a terminal; elsewhere they need --yes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from ..i18n import _
from . import session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account


class Question(NamedTuple):
    """About one instance (`{name}`), about `{n}` of them (`{names}`), and what will be so afterwards."""

    one: str
    many: str
    words: str


def add_arguments(parser: Parser) -> None:
    """Which ones, and whether they are agreed to already."""
    session.names_argument(parser)
    parser.add_argument("--yes", action="store_true", help=_("do not ask for the name"))
    session.add_common(parser)


def run(options: argparse.Namespace, operation: str, question: Question) -> int:
    """`operation` of the account, "logout" or "delete", on each of `options.names`; the exit code."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may(operation):
            raise Failure(reason, "not_allowed")
        session.ask_names(options, out, *question)
        return await session.several(account, options.names, getattr(account, operation), out)

    return session.run(options, work, late="unknown")
