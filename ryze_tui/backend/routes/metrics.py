"""GET /metrics: for Prometheus; there only when a token of its own was given, for it tells of all accounts together."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ...api import errors as texts
from .. import auth
from ..app import backend_of
from ..errors import ApiError
from ..metrics import CONTENT_TYPE, exposition


async def metrics(request: Request) -> Response:
    """With the metrics token only: neither a TokenAccount nor a TokenInstance is good here."""
    backend = backend_of(request)
    if not auth.may_scrape(request.scope, backend.settings.metrics_token):
        raise ApiError(401, texts.INVALID_TOKEN if request.scope[auth.CALLER].sent else texts.MISSING_TOKEN)
    return Response(exposition(backend), headers={"Content-Type": CONTENT_TYPE})
