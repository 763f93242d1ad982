"""The routes of a block on condition, an extension: reads tell its tag, writes heed `If-Match`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from .. import auth
from ..app import backend_of
from ..conditions import asked, tag
from ..errors import ApiError

Endpoint = Callable[[Request], Awaitable[Response]]


def conditional(kind: str, endpoint: Endpoint) -> Endpoint:
    """`endpoint` with the ETag of what it reads, or under the condition that its request names."""

    async def answer(request: Request) -> Response:
        try:
            record = auth.instance_of(request.scope, backend_of(request).catalog)
        except ApiError:
            return await endpoint(request)  # refuses it in its own words
        if request.method in ("GET", "HEAD"):
            before = tag(record, kind)  # taken first: what changes while it is read makes the tag old, not the answer
            response = await endpoint(request)
            response.headers["ETag"] = before
            return response
        with asked(record, kind, frozenset(part.strip() for part in request.headers.get("if-match", "").split(",")) - {""}):
            return await endpoint(request)

    return answer
