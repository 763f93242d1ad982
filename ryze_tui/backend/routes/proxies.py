"""Trying an instance's proxy out, step by step (our extension)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from .. import auth
from ..app import backend_of
from ..body import read_object
from ..errors import ApiError, EngineError, StoreError
from ..tunnel import probe


async def test(request: Request) -> JSONResponse:
    """POST /api/instance/proxy/:instance/test; goes through a proxy to what a link dials, and hangs up.

    What is sent is tried, not stored; without a body the stored one is. The link of the instance is left alone, so
    this also says whether a proxy that waits for a reconnect will do.
    """
    backend = backend_of(request)
    record = auth.instance_of(request.scope, backend.catalog)
    body = await read_object(request, empty=True)
    try:
        proxy = await backend.configure.proxy_candidate(record, body)
        host, port = await backend.engine.front()
    except (StoreError, EngineError) as error:
        raise ApiError(500, f"Failed to test the proxy: {error}") from error
    looked = await probe(backend.egress, proxy, host, port, greet=backend.engine.greet)
    steps = [{"name": step.name, "milliseconds": step.milliseconds, "error": step.error} for step in looked.steps]
    result = {"works": looked.works, "target": f"{host}:{port}", "steps": steps}
    message = "Proxy works" if looked.works else "Proxy does not work"
    return JSONResponse({"success": True, "message": message, "proxy": result})
