"""`ryze-tui connect`: pairs an instance in a plain terminal; ends with 0 once it is connected."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..i18n import _
from . import session
from .exits import Failure, failure_of
from .output import Out
from .parser import Parser, whole

if TYPE_CHECKING:
    from ..fleet.model import Row
    from ..operations.account import Account
    from ..operations.pairing import PairingSession
    from ..pairing.flow import View

STREAM_WAIT: Final = 3.0
"""Seconds that a stream has to open before the code is asked for: it tells how many codes there are, and how long they live."""


def add_arguments(parser: Parser) -> None:
    """Which, how, and where the code goes."""
    add = parser.add_argument
    add("name", metavar="NAME", help=_("the instance"))
    add("--number", default="", metavar="N", help=_("by a pairing code that is typed on the phone of this number, not by QR"))
    add("--history", type=whole(0, 3650), metavar="DAYS", help=_("history to ask for at the first pairing"))
    add("--drawing", choices=("half", "sextant", "ascii"), help=_("how the QR code is drawn (what fits the terminal)"))
    add("--png", type=Path, metavar="PATH", help=_("keep the QR code there as a picture (0600) while it can be scanned"))
    add("--show-code", action="store_true", help=_("print the text of each code; whoever has it can link"))
    add("--yes", action="store_true", help=_("also when it is connected, or banned"))
    session.add_common(parser, as_json=_("NDJSON: one object for every stage and every code"))
    parser.description = _(
        "Shows the code, renews it before it dies, and ends by itself: 0 connected, 7 nobody took it. Without a terminal it\n"
        "shows no code unless --show-code or --png say so."
    )


def run(options: argparse.Namespace) -> int:
    """0 once it is connected."""

    async def work(account: Account, out: Out) -> Failure | None:
        if reason := account.may("connect"):
            raise Failure(reason, "not_allowed")
        await session.listed(account, [options.name])
        row = account.model.rows.get(options.name)
        if row is None:
            raise Failure(_("there is no instance {name}.").format(name=options.name), "not_found")
        if not options.yes and (harm := _harm(row)):
            session.ask(out, harm, _("yes"), _("Type yes to go on:"))
        return await _pair(account, row, options, out)

    return session.run(options, work, late="timed_out", sockets=1)


def _harm(row: Row) -> str:
    """Why a connect may harm; empty when it does not."""
    from ..api import states
    from ..fleet.telling import number

    if row.state == states.CONNECTED:
        words = _("{name} is connected as {who}: a code may close this connection. To link another phone, log it out first.")
        return words.format(name=row.name, who=number(row.number))
    if row.state == states.BANNED:
        return _("WhatsApp banned {name}: connecting it again and again makes it worse.").format(name=row.name)
    if row.phase == "linking":
        return _("A phone is linking {name} right now: another code would break that off.").format(name=row.name)
    return ""


async def _pair(account: Account, row: Row, options: argparse.Namespace, out: Out) -> Failure | None:
    from .pairingview import painter

    paired = account.pair(row.name, options.number, history=options.history)
    shown = painter(out, options, lambda: paired.view)
    feed = asyncio.create_task(account.run(), name="feed")
    shown.show(paired.view)
    try:
        await _streamed(account, row)
        paired.on_view = shown.show
        view = await shown.beside(paired.run())
        shown.show(view)
    finally:
        paired.on_view = None
        paired.cancel()
        shown.close()
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
    return _end(paired, view, row.name)


async def _streamed(account: Account, row: Row) -> None:
    """Until a stream proves the row, where there is any."""
    from ..api.events import ACCOUNT_STREAM

    await account.ask_health()
    if ACCOUNT_STREAM not in account.server.extensions and not row.item.streaming:
        return
    account.prefer(row.name)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STREAM_WAIT):
            while not account.covers(row.name):  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # nothing tells when one socket is open; it takes a few of these


def _end(paired: PairingSession, view: View, name: str) -> Failure | None:
    from ..pairing.flow import CONNECTED, ENDED

    if view.stage == CONNECTED:
        return None
    if paired.problem is not None:
        return failure_of(replace(paired.problem, name=name))
    return Failure(f"{name}: {view.message}", "timed_out" if view.stage == ENDED else "failed")
