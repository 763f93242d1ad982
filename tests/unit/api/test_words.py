"""The words of the contract, written out once more: changing one in the source turns a test red."""

from __future__ import annotations

from ryze_tui.api import errors, events, instance, states
from ryze_tui.api.blocks import BLOCKS, create_names, secret_fields


def test_the_five_states_worst_first() -> None:
    assert states.STATES == ("banned", "loggedout", "disconnected", "connecting", "connected")


def test_rest_words() -> None:
    assert states.REST_WORDS == {
        "disconnected": "disconnected", "connecting": "connecting", "connected": "connected", "loggedout": "loggedout",
        "banned": "banned", "closed": "disconnected", "close": "disconnected", "open": "connected", "qr": "connecting",
        "qr_code_generated": "connecting", "pairing": "connecting", "logged_out": "loggedout", "temp_banned": "banned",
    }
    assert states.from_rest(" Connected ") == "connected"
    assert states.from_rest("hibernating") == states.from_rest(None) == states.from_rest(7) == "unknown"


def test_event_words() -> None:
    assert {word: (meaning.state, meaning.phase, meaning.returns) for word, meaning in states.EVENT_WORDS.items()} == {
        "connected": ("connected", "", True),
        "qr_ready": ("connecting", "scan", True),
        "pair_success": ("connecting", "linking", True),
        "manual_reconnect": ("connecting", "dialling", True),
        "pair_error": ("connecting", "refused", True),
        "qr_scanned_no_multidevice": ("connecting", "refused", True),
        "disconnected": ("disconnected", "", True),
        "stream_error": ("disconnected", "", True),
        "stream_replaced": ("disconnected", "", False),
        "client_outdated": ("disconnected", "", False),
        "connect_failure": ("disconnected", "", True),
        "cat_refresh_error": ("disconnected", "", True),
        "logged_out": ("loggedout", "", False),
        "temp_banned": ("banned", "", False),
        "keepalive_timeout": (None, "", True),
        "keepalive_restored": (None, "", True),
    }
    assert states.from_event("something_new").state is None


def test_event_names() -> None:
    assert events.EVENT_NAMES == (
        "message.exchange", "message.status", "call.update", "group.flow", "instance.state", "label.update",
    )
    assert (events.SNAPSHOT, events.HEARTBEAT, events.ROW, events.DELETED) == (
        "snapshot", "heartbeat", "instance.row", "instance.deleted",
    )
    assert events.EXTENSIONS == ("account-stream", "conditions", "deliveries", "since", "trials")


def test_error_texts() -> None:
    texts = {name: value for name, value in vars(errors).items() if name.isupper()}
    assert texts == {
        "MISSING_TOKEN": "Missing token in header, Authorization header, or query parameter",
        "INVALID_TOKEN": "Invalid token",
        "TOKEN_MISMATCH": "Instance token does not match requested instance",
        "QUOTA_EXCEEDED": "Account instance quota exceeded",
        "INSTANCE_NOT_FOUND": "Instance not found",
        "INSTANCE_EXISTS": "Instance already exists",
        "TOKEN_IN_USE": "Token already in use",
        "NAME_REQUIRED": "Instance name is required",
        "INVALID_BODY": "Invalid request body",
        "RATE_LIMITED": "Rate limit exceeded. Try again later.",
        "NO_SESSION": "Instance has no saved session, call /connect first",
        "QR_TIMEOUT": "Timeout waiting for QR code",
        "NO_WEBSOCKET": "WebSocket not configured for this instance",
        "WEBSOCKET_OFF": "WebSocket is not enabled for this instance. "
        "Configure it first using POST /api/events/websocket/{instance}",
        "NO_SETTING": "At least one setting must be provided",
        "INVALID_WEBHOOK_URL": "Invalid webhook URL",
        "WEBHOOKS_FULL": "Maximum of 3 enabled webhooks reached",
        "WEBHOOK_NOT_FOUND": "Webhook not found",
        "WEBHOOK_OFF": "Webhook is not enabled",
        "PROXY_OFF": "Proxy is not enabled",
        "S3_OFF": "S3 is not enabled",
        "WEBHOOK_PAUSED": "Webhook is paused: its receiver answered 410, configure it again first",
        "DELIVERY_NOT_FOUND": "Delivery not found",
        "DELIVERY_PENDING": "Delivery is still pending",
        "CHANGED_MEANWHILE": "The configuration was changed meanwhile: read it again",
        "NOT_FOUND": "Not found",
        "METHOD_NOT_ALLOWED": "Method not allowed",
        "BODY_TOO_LARGE": "Request body too large",
        "INTERNAL": "Internal server error",
        "ORIGIN_REFUSED": "Origin not allowed",
        "MALFORMED": "Malformed HTTP request",
        "HEADERS_TOO_LARGE": "Request headers too large",
        "CHATWOOT_INVALID_BODY": "invalid body",
        "CHATWOOT_INSTANCE_NOT_FOUND": "instance not found",
        "NO_CHATWOOT": "no chatwoot integration for this instance",
        "NO_CHATWOOT_TO_DELETE": "no chatwoot integration to delete",
        "NOT_CONNECTED": "Instance is not connected to WhatsApp",
    }


CREATE_FIELDS = """
proxyEnabled proxyHost proxyPort proxyProtocol proxyUsername proxyPassword
webhookEnabled webhookURL webhookAuthorization webhookByEvents webhookEvents webhookMediaBase64
websocketEnabled websocketEvents websocketMediaBase64
chatwootEnabled chatwootBaseUrl chatwootAccountId chatwootApiToken chatwootInboxName chatwootSignMessages chatwootIgnoreGroups
chatwootStartAsPending chatwootReopenResolved
autoRejectCalls callRejectMessage ignoreGroupMessages keepOnlineStatus autoReadMessages disableHistorySync ignoreStatus
s3Enabled s3Region s3Bucket s3AccessKey s3SecretKey s3Endpoint s3PathPrefix
"""


def test_the_inline_fields_of_create() -> None:
    """All forty with name and token (contract §2.2)."""
    names = [name for block in BLOCKS.values() for name, _ in create_names(block)]
    assert sorted(names) == sorted(CREATE_FIELDS.split()) and len(names) + len({"name", "token"}) == 40


def test_what_is_never_shown() -> None:
    assert {kind: set(secret_fields(block)) for kind, block in BLOCKS.items()} == {
        "webhook": {"authorization"}, "websocket": set(), "chatwoot": {"chatwootApiToken"}, "proxy": {"password"},
        "settings": set(), "s3": {"secretKey"},
    }


def test_block_letters() -> None:
    assert instance.BLOCK_LETTERS == (("W", "webhook"), ("S", "websocket"), ("C", "chatwoot"), ("P", "proxy"), ("B", "s3"))
