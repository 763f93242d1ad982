"""/mcp: JSON-RPC 2.0, as much of it as public clients use: the life cycle, sending, webhooks (contract §6b).

A tool is a REST route by another name: the same function answers, with the same checks and the same JSON.
"""

from __future__ import annotations

import json
import secrets as entropy
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from ... import __version__
from ...api.blocks import Block, Webhook
from ...api.messages import MediaMessage, TextMessage
from .. import auth
from ..body import MESSAGE_BYTES, parse, read_bytes
from ..edge import envelope
from ..errors import ApiError
from . import configuration, instances, messages

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
NO_METHOD: Final = -32601
INVALID_PARAMS: Final = -32602

VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
DEFAULT_VERSION: Final = "2025-03-26"

_NAMES: Final = ("instance", "instanceName", "name")
"""What clients call the argument that names the instance; the first that is there counts."""


class _Tool(NamedTuple):
    """A route as a tool. `block`: what its body is, and which of its fields are required; `query`: arguments that go there."""

    route: Callable[[Request], Awaitable[Response]]
    about: str
    block: tuple[type[Block], tuple[str, ...]] | None = None
    query: tuple[str, ...] = ()


_TOOLS: Final[dict[str, _Tool]] = {
    "instance_logout": _Tool(instances.logout, "Unlink the device of an instance and wipe its session; the instance stays."),
    "instance_delete": _Tool(instances.delete, "Log an instance out and remove it for good; needs the account's token."),
    "send_text": _Tool(messages.text, "Send a text to a number or group.", (TextMessage, ("number", "message"))),
    "send_media": _Tool(
        messages.media, "Send an image, video, audio, document or sticker, as base64 or from a URL.",
        (MediaMessage, ("number", "mediaType")),
    ),
    "webhook_set": _Tool(configuration.set_webhook, "Replace the webhook of a label.", (Webhook, ("enabled",))),
    "webhook_get": _Tool(configuration.get_webhooks, "The webhook of a label, or all of them.", query=("label",)),
}  # fmt: skip


@cache
def _schema(name: str) -> dict[str, Any]:
    """What a tool takes; made when somebody asks."""
    from ...api.openapi.schemas import request

    tool = _TOOLS[name]
    body = request(*tool.block) if tool.block is not None else {"required": [], "properties": {}}
    instance = {"instance": {"type": "string", "description": "Name of the instance"}}
    query = {name: {"type": "string"} for name in tool.query}
    return {
        "type": "object", "properties": instance | query | body["properties"], "required": ["instance", *body["required"]],
    }  # fmt: skip


class _Failure(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


async def mcp(request: Request) -> Response:
    """POST and DELETE /mcp. A session is nothing but an id that is given out: any is good, and ending one does nothing."""
    auth.any_token(request.scope)
    if request.method == "DELETE":
        return Response(status_code=204)
    try:
        message = parse(await read_bytes(request, limit=MESSAGE_BYTES))
    except ValueError:
        return _failed(None, _Failure(PARSE_ERROR, "Parse error"), 400)
    try:
        ident, method = _read(message)
    except _Failure as failure:
        return _failed(None, failure, 400)
    if ident is None:
        return Response(status_code=202)
    if method == "tools/call":
        return await _call(request, ident, message)
    try:
        if method == "initialize":
            return _answer(ident, _hello(_fields(message, "params")), {"Mcp-Session-Id": entropy.token_hex(16)})
        if method == "tools/list":
            tools = [{"name": name, "description": tool.about, "inputSchema": _schema(name)} for name, tool in _TOOLS.items()]
            return _answer(ident, {"tools": tools})
        if method == "ping":
            return _answer(ident, {})
        raise _Failure(NO_METHOD, "Method not found")
    except _Failure as failure:
        return _failed(ident, failure)


def _read(message: Any) -> tuple[int | str | None, str]:
    """Id and method; no id for a notification, and for nothing else. Raises _Failure."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise _Failure(INVALID_REQUEST, "Invalid request: one JSON-RPC 2.0 object is wanted")
    ident, method = message.get("id"), message.get("method")
    if not isinstance(method, str):
        raise _Failure(INVALID_REQUEST, "Invalid request: method is a text")
    if "id" not in message and method.startswith("notifications/"):
        return None, method
    if not isinstance(ident, int | str) or isinstance(ident, bool):
        raise _Failure(INVALID_REQUEST, "Invalid request: id is a whole number or a text")
    return ident, method


def _fields(holder: dict[str, Any], key: str) -> dict[str, Any]:
    """An object that may be left out. Raises _Failure."""
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Failure(INVALID_PARAMS, f"Invalid params: {key} is an object")
    return value


def _hello(params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("protocolVersion")
    return {
        "protocolVersion": wanted if wanted in VERSIONS else DEFAULT_VERSION,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "RyzeAPI", "version": __version__},
    }


async def _call(request: Request, ident: int | str, message: dict[str, Any]) -> Response:
    """tools/call: always an event stream of one event, whatever the outcome."""
    try:
        params = _fields(message, "params")
        name = params.get("name")
        if not isinstance(name, str):
            raise _Failure(INVALID_PARAMS, "Invalid params: name is that of a tool")
        if name not in _TOOLS:
            raise _Failure(INVALID_PARAMS, f"Unknown tool: {name[:100]}")
        arguments = _fields(params, "arguments")
        instance = _instance(arguments)
    except _Failure as failure:
        return _event(_failure(ident, failure))
    tool = _TOOLS[name]
    try:
        answer = await tool.route(_asked(request, tool, instance, arguments))
        refused = False
    except ApiError as error:
        answer, refused = envelope(error.status, error.message), True
    content = [{"type": "text", "text": bytes(answer.body).decode()}]
    return _event({"jsonrpc": "2.0", "id": ident, "result": {"content": content, "isError": refused}})


def _asked(request: Request, tool: _Tool, instance: str, arguments: dict[str, Any]) -> Request:
    """The request that the tool's route would have got."""
    given = {name: value for name, value in arguments.items() if name not in _NAMES}
    query = {name: given[name] for name in tool.query if isinstance(given.get(name), str)}
    body = json.dumps(given).encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {**request.scope, "path_params": {"instance": instance}, "query_string": urlencode(query).encode()}
    return Request(scope, receive)


def _instance(arguments: dict[str, Any]) -> str:
    value = next((arguments[name] for name in _NAMES if arguments.get(name) is not None), "")
    if not isinstance(value, str) or not value:
        raise _Failure(INVALID_PARAMS, "Invalid params: instance is the name of one")
    return value


def _failure(ident: int | str | None, failure: _Failure) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "error": {"code": failure.code, "message": failure.message}}


def _failed(ident: int | str | None, failure: _Failure, status: int = 200) -> JSONResponse:
    return JSONResponse(_failure(ident, failure), status)


def _answer(ident: int | str, result: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"jsonrpc": "2.0", "id": ident, "result": result}, headers=headers)


def _event(message: dict[str, Any]) -> Response:
    # The header is written out because Starlette would add a charset, which an event stream does not have.
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    return Response(f"event: message\ndata: {text}\n\n", headers=headers)
