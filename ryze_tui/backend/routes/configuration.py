"""Reading and writing the blocks of an instance: settings, proxy, S3, webhooks, and its counters (contract §2.8-2.12)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from .. import auth
from ..app import backend_of
from ..blocks import proxy_view, s3_view, settings_view
from ..body import read_object
from ..errors import ApiError, StoreError
from ..record import Record


def _target(request: Request) -> Record:
    return auth.instance_of(request.scope, backend_of(request).catalog)


def _answer(message: str, **resource: Any) -> JSONResponse:
    return JSONResponse({"success": True, "message": message, **resource})


async def get_settings(request: Request) -> JSONResponse:
    """GET /api/instance/getSettings/:instance"""
    return _answer("Settings retrieved successfully", settings=settings_view(_target(request).blocks.get("settings")))


async def set_settings(request: Request) -> JSONResponse:
    """POST /api/instance/settings/:instance; fields left out keep their value."""
    record, body = _target(request), await read_object(request)
    try:
        settings = await backend_of(request).configure.settings(record, body)
    except StoreError as error:
        raise ApiError(500, f"Failed to update settings: {error}") from error
    await backend_of(request).traffic.present(record)
    return _answer("Settings updated successfully", settings=settings)


async def get_proxy(request: Request) -> JSONResponse:
    """GET /api/instance/getProxy/:instance; never the password."""
    return _answer("Proxy configuration retrieved", proxy=proxy_view(_target(request).blocks.get("proxy")))


async def set_proxy(request: Request) -> JSONResponse:
    """POST /api/instance/proxy/:instance; acts at the next connect or reconnect."""
    record, body = _target(request), await read_object(request)
    try:
        proxy = await backend_of(request).configure.proxy(record, body)
    except StoreError as error:
        raise ApiError(500, f"Failed to update proxy configuration: {error}") from error
    return _answer("Proxy configuration updated", proxy=proxy)


async def get_s3(request: Request) -> JSONResponse:
    """GET /api/instance/getS3/:instance; without a message, as documented."""
    return JSONResponse({"success": True, "s3": s3_view(_target(request).blocks.get("s3"))})


async def set_s3(request: Request) -> JSONResponse:
    """POST /api/instance/s3/:instance"""
    record, body = _target(request), await read_object(request)
    try:
        s3 = await backend_of(request).configure.s3(record, body)
    except StoreError as error:
        raise ApiError(500, f"Failed to update S3 configuration: {error}") from error
    return _answer("S3 configuration updated", s3=s3)


async def test_s3(request: Request) -> JSONResponse:
    """POST /api/instance/s3/:instance/test, an extension; what is sent is tried, not stored."""
    backend, record = backend_of(request), _target(request)
    try:
        values, secrets = await backend.configure.s3_candidate(record, await read_object(request, empty=True))
    except StoreError as error:
        raise ApiError(500, f"Failed to get S3 configuration: {error}") from error
    steps = await backend.media_store.probe(values, secrets)
    failed = any(step.error for step in steps)
    shown = [{"name": one.name, "ok": not one.error, "milliseconds": one.milliseconds, "error": one.error} for one in steps]
    waiting = backend.media_store.waiting(record)
    return _answer(
        "S3 test failed" if failed else "S3 test passed", steps=shown,
        waiting={"count": waiting.count, "bytes": waiting.size, "lastError": waiting.answer},
    )


async def set_webhook(request: Request) -> JSONResponse:
    """POST /api/events/webhook/:instance; the row of its label is replaced."""
    record, body = _target(request), await read_object(request)
    try:
        webhook = await backend_of(request).configure.webhook(record, body)
    except StoreError as error:
        raise ApiError(500, f"Failed to update webhook configuration: {error}") from error
    return _answer("Webhook configuration updated", webhook=webhook)


async def get_webhooks(request: Request) -> JSONResponse:
    """GET /api/events/getWebhook/:instance, and its alias; `?label=` narrows it to one row."""
    record, configure = _target(request), backend_of(request).configure
    if "label" not in request.query_params:
        return _answer("Webhooks retrieved successfully", webhooks=await configure.webhooks(record))
    label = request.query_params["label"] or "default"
    return _answer("Webhook retrieved successfully", webhook=await configure.webhook_of(record, label))


async def metrics(request: Request) -> JSONResponse:
    """GET /api/instance/metrics/:instance; several names separated by commas give one aggregate."""
    names = [name.strip() for name in str(request.path_params["instance"]).split(",")]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise ApiError(400, texts.NAME_REQUIRED)
    backend = backend_of(request)
    records = [auth.named_instance(request.scope, backend.catalog, name) for name in names]
    try:
        counted = await backend.traffic.metrics(records)
    except StoreError as error:
        raise ApiError(500, f"Failed to get metrics: {error}") from error
    return _answer("Metrics retrieved successfully", metrics=counted)
