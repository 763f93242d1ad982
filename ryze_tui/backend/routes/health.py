"""GET /health: no token, no limit (contract §2.1)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api.events import EXTENSIONS
from ..app import backend_of
from ..clock import rfc3339
from ..health import OK, UNUSABLE


def go_duration(seconds: float) -> str:
    """As Go prints a duration: `72h3m0.5s`."""
    minutes, rest = divmod(round(max(seconds, 0.0), 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


async def health(request: Request) -> JSONResponse:
    """200 while it can be used, 503 when not; a check may fail without that."""
    backend = backend_of(request)
    checks = await backend.health.checks()
    healthy = all(checks[name] == OK for name in UNUSABLE)
    if not backend.settings.extensions:
        checks = {"db": checks["db"]}
    if (media := backend.media_store.health()) is not None:
        checks["s3"] = media  # a store of one user that fails makes this server no worse for the others
    body: dict[str, object] = {
        "status": "ok" if healthy else "degraded",
        "service": "RyzeAPI",
        "uptime": go_duration(backend.clock.monotonic() - backend.started),
        "timestamp": rfc3339(backend.clock.now()),
        "checks": checks,
    }
    if backend.settings.extensions:
        body |= {"extensions": list(EXTENSIONS), "engine": backend.engine.name}
    return JSONResponse(body, 200 if healthy else 503)
