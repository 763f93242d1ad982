"""The configuration blocks of an instance, each field declared once.

The form's widget, its help, the command-line flag, the flat create body and the OpenAPI document derive from these
declarations: `title` is the label, `description` the help, `secret` masks it, `create_name` is its name in the flat body
of `POST /api/instance/new`. Import this module with the first form or request, never at start (pydantic costs 50 ms).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from .events import EVENT_NAMES
from .instance import NAME_PATTERN

EventName = Literal["message.exchange", "message.status", "call.update", "group.flow", "instance.state", "label.update"]
assert EventName.__args__ == EVENT_NAMES  # type: ignore[attr-defined]


def _declare(
    title: str, description: str, default: Any = ..., *, create: str = "", secret: bool = False, factory: Any = None, **rules: Any
) -> Any:
    extra: JsonDict = {"create_name": create, "secret": secret}
    if factory is not None:
        return Field(default_factory=factory, title=title, description=description, json_schema_extra=extra, **rules)
    return Field(default, title=title, description=description, json_schema_extra=extra, **rules)


def _port(value: object) -> object:
    """Accept `1080` as well as `"1080"`; the contract's type is the string."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_PORT: Final = BeforeValidator(_port, json_schema_input_type=str | int)


class Block(BaseModel):
    """A block: unknown fields are ignored, as the service does; types are strict."""

    model_config = ConfigDict(extra="ignore", strict=True, defer_build=True)


class WebSocket(Block):
    """`POST /api/events/websocket/:instance`; disabling clears the rest and keeps the row."""

    enabled: bool = _declare("Enabled", "Lets programs follow this instance live at /ws/<instance>.", create="websocketEnabled")
    events: list[EventName] = _declare(
        "Events", "Which events are sent. None chosen means all six.", factory=list, create="websocketEvents"
    )
    mediaBase64: bool = _declare(  # noqa: N815
        "Media base64", "Puts the media itself into message.exchange events.", False, create="websocketMediaBase64"
    )


class Webhook(Block):
    """`POST /api/events/webhook/:instance`; a row per label, replaced as a whole."""

    label: str = _declare("Label", "Names this webhook; sending the same label again replaces it.", "default")
    enabled: bool = _declare(
        "Enabled", "Turning it off erases URL, authorization and events on the server.", create="webhookEnabled"
    )
    url: str = _declare("URL", "Where events are posted, http or https.", "", create="webhookURL")
    authorization: str = _declare(
        "Authorization", "Sent unchanged with every delivery, e.g. Bearer abc123.", "", create="webhookAuthorization", secret=True
    )
    byEvents: bool = _declare("By event", "Adds /<event> to the URL.", False, create="webhookByEvents")  # noqa: N815
    events: list[EventName] = _declare(
        "Events", "Which events are delivered. None chosen means all six.", factory=list, create="webhookEvents"
    )
    mediaBase64: bool = _declare(  # noqa: N815
        "Media base64", "Puts the media itself into message.exchange events.", False, create="webhookMediaBase64"
    )


class Settings(Block):
    """`POST /api/instance/settings/:instance`; fields left out keep their value."""

    autoRejectCalls: bool = _declare("Reject calls", "Incoming calls are rejected.", False, create="autoRejectCalls")  # noqa: N815
    callRejectMessage: str = _declare(  # noqa: N815
        "Reject message", "Text sent after rejecting a call; empty sends nothing.", "", create="callRejectMessage"
    )
    ignoreGroupMessages: bool = _declare(  # noqa: N815
        "Ignore groups", "Group events are dropped as they arrive.", False, create="ignoreGroupMessages"
    )
    keepOnlineStatus: bool = _declare(  # noqa: N815
        "Always online", "Shows the number as available all the time; applied at once.", False, create="keepOnlineStatus"
    )
    autoReadMessages: bool = _declare(  # noqa: N815
        "Mark as read", "Incoming messages are marked as read.", False, create="autoReadMessages"
    )
    disableHistorySync: bool = _declare(  # noqa: N815
        "No history", "No history is fetched when the number is paired.", True, create="disableHistorySync"
    )
    ignoreStatus: bool = _declare("Ignore stories", "Stories are dropped.", False, create="ignoreStatus")  # noqa: N815


class Proxy(Block):
    """`POST /api/instance/proxy/:instance`; acts at the next connect or reconnect."""

    enabled: bool = _declare("Enabled", "Turning it off removes the proxy.", create="proxyEnabled")
    host: str = _declare("Host", "Name or address of the proxy.", "", create="proxyHost")
    port: Annotated[str, _PORT] = _declare("Port", "1 to 65535.", "", create="proxyPort")
    protocol: Literal["", "http", "https", "socks5"] = _declare("Protocol", "http, https or socks5.", "", create="proxyProtocol")
    username: str = _declare("User name", "Leave empty if the proxy asks for none.", "", create="proxyUsername")
    password: str = _declare("Password", "Never shown again by the server.", "", create="proxyPassword", secret=True)


class S3(Block):
    """`POST /api/instance/s3/:instance`; disabling deletes the credentials."""

    enabled: bool = _declare("Enabled", "Turning it off deletes the credentials.", create="s3Enabled")
    region: str = _declare("Region", "For example us-east-1.", "", create="s3Region")
    bucket: str = _declare("Bucket", "Where received media is put.", "", create="s3Bucket")
    accessKey: str = _declare("Access key", "The key's public half.", "", create="s3AccessKey")  # noqa: N815
    secretKey: str = _declare("Secret key", "Never shown again by the server.", "", create="s3SecretKey", secret=True)  # noqa: N815
    endpoint: str = _declare("Endpoint", "URL of the store; empty means AWS.", "", create="s3Endpoint")
    pathPrefix: str = _declare("Path prefix", "Put before every object's name.", "", create="s3PathPrefix")  # noqa: N815


class Chatwoot(Block):
    """`POST /api/chatwoot/set/:instance`; `enabled` exists in the flat create body only."""

    enabled: bool = _declare("Enabled", "Connects this instance to a Chatwoot inbox.", True, create="chatwootEnabled")
    chatwootBaseUrl: str = _declare("Chatwoot URL", "Where your Chatwoot lives.", "", create="chatwootBaseUrl")  # noqa: N815
    chatwootAccountId: int = _declare("Account", "The account's number in Chatwoot.", 0, create="chatwootAccountId")  # noqa: N815
    chatwootApiToken: str = _declare(  # noqa: N815
        "API token", "Access token of an agent with admin scope.", "", create="chatwootApiToken", secret=True
    )
    inboxName: str = _declare("Inbox", "Name of the inbox to create.", "", create="chatwootInboxName")  # noqa: N815
    signMessages: bool = _declare("Sign messages", "Puts the agent's name above replies.", False, create="chatwootSignMessages")  # noqa: N815
    ignoreGroups: bool = _declare("Ignore groups", "Groups do not reach Chatwoot.", False, create="chatwootIgnoreGroups")  # noqa: N815
    startAsPending: bool = _declare(  # noqa: N815
        "Start as pending", "New conversations start as pending.", False, create="chatwootStartAsPending"
    )
    reopenResolved: bool = _declare(  # noqa: N815
        "Reopen resolved", "A new message reopens a resolved conversation.", False, create="chatwootReopenResolved"
    )


class NewInstance(Block):
    """What `POST /api/instance/new` takes besides the blocks."""

    name: str = _declare("Name", "Letters, digits, - and _, up to 100.", pattern=f"^{NAME_PATTERN}$")
    token: str = _declare("Token", "Its own token; the server makes one when left empty.", "", secret=True, max_length=256)


BLOCKS: Final[dict[str, type[Block]]] = {
    "webhook": Webhook, "websocket": WebSocket, "chatwoot": Chatwoot, "proxy": Proxy, "settings": Settings, "s3": S3,
}
"""Resource key in answers -> block, in the order in which create applies them."""


def create_names(block: type[Block]) -> Iterator[tuple[str, str]]:
    """Yield (name in the flat create body, field) for the fields that create takes."""
    for field, info in block.model_fields.items():
        extra = info.json_schema_extra
        name = extra.get("create_name") if isinstance(extra, dict) else None
        if isinstance(name, str) and name:
            yield name, field


def secret_fields(block: type[Block]) -> frozenset[str]:
    """The fields of a block that are never shown or logged."""
    return frozenset(
        field for field, info in block.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("secret") is True
    )


def from_create(block: type[Block], body: dict[str, Any]) -> dict[str, Any]:
    """Pick a block's fields out of a flat create body; only what was sent."""
    return {field: body[name] for name, field in create_names(block) if name in body}


def to_create(block: Block) -> dict[str, Any]:
    """The flat create fields of a block, as `POST /api/instance/new` wants them."""
    return {name: getattr(block, field) for name, field in create_names(type(block))}
