"""Connecting an instance to an inbox: is the token good, is the account there, whose inbox of that name is it (contract §6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ...access import CALLBACK_PATH
from ...errors import ApiError
from .api import Api, ChatwootError

SECONDS: Final = 60.0
"""All of it together (contract §6)."""
_API_CHANNEL: Final = "Channel::Api"


async def activate(api: Api, name: str, callback: str, *, known: int, in_use: Callable[[str], bool]) -> int:
    """The inbox's id, made or found; it calls `callback` from now on. Raises ChatwootError.

    `known`: the inbox that this instance had, 0 for none. `in_use`: whether the secret of a callback is another instance's.
    """
    found = ours(await _visible(api), name, callback, known, in_use)
    try:
        if found is None:
            return await api.create_inbox(name, callback)
        if found.get("webhook_url") != callback:
            await api.update_inbox(int(found["id"]), callback)
    except ChatwootError as error:
        if error.status == 401:  # it may read: the token is good, and not an administrator's
            raise ChatwootError(403, error.words) from error
        raise
    return int(found["id"])


async def _visible(api: Api) -> list[dict[str, Any]]:
    """Chatwoot says 401 for a wrong token and for an account that the token is not a member of: ask who it is."""
    try:
        return await api.inboxes()
    except ChatwootError as error:
        if error.status != 401:
            raise
        try:
            await api.profile()
        except ChatwootError:
            raise error from None
        raise ChatwootError(403, error.words) from error


def ours(
    inboxes: list[dict[str, Any]], name: str, callback: str, known: int, in_use: Callable[[str], bool]
) -> dict[str, Any] | None:
    """The inbox of this name that we made: never one that another instance answers in, never one that somebody else made."""
    start = callback.rpartition(CALLBACK_PATH)[0] + CALLBACK_PATH
    for inbox in inboxes:
        url = inbox.get("webhook_url")
        if inbox.get("name") != name or inbox.get("channel_type") != _API_CHANNEL or not isinstance(inbox.get("id"), int):
            continue
        if url == callback or (known and inbox["id"] == known):
            return inbox
        if isinstance(url, str) and url.startswith(start) and not in_use(url.removeprefix(start)):
            return inbox
    return None


def refusal(error: ChatwootError, base: str, account: int) -> ApiError:
    """What the caller of `set` is told (contract §6); the address is shown without a password in it."""
    detail = f"Detail: {error.words}"
    if error.status == 401:
        return ApiError(401, f"Chatwoot rejected the API token - verify chatwootApiToken. {detail}")
    if error.status == 403:
        return ApiError(403, f"Chatwoot denied the request - verify the API token has admin scope on account {account}. {detail}")
    if error.status in (200, 404, 405) or 300 <= error.status < 400:
        where = f"verify chatwootBaseUrl ({base}) and chatwootAccountId ({account})"
        return ApiError(400, f"Chatwoot account or endpoint not found - {where}. {detail}")
    if 400 <= error.status < 500 and not error.away:
        return ApiError(400, f"Chatwoot rejected the request as invalid - verify inboxName and chatwootAccountId. {detail}")
    if error.status:
        return ApiError(502, f"Chatwoot at {base} cannot answer now - try again later. {detail}")
    return ApiError(503, f"Chatwoot could not be reached at {base} - verify chatwootBaseUrl. {detail}")
