"""The shapes of bodies and answers. Fields of blocks come from `blocks.py`: title, description, type, secret, create name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .. import states
from ..blocks import BLOCKS, Block, NewInstance, Proxy, WebSocket, create_names, secret_fields
from ..events import EXTENSIONS
from ..instance import NAME_PATTERN

Schema = dict[str, Any]

_OURS: Final = ("create_name", "secret")
"""Keys of a declaration that are not JSON Schema's."""

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
STATE: Final[Schema] = {"type": "string", "enum": list(states.STATES)}


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def error(text: str) -> Schema:
    """The value of an error answer."""
    return {"success": False, "error": {"message": text}}


def shape(required: dict[str, Schema], optional: dict[str, Schema] | None = None, description: str = "") -> Schema:
    """An object; more fields may come with later versions."""
    made: Schema = {"type": "object", "required": list(required), "properties": required | (optional or {})}
    return made | ({"description": description} if description else {})


def success(message: str | Schema, **fields: Schema) -> Schema:
    """The envelope of a success (contract §0)."""
    told = {"const": message} if isinstance(message, str) else message
    return shape({"success": {"const": True}, "message": told, **fields})


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _declared(block: type[Block]) -> dict[str, Schema]:
    """Field -> what was declared of it, as a request may send it."""
    made = {}
    for field, schema in block.model_json_schema(mode="validation")["properties"].items():
        schema = {key: value for key, value in schema.items() if key not in _OURS}
        if field in secret_fields(block):
            schema |= {"format": "password", "writeOnly": True}
        made[field] = schema
    return made


def request(block: type[Block], required: Iterable[str]) -> Schema:
    """The body that configures one block."""
    needed = tuple(required)
    fields = {field: schema if field in needed else or_null(schema) for field, schema in _declared(block).items()}
    return {"type": "object", "required": list(needed), "properties": fields}


def flat() -> Schema:
    """The body of a creation: every block's fields under their create names (contract §2.2)."""
    new = _declared(NewInstance)
    fields = {"name": new["name"], "token": or_null(new["token"] | {"pattern": "^[!-~]*$"})}
    for kind, block in BLOCKS.items():
        declared = _declared(block)
        for name, field in create_names(block):
            schema = or_null(declared[field])
            if field == "enabled":
                schema |= {"default": False}
            fields[name] = schema | {"title": f"{kind}: {schema['title']}" if kind != "settings" else schema["title"]}
    return {"type": "object", "required": ["name"], "properties": fields}


def view(block: type[Block]) -> Schema:
    """A block as it is answered: complete, without secrets."""
    left_out = ("default", "anyOf")
    fields = {
        field: {key: value for key, value in schema.items() if key not in left_out}
        for field, schema in _declared(block).items() if field not in secret_fields(block)
    }  # fmt: skip
    return shape(fields)


def _proxy() -> Schema:
    """Everything but `enabled` is null when there is none (contract §8 #50)."""
    fields = view(Proxy)["properties"]
    return shape({name: schema if name == "enabled" else or_null({"type": "string"} | schema) for name, schema in fields.items()})


def _views() -> dict[str, Schema]:
    s3 = view(BLOCKS["s3"])["properties"] | {"secretKey": {"type": "null"}}
    chatwoot = {"enabled": FLAG, "status": TEXT, "baseUrl": TEXT, "accountId": {"type": "integer"}, "inboxName": TEXT}
    return {
        "Webhook": view(BLOCKS["webhook"]), "Websocket": view(WebSocket), "Settings": view(BLOCKS["settings"]),
        "Proxy": _proxy(), "S3": shape(s3),
        "Chatwoot": shape(chatwoot, {"error": TEXT}, "Without its token; `error` says why it could not be activated."),
    }


def _instances() -> dict[str, Schema]:
    blocks = {kind: ref(name) for kind, name in (
        ("webhook", "Webhook"), ("websocket", "Websocket"), ("chatwoot", "Chatwoot"), ("proxy", "Proxy"),
        ("settings", "Settings"), ("s3", "S3"),
    )}  # fmt: skip
    assert blocks.keys() == BLOCKS.keys()
    about = {
        "id": {**TEXT, "minLength": 1}, "name": {**TEXT, "pattern": f"^{NAME_PATTERN}$"},
        "token": {**TEXT, "minLength": 1, "format": "password", "description": "The TokenInstance."}, "status": STATE,
    }  # fmt: skip
    jid = {"type": ["string", "null"], "description": "JID; null when it was never paired."}
    connection = shape({
        "state": STATE, "numberJid": jid, "presenceStatus": TEXT, "displayStatus": {**TEXT, "description": "A text for people."},
        "since": {**TIME, "description": "Since when it is in this state."},
        "reason": {**TEXT, "description": "Why, in words; empty when there is nothing to say."},
    })  # fmt: skip
    profile = shape({"name": TEXT, "pictureUrl": TEXT, "isBusiness": FLAG, "businessName": TEXT})
    item = about | {"numberJid": jid, "createdAt": TIME, "updatedAt": TIME, "connection": connection, "profile": profile} | blocks
    return {"Instance": shape(about | blocks), "InstanceItem": shape(item)}


def _answers() -> dict[str, Schema]:
    status = shape({"status": TEXT})
    connected = success("Instance already connected", status={"const": "connected"})
    qr = success("QR code generated", qrCode={**TEXT, "minLength": 1, "description": "What to draw as a QR code."},
                 qrCodeBase64={**TEXT, "pattern": "^data:image/png;base64,"}, status={"const": "qr"})  # fmt: skip
    code = success("Pairing code generated", pairingCode={**TEXT, "pattern": "^[A-Z0-9]{8}$"}, status={"const": "pairing"})
    websocket = {"websocket": ref("Websocket")}
    return {
        "Created": success("Instance created successfully", instance=ref("Instance")),
        "InstanceList": success({**TEXT, "pattern": "^(1 Instance|[0-9]+ Instances) found$"}, meta=shape({"total": COUNT}),
                                instances={"type": "array", "items": ref("InstanceItem")}),
        "Connect": {"oneOf": [connected, qr, code]},
        "Reconnect": success("Reconnect initiated", status={"const": "connecting"}),
        "Logout": success("Instance logged out", instance=status),
        "Delete": success("Instance deleted", instance=status),
        "WebsocketWritten": success("WebSocket configuration updated", **websocket),
        "WebsocketRead": success("WebSocket configuration retrieved", **websocket),
    }  # fmt: skip


def _rpc() -> dict[str, Schema]:
    """JSON-RPC 2.0, as much of it as /mcp speaks."""
    ident, version = {"type": ["string", "integer", "null"]}, {"const": "2.0"}
    failure = shape({"jsonrpc": version, "id": ident, "error": shape({"code": {"type": "integer"}, "message": TEXT})})
    asked = shape(
        {"jsonrpc": version, "method": TEXT}, {"id": {"type": ["string", "integer"]}, "params": {}},
        "Without `id` it is a notification, whose method begins with `notifications/`.",
    )  # fmt: skip
    return {
        "RpcRequest": asked, "RpcFailure": failure,
        "RpcAnswer": {"anyOf": [shape({"jsonrpc": version, "id": ident, "result": {"type": "object"}}), failure]},
        "EventStream": {**TEXT, "description": "One event whose data is the JSON-RPC answer."},
    }  # fmt: skip


def components() -> dict[str, Schema]:
    """Every component but the simulator's."""
    health = shape(
        {"status": {"enum": ["ok", "degraded"]}, "service": {"const": "RyzeAPI"}, "timestamp": TIME,
         "uptime": {**TEXT, "description": "A Go duration, e.g. 72h3m0.5s."},
         "checks": shape({name: {**TEXT, "description": "ok, or fail: and the reason."}
                           for name in ("db", "disk", "engine", "outbox", "loop")},
                         {"s3": {**TEXT, "description": "The same of uploads; only when an instance has S3."}}),
         "extensions": {"type": "array", "items": {**TEXT, "examples": list(EXTENSIONS)}}, "engine": TEXT},
    )  # fmt: skip
    return {
        "Error": shape({"success": {"const": False}, "error": shape({"message": {**TEXT, "minLength": 1}})}),
        "Health": health,
        "OpenApi": shape({"openapi": TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
        "NewInstance": flat(),
        "WebsocketConfiguration": request(WebSocket, ["enabled"]),
        **_views(), **_instances(), **_answers(), **_rpc(),
    }  # fmt: skip


def tried_steps(*names: str) -> Schema:
    """What came of trying something out, step by step."""
    step = shape({
        "name": {"enum": list(names)}, "ok": FLAG, "milliseconds": COUNT,
        "error": {**TEXT, "description": "In words; empty when it worked."},
    })  # fmt: skip
    return {"type": "array", "items": step, "minItems": 1}
