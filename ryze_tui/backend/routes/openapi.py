"""GET /openapi.json: what this server can do, for programs; no token, no limit. An extension."""

from __future__ import annotations

import json
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from ... import __version__
from ..app import backend_of
from ..engine.simulated.engine import SimulatedEngine


@cache
def _text(simulated: bool) -> bytes:
    """Made at the first request: neither start nor anybody who does not ask pays for it."""
    from ...api.openapi import document

    return json.dumps(document(__version__, simulated=simulated), ensure_ascii=False, separators=(",", ":")).encode()


async def openapi(request: Request) -> Response:
    """GET /openapi.json"""
    return Response(_text(isinstance(backend_of(request).engine, SimulatedEngine)), media_type="application/json")
