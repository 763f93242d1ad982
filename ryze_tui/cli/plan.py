"""`ryze-tui plan FILE`: what a YAML file of blocks would change; nothing is changed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..i18n import _
from . import code, exits, session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """The file."""
    code.add_arguments(parser)
    session.add_common(parser)
    parser.description = _(
        "What ryze-tui apply would do with a file: instances to be created, changed field by field, and with --prune deleted.\n"
        "0: nothing is to be done; 10: there are changes; 2: something in the file is wrong, every problem with its line."
    )


def run(options: argparse.Namespace) -> int:
    """10 when there is anything to do."""

    async def work(account: Account, out: Out) -> Failure | None:
        from ..operations.ascode.planning import CREATE, DELETE, UNCHANGED

        items = (await code.planned(account, options, out)).items
        changes = any(item.action != UNCHANGED for item in items)
        if out.as_json:
            out.document({"changes": changes, "instances": list(map(code.in_json, items))})
        else:
            code.show(items, out)
        for action, verb in ((CREATE, "create"), (DELETE, "delete")):
            if not account.read_only and any(item.action == action for item in items) and (reason := account.may(verb)):
                out.warn(reason)  # which apply ends with
                break
        return exits.Quiet("changes") if changes else None

    return session.run(options, work)
