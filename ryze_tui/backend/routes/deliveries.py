"""What became of webhook deliveries, sending one again, and trying a webhook out (our extension, contract §9)."""

from __future__ import annotations

import base64
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from ...api import errors as texts
from ...api.events import INSTANCE_STATE
from ...api.states import STATE_EVENT
from .. import auth
from ..app import Backend, backend_of
from ..body import read_object
from ..clock import rfc3339
from ..errors import ApiError, StoreError
from ..events.delivery import DEAD, DELIVERED, PENDING
from ..record import Record
from ..store.outbox import Delivery

MOST: Final = 500
DEFAULT: Final = 50
STATES: Final = (PENDING, DELIVERED, DEAD)


def _target(request: Request) -> tuple[Backend, Record]:
    backend = backend_of(request)
    return backend, auth.instance_of(request.scope, backend.catalog)


def view(delivery: Delivery) -> dict[str, Any]:
    """`status` is ours (pending, delivered, dead), `httpStatus` the receiver's; never the data: codes may be in it."""
    return {
        "id": delivery.id, "label": delivery.label, "event": delivery.event, "status": delivery.state,
        "attempts": delivery.attempts, "httpStatus": delivery.status, "answer": delivery.answer,
        "createdAt": rfc3339(delivery.created_at), "doneAt": rfc3339(delivery.done_at) if delivery.done_at else None,
        "nextAttemptAt": rfc3339(delivery.next_at) if delivery.state == PENDING and delivery.next_at else None,
    }


async def listing(request: Request) -> JSONResponse:
    """GET /api/events/webhook/:instance/deliveries?label=&status=&limit=&before=; the newest first."""
    backend, record = _target(request)
    label, status, limit, before = (request.query_params.get(name) for name in ("label", "status", "limit", "before"))
    if status is not None and status not in STATES:
        raise ApiError(400, f"Invalid status: one of {', '.join(STATES)} is wanted")
    if limit is not None and not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:6]) <= MOST):
        raise ApiError(400, f"Invalid limit: 1 to {MOST} is wanted")
    if before is not None and await _asked(backend.outbox.find(record, before)) is None:
        raise ApiError(400, "Invalid before: the id of a delivery is wanted")
    found = await _asked(backend.outbox.list(record, label=label, state=status, limit=int(limit or DEFAULT), before=before))
    answer: dict[str, Any] = {
        "success": True, "message": f"{len(found)} Deliveries found", "deliveries": [view(one) for one in found],
        "paused": sorted(record.paused),
    }
    if label is not None and label in record.webhooks and (key := backend.configure.signing_key(record, label)) is not None:
        answer["signingSecret"] = "whsec_" + base64.b64encode(key).decode()
    return JSONResponse(answer)


async def redeliver(request: Request) -> JSONResponse:
    """POST /api/events/webhook/:instance/deliveries/:id/redeliver; under the same id."""
    backend, record = _target(request)
    delivery = await _asked(backend.outbox.find(record, str(request.path_params["id"])))
    if delivery is None:
        raise ApiError(404, texts.DELIVERY_NOT_FOUND)
    if delivery.state == PENDING:
        raise ApiError(409, texts.DELIVERY_PENDING)
    if delivery.label not in record.webhooks or not record.webhooks[delivery.label]["enabled"]:
        raise ApiError(409, texts.WEBHOOK_OFF)
    if delivery.label in record.paused:
        raise ApiError(409, texts.WEBHOOK_PAUSED)
    await _asked(backend.outbox.again(delivery))
    return JSONResponse({"success": True, "message": "Delivery queued", "delivery": view(delivery)})


async def test(request: Request) -> JSONResponse:
    """POST /api/events/webhook/:instance/deliveries/test {label?}; one attempt now, and what came back."""
    backend, record = _target(request)
    label = (await read_object(request, empty=True)).get("label", "default")
    if not isinstance(label, str) or label not in record.webhooks:
        raise ApiError(404, texts.WEBHOOK_NOT_FOUND)
    if not record.webhooks[label]["enabled"]:
        raise ApiError(409, texts.WEBHOOK_OFF)
    data = _told(backend, record)
    delivery = await _asked(backend.outbox.once(record, label, INSTANCE_STATE, data))
    return JSONResponse({"success": True, "message": "Test delivered" if delivery.state == DELIVERED else "Test failed",
                         "delivery": view(delivery)})  # fmt: skip


async def trial(request: Request) -> JSONResponse:
    """POST /api/events/webhook/:instance/test {the fields of a row}; one attempt with what is sent, which is not stored."""
    backend, record = _target(request)
    body = await read_object(request)
    candidate = await _asked(backend.configure.webhook_candidate(record, body))
    data = _told(backend, record)
    began = backend.clock.monotonic()
    delivery = await backend.outbox.once(record, candidate.row["label"], INSTANCE_STATE, data, candidate)
    took, went = round((backend.clock.monotonic() - began) * 1000), delivery.state == DELIVERED
    error = "" if went else _why(delivery)
    answered = {"httpStatus": delivery.status, "answer": delivery.answer}
    step = {"name": "post", "ok": went, "milliseconds": took, "error": error}
    return JSONResponse({"success": True, "message": "Webhook test passed" if went else "Webhook test failed",
                         "steps": [step], **answered})  # fmt: skip


def _why(delivery: Delivery) -> str:
    if delivery.status is None:
        return delivery.answer
    return f"the receiver answered {delivery.status}" + (f": {delivery.answer}" if delivery.answer else "")


def _told(backend: Backend, record: Record) -> dict[str, Any]:
    """The data of a test event: how the instance is."""
    word = STATE_EVENT.get(record.state, "disconnected")
    return {"state": word, "timestamp": rfc3339(backend.clock.now()), "instance": record.name, "test": True}


async def _asked(answer: Any) -> Any:
    try:
        return await answer
    except StoreError as error:
        raise ApiError(500, f"Failed to read deliveries: {error}") from error
