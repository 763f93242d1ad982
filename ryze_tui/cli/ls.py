"""`ryze-tui ls`: the list, filtered and sorted as in the console."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..fleet.model import Row
    from ..operations.account import Account


def states_of(text: str) -> tuple[str, ...]:
    """A type for one or more states with commas between; `logged_out` is taken for `loggedout`."""
    from ..api.states import STATES, UNKNOWN

    found = tuple(word.strip().lower().replace("_", "") for word in text.split(",") if word.strip())
    if not found or not set(found) <= {*STATES, UNKNOWN}:
        raise argparse.ArgumentTypeError(_("must be of: {states}").format(states=", ".join((*STATES, UNKNOWN))))
    return found


def state_words(before: str) -> str:
    """The states there are, after these words."""
    from ..api.states import STATES, UNKNOWN

    return f"{before} {', '.join((*STATES, UNKNOWN))}"


def add_arguments(parser: Parser) -> None:
    """What to show, and how."""
    add = parser.add_argument
    words = _("what the console's / takes: words, state:connected, block:webhook, tag:vip, !word; all must hold")
    add("words", nargs="*", metavar="WORD", help=words)
    add("--state", type=states_of, metavar="STATE[,STATE]", help=state_words(_("only these states:")))
    add("--sort", choices=("trouble", "name", "newest"), default="trouble", help=_("the order (trouble first)"))
    session.add_common(parser, quiet=_("only the names, one a line"))


def run(options: argparse.Namespace) -> int:
    """0 also when nothing matches."""

    async def work(account: Account, out: Out) -> Failure | None:
        await session.listed(account)
        _show(account, options, out)
        return None

    return session.run(options, work)


def _show(account: Account, options: argparse.Namespace, out: Out) -> None:
    from ..fleet.filtering import parse_filter, sorted_rows

    now = time.time()
    matching = parse_filter(" ".join(options.words), account.notes.tags_of)(account.model.rows.values())
    rows = sorted_rows(matching, options.sort, now)
    if options.state:
        rows = [row for row in rows if row.state in options.state]
    if out.as_json:
        from .shapes import instance, moment

        out.document({
            "server": account.url, "profile": account.profile or None, "as_of": moment(now), "total": len(account.model.rows),
            "unreadable": account.model.unreadable, "instances": [instance(row) for row in rows],
        })  # fmt: skip
    elif out.quiet:
        from ..redact import clean

        for row in rows:
            out.line(clean(row.name))
    elif rows:
        _table(rows, now, out)
    else:
        out.say(_("no instance matches") if account.model.rows else _("there are no instances yet"))


def _table(rows: list[Row], now: float, out: Out) -> None:
    from ..fleet.telling import badge, lasting, number
    from . import table

    head = [_("NAME"), _("STATE"), _("FOR"), _("NUMBER"), _("BLOCKS"), _("PROFILE")]
    cells = [
        [row.name, badge(row.state), lasting(row, now), number(row.number), row.item.blocks, row.item.profile_name]
        for row in rows
    ]
    tint = (1, lambda at, text: out.tinted(text, rows[at].state))
    for line in table.lines(head, cells, give=((5, 0), (0, 12)), width=table.width_of_output(), tint=tint):
        out.line(line)
