"""Request bodies: bounded, JSON only; nothing a caller sends gets further than this as anything else."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from ..api import errors as texts
from ..api.nesting import flat
from . import auth
from .app import backend_of
from .errors import ApiError

CONFIG_BYTES: Final = 1024 * 1024
MEDIA_BYTES: Final = 12 * 1024 * 1024
MESSAGE_BYTES: Final = 64 * 1024 * 1024
VALUES_MOST: Final = 250_000


async def read_object(request: Request, *, limit: int = CONFIG_BYTES, empty: bool = False) -> dict[str, Any]:
    """The body's JSON object; `empty` allows none at all. Raises ApiError 400, 413.

    A field that is null counts as left out, as it does for the service (which is written in Go).
    """
    raw = await read_bytes(request, limit=limit)
    if empty and not raw.strip():
        return {}
    try:
        body = parse(raw)
    except ValueError:
        raise ApiError(400, texts.INVALID_BODY) from None
    if not isinstance(body, dict):
        raise ApiError(400, texts.INVALID_BODY)
    return {key: value for key, value in body.items() if value is not None}


def parse(raw: bytes) -> Any:
    """The JSON value. Raises ValueError."""
    if raw.count(b",") > VALUES_MOST:  # counting is fast; reading them takes seconds that everybody waits, and a gigabyte
        raise ValueError("too many values")
    try:
        body = flat(json.loads(raw.decode("utf-8-sig")), raw)
        # A lone surrogate is valid in JSON and in no text that a database or a header can hold; NaN, Infinity and 1e999 are
        # numbers to Python only.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return body


async def read_bytes(request: Request, *, limit: int = CONFIG_BYTES) -> bytes:
    """The whole body. Raises ApiError 400, 401, 413."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise ApiError(413, texts.BODY_TOO_LARGE)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise ApiError(413, texts.BODY_TOO_LARGE)
            parts.append(part)
    except ClientDisconnect:
        raise ApiError(400, texts.INVALID_BODY) from None
    # A body may come as slowly as its sender likes: a token that was revoked meanwhile does nothing any more.
    auth.check_again(request.scope, backend_of(request).catalog)
    return b"".join(parts)
