"""A Chatwoot from this machine: who the token is, whether the account lets it in, whether the inbox is there. Only reads."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from ..i18n import _
from ..redact import clean, mask
from .http import Answer, ask
from .steps import BAD, SECONDS, WARN, Failed, Step, attempt
from .trial import running, title

_ADMINISTRATOR: Final = "administrator"
_API_CHANNEL: Final = "Channel::Api"


async def steps(body: dict[str, Any], seconds: float = SECONDS) -> AsyncGenerator[Step, None]:
    """Token, account, inbox; the first that fails is the last."""
    look = _Look(body)
    stages: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
        ("token", look.token), ("account", look.account), ("inbox", look.inbox),
    )  # fmt: skip
    for name, doing in stages:
        yield running(name)
        step = await attempt(title(name), name, doing(), seconds)
        yield step
        if step.result == BAD:
            return


class _Look:
    """What one step found is there for the next."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._base, self._token = str(body["chatwootBaseUrl"]).rstrip("/"), str(body["chatwootApiToken"])
        self._account, self._name = body["chatwootAccountId"], str(body["inboxName"])
        self._role = ""
        self._inboxes: list[dict[str, Any]] = []

    async def token(self) -> str:
        """Who it is."""
        profile = await self._get("/api/v1/profile", {401: _("Chatwoot does not know the API token")})
        if not isinstance(profile, dict) or "id" not in profile:
            raise Failed(_("what answers at that URL is no Chatwoot"))
        accounts = profile.get("accounts")
        for one in accounts if isinstance(accounts, list) else ():
            if isinstance(one, dict) and one.get("id") == self._account:
                self._role = str(one.get("role") or "")
        name = profile.get("name")
        return _("it is {name}'s").format(name=clean(mask(name))[:60]) if isinstance(name, str) and name else ""

    async def account(self) -> str:
        """Whether it is let in."""
        refused = _("the token's owner may not use account {id}").format(id=self._account)
        unknown = _("there is no account {id}").format(id=self._account)
        told = await self._get(f"/api/v1/accounts/{self._account}/inboxes", {401: refused, 403: refused, 404: unknown})
        payload = told.get("payload") if isinstance(told, dict) else None
        if not isinstance(payload, list):
            raise Failed(_("what answers at that URL is no Chatwoot"))
        self._inboxes = [one for one in payload if isinstance(one, dict)]
        return self._role if self._role == _ADMINISTRATOR else ""

    async def inbox(self) -> str:
        """Whether it would be made, and may be."""
        found = any(one.get("name") == self._name and one.get("channel_type") == _API_CHANNEL for one in self._inboxes)
        words = _("there is one of this name") if found else _("there is none of this name: it would be made")
        if self._role not in ("", _ADMINISTRATOR):
            words += "; " + _("the token is not an administrator's, who alone may make or change one")
            raise Failed(words, WARN if found else BAD)
        return words

    async def _get(self, path: str, refusals: dict[int, str]) -> Any:
        answer = await ask("GET", self._base + path, {"api_access_token": self._token, "Accept": "application/json"})
        if answer.status in refusals:
            raise Failed(f"{refusals[answer.status]} ({answer.status})")
        if not 200 <= answer.status < 300:
            raise Failed(_refused(answer))
        try:
            return json.loads(answer.text)
        except (ValueError, RecursionError):
            raise Failed(_("what answers at that URL is no Chatwoot")) from None


def _refused(answer: Answer) -> str:
    if answer.status == 404:
        return _("there is no Chatwoot at that URL (404)")
    if 300 <= answer.status < 400:
        return _("it redirects ({status}): use the address it leads to").format(status=answer.status)
    return _("Chatwoot answered {status}: {words}").format(status=answer.status, words=answer.beginning)
