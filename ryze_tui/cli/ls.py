"""`ryze-tui ls`: the list, filtered and sorted as in the console."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from .. import config
from ..i18n import _
from . import exits, session, target
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
    words = _("of every profile, one after the other: a table each, or with --json one document a line")
    add("--all-profiles", action="store_true", help=words)
    session.add_common(parser, quiet=_("only the names, one a line"))


def run(options: argparse.Namespace) -> int:
    """0 also when nothing matches."""
    return _every(options) if options.all_profiles else session.run(options, _work(options))


def _work(options: argparse.Namespace) -> session.Work:
    async def work(account: Account, out: Out) -> Failure | None:
        try:
            await session.listed(account)
        except Failure as problem:
            if not options.all_profiles:
                raise
            words = f"{account.profile}: {problem.message}"
            raise Failure(words, problem.kind, problem.status, problem.retry_after) from None
        if options.all_profiles and not out.as_json:
            from ..redact import clean

            out.line(f"{clean(account.profile)}  {account.url}")
        _show(account, options, out)
        return None

    return work


def _every(options: argparse.Namespace) -> int:
    """All profiles; what fails with one is said, and the others are told all the same."""
    out = Out(as_json=options.json, quiet=options.quiet)
    try:
        names = target.configured().names
    except config.ConfigError as problem:
        return out.failed(Failure(str(problem), "config"))
    if options.url or options.profile or options.token_file or options.quiet:
        return out.failed(Failure(_("--all-profiles goes without --url, --profile, --token-file and --quiet."), "usage"))
    if not names:
        return out.failed(Failure(_("there is no profile yet: ryze-tui profile add NAME --url URL makes one."), "config"))
    codes: list[int] = []
    for name in names:
        if codes and not out.as_json:
            out.line(flush=True)
        codes.append(session.run(argparse.Namespace(**{**vars(options), "profile": name}), _work(options)))
        if codes[-1] >= exits.INTERRUPTED:
            return codes[-1]
    done = codes.count(exits.DONE)
    if done == len(codes) or len(set(codes)) == 1:
        return codes[0]
    return out.failed(Failure(_("{done} of {n} done").format(done=done, n=len(codes)), "partly" if done else "failed"))


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
