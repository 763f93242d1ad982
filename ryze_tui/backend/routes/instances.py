"""/api/instance/*: create, list, connect, reconnect, logout, delete (contract §2, §3)."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...api import errors as texts
from .. import auth
from ..app import backend_of
from ..blocks import created_view, from_flat, item_text
from ..body import read_object
from ..errors import ApiError
from ..record import Record

YIELD_EVERY: Final = 200
_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}")


async def new(request: Request) -> JSONResponse:
    """POST /api/instance/new"""
    backend = backend_of(request)
    account = auth.account_token(request.scope)
    body = await read_object(request)
    name, token = body.get("name", ""), body.get("token", "")
    if not isinstance(name, str) or not isinstance(token, str):
        raise ApiError(400, f"{texts.INVALID_BODY}: name and token are texts")
    record = await backend.catalog.create(account, name, token, from_flat(body))
    await backend.chatwoot.created(record)
    return JSONResponse({"success": True, "message": "Instance created successfully", "instance": created_view(record)}, 201)


def _query(request: Request, name: str) -> str:
    """The first value of that name, as the service (which is written in Go) reads it."""
    return next(iter(request.query_params.getlist(name)), "")


def _wanted(request: Request) -> list[Record]:
    """The items a list answers with (contract §2.3). Raises ApiError 401, 404."""
    catalog = backend_of(request).catalog
    caller = auth.any_token(request.scope)
    if caller.instance is not None:
        return [caller.instance]
    value = _query(request, "instanceName")
    if not value:
        return catalog.of_account(caller.account)
    names = sorted({name.strip() for name in value.split(",")} - {""})
    found = [record for name in names if (record := catalog.find(caller.account, name)) is not None]
    if len(names) == 1 and not found:
        raise ApiError(404, texts.INSTANCE_NOT_FOUND)
    return found


async def listing(request: Request) -> Response:
    """GET /api/instance/list"""
    backend = backend_of(request)
    records = _wanted(request)
    label, extensions, dialect = backend.engine.label, backend.settings.extensions, backend.settings.dialect
    items: list[str] = []
    for record in records:
        items.append(item_text(record, label, dialect, extensions=extensions))
        if not len(items) % YIELD_EVERY:
            await asyncio.sleep(0)  # thousands of items never hold up an event
    total = len(records)
    message = "1 Instance found" if total == 1 else f"{total} Instances found"
    body = f'{{"success":true,"message":"{message}","meta":{{"total":{total}}},"instances":[{",".join(items)}]}}'
    return Response(body, media_type="application/json")


def _number(text: str) -> str:
    digits = re.sub(r"[+()\s.-]", "", text)
    if digits and not _NUMBER.fullmatch(digits):
        raise ApiError(400, "Invalid phone number: digits only, country code first, e.g. 5511999999999")
    return digits


def _history(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise ApiError(400, "Invalid history: a number of days is wanted")
    return int(text)


async def connect(request: Request) -> JSONResponse:
    """GET /api/instance/connect/:instance; waits for a code, at most a minute."""
    backend = backend_of(request)
    record = auth.instance_of(request.scope, backend.catalog)
    number = _number(_query(request, "number"))
    code = await backend.instances.connect(record, number, _history(_query(request, "history")))
    auth.check_again(request.scope, backend.catalog)
    if code is None:
        return JSONResponse({"success": True, "message": "Instance already connected", "status": "connected"})
    answer: dict[str, Any]
    if number:
        answer = {"success": True, "message": "Pairing code generated", "pairingCode": code, "status": "pairing"}
    else:
        answer = await asyncio.to_thread(backend.settings.dialect.qr, code)
    return JSONResponse(answer)


async def reconnect(request: Request) -> JSONResponse:
    """POST /api/instance/reconnect/:instance; the body is ignored."""
    backend = backend_of(request)
    await backend.instances.reconnect(auth.instance_of(request.scope, backend.catalog))
    return JSONResponse({"success": True, "message": "Reconnect initiated", "status": "connecting"})


async def logout(request: Request) -> JSONResponse:
    """DELETE /api/instance/logout/:instance"""
    backend = backend_of(request)
    await backend.instances.logout(auth.instance_of(request.scope, backend.catalog))
    return JSONResponse({"success": True, "message": "Instance logged out", "instance": {"status": "loggedout"}})


async def delete(request: Request) -> JSONResponse:
    """DELETE /api/instance/delete/:instance; TokenAccount only."""
    backend = backend_of(request)
    auth.account_token(request.scope)
    await backend.instances.delete(auth.instance_of(request.scope, backend.catalog))
    return JSONResponse({"success": True, "message": "Instance deleted", "instance": {"status": "deleted"}})
