"""`ryze-tui delete`: the instance and all that belongs to it, for good."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """Which ones."""
    session.names_argument(parser)
    parser.add_argument("--yes", action="store_true", help=_("do not ask for the name"))
    session.add_common(parser)


def run(options: argparse.Namespace) -> int:
    """Asks first, at a terminal; elsewhere it needs --yes."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may("delete"):
            raise Failure(reason, "not_allowed")
        session.ask_names(
            options, out, _("Delete {name}?"), _("Delete {n} instances ({names})?"),
            _("The number is logged out, and the instance, its token and its settings are removed for good. There is no undo."),
        )
        return await session.several(account, options.names, account.delete, out)

    return session.run(options, work, late="unknown")
