"""The operations that read and write an instance's blocks, its counters, and what became of webhook deliveries."""

from __future__ import annotations

from typing import Final

from .. import errors as texts
from ..blocks import BLOCKS, S3, Proxy, Webhook
from .operations import JSON, Answer, Operation, ok, on_instance
from .schemas import COUNT, TEXT, TIME, Schema, or_null, ref, request, shape, success, tried_steps, view

_TOO_LARGE: Final = (texts.BODY_TOO_LARGE,)
_WRITE: Final = {"s412": (texts.CHANGED_MEANWHILE,), "s413": _TOO_LARGE}
_CONDITION: Final = " With `If-Match` and the ETag of a read it is refused where the block was changed since: an extension."
_NO_BODY: Final = f"{texts.INVALID_BODY}: enabled: Field required"

_BLOCKS: Final = (
    Operation(
        "GET", "/api/instance/getSettings/{instance}", "getSettings", "instance", "How an instance behaves", {
            **ok("SettingsRead"), **on_instance(),
        },
    ),
    Operation(
        "POST", "/api/instance/settings/{instance}", "setSettings", "instance", "Change how an instance behaves", {
            **ok("SettingsWritten"),
            **on_instance(s400=(texts.INVALID_BODY, texts.NO_SETTING), **_WRITE, s500=("Failed to update settings: …",)),
        }, body="SettingsChange", description="Fields left out keep their value. All of it acts at once." + _CONDITION,
    ),
    Operation(
        "GET", "/api/instance/getProxy/{instance}", "getProxy", "instance", "The proxy an instance dials through", {
            **ok("ProxyRead", "Never the password; everything but `enabled` is null when there is none."), **on_instance(),
        },
    ),
    Operation(
        "POST", "/api/instance/proxy/{instance}", "setProxy", "instance", "Set or remove the proxy", {
            **ok("ProxyWritten"),
            **on_instance(s400=(texts.INVALID_BODY, _NO_BODY), **_WRITE,
                          s500=("Failed to update proxy configuration: …",)),
        }, body="ProxyConfiguration",
        description="Acts at the next connect or reconnect. A password that is left out stays while host and user name do."
                    + _CONDITION,
    ),
    Operation(
        "POST", "/api/instance/proxy/{instance}/test", "testProxy", "instance", "Try a proxy out", {
            **ok("ProxyTested", "One way to WhatsApp was tried; the step that failed is the last one."),
            **on_instance(s400=(texts.INVALID_BODY,), s409=(texts.PROXY_OFF,), s413=_TOO_LARGE,
                          s500=("Failed to test the proxy: …",)),
        }, body="ProxyTest", body_required=False,
        description="An extension. A configuration that is sent is tried and not stored; without one, the one in force is. "
                    "A password that is left out is the stored one, for the host and user name it was set with; for others it "
                    "is asked for. The instance's own link is left alone. Answers within 15 seconds.",
    ),
    Operation(
        "GET", "/api/instance/getS3/{instance}", "getS3", "instance", "Where received media is stored", {
            200: Answer("Never the secret key.", {JSON: "S3Read"}), **on_instance(),
        },
    ),
    Operation(
        "POST", "/api/instance/s3/{instance}", "setS3", "instance", "Set or remove the media store", {
            **ok("S3Written"),
            **on_instance(s400=(texts.INVALID_BODY, _NO_BODY), **_WRITE, s500=("Failed to update S3 configuration: …",)),
        }, body="S3Configuration",
        description="A secret key that is left out stays while endpoint and access key do." + _CONDITION,
    ),
    Operation(
        "POST", "/api/instance/s3/{instance}/test", "testS3", "instance", "Try the media store out", {
            **ok("S3Tested", "An object was put, got and deleted, as far as that went; `waiting` is what waits to be uploaded."),
            **on_instance(s400=(texts.INVALID_BODY,), s409=(texts.S3_OFF,), s413=_TOO_LARGE,
                          s500=("Failed to get S3 configuration: …",)),
        }, body="S3Test", body_required=False,
        description="An extension. A configuration that is sent is tried and not stored; without one, the one in force is.",
    ),
    Operation(
        "GET", "/api/instance/metrics/{instance}", "getMetrics", "instance", "Message counters", {
            **ok("Metrics"), **on_instance(s400=(texts.NAME_REQUIRED,), s500=("Failed to get metrics: …",)),
        }, description="Several names separated by commas give the sum. A message that came in counts as delivered until it is "
                       "read; one that came twice counts once; `uniqueContacts` are chats with one person.",
    ),
)  # fmt: skip

_WEBHOOKS_READ: Final = {
    **ok("WebhooksRead", "Every row by label, or the one of `label`; the authorization is in clear."),
    **on_instance(s404=(texts.WEBHOOK_NOT_FOUND,)),
}
_LABEL: Final = {"label": ("One row; empty means `default`.", {"type": "string"})}

_WEBHOOKS: Final = (
    Operation(
        "POST", "/api/events/webhook/{instance}", "setWebhook", "events", "Set the webhook of a label", {
            **ok("WebhookWritten", "As it was sent."),
            **on_instance(s400=(texts.INVALID_BODY, texts.INVALID_WEBHOOK_URL), s409=(texts.WEBHOOKS_FULL,), **_WRITE,
                          s500=("Failed to update webhook configuration: …",)),
        }, body="WebhookConfiguration",
        description="Replaces every field of its row; at most three rows are enabled." + _CONDITION,
    ),
    Operation("GET", "/api/events/getWebhook/{instance}", "getWebhook", "events", "The webhooks of an instance",
              _WEBHOOKS_READ, query=_LABEL),
    Operation("GET", "/api/events/webhook/{instance}", "getWebhookAlias", "events", "The webhooks of an instance",
              _WEBHOOKS_READ, query=_LABEL, description="An alias."),
    Operation(
        "GET", "/api/events/webhook/{instance}/deliveries", "listDeliveries", "events", "What became of deliveries", {
            **ok("Deliveries", "The newest first, without their data."),
            **on_instance(s400=("Invalid status: one of pending, delivered, dead is wanted", "Invalid limit: 1 to 500 is wanted",
                                "Invalid before: the id of a delivery is wanted"),
                          s500=("Failed to read deliveries: …",)),
        }, description="An extension.",
        query={
            "label": ("Of one webhook.", {"type": "string"}),
            "status": ("In one state.", {"type": "string", "enum": ["pending", "delivered", "dead"]}),
            "before": ("Only older ones than the delivery with this id: the next page after it.", {"type": "string"}),
            "limit": ("How many, 50 when left out.", {"type": "integer", "minimum": 1, "maximum": 500}),
        },
    ),
    Operation(
        "POST", "/api/events/webhook/{instance}/deliveries/test", "testWebhook", "events", "Try a webhook out", {
            **ok("DeliveryTested", "One attempt was made; the delivery says what came back."),
            **on_instance(s400=(texts.INVALID_BODY,), s404=(texts.WEBHOOK_NOT_FOUND,), s409=(texts.WEBHOOK_OFF,),
                          s413=_TOO_LARGE, s500=("Failed to read deliveries: …",)),
        }, body="WebhookTest", body_required=False, description="An extension.",
    ),
    Operation(
        "POST", "/api/events/webhook/{instance}/test", "tryWebhook", "events", "Try a webhook out before it is set", {
            **ok("WebhookTried", "One attempt was made with what was sent; it is in no log."),
            **on_instance(s400=(texts.INVALID_BODY, texts.INVALID_WEBHOOK_URL), s409=(texts.WEBHOOK_OFF,), s413=_TOO_LARGE,
                          s500=("Failed to read deliveries: …",)),
        }, body="WebhookTrial",
        description="An extension. Nothing is stored. An authorization that is left out is the stored one, for the URL it was "
                    "set with; for another it is asked for.",
    ),
    Operation(
        "POST", "/api/events/webhook/{instance}/deliveries/{id}/redeliver", "redeliver", "events", "Send a delivery again", {
            **ok("DeliveryQueued"),
            **on_instance(s404=(texts.DELIVERY_NOT_FOUND,),
                          s409=(texts.DELIVERY_PENDING, texts.WEBHOOK_OFF, texts.WEBHOOK_PAUSED),
                          s500=("Failed to read deliveries: …",)),
        }, description="An extension. It keeps its id.",
    ),
)  # fmt: skip

OPERATIONS: Final = (*_BLOCKS, *_WEBHOOKS)


def _settings_change() -> Schema:
    fields = request(BLOCKS["settings"], ())["properties"]
    return {"type": "object", "properties": fields, "minProperties": 1}


def _webhook() -> Schema:
    """A row as it is answered, with its authorization in clear."""
    fields = request(Webhook, Webhook.model_fields)["properties"]
    return shape({
        name: {key: value for key, value in schema.items() if key not in ("default", "format", "writeOnly")}
        for name, schema in fields.items()
    })  # fmt: skip


def _delivery() -> Schema:
    return shape({
        "id": TEXT, "label": TEXT, "event": TEXT, "status": {"enum": ["pending", "delivered", "dead"]}, "attempts": COUNT,
        "httpStatus": {"type": ["integer", "null"]}, "answer": {**TEXT, "description": "Its beginning, or why there was none."},
        "createdAt": TIME, "doneAt": or_null(TIME), "nextAttemptAt": or_null(TIME),
    })  # fmt: skip


def _proxy_test() -> Schema:
    step = shape({
        "name": {"enum": ["address", "tcp", "tls", "auth", "connect", "target"]},
        "milliseconds": {"type": "number", "minimum": 0},
        "error": {**TEXT, "description": "In words; empty when it went well."},
    })  # fmt: skip
    target = {**TEXT, "description": "What the proxy was asked for, host:port."}
    return shape({"works": {"type": "boolean"}, "target": target, "steps": {"type": "array", "items": step}})


def _s3_tested() -> Schema:
    waiting = shape({"count": COUNT, "bytes": COUNT, "lastError": TEXT})
    message = {"enum": ["S3 test passed", "S3 test failed"]}
    return success(message, steps=tried_steps("put", "get", "delete"), waiting=waiting)


def _metrics() -> Schema:
    counts = {"type": "object", "additionalProperties": COUNT}
    numbers = (
        "totalMessages", "messagesReceived", "messagesSent", "groupMessages", "individualMessages", "messagesWithMedia",
        "uniqueChats", "uniqueGroups", "uniqueContacts", "messagesLast7Days", "messagesLast30Days",
    )  # fmt: skip
    return shape(
        {"instance": TEXT, **dict.fromkeys(numbers, COUNT)}
        | dict.fromkeys(("messagesByType", "mediaByType", "messagesByStatus"), counts)
        | {"firstMessageAt": or_null(TIME), "lastMessageAt": or_null(TIME)}
    )


def components() -> dict[str, Schema]:
    """Shapes of these operations; the views of blocks are in `schemas.py`."""
    webhooks = {"type": "array", "items": ref("WebhookRow")}
    delivery = ref("Delivery")
    return {
        "SettingsChange": _settings_change(),
        "ProxyConfiguration": request(Proxy, ["enabled"]),
        "S3Configuration": request(S3, ["enabled"]),
        "WebhookConfiguration": request(Webhook, ["enabled"]),
        "WebhookTest": {"type": "object", "properties": {"label": {**TEXT, "default": "default"}}},
        "WebhookRow": _webhook(), "Delivery": _delivery(),
        "SettingsRead": success("Settings retrieved successfully", settings=ref("Settings")),
        "SettingsWritten": success("Settings updated successfully", settings=ref("Settings")),
        "ProxyRead": success("Proxy configuration retrieved", proxy=ref("Proxy")),
        "ProxyWritten": success("Proxy configuration updated", proxy=ref("Proxy")),
        "ProxyTested": success({"enum": ["Proxy works", "Proxy does not work"]}, proxy=_proxy_test()),
        "ProxyTest": request(Proxy, ()),
        "WebhookTrial": request(Webhook, ["url"]),
        "WebhookTried": success(
            {"enum": ["Webhook test passed", "Webhook test failed"]}, steps=tried_steps("post"),
            httpStatus={"type": ["integer", "null"]}, answer={**TEXT, "description": "Its beginning, or why there was none."},
        ),
        "S3Test": request(S3, ()),
        "S3Tested": _s3_tested(),
        "S3Read": shape({"success": {"const": True}, "s3": ref("S3")}),
        "S3Written": success("S3 configuration updated", s3=view(S3)),
        "WebhookWritten": success("Webhook configuration updated", webhook=ref("WebhookRow")),
        "WebhooksRead": {"anyOf": [
            success("Webhooks retrieved successfully", webhooks=webhooks),
            success("Webhook retrieved successfully", webhook=ref("WebhookRow")),
        ]},
        "Deliveries": success(TEXT, deliveries={"type": "array", "items": delivery}, paused={"type": "array", "items": TEXT}),
        "DeliveryTested": success({"enum": ["Test delivered", "Test failed"]}, delivery=delivery),
        "DeliveryQueued": success("Delivery queued", delivery=delivery),
        "Metrics": success("Metrics retrieved successfully", metrics=_metrics()),
    }  # fmt: skip
