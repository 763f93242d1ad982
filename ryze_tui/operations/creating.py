"""What a new instance gets besides its name: the blocks of one call, and whether they were taken (contract §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..api.events import INSTANCE_STATE
from ..api.wire import WIRES
from ..i18n import _
from ..redact import register
from .audit import Changes, shown
from .configuring import Held
from .editing import Change, Edit

if TYPE_CHECKING:
    from .configuring import Configuring


def fresh() -> dict[str, Edit]:
    """A form for every block, as a new instance has them when nothing else is said."""
    edits = {kind: Edit(wire, None) for kind, wire in WIRES.items()}
    edits["websocket"].set("enabled", True)
    edits["websocket"].begin("events", [INSTANCE_STATE])
    return edits


def flat(edits: Mapping[str, Edit]) -> dict[str, Any]:
    """The flat fields of a creation: blocks that are on, and settings that differ from the defaults.

    Their secrets are masked from now on, wherever they turn up.
    """
    body: dict[str, Any] = {}
    for edit in edits.values():
        if not edit.yours.get("enabled", edit.dirty):
            continue
        for field in edit.fields:
            value = edit.yours[field.name]
            if field.create_name and (field.name == "enabled" or value != field.empty):
                body[field.create_name] = value
                if field.secret:
                    register(value)
    return body


def audited(body: Mapping[str, Any]) -> Changes:
    """What a creation sets, by block and field, as the audit log has it; of secrets only that they are set."""
    found: Changes = {}
    for kind, wire in WIRES.items():
        for field in wire.fields:
            if field.create_name in body:
                found[f"{kind}.{field.name}"] = shown(field, "" if field.secret else None, body[field.create_name])
    return found


def problems(edits: Mapping[str, Edit]) -> list[tuple[str, str, str]]:
    """(kind, field, words) for everything that is wrong in a block that is on."""
    return [(kind, name, words) for kind, edit in edits.items() for name, words in edit.problems().items()]


async def differences(configuring: Configuring, name: str, edits: Mapping[str, Edit]) -> tuple[list[Change], list[str]]:
    """Where the new instance holds something else than was asked, since blocks fail in silence; and what could not be read."""
    found: list[Change] = []
    unread: list[str] = []
    for kind, edit in edits.items():
        if not edit.yours.get("enabled", edit.dirty):
            continue
        held = await configuring.read(kind, name)
        if not isinstance(held, Held):
            unread.append(_("{block}: {why}").format(block=kind, why=held.message))
            continue
        asked = {field.name: edit.yours[field.name] for field in edit.fields}
        found += edit.missing(asked, held.values)
    return found, unread
