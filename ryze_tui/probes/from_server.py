"""Trying a block out from the server: it dials the proxy, store, receiver or Chatwoot itself, as seen from its network.

What is tried is what is sent; a secret that is left out is the server's stored one, where that still fits (contract §8 #51).
Servers without that extension cannot be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from ..api.errors import INSTANCE_NOT_FOUND, RyzeError
from ..i18n import _
from ..redact import clean, mask
from .steps import BAD, GOOD, RUNNING, SKIPPED, Step, timed
from .trial import Trial, title, verdict


class Trying(Protocol):
    """What a probe asks of the account. Raises RyzeError."""

    async def try_block(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have the server try a block on behalf of an instance; its answer."""


async def probe(look: Trying, trial: Trial) -> AsyncIterator[Step]:
    """Yield the steps; the last one is the verdict."""
    trial.hide()
    where = _("Server")
    yield Step(where, RUNNING, _("it is trying…"))
    try:
        answer = await look.try_block(trial.kind, trial.name, trial.body)
    except RyzeError as error:
        if error.status == 404 and error.message.lower() != INSTANCE_NOT_FOUND.lower():
            yield Step(where, SKIPPED, _("This server cannot try it out; it is an extension of ours."))
        else:
            yield Step(where, BAD, trial.shown(error.message))
        return
    yield Step(where, GOOD, _("tried what stands in the form, from its own network"))
    steps = _steps(answer, trial)
    for step in steps:
        yield step
    yield verdict(steps)


def _steps(answer: dict[str, Any], trial: Trial) -> list[Step]:
    found = answer.get("proxy") if trial.kind == "proxy" else answer
    steps = found.get("steps") if isinstance(found, dict) else None
    made = []
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            error, name = trial.shown(_text(step.get("error"))), _text(step.get("name"))
            took = step.get("milliseconds")
            words = error or _well(name, answer)
            if isinstance(took, (int, float)) and not isinstance(took, bool):
                words = timed(took / 1000, words)
            made.append(Step(title(name), BAD if error else GOOD, words or _("done"), name))
    return made


def _well(name: str, answer: dict[str, Any]) -> str:
    """What a step that went well found."""
    status, inbox = answer.get("httpStatus"), answer.get("inbox")
    if name == "post" and isinstance(status, int):
        said = _text(answer.get("answer"))
        words = _("the receiver answered {status}").format(status=status)
        return f"{words}: {said}" if said else words
    if name == "inbox" and isinstance(inbox, dict):
        exists = inbox.get("exists") is True
        return _("it is there and would be used") if exists else _("there is none of ours yet: it would be made")
    return ""


def _text(value: object) -> str:
    return clean(mask(value))[:300] if isinstance(value, str) else ""
