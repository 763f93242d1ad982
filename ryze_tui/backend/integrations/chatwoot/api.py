"""What we ask of Chatwoot's published API: each call one method, each failure one exception that says why in words."""

from __future__ import annotations

import json
import mimetypes
import os
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from ....redact import clean, mask
from ...egress import Egress, Forbidden, Parts, TooLarge, Whole
from ...errors import BackendError

SECONDS: Final = 15.0
"""One call, from dialling to the end of the answer; twice that with a file. What timed out here is over there as well: Chatwoot's
own limit for a request is 15 s."""
ANSWER_BYTES: Final = 4 * 1024 * 1024
MEDIA_BYTES: Final = 40 * 1024 * 1024
"""Chatwoot's own limit for a file."""
DETAIL: Final = 300
HOPS: Final = 4
PAGES: Final = 50
"""Pages of 20 messages that are looked through for one of ours."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_AWAY: Final = frozenset({0, 408, 425, 429, 502, 503, 504})


_STRANGER: Final = "it answered with something else than a Chatwoot does; is it a Chatwoot?"


class ChatwootError(BackendError):
    """`status` is the answer's: 0 without one, 200 when it was not readable. `sent`: the request may have been carried out."""

    def __init__(self, status: int, words: str, *, sent: bool = True, retry_after: str = "") -> None:
        super().__init__(words)
        self.status, self.words, self.sent, self.retry_after = status, words, sent, retry_after

    @property
    def away(self) -> bool:
        """Chatwoot as a whole cannot be spoken to now; what was asked does not matter."""
        return self.status in _AWAY or self.status == 200

    @property
    def refused(self) -> bool:
        """The token is not good (any more) for what was asked."""
        return self.status in (401, 403)


@dataclass(frozen=True, slots=True)
class File:
    """A file on its way. `content` is the whole of it."""

    content: bytes = field(repr=False)
    mimetype: str
    name: str


class Api:
    """One account of one Chatwoot. Every method raises ChatwootError."""

    def __init__(self, egress: Egress, base: str, account: int, token: str, *, seconds: float = SECONDS) -> None:
        self._egress, self._base, self._account, self._token, self._seconds = egress, base, account, token, seconds
        self.place = f"{base}#{account}"

    # -- inboxes -------------------------------------------------------------------------------------------------------

    async def profile(self) -> dict[str, Any]:
        """Who the token is."""
        profile = _dict(await self._call("GET", f"{self._base}/api/v1/profile"))
        if "id" not in profile:
            raise ChatwootError(200, _STRANGER)
        return profile

    async def inboxes(self) -> list[dict[str, Any]]:
        """Those the token may see: `{id, name, channel_type, webhook_url}`."""
        payload = _dict(await self._account_call("GET", "/inboxes")).get("payload")
        if not isinstance(payload, list):
            raise ChatwootError(200, _STRANGER)
        return _list(payload)

    async def create_inbox(self, name: str, webhook_url: str) -> int:
        """A new API inbox; its id."""
        body = {"name": name, "channel": {"type": "api", "webhook_url": webhook_url}}
        return _id(_dict(await self._account_call("POST", "/inboxes", body)))

    async def update_inbox(self, inbox: int, webhook_url: str) -> None:
        """Where it calls from now on."""
        await self._account_call("PATCH", f"/inboxes/{inbox}", {"channel": {"webhook_url": webhook_url}})

    # -- contacts ------------------------------------------------------------------------------------------------------

    async def search_contacts(self, text: str) -> list[dict[str, Any]]:
        """Contacts in which it occurs, each with its `contact_inboxes`."""
        return _list(_dict(await self._account_call("GET", "/contacts/search", query={"q": text})).get("payload"))

    async def create_contact(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new contact, as it is listed."""
        payload = _dict(_dict(await self._account_call("POST", "/contacts", body)).get("payload"))
        contact = _dict(payload.get("contact")) or payload
        _id(contact)
        if not contact.get("contact_inboxes") and isinstance(payload.get("contact_inbox"), dict):
            contact = contact | {"contact_inboxes": [payload["contact_inbox"]]}
        return contact

    async def add_contact_inbox(self, contact: int, inbox: int, source_id: str) -> str:
        """Let a contact be written to in an inbox; its source id there, made by Chatwoot when ours is empty."""
        body = {"inbox_id": inbox} | ({"source_id": source_id} if source_id else {})
        made = _dict(await self._account_call("POST", f"/contacts/{contact}/contact_inboxes", body))
        return str(made.get("source_id") or source_id)

    # -- conversations -------------------------------------------------------------------------------------------------

    async def conversations(self, contact: int) -> list[dict[str, Any]]:
        """The newest of a contact, in every inbox."""
        found = _dict(await self._account_call("GET", f"/contacts/{contact}/conversations")).get("payload")
        return _list(found)

    async def conversation(self, conversation: int) -> dict[str, Any]:
        """One of them: `{id, status, inbox_id}`."""
        return _dict(await self._account_call("GET", f"/conversations/{conversation}"))

    async def create_conversation(self, body: dict[str, Any]) -> int:
        """A new one; its id."""
        return _id(_dict(await self._account_call("POST", "/conversations", body)))

    async def open_conversation(self, conversation: int) -> None:
        """Reopen it."""
        await self._account_call("POST", f"/conversations/{conversation}/toggle_status", {"status": "open"})

    async def has_message(self, conversation: int, source_id: str, since: float) -> bool:
        """Whether a message with that source id is there, looking back to `since` (Unix seconds)."""
        before = 0
        for _page in range(PAGES):
            query = {"before": str(before)} if before else None
            answer = _dict(await self._account_call("GET", f"/conversations/{conversation}/messages", query=query))
            messages = _list(answer.get("payload"))
            if any(message.get("source_id") == source_id for message in messages):
                return True
            ids = [message["id"] for message in messages if isinstance(message.get("id"), int)]
            times = [message["created_at"] for message in messages if _is_time(message.get("created_at"))]
            oldest = min(times, default=since)
            if not ids or oldest < since or (before and min(ids) >= before):
                return False
            before = min(ids)
        return False

    async def post_message(self, conversation: int, body: dict[str, Any], file: File | None = None) -> int:
        """A new message; its id. With a file the body's values are sent as form fields."""
        path = f"/conversations/{conversation}/messages"
        if file is None:
            return _id(_dict(await self._account_call("POST", path, body)))
        parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = [
            (name, (None, _field(value).encode(), None)) for name, value in body.items()
        ]
        parts.append(("attachments[]", (file.name, file.content, file.mimetype or "application/octet-stream")))
        return _id(_dict(await self._account_call("POST", path, parts=parts)))

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _account_call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, query: dict[str, str] | None = None,
        parts: Parts | None = None,
    ) -> Any:
        return await self._call(method, f"{self._base}/api/v1/accounts/{self._account}{path}", body, query=query, parts=parts)

    async def _call(
        self, method: str, url: str, body: dict[str, Any] | None = None, *, query: dict[str, str] | None = None,
        parts: Parts | None = None,
    ) -> Any:
        seconds = self._seconds if parts is None else 2 * self._seconds
        headers = {"api_access_token": self._token, "Accept": "application/json"}
        answer = await asked(
            self._egress, method, url, seconds=seconds, most=ANSWER_BYTES, headers=headers, json=body, query=query, parts=parts,
        )
        if not 200 <= answer.status < 300:
            raise ChatwootError(answer.status, self._detail(answer), retry_after=answer.retry_after)
        try:
            return json.loads(answer.content) if answer.content.strip() else {}
        except (ValueError, RecursionError):
            kind = "an HTML page" if answer.media_type == "text/html" else "something that is not JSON"
            raise ChatwootError(200, f"it answered {kind}") from None

    def _detail(self, answer: Whole) -> str:
        """Why it refused, in its own words where it has any."""
        text = answer.content[:4096].decode("utf-8", "replace")
        try:
            told = json.loads(answer.content)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            words = told.get("error") or told.get("message") or told.get("errors") or told.get("description") or ""
            text = words if isinstance(words, str) else json.dumps(words)
        elif answer.media_type == "text/html" or text.lstrip().startswith("<"):
            text = "an HTML page"
        if self._token:
            text = text.replace(self._token, "***")
        text = clean(mask(text)).strip()[:DETAIL]
        return f"HTTP {answer.status}: {text}" if text else f"HTTP {answer.status}"


async def asked(egress: Egress, method: str, url: str, **how: Any) -> Whole:
    """A request whose failures are ChatwootErrors, without the URL: a password may be in it."""
    try:
        return await egress.request(method, url, **how)
    except Forbidden as error:
        raise ChatwootError(0, str(error), sent=False) from error
    except TooLarge as error:
        raise ChatwootError(413, str(error)) from error
    except TimeoutError as error:
        raise ChatwootError(0, f"no answer within {how['seconds']:g} s") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise ChatwootError(0, _in_words(error), sent=False) from error
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise ChatwootError(0, _in_words(error)) from error


async def download(egress: Egress, url: str, *, seconds: float) -> File:
    """A file that Chatwoot names; its redirects are followed, each of them checked. Raises ChatwootError."""
    for _hop in range(HOPS + 1):
        answer = await asked(egress, "GET", url, seconds=seconds, most=MEDIA_BYTES)
        if answer.status in _REDIRECTS and answer.location:
            url = urljoin(url, answer.location)
            continue
        if answer.status != 200:
            raise ChatwootError(answer.status, f"HTTP {answer.status}")
        name = unquote(urlsplit(url).path.rpartition("/")[2])[:200]
        mimetype = answer.media_type
        if mimetype in ("", "application/octet-stream", "binary/octet-stream"):
            mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return File(answer.content, mimetype, name)
    raise ChatwootError(310, "it was redirected too often")


_WORDS: Final = {
    "ConnectError": "the connection was refused or could not be made", "ConnectTimeout": "it could not be reached in time",
    "ReadError": "the connection broke", "RemoteProtocolError": "the connection broke off or was not HTTP",
    "UnsupportedProtocol": "it is not an http or https URL", "InvalidURL": "it is not a URL",
}  # fmt: skip


def _in_words(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return os.strerror(seen.errno) if seen.errno and seen.errno > 0 else seen.strerror
        seen = seen.__cause__ or seen.__context__
    return _WORDS.get(type(error).__name__, type(error).__name__)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _id(made: dict[str, Any]) -> int:
    value = made.get("id")
    if not isinstance(value, int) or isinstance(value, bool):
        raise ChatwootError(200, "it answered without an id")
    return value


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _field(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)
