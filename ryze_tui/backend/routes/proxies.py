"""Trying an instance's proxy out, step by step (our extension)."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from .. import auth
from ..app import backend_of
from ..errors import ApiError, EngineError, StoreError
from ..tunnel import probe


async def test(request: Request) -> JSONResponse:
    """POST /api/instance/proxy/:instance/test; goes through the stored proxy to what a link dials, and hangs up.

    The link of the instance is left alone, so this also says whether a proxy that waits for a reconnect will do.
    """
    backend = backend_of(request)
    record = auth.instance_of(request.scope, backend.catalog)
    try:
        proxy = await backend.configure.proxy_use(record)
        if proxy is None:
            raise ApiError(409, texts.PROXY_OFF)
        host, port = await backend.engine.front()
    except (StoreError, EngineError) as error:
        raise ApiError(500, f"Failed to test the proxy: {error}") from error
    looked = await probe(backend.egress, proxy, host, port, greet=backend.engine.greet)
    result = {"works": looked.works, "target": f"{host}:{port}", "steps": [asdict(step) for step in looked.steps]}
    message = "Proxy works" if looked.works else "Proxy does not work"
    return JSONResponse({"success": True, "message": message, "proxy": result})
