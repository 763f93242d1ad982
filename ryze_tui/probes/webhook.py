"""A test event to a webhook from this machine, in the envelope that the server uses (contract §5.1)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final

from ..api.events import INSTANCE_STATE, delivery_url
from ..api.states import STATE_EVENT
from ..i18n import _
from .http import Answer, ask
from .steps import SECONDS, Failed, Step, attempt
from .trial import Trial, running, title

TEST_TOKEN: Final = "token-of-a-test"
"""In place of the instance's own: nobody knows yet whose place the URL is."""


async def steps(trial: Trial, seconds: float = SECONDS) -> AsyncGenerator[Step, None]:
    """One POST, once."""
    yield running("post")
    yield await attempt(title("post"), "post", _post(trial), seconds)


async def _post(trial: Trial) -> str:
    body = trial.body
    url = delivery_url(str(body["url"]), INSTANCE_STATE, by_events=body.get("byEvents") is True)
    headers = {"Authorization": str(body["authorization"])} if body.get("authorization") else {}
    answer = await ask("POST", url, headers, envelope(trial.name, trial.state))
    words = _("the receiver answered {status}").format(status=answer.status)
    if answer.beginning:
        words += f": {answer.beginning}"
    if not 200 <= answer.status < 300:
        raise Failed(f"{words} {_hint(answer)}".rstrip())
    return words


def _hint(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return _("(it redirects, and deliveries do not follow)")
    if answer.status in (401, 403):
        return _("(it wants another Authorization)")
    if answer.status in (404, 405, 410):
        return _("(it has nothing at that path)")
    return ""


def envelope(name: str, state: str) -> dict[str, Any]:
    """An instance.state that says how the instance is, marked as a test."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"state": STATE_EVENT.get(state, "disconnected"), "timestamp": now, "instance": name, "test": True}
    return {"event": INSTANCE_STATE, "data": data, "instanceData": {"baseUrl": "", "instance": name, "token": TEST_TOKEN}}
