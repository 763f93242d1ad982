"""Trying a block out: the server itself dials the proxy, the store or the receiver, and says step by step how that went.

What is tried is what the server holds, not what stands in a form; it is seen from the server's network, not from this terminal.
Servers without that extension cannot be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from ..api.errors import INSTANCE_NOT_FOUND, RyzeError
from ..i18n import _, mark
from ..redact import clean, mask
from .steps import BAD, GOOD, RUNNING, SKIPPED, Step

TRIED: Final = frozenset({"proxy", "s3", "webhook"})
"""Kinds of blocks that a server of ours can try out."""
_NAMES: Final = {
    "address": mark("Address"), "tcp": mark("Connection"), "tls": mark("TLS"), "auth": mark("Password"),
    "connect": mark("Proxy"), "target": mark("WhatsApp"), "put": mark("Write"), "get": mark("Read"), "delete": mark("Remove"),
}


class Trying(Protocol):
    """What a probe asks of the account. Raises RyzeError."""

    async def try_block(self, kind: str, name: str, label: str) -> dict[str, Any]:
        """Have the server try a block of an instance; its answer."""


async def probe(look: Trying, kind: str, name: str, label: str = "") -> AsyncIterator[Step]:
    """Yield the steps; the last one is the verdict."""
    title = _("Server")
    yield Step(title, RUNNING, _("it is trying…"))
    try:
        answer = await look.try_block(kind, name, label)
    except RyzeError as error:
        if error.status == 404 and error.message != INSTANCE_NOT_FOUND:
            yield Step(title, SKIPPED, _("This server cannot try it out; it is an extension of ours."))
        else:
            yield Step(title, BAD, error.message)
        return
    yield Step(title, GOOD, _("tried what it holds now, from its own network"))
    steps = _delivery(answer) if kind == "webhook" else _steps(answer, kind)
    for step in steps:
        yield step
    works = bool(steps) and all(step.result == GOOD for step in steps)
    yield Step(_("Verdict"), GOOD if works else BAD, _("It works.") if works else _("It does not work."))


def _steps(answer: dict[str, Any], kind: str) -> list[Step]:
    found = answer.get("proxy") if kind == "proxy" else answer
    steps = found.get("steps") if isinstance(found, dict) else None
    made = []
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            error, name = _text(step.get("error")), _text(step.get("name"))
            took = step.get("milliseconds")
            words = error or (_("{ms} ms").format(ms=round(took)) if isinstance(took, (int, float)) else _("done"))
            made.append(Step(_(_NAMES.get(name, name)), BAD if error else GOOD, words))
    return made


def _delivery(answer: dict[str, Any]) -> list[Step]:
    delivery = answer.get("delivery")
    if not isinstance(delivery, dict):
        return []
    status, said = delivery.get("httpStatus"), _text(delivery.get("answer"))
    went = delivery.get("status") == "delivered"
    words = _("the receiver answered {status}").format(status=status) if isinstance(status, int) else _("no answer")
    return [Step(_("Test event"), GOOD if went else BAD, f"{words}: {said}" if said else words)]


def _text(value: object) -> str:
    return clean(mask(value))[:300] if isinstance(value, str) else ""
