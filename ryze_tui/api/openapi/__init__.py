"""The OpenAPI 3.1 document of our server, made from the declarations of this package; pure, asked for by `/openapi.json`.

`schemas.py` has the shapes, `operations.py` the routes, `simulator.py` those of the virtual phones. Importing it costs
pydantic; making the document costs some 30 ms, so whoever serves it keeps it.
"""

from __future__ import annotations

from typing import Any, Final

from . import chatwoot, configuration, messages, schemas, simulator
from .operations import EXAMPLE_NAME, HTTP_METHODS, Answer, Operation
from .operations import OPERATIONS as LIFE_CYCLE

__all__ = ["HTTP_METHODS", "OPERATIONS", "Answer", "Operation", "document", "operations"]

OPERATIONS: Final = (*LIFE_CYCLE, *configuration.OPERATIONS, *messages.OPERATIONS, *chatwoot.OPERATIONS)
"""In the order of the document."""

_TAGS: Final = {
    "instance": "The life of an instance: create, list, pair, reconnect, log out, delete.",
    "events": "What an instance's events are sent to, and the sockets themselves.",
    "messages": "Sending messages.",
    "chatwoot": "An instance as an inbox of Chatwoot.",
    "server": "The server itself.",
    "mcp": "JSON-RPC 2.0: the life cycle, webhooks and sending as tools.",
    "simulator": "Virtual phones; there only when the server runs with --engine simulated.",
}
_ABOUT: Final = (
    'A server that speaks the RyzeAPI contract. Every error has the shape `{"success": false, "error": {"message": …}}`; tell '
    "them apart by status. Any other path answers 404, any other method 405 with `Allow`, a request that is not readable HTTP "
    "400, 431 or 501, all in this shape. Every answer has `X-Request-Id`; one that the client sends is kept when it is "
    "`[A-Za-z0-9_-]{1,64}`. Of a query parameter that is sent more than once the first counts. A field of a body that is null "
    "counts as left out, an unknown one is ignored."
)
_TOKENS: Final = {
    "A": "TokenAccount only.",
    "AI": "TokenAccount, or the TokenInstance of this instance.",
}


def operations(*, simulated: bool) -> tuple[Operation, ...]:
    """Every operation that a server with extensions has."""
    return OPERATIONS + (simulator.OPERATIONS if simulated else ())


def _schemas(*, simulated: bool) -> dict[str, Any]:
    made = schemas.components() | configuration.components() | messages.components() | chatwoot.components()
    return made | (simulator.components() if simulated else {})


def document(version: str, *, simulated: bool) -> dict[str, Any]:
    """The document. `version` is the program's."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations(simulated=simulated):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "RyzeAPI contract, as ryze-tui serves it", "version": version, "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if simulated or name != "simulator"],
        "paths": paths,
        "components": {
            "schemas": _schemas(simulated=simulated),
            "headers": _HEADERS,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "token", "description": "Recommended; counts before Bearer."},
                "bearer": {"type": "http", "scheme": "bearer"},
                "query": {"type": "apiKey", "in": "query", "name": "token", "description": "For sockets of browsers only."},
            },
        },
    }


_HEADERS: Final[dict[str, Any]] = {
    "X-Request-Id": {"description": "Names this request in the server's log.", "required": True,
                     "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}},
    "X-RateLimit-Limit": {"description": "Requests a minute that this token has.", "schema": {"type": "integer", "minimum": 1}},
    "X-RateLimit-Remaining": {"description": "How many are left until the reset.", "schema": {"type": "integer", "minimum": 0}},
    "X-RateLimit-Reset": {"description": "When the minute ends, in Unix seconds.", "schema": {"type": "integer", "minimum": 0}},
    "Retry-After": {"description": "Seconds until the minute ends.", "schema": {"type": "integer", "minimum": 1}},
    "Mcp-Session-Id": {"description": "Given at initialize; any is good.", "schema": {"type": "string"}},
}  # fmt: skip
"""Limit headers are not there when limits are switched off (`--rate-limit 0`)."""


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name, "tags": [operation.tag], "summary": operation.summary,
        "description": " ".join(filter(None, (operation.description, _TOKENS.get(operation.tokens)))),
        "parameters": _parameters(operation),
        "responses": {str(status): _response(operation, status, answer) for status, answer in sorted(operation.answers.items())},
        "security": [{scheme: []} for scheme in operation.schemes],
    }
    if operation.body:
        made["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": {"schema": schemas.ref(operation.body)}},
        }
    if operation.upgrade:
        made["x-websocket"] = True
    if not made["parameters"]:
        del made["parameters"]
    return made


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{instance}" in operation.path:
        found.append({
            "name": "instance", "in": "path", "required": True, "description": "The instance's name, percent-encoded.",
            "schema": {"type": "string", "minLength": 1}, "example": EXAMPLE_NAME,
        })  # fmt: skip
    if "{id}" in operation.path:
        found.append({
            "name": "id", "in": "path", "required": True, "description": "Of the delivery, as `webhook-id` has it.",
            "schema": {"type": "string", "minLength": 1},
        })  # fmt: skip
    if "{secret}" in operation.path:
        found.append({
            "name": "secret", "in": "path", "required": True, "description": "As the inbox was told.",
            "schema": {"type": "string", "minLength": 1},
        })  # fmt: skip
    for name, (description, schema) in operation.query.items():
        found.append({"name": name, "in": "query", "required": False, "description": description, "schema": schema})
    return found


def _response(operation: Operation, status: int, answer: Answer) -> dict[str, Any]:
    names = ["X-Request-Id", *answer.headers]
    if operation.limited:
        names += ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]
    if status == 429:
        names.append("Retry-After")
    made: dict[str, Any] = {
        "description": answer.description, "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if answer.content:
        made["content"] = {kind: {"schema": schemas.ref(schema) if schema else {}} for kind, schema in answer.content.items()}
    if answer.links:
        name = {"instance": "$response.body#/instance/name"}
        made["links"] = {operation: {"operationId": operation, "parameters": name} for operation in answer.links}
    if answer.texts:
        shown = {f"text{number}": {"value": schemas.error(text)} for number, text in enumerate(answer.texts, 1)}
        made["content"]["application/json"]["examples"] = shown
    return made
