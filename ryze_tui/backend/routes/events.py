"""/api/events/*: what an instance's sockets are sent (contract §2.13)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from ...api.blocks import WebSocket
from .. import auth
from ..app import backend_of
from ..blocks import read_block, split, websocket_view
from ..body import read_object
from ..errors import ApiError, StoreError


async def set_websocket(request: Request) -> JSONResponse:
    """POST /api/events/websocket/:instance; the row is replaced, open sockets stay."""
    backend = backend_of(request)
    record = auth.instance_of(request.scope, backend.catalog)
    block = read_block(WebSocket, await read_object(request))
    if not block.enabled:  # type: ignore[attr-defined]
        block = WebSocket(enabled=False)
    try:
        await backend.catalog.configure(record, split("websocket", block))
    except StoreError as error:
        raise ApiError(500, f"Failed to update websocket configuration: {error}") from error
    view = websocket_view(record.blocks["websocket"])
    return JSONResponse({"success": True, "message": "WebSocket configuration updated", "websocket": view})


async def get_websocket(request: Request) -> JSONResponse:
    """GET /api/events/getWebsocket/:instance; 404 when it was never written."""
    backend = backend_of(request)
    record = auth.instance_of(request.scope, backend.catalog)
    values = record.blocks.get("websocket")
    if values is None and not backend.settings.dialect.unset_is_off:
        raise ApiError(404, texts.NO_WEBSOCKET)
    return JSONResponse({"success": True, "message": "WebSocket configuration retrieved", "websocket": websocket_view(values)})
