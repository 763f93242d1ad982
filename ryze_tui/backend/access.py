"""What the log says of a request: one line, and the traceback of a 500; both carry its id, neither carries a secret."""

from __future__ import annotations

import logging
import re
import secrets as entropy
import traceback
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from starlette.datastructures import Headers
from starlette.types import Scope

log = logging.getLogger(__name__)

REQUEST_ID: Final = "ryze_tui.request_id"
"""Where the edge leaves the request's id in the ASGI scope."""

CALLBACK_PATH: Final = "/chatwoot/"
"""What follows it is a secret."""

_SANE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRET_HEADERS: Final = ("token", "authorization", "apikey", "cookie", "proxy-authorization")
_HIDDEN: Final = "***"
_PATH_MOST: Final = 200
_SHORTEST: Final = 6
"""Shorter "secrets" would blank out ordinary words."""


def request_id(scope: Scope) -> str:
    """The id that the client sent as X-Request-Id when it is a sane one and none of its secrets, else a new one."""
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _SANE_ID.fullmatch(sent) and sent not in _secrets(scope) else entropy.token_hex(8)


def line(scope: Scope) -> str:
    """Method and path. No query string, also not one that was encoded into the path: it may hold a token or a number."""
    path = re.split("[?&;]", scope["path"], maxsplit=1)[0]
    before, callback, secret = _callback(path)
    if secret:
        path = f"{before}{callback}{_HIDDEN}"
    shown = quote(_hidden(path, scope), safe="/,*")
    return f"{scope.get('method', 'WS')} {shown if len(shown) <= _PATH_MOST else shown[:_PATH_MOST] + '…'}"


def _callback(path: str) -> tuple[str, str, str]:
    """What stands before it, CALLBACK_PATH and the secret, also where a proxy in front left its own prefix or doubled a slash."""
    return path.partition(CALLBACK_PATH) if not path.startswith("/api/") else (path, "", "")


def answered(scope: Scope, status: int, seconds: float) -> None:
    """The request is over; status 0 when the client was gone before an answer."""
    if log.isEnabledFor(logging.INFO):
        log.info("%s %d %.1f ms id=%s", line(scope), status, seconds * 1000, scope[REQUEST_ID])


def failed(scope: Scope) -> None:
    """The exception that is being handled was nobody's intention: where it happened, in full."""
    log.error("%s failed id=%s\n%s", line(scope), scope[REQUEST_ID], _hidden(traceback.format_exc().rstrip(), scope))


def _hidden(text: str, scope: Scope) -> str:
    for secret in _secrets(scope):
        text = text.replace(secret, _HIDDEN)
    return text


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _secrets(scope: Scope) -> list[str]:
    """What the caller sent as a token in any place, and every value of its query; longest first."""
    headers, query = Headers(scope=scope), scope.get("query_string", b"").decode("latin-1")
    found = {value for name in _SECRET_HEADERS for sent in headers.getlist(name) for value in (sent, *sent.split())}
    found.add(_callback(scope["path"])[2])
    found |= {part.partition("=")[2] for part in query.split("&")}
    try:
        found |= {value for _, value in parse_qsl(query, max_num_fields=100)}
    except ValueError:
        found.add(query)
    found |= {form(value) for value in found for form in (unquote, _quoted)}
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)
