"""`ryze-tui create`: an instance with its blocks, in one call; says where the server made something else of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..i18n import _
from ..redact import MASK, clean
from . import blockflags, session
from .exits import Failure, failure_of
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.editing import Change, Edit


def add_arguments(parser: Parser) -> None:
    """Its name, and the fields of its blocks."""
    parser.add_argument("name", metavar="NAME", help=_("letters, digits, - and _, up to 100"))
    own = _("its own token; without, the server makes one. - for standard input; or RYZE_INSTANCE_TOKEN")
    parser.add_argument("--instance-token-file", metavar="PATH", help=own)
    parser.add_argument("--reveal", action="store_true", help=_("print the instance's own token"))
    blockflags.add_flags(parser)
    session.add_common(parser)
    parser.usage = "ryze-tui create NAME [options]"
    parser.description = _(
        "Makes an instance. A block of which anything is said is switched on; its stream is on for its states unless\n"
        "--no-stream. Secrets come from files or variables, never from an argument."
    )


def run(options: argparse.Namespace) -> int:
    """0 also where the server holds something else than was asked for: that is said."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may("create"):
            raise Failure(reason, "not_allowed")
        token, edits = _given(options)
        from ..operations.creating import flat

        outcome = await account.create(options.name, token, None if edits is None else flat(edits))
        if not outcome.ok:
            return failure_of(outcome)
        differs, unread = await _compare(account, options.name, edits)
        _show(account, options, outcome.message, differs, unread, out)
        return None

    return session.run(options, work, late="unknown")


def _given(options: argparse.Namespace) -> tuple[str, dict[str, Edit] | None]:
    """Token and blocks as they were typed. Raises Failure before anything is sent."""
    import os

    from ..operations.checks import name_problem, token_problem
    from ..operations.creating import fresh

    token = os.environ.pop("RYZE_INSTANCE_TOKEN", "")
    if options.instance_token_file is not None:
        token = blockflags.secret_from(options.instance_token_file)
    if words := name_problem(options.name) or token_problem(token):
        raise Failure(words, "usage")
    values = blockflags.given(options)
    if not values:
        return token, None
    edits = fresh()
    blockflags.apply(edits, values)
    return token, edits


async def _compare(account: Account, name: str, edits: dict[str, Edit] | None) -> tuple[list[tuple[str, Change]], list[str]]:
    """Blocks fail in silence: look whether the server holds what was asked."""
    configuring = account.configuring
    if edits is None or configuring is None:
        return [], []
    from ..operations.creating import differences

    found: list[tuple[str, Change]] = []
    unread: list[str] = []
    for kind, edit in edits.items():
        differs, missing = await differences(configuring, name, {kind: edit})
        found += [(kind, change) for change in differs]
        unread += missing
    return found, unread


def _show(
    account: Account, options: argparse.Namespace, message: str, differs: list[tuple[str, Change]], unread: list[str], out: Out
) -> None:
    row = account.model.rows[options.name]
    token = row.item.token if options.reveal or not row.item.token else MASK
    if out.as_json:
        from .shapes import instance

        out.document({
            "instance": instance(row), "token": token, "message": message, "unread": unread,
            "differs": [
                {"block": kind, "field": one.field.name, "asked": _plain(one, one.yours), "held": _plain(one, one.now)}
                for kind, one in differs
            ],
        })  # fmt: skip
        return
    out.say(f"{options.name}: {message}")
    if options.reveal:
        out.line(clean(token))
    for kind, change in differs:
        words = _("{block}, {title}: the server holds {held}, not {asked}")
        held, asked = str(_plain(change, change.now)) or "–", str(_plain(change, change.yours)) or "–"
        out.say(words.format(block=blockflags.block_word(kind), title=_(change.field.title), held=held, asked=asked))
    for words in unread:
        out.say(_("could not be read again: {what}").format(what=words))


def _plain(change: Change, value: Any) -> Any:
    return MASK if change.field.secret and value else value
