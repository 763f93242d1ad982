"""`ryze-tui logout`: the phone unlinks the device; the instance stays."""

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
        if reason := account.may("logout"):
            raise Failure(reason, "not_allowed")
        session.ask_names(
            options, out, _("Log out {name}?"), _("Log out {n} instances ({names})?"),
            _("The phone unlinks this device. The instance and its settings stay; connecting it again needs a new QR code."),
        )
        return await session.several(account, options.names, account.logout, out)

    return session.run(options, work, late="unknown")
