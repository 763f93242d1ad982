"""The six configuration blocks on the server's side: reading what was sent, splitting off secrets, the shapes of answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from ..api import errors as texts
from ..api.blocks import BLOCKS, S3, Block, Chatwoot, Proxy, Settings, Webhook, WebSocket, from_create, secret_fields
from .clock import rfc3339
from .dialect import Dialect
from .errors import ApiError
from .record import Record, Values, display_status
from .secrets import KeyRing

NOT_CONNECTED: Final = "the connection to Chatwoot was not finished; set it again"
DEFAULT_LABEL: Final = "default"
SECRETS: Final = {kind: secret_fields(block) for kind, block in BLOCKS.items()}


@dataclass(slots=True)
class Written:
    """A block as it is stored: `values` may be answered, `secrets` may not."""

    kind: str
    values: Values
    secrets: dict[str, str] = field(repr=False)
    label: str = ""
    paused: bool = False

    def to_json(self, ring: KeyRing, instance_id: str) -> str:
        """The database's text; each secret is bound to its row and field."""
        row = _row_of(instance_id, self.kind, self.label)
        sealed = {name: ring.encrypt(value, "blocks", row, name) for name, value in self.secrets.items() if value}
        return json.dumps({"values": self.values, "secrets": sealed, "paused": self.paused})


def _row_of(instance_id: str, kind: str, label: str) -> str:
    return f"{instance_id}/{kind}/{label}"


def open_secrets(ring: KeyRing, instance_id: str, kind: str, label: str, text: str) -> dict[str, str]:
    """What `to_json` sealed. Raises SecretError, ValueError."""
    row = _row_of(instance_id, kind, label)
    return {name: ring.decrypt(sealed, "blocks", row, name) for name, sealed in json.loads(text)["secrets"].items()}


def invalid(error: ValidationError) -> ApiError:
    """A 400 that names the first wrong field and never its value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return ApiError(400, f"{texts.INVALID_BODY}: {where}: {first['msg']}")


def read_block(block: type[Block], body: dict[str, Any]) -> Block:
    """Validate a block. Raises ApiError 400."""
    try:
        return block.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None


def split(kind: str, block: Block) -> Written:
    """Separate what may be answered from what may not."""
    values = block.model_dump()
    secrets = {name: str(values.pop(name)) for name in SECRETS[kind] if name in values}
    label = str(values.get("label", ""))
    return Written(kind, values, secrets, label)


# -- creating ----------------------------------------------------------------------------------------------------------


def from_flat(body: dict[str, Any]) -> list[Written]:
    """The blocks of a flat create body (contract §2.2); only those of which something was sent.

    Wrong types are a 400, and so is a proxy that is none: without it the number would dial directly. Any other block that
    cannot act is stored switched off and never aborts the creation.
    """
    written = []
    for kind, model in BLOCKS.items():
        sent = from_create(model, body)
        if not sent:
            continue
        if kind != "settings":
            sent.setdefault("enabled", False)
        written.append(_usable(kind, read_block(model, sent)))
    return written


def _usable(kind: str, block: Block) -> Written:
    if isinstance(block, WebSocket) and not block.enabled:
        block = WebSocket(enabled=False)
    elif isinstance(block, Webhook) and not (block.enabled and absolute_url(block.url) and one_line(block.authorization)):
        block = Webhook(enabled=False)
    elif isinstance(block, Proxy):
        check_proxy(block)
        block = block if block.enabled else Proxy(enabled=False)
    elif isinstance(block, S3):
        block = block if block.enabled and usable_s3(block) else S3(enabled=False)
    elif isinstance(block, Chatwoot):
        return _chatwoot(block)
    return split(kind, block)


def _chatwoot(block: Chatwoot) -> Written:
    """Kept, and said not to be connected until it is (integrations/chatwoot); that comes once the instance exists."""
    written = split("chatwoot", block)
    if block.enabled:
        written.values |= {"enabled": False, "status": "error", "error": NOT_CONNECTED}
    return written


def absolute_url(url: str) -> bool:
    """Whether it is an absolute http or https URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def one_line(text: str) -> bool:
    """Whether it can be the value of a header."""
    return text.isprintable()


def usable_s3(block: S3) -> bool:
    """Whether it names a bucket, and its endpoint is a URL where there is one."""
    return bool(block.bucket) and (not block.endpoint or absolute_url(block.endpoint))


def check_proxy(proxy: Proxy) -> None:
    """An enabled proxy names a host, a port and a protocol (contract §8 #22). Raises ApiError 400."""
    if not proxy.enabled:
        return
    if not proxy.host:
        raise ApiError(400, f"{texts.INVALID_BODY}: proxy host is required")
    if not (proxy.port.isascii() and proxy.port.isdigit() and len(proxy.port) <= 5 and 1 <= int(proxy.port) <= 65535):
        raise ApiError(400, f"{texts.INVALID_BODY}: proxy port must be 1 to 65535")
    if not proxy.protocol:
        raise ApiError(400, f"{texts.INVALID_BODY}: proxy protocol must be http, https or socks5")


# -- answers -----------------------------------------------------------------------------------------------------------

_SETTINGS: Final[Values] = Settings().model_dump()
_WEBSOCKET: Final[Values] = {"enabled": False, "events": [], "mediaBase64": False}
_WEBHOOK: Final[Values] = {
    "label": DEFAULT_LABEL, "enabled": False, "url": "", "byEvents": False, "events": [], "mediaBase64": False,
}
_NO_PROXY: Final[Values] = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
_NO_S3: Final[Values] = {
    "enabled": False, "region": "", "bucket": "", "accessKey": "", "secretKey": None, "endpoint": "", "pathPrefix": "",
}


def websocket_view(values: Values | None) -> Values:
    """`{enabled, events, mediaBase64}`."""
    return _WEBSOCKET if values is None else values


def settings_view(values: Values | None) -> Values:
    """All seven, the defaults while nothing was written."""
    return _SETTINGS if values is None else values


def proxy_view(values: Values | None) -> Values:
    """Never the password."""
    return values if values is not None and values["enabled"] else _NO_PROXY


def s3_view(values: Values | None) -> Values:
    """As read: `secretKey` is there and null."""
    return _NO_S3 if values is None or not values["enabled"] else values | {"secretKey": None}


def s3_saved_view(values: Values) -> Values:
    """As answered to a write: without `secretKey`."""
    return {name: value for name, value in s3_view(values).items() if name != "secretKey"}


def _chatwoot_view(values: Values | None) -> Values:
    """`{enabled, status, baseUrl, accountId, inboxName, error?}`, never the token (contract §8 #20)."""
    values = values or {}
    view = {
        "enabled": values.get("enabled", False),
        "status": values.get("status", ""),
        "baseUrl": values.get("chatwootBaseUrl", ""),
        "accountId": values.get("chatwootAccountId", 0),
        "inboxName": values.get("inboxName", ""),
    }
    return view | {"error": values["error"]} if values.get("error") else view


def block_views(blocks: dict[str, Values]) -> Values:
    """All six blocks in the documented shapes, without secrets (contract §2.8-2.10, §4)."""
    return {
        "webhook": blocks.get("webhook") or _WEBHOOK,
        "websocket": websocket_view(blocks.get("websocket")),
        "chatwoot": _chatwoot_view(blocks.get("chatwoot")),
        "proxy": proxy_view(blocks.get("proxy")),
        "settings": settings_view(blocks.get("settings")),
        "s3": s3_view(blocks.get("s3")),
    }


def created_view(record: Record) -> Values:
    """`instance` of a creation's answer (contract §2.2)."""
    return {"id": record.id, "name": record.name, "token": record.token, "status": record.state, **block_views(record.blocks)}


def item_text(record: Record, label: str, dialect: Dialect, *, extensions: bool) -> str:
    """A list item (contract §4) as JSON; made once until something in it changes."""
    if record.item is None:
        connection: Values = {
            "state": record.state,
            "numberJid": record.jid or None,
            "presenceStatus": "available" if record.available and record.state == "connected" else "unavailable",
            "displayStatus": display_status(record, label),
        }
        if extensions:
            connection |= {"since": rfc3339(record.since), "reason": record.reason}
        status = dialect.idle_status if record.state == "disconnected" else record.state
        record.item = json.dumps({
            "id": record.id, "name": record.name, "token": record.token, "status": status, "numberJid": record.jid or None,
            "createdAt": rfc3339(record.created_at), "updatedAt": rfc3339(record.updated_at), "connection": connection,
            "profile": {
                "name": record.profile_name, "pictureUrl": record.picture_url, "isBusiness": bool(record.business_name),
                "businessName": record.business_name,
            },
            **block_views(record.blocks),
        })
    return record.item
