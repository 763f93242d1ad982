"""Trying a block out from this machine, for servers that cannot: what their network sees may be something else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from ..i18n import _
from .steps import RUNNING, SECONDS, SKIPPED, Step
from .trial import Trial, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..client.stream import Socket

Dial = Callable[[str], Awaitable["Socket"]]
"""Opens the stream of an instance with its own token. Raises RyzeError."""


async def probe(trial: Trial, dial: Dial | None = None, seconds: float = SECONDS) -> AsyncIterator[Step]:
    """Yield the steps, each within `seconds`; the last one is the verdict. Nothing of it stays behind, given up or not."""
    trial.hide()
    words = _("this machine; the server's network may see it otherwise")
    if trial.kind == "websocket":
        words = _("this machine, as every program that follows the stream")
    yield Step(_("From"), SKIPPED, words)
    done = []
    async with aclosing(_steps(trial, dial, seconds)) as steps:
        async for step in steps:
            shown = replace(step, words=trial.shown(step.words))
            yield shown
            if shown.result != RUNNING:
                done.append(shown)
    yield verdict(done)


def _steps(trial: Trial, dial: Dial | None, seconds: float) -> AsyncGenerator[Step, None]:
    if trial.kind == "proxy":
        from . import proxy

        return proxy.steps(trial.body, seconds)
    if trial.kind == "s3":
        from . import store

        return store.steps(trial.body, seconds)
    if trial.kind == "webhook":
        from . import webhook

        return webhook.steps(trial, seconds)
    if trial.kind == "chatwoot":
        from . import chatwoot

        return chatwoot.steps(trial.body, seconds)
    from . import stream

    assert dial is not None
    return stream.steps(trial.name, dial, seconds)
