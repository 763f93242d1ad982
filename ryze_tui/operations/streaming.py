"""Switching an instance's own stream on, so that its badge is pushed, without disturbing what others get from it."""

from __future__ import annotations

from ..api.errors import Refused
from ..api.events import INSTANCE_STATE
from ..client.http import CHANGED, RyzeClient, revision
from ..client.replies import StreamBlock
from ..i18n import _
from .audit import Changes


def wanted(now: StreamBlock | None) -> StreamBlock | None:
    """The block to write so that `instance.state` gets through; None when it does already.

    A filter keeps what it has and where it has it, and an empty one (every event) stays empty. A block that is off, whose filter
    the server erased with it (contract §2.13), begins with the one event that is needed here.
    """
    if now is None:
        return StreamBlock(True, (INSTANCE_STATE,))
    if now.tells_states:
        return None
    return StreamBlock(True, (*now.events, INSTANCE_STATE) if INSTANCE_STATE not in now.events else now.events, now.media)


async def switch_on(client: RyzeClient, name: str, changes: Changes | None = None) -> tuple[bool, str]:
    """Read the block, write it if needed; whether states are pushed now, and what was done. Raises RyzeError.

    `changes` is told what is about to be written.
    """
    for left in (2, 1, 0):
        try:
            return await _switch_on(client, name, changes)
        except Refused as error:
            if error.status != CHANGED or not left:
                raise
    raise AssertionError


async def _switch_on(client: RyzeClient, name: str, changes: Changes | None) -> tuple[bool, str]:
    before = await client.stream_block(name)
    match = revision.get()
    block = wanted(before)
    if block is None:
        return True, _("Its stream was on already, and lets state events through.")
    if changes is not None:
        was = before if before is not None else StreamBlock(False)
        pairs = {"enabled": (was.enabled, block.enabled), "events": (list(was.events), list(block.events))}
        changes.update({key: {"before": one, "after": other} for key, (one, other) in pairs.items() if one != other})
    held = await client.set_stream(name, block, match)
    if not held.tells_states:
        return False, _("The server took it and still holds the stream back: {held}.").format(held=described(held))
    if held != block:
        return True, _("Streaming is on; the server made of it: {held}.").format(held=described(held))
    if before is not None and before.enabled:
        return True, _("State events are let through now; the filter keeps the rest: {held}.").format(held=described(held))
    return True, _("Streaming is on: {held}.").format(held=described(held))


def described(block: StreamBlock) -> str:
    """A block in words."""
    return (", ".join(block.events) or _("every event")) if block.enabled else _("off")
