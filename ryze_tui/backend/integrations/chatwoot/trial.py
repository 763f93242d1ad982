"""Trying a Chatwoot configuration out: who the token is, whether the account lets it in, which inbox `set` would use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .activation import ours
from .api import Api, ChatwootError

_ADMINISTRATOR: Final = "administrator"


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: token, account or inbox; `error`: in words, empty when it went well."""

    name: str
    milliseconds: int
    error: str = ""


async def attempt(
    api: Api, account: int, name: str, callback: str, *, known: int, in_use: Callable[[str], bool],
    monotonic: Callable[[], float],
) -> tuple[list[Step], dict[str, Any]]:  # fmt: skip
    """The steps that were made, the one that failed is the last; and `{exists, id}` of the inbox. Only reads."""
    steps: list[Step] = []
    began = monotonic()

    def note(step: str, error: str = "") -> None:
        nonlocal began
        steps.append(Step(step, round((monotonic() - began) * 1000), error))
        began = monotonic()

    nothing = {"exists": False, "id": None}
    try:
        profile = await api.profile()
        note("token")
    except ChatwootError as error:
        note("token", f"Chatwoot does not know the API token ({error.words})" if error.refused else error.words)
        return steps, nothing
    try:
        inboxes = await api.inboxes()
        note("account")
    except ChatwootError as error:
        note("account", f"the token's owner may not use account {account} ({error.words})" if error.refused else error.words)
        return steps, nothing
    found = ours(inboxes, name, callback, known, in_use)
    if (found is None or found.get("webhook_url") != callback) and role(profile, account) not in ("", _ADMINISTRATOR):
        doing = "made" if found is None else "changed"
        note("inbox", f"the inbox has to be {doing}, and the token is not an administrator's on account {account}")
    else:
        note("inbox")
    return steps, nothing if found is None else {"exists": True, "id": int(found["id"])}


def role(profile: dict[str, Any], account: int) -> str:
    """What the token's owner is on an account; empty where Chatwoot does not tell."""
    accounts = profile.get("accounts")
    for one in accounts if isinstance(accounts, list) else ():
        if isinstance(one, dict) and one.get("id") == account:
            return str(one.get("role") or "")
    return ""
