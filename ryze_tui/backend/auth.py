"""Who is calling: which token was sent, whose it is, and what it may do (contract §1, §7)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import Scope

from ..api import errors as texts
from .catalog import Catalog
from .errors import ApiError
from .record import Record
from .secrets import token_digest

CALLER: Final = "ryze_tui.caller"
"""Where the edge leaves the Caller in the ASGI scope."""


@dataclass(slots=True, frozen=True)
class Caller:
    """`account` is empty when the token is missing or unknown; `instance` is set for a TokenInstance.

    `key` names whose requests are counted together, `credential` the one token that was sent: SHA-256 of a TokenAccount, the
    instance's id for a TokenInstance.
    """

    account: str = ""
    instance: Record | None = None
    sent: bool = False
    key: str = field(default="", repr=False)
    credential: str = field(default="", repr=False)


def find_token(scope: Scope) -> str:
    """Header `token`, then Bearer, then `?token=`, the query on /ws/* only (contract §8 #3)."""
    headers = Headers(scope=scope)
    if token := headers.get("token", "").strip():
        return token
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (token := credentials.strip()):
        return token
    if str(scope["path"]).startswith("/ws/"):
        query = scope.get("query_string", b"").decode("latin-1")
        return next((value.strip() for name, value in _pairs(query) if name == "token"), "")
    return ""


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def identify(scope: Scope, catalog: Catalog) -> Caller:
    """Whose token it is."""
    token = find_token(scope)
    if not token:
        return Caller()
    if account := catalog.account_of(token):
        return Caller(account, None, True, f"account:{account}", token_digest(token))
    if (record := catalog.instance_of(token)) is not None:
        return Caller(record.account, record, True, f"instance:{record.id}", record.id)
    return Caller(sent=True)


def may_scrape(scope: Scope, metrics_token: str) -> bool:
    """Whether the token that was sent is the one for /metrics."""
    return bool(metrics_token) and hmac.compare_digest(find_token(scope).encode(), metrics_token.encode())


def _known(scope: Scope) -> Caller:
    caller: Caller = scope[CALLER]
    if not caller.account:
        raise ApiError(401, texts.INVALID_TOKEN if caller.sent else texts.MISSING_TOKEN)
    return caller


def revoked(scope: Scope, catalog: Catalog) -> bool:
    """Whether the token that was good when the request came is dead now."""
    caller: Caller = scope[CALLER]
    if not caller.account:
        return False
    if caller.instance is not None:
        return caller.instance.gone or not catalog.accounts.alive(caller.account)
    account = catalog.accounts.of_digest(caller.credential)
    return account is None or account.id != caller.account


def check_again(scope: Scope, catalog: Catalog) -> None:
    """After a wait that the caller could make as long as it liked. Raises ApiError 401."""
    if revoked(scope, catalog):
        raise ApiError(401, texts.INVALID_TOKEN)


def any_token(scope: Scope) -> Caller:
    """Either kind. Raises ApiError 401."""
    return _known(scope)


def account_token(scope: Scope) -> str:
    """TokenAccount only; returns the account. Raises ApiError 401, for a TokenInstance too (contract §8 #4)."""
    caller = _known(scope)
    if caller.instance is not None:
        raise ApiError(401, texts.INVALID_TOKEN)
    return caller.account


def instance_of(scope: Scope, catalog: Catalog) -> Record:
    """The instance named in the path. Raises ApiError 401, 403, 404 in this order (contract §7)."""
    return named_instance(scope, catalog, scope["path_params"]["instance"])


def named_instance(scope: Scope, catalog: Catalog, name: str) -> Record:
    """One of several instances that a request names. Raises ApiError 401, 403, 404 in this order."""
    caller = _known(scope)
    if caller.instance is not None:
        if caller.instance.name != name:
            raise ApiError(403, texts.TOKEN_MISMATCH)
        return caller.instance
    if (record := catalog.find(caller.account, name)) is None:
        raise ApiError(404, texts.INSTANCE_NOT_FOUND)
    return record
