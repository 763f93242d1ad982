"""/api/chatwoot/*: an instance's Chatwoot inbox (contract §6), and where it calls back. Successes have no `success` here."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from ...api.blocks import Chatwoot
from .. import auth
from ..app import Backend, backend_of
from ..body import CONFIG_BYTES, parse, read_bytes
from ..errors import ApiError, StoreError
from ..limits import GLOBAL, Limits
from ..record import Record

CALLBACKS: Final = 3000
"""A minute that one instance may be called back, whatever tokens may do."""
_REQUIRED: Final = ("chatwootBaseUrl", "chatwootAccountId", "chatwootApiToken", "inboxName")


def _target(request: Request) -> tuple[Backend, Record]:
    backend = backend_of(request)
    try:
        return backend, auth.instance_of(request.scope, backend.catalog)
    except ApiError as error:
        if error.status == 404:
            raise ApiError(404, texts.CHATWOOT_INSTANCE_NOT_FOUND) from None
        raise


async def connect(request: Request) -> JSONResponse:
    """POST /api/chatwoot/set/:instance; waits until Chatwoot has answered, at most a minute."""
    backend, record = _target(request)
    block = _block(await _body(request))
    try:
        answer = await backend.chatwoot.set(record, block)
    except StoreError as error:
        raise ApiError(500, f"Failed to activate chatwoot integration: {error}") from error
    auth.check_again(request.scope, backend.catalog)
    return JSONResponse(answer, 201)


async def test(request: Request) -> JSONResponse:
    """POST /api/chatwoot/test/:instance, an extension; what `set` would find there. Nothing is made and nothing stored."""
    backend, record = _target(request)
    body = await _body(request)
    try:
        if "chatwootApiToken" not in body:
            body |= await backend.chatwoot.stored_token(record, str(body.get("chatwootBaseUrl", "")))
        steps, inbox = await backend.chatwoot.trial(record, _block(body))
    except StoreError as error:
        raise ApiError(500, f"Failed to read chatwoot integration: {error}") from error
    failed = any(step.error for step in steps)
    shown = [{"name": one.name, "ok": not one.error, "milliseconds": one.milliseconds, "error": one.error} for one in steps]
    return JSONResponse({"message": "Chatwoot test failed" if failed else "Chatwoot test passed", "steps": shown, "inbox": inbox})


async def _body(request: Request) -> dict[str, Any]:
    """Raises ApiError 400."""
    try:
        body = parse(await read_bytes(request))
    except ValueError:
        raise ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: it is not JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: an object is wanted")
    return {name: value for name, value in body.items() if value is not None and name != "enabled"}


def _block(sent: dict[str, Any]) -> Chatwoot:
    """Raises ApiError 400."""
    for name in _REQUIRED:
        if name not in sent:
            raise ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: {name} is required")
    try:
        return Chatwoot.model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: {where}: {first['msg']}") from None


async def listing(request: Request) -> JSONResponse:
    """GET /api/chatwoot/list/:instance; the API token is in clear, as documented."""
    backend, record = _target(request)
    try:
        return JSONResponse(await backend.chatwoot.read(record))
    except StoreError as error:
        raise ApiError(500, f"Failed to read chatwoot integration: {error}") from error


async def delete(request: Request) -> JSONResponse:
    """DELETE /api/chatwoot/delete/:instance; the inbox stays in Chatwoot."""
    backend, record = _target(request)
    try:
        await backend.chatwoot.delete(record)
    except StoreError as error:
        raise ApiError(500, f"Failed to delete chatwoot integration: {error}") from error
    return JSONResponse({"message": "chatwoot integration deactivated"})


async def callback(request: Request) -> JSONResponse:
    """POST /chatwoot/:secret; what an inbox tells is on the disk when it is answered, and done afterwards."""
    backend = backend_of(request)
    record = backend.chatwoot.of_callback(str(request.path_params["secret"]))
    if record is None:
        client = request.client.host if request.client is not None else ""
        verdict = backend.limits.count(f"ip:{client}", GLOBAL)
        raise ApiError(404, texts.NOT_FOUND) if verdict is None or verdict.allowed else ApiError(429, texts.RATE_LIMITED)
    limits: Limits = request.app.state.callbacks
    verdict = limits.count(record.id, GLOBAL)
    if verdict is not None and not verdict.allowed:
        raise ApiError(429, texts.RATE_LIMITED, verdict.headers())
    try:
        body = parse(await read_bytes(request, limit=CONFIG_BYTES))
    except ValueError:
        raise ApiError(400, texts.INVALID_BODY) from None
    if not isinstance(body, dict):
        raise ApiError(400, texts.INVALID_BODY)
    try:
        await backend.chatwoot.called_back(record, body)
    except StoreError as error:
        raise ApiError(500, f"Failed to keep it: {error}") from error
    return JSONResponse({"success": True, "message": "Received"})
