"""`ryze-tui send`: a text from an instance to a number; the text from standard input, where no other user can read it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..i18n import _
from . import session
from .exits import Failure, failure_of
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..operations.account import Account


def add_arguments(parser: Parser) -> None:
    """From which, to whom, what."""
    parser.add_argument("name", metavar="NAME", help=_("the instance that sends"))
    parser.add_argument("number", metavar="NUMBER", help=_("the phone number with its country code, or a JID"))
    parser.add_argument("--text", help=_("the text; without it standard input is sent"))
    parser.add_argument("--yes", action="store_true", help=_("do not ask"))
    session.add_common(parser)


def run(options: argparse.Namespace) -> int:
    """0 once the server says that it was sent."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may("send"):
            raise Failure(reason, "not_allowed")
        text = _text(options)
        if not options.yes:
            title = _("Send a text of {n} characters from {name} to {number}?")
            title = title.format(n=len(text), name=options.name, number=options.number)
            session.ask(out, title, _("yes"), _("Type yes to go on:"))
        outcome, told = await account.send_text(options.name, options.number, text)
        if not outcome.ok:
            return failure_of(outcome)
        if out.as_json:
            out.document({
                "instance": options.name, "number": options.number, "message": outcome.message, "message_id": told,
            })  # fmt: skip
        else:
            out.say(outcome.message)
        return None

    return session.run(options, work, late="unknown")


def _text(options: argparse.Namespace) -> str:
    """What is to be sent, without the last line break. Raises Failure."""
    if options.text is None and options.token_file == "-":
        raise Failure(_("standard input is the token's: give the text with --text."), "usage")
    if options.text is None and sys.stdin.isatty():
        raise Failure(_("there is no text: give one with --text, or on standard input."), "usage")
    try:
        text = options.text if options.text is not None else sys.stdin.read()
    except UnicodeDecodeError as error:
        raise Failure(_("the text on standard input is not UTF-8."), "usage") from error
    if not text.strip():
        raise Failure(_("the text is empty."), "usage")
    return str(text).removesuffix("\n")
