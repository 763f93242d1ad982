"""`ryze-tui show`: everything known of one instance. Secrets are masked unless they are asked for."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING, Any

from ..i18n import _
from ..redact import MASK, clean
from . import session
from .blockflags import block_word
from .blockview import written
from .exits import Failure
from .output import Out
from .parser import Parser

if TYPE_CHECKING:
    from ..fleet.model import Row
    from ..operations.account import Account
    from ..operations.configuring import Configuring


def add_arguments(parser: Parser) -> None:
    """Which one."""
    parser.add_argument("name", metavar="NAME", help=_("the instance"))
    parser.add_argument("--reveal", action="store_true", help=_("show its token and the secrets of its blocks"))
    parser.add_argument("--brief", action="store_true", help=_("without blocks and counters: one request instead of eight"))
    session.add_common(parser)


def run(options: argparse.Namespace) -> int:
    """3 when there is no such instance."""

    async def work(account: Account, out: Out) -> Failure | None:
        await session.listed(account, [options.name])
        row = account.model.rows.get(options.name)
        if row is None:
            raise Failure(_("there is no instance {name}.").format(name=options.name), "not_found")
        told = _row(row, time.time(), options.reveal)
        told |= {"blocks": None, "metrics": None, "unread": {}} if options.brief else await _blocks(account, options)
        if out.as_json:
            out.document(told)
        else:
            _print(row, told, out)
        return None

    return session.run(options, work)


def _secret(value: str, reveal: bool) -> str:
    return value if reveal or not value else MASK


def _row(row: Row, now: float, reveal: bool) -> dict[str, Any]:
    from ..fleet.triage import assess
    from .shapes import instance, moment

    item, judged = row.item, assess(row, now)
    return {
        "instance": instance(row), "id": item.id, "token": _secret(item.token, reveal), "business_name": item.business_name,
        "display_status": item.display_status, "created_at": item.created_at, "updated_at": item.updated_at,
        "told_by": row.told_by, "as_of": moment(row.seen), "severity": judged.severity, "meaning": judged.reason,
        "next": judged.next_step,
    }  # fmt: skip


async def _blocks(account: Account, options: argparse.Namespace) -> dict[str, Any]:
    from ..api.wire import WIRES
    from ..operations.outcome import Outcome

    configuring, look, unread = account.configuring, account.look, {}
    assert configuring is not None and look is not None  # the list was read
    kinds = list(WIRES)
    found = await asyncio.gather(
        *(_block(configuring, kind, options) for kind in kinds), look.metrics(options.name)
    )
    blocks: dict[str, Any] = {}
    for kind, value in zip([*kinds, "metrics"], found, strict=True):
        if isinstance(value, Outcome):
            unread[kind] = value.message
        blocks[kind] = None if isinstance(value, Outcome) else value
    metrics = blocks.pop("metrics")
    return {"blocks": blocks, "metrics": metrics, "unread": unread}


async def _block(configuring: Configuring, kind: str, options: argparse.Namespace) -> Any:
    """A block with all its fields, webhooks as a list with their labels; None when it was never written."""
    from ..api.wire import WIRES
    from ..operations.configuring import Held
    from ..operations.editing import complete

    held = await configuring.read(kind, options.name)
    if not isinstance(held, Held):
        return held
    wire = WIRES[kind]

    def shown(values: Any) -> dict[str, Any]:
        whole = complete(wire, values)
        for field in wire.fields:
            if field.secret and whole[field.name]:
                whole[field.name] = _secret(whole[field.name], options.reveal)
        return whole

    if kind == "webhook":
        return [{"label": label} | shown(values) for label, values in held.rows.items()]
    return None if held.values is None else shown(held.values)


def _print(row: Row, told: dict[str, Any], out: Out) -> None:
    from ..fleet.telling import badge, lasting, number

    def line(title: str, value: str, state: str = "") -> None:
        if value:
            text = clean(value)
            out.line(f"{title:14}{out.tinted(text, state) if state else text}")

    line(_("Name"), row.name)
    line(_("State"), f"{badge(row.state)}  {lasting(row, time.time())}", row.state)
    line(_("Meaning"), told["meaning"])
    line(_("Next"), told["next"])
    line(_("Number"), number(row.number))
    line(_("Profile"), row.item.profile_name)
    line(_("Business"), told["business_name"])
    line(_("Token"), told["token"])
    line(_("Created"), told["created_at"])
    for kind, block in (told["blocks"] or {}).items():
        for values in block if isinstance(block, list) else [block]:
            out.line()
            _print_block(kind, values, told["unread"].get(kind, ""), out)
    metrics = told.get("metrics") or {}
    counted = {name: value for name, value in metrics.items() if name != "instance" and isinstance(value, (int, str)) and value}
    if counted:
        out.line()
        out.line(_("metrics"))
        for name, value in counted.items():
            out.line(f"  {clean(name)}: {clean(str(value))}")


def _print_block(kind: str, values: dict[str, Any] | None, unread: str, out: Out) -> None:
    kind = block_word(kind)
    if values is None:
        out.line(f"{kind}: {clean(unread) if unread else _('never set')}")
        return
    label = f" {clean(values['label'])}" if "label" in values else ""
    if values.get("enabled") is False:
        out.line(f"{kind}{label}: {_('off')}")
        return
    out.line(f"{kind}{label}" + (f": {_('on')}" if "enabled" in values else ""))
    for name, value in values.items():
        if name not in ("enabled", "label"):
            out.line(f"  {name}: {written(value)}")
