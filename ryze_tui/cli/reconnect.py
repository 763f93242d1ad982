"""`ryze-tui reconnect`: dial again with the saved session."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """Which ones."""
    session.names_argument(parser)
    session.add_common(parser)


def run(options: argparse.Namespace) -> int:
    """0 once the server has taken it; `wait NAME connected` waits for what comes of it."""

    async def work(account: Account, out: Out) -> Failure | None:
        return await session.several(account, options.names, account.reconnect, out)

    return session.run(options, work, late="unknown")
