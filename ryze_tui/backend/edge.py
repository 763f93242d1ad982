"""The outermost layer of every request: its id, who calls, from which page, how often, and what failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from ..api import errors as texts
from . import access
from .access import CALLBACK_PATH, REQUEST_ID
from .app import Backend
from .auth import CALLER, Caller, identify, may_scrape
from .errors import ApiError, BackendError
from .instances import STOPPING
from .limits import CREATE, GLOBAL, Verdict
from .metrics import NO_ROUTE
from .origins import PREFLIGHT_HEADERS, answer_headers

UNLIMITED: Final = frozenset({"/health", "/openapi.json"})


class BrokenOff(BackendError):
    """An answer that had begun could not be finished; why is in the log already."""


def envelope(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The contract's error shape."""
    return JSONResponse({"success": False, "error": {"message": message}}, status, headers)


async def http_error(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: unknown routes and wrong methods."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return envelope(405, texts.METHOD_NOT_ALLOWED, {"Allow": ", ".join(sorted(_methods(request)))})
    return envelope(error.status_code, texts.NOT_FOUND if error.status_code == 404 else error.detail, error.headers)


def _methods(request: Request) -> set[str]:
    """Everything that this path has, in however many routes (Starlette names the first one's)."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in route.methods or ()}


class Edge:
    """ASGI middleware. `/health` is outside limits; the simulator's controls are too, for whoever may use them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began, backend = time.perf_counter(), scope["app"].state.backend
        scope.setdefault(REQUEST_ID, access.request_id(scope))
        headers = {"X-Request-Id": scope[REQUEST_ID]} | _cors(backend, scope)
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
                status = message.get("status", 101)
                message.setdefault("headers", [])
                MutableHeaders(scope=message).update(headers)
            await send(message)

        try:
            if (answer := _preflight(backend, scope)) is not None:
                await answer(scope, receive, tell)
                return
            scope[CALLER] = caller = identify(scope, backend.catalog)
            if (verdict := _count(backend, scope, caller)) is not None:
                headers |= verdict.headers()
                if not verdict.allowed:
                    backend.requests.limited += 1
                    raise ApiError(429, texts.RATE_LIMITED)
            await self._app(scope, receive, tell)
        except ApiError as error:
            await _refuse(scope, receive, tell, envelope(error.status, error.message, error.headers))
        except asyncio.CancelledError:
            if not backend.draining or status:
                raise
            await _refuse(scope, receive, tell, envelope(503, STOPPING))  # the server stops, and has waited long enough
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log the traceback
            access.failed(scope)
            if status:
                raise BrokenOff from None
            await _refuse(scope, receive, tell, envelope(500, texts.INTERNAL))
        finally:
            access.answered(scope, status, time.perf_counter() - began)
            backend.requests.count(_route(scope), scope.get("method", "WS"), status)


def _route(scope: Scope) -> str:
    """The pattern of the route that was found; a request that was refused before has none."""
    return getattr(scope.get("route"), "path", NO_ROUTE)


def _count(backend: Backend, scope: Scope, caller: Caller) -> Verdict | None:
    path = scope["path"]
    if path == "/metrics" and may_scrape(scope, backend.settings.metrics_token):
        return None  # else somebody who sends nonsense from the same address could blind it
    if path in UNLIMITED or path.startswith(CALLBACK_PATH) or (caller.key and path.startswith("/simulator/")):
        return None
    bucket = CREATE if path == "/api/instance/new" and scope.get("method") == "POST" else GLOBAL
    client = scope.get("client")
    return backend.limits.count(caller.key or f"ip:{client[0] if client else ''}", bucket)


def _cors(backend: Backend, scope: Scope) -> dict[str, str]:
    """/health is outside CORS, and a browser does not ask it for sockets."""
    if scope["type"] != "http" or scope["path"] == "/health":
        return {}
    return answer_headers(Headers(scope=scope).get("origin", ""), backend.settings.cors_origins)


def _preflight(backend: Backend, scope: Scope) -> Response | None:
    """The answer to a browser that asks whether a page may call: before tokens, which it does not send, and limits."""
    if scope.get("method") != "OPTIONS" or scope["path"] == "/health" or not backend.settings.cors_origins:
        return None
    headers = Headers(scope=scope)
    origin = headers.get("origin", "")
    if not origin or "access-control-request-method" not in headers:
        return None
    if origin not in backend.settings.cors_origins:
        raise ApiError(403, texts.ORIGIN_REFUSED)
    return Response(status_code=204, headers=PREFLIGHT_HEADERS)


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    await receive()  # websocket.connect
    await WebSocket(scope, receive, send).send_denial_response(response)
