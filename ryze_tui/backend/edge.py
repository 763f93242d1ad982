"""The outermost layer of every request: who calls, how often, what failed, and one log line without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from ..api import errors as texts
from .app import Backend
from .auth import CALLER, Caller, identify
from .errors import ApiError
from .limits import CREATE, GLOBAL, Verdict

log = logging.getLogger(__name__)

LIMIT_HEADERS: Final = "ryze_tui.limit_headers"
"""Where the headers for the upgrade of a socket are in the ASGI scope."""


def envelope(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The contract's error shape."""
    return JSONResponse({"success": False, "error": {"message": message}}, status, headers)


async def http_error(_request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: unknown routes and wrong methods."""
    assert isinstance(error, HTTPException)
    words = {404: texts.NOT_FOUND, 405: texts.METHOD_NOT_ALLOWED}
    return envelope(error.status_code, words.get(error.status_code, error.detail), error.headers)


class Edge:
    """ASGI middleware. `/health` is outside limits; the simulator's controls are too, for whoever may use them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began, backend = time.perf_counter(), scope["app"].state.backend
        scope[CALLER] = caller = identify(scope, backend.catalog)
        verdict = _count(backend, scope, caller)
        headers = scope[LIMIT_HEADERS] = verdict.headers() if verdict else {}
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                MutableHeaders(scope=message).update(headers)
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            if verdict is not None and not verdict.allowed:
                raise ApiError(429, texts.RATE_LIMITED)
            await self._app(scope, receive, tell)
        except ApiError as error:
            await _refuse(scope, receive, tell, envelope(error.status, error.message, error.headers))
        except Exception:
            log.exception("%s failed", _line(scope))
            if status:
                raise
            await _refuse(scope, receive, tell, envelope(500, texts.INTERNAL))
        finally:
            log.info("%s %d %.1f ms", _line(scope), status, (time.perf_counter() - began) * 1000)


def _count(backend: Backend, scope: Scope, caller: Caller) -> Verdict | None:
    path = scope["path"]
    if path == "/health" or (caller.key and path.startswith("/simulator/")):
        return None
    bucket = CREATE if path == "/api/instance/new" and scope.get("method") == "POST" else GLOBAL
    client = scope.get("client")
    return backend.limits.count(caller.key or f"ip:{client[0] if client else ''}", bucket)


def _line(scope: Scope) -> str:
    """Method and path, no query string: it may hold a token or a phone number."""
    return f"{scope.get('method', 'WS')} {quote(scope['path'], safe='/,')}"


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    await receive()  # websocket.connect
    await WebSocket(scope, receive, send).send_denial_response(response)
