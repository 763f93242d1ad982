"""The document: every route and nothing else, every field as `blocks.py` declares it, and valid JSON Schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
from ryze_tui.api import states
from ryze_tui.api.blocks import BLOCKS, create_names, secret_fields
from ryze_tui.api.openapi import HTTP_METHODS, document, operations, simulator
from ryze_tui.backend.asgi import build
from ryze_tui.backend.engine.simulated.controls import Controls
from ryze_tui.backend.engine.simulated.engine import BANS, SimulatedEngine
from ryze_tui.backend.engine.simulated.wire import MIME
from ryze_tui.backend.routes.simulator import Simulator
from ryze_tui.backend.settings import Settings
from starlette.routing import Route, WebSocketRoute

from ..backend.fakes import VirtualClock

DOCUMENT = document("1.2.3", simulated=True)
SCHEMAS = DOCUMENT["components"]["schemas"]


def each() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routed(tmp_path: Path) -> set[tuple[str, str]]:
    """What the application really has; HEAD goes with GET, and the last route only refuses sockets."""
    controls = Simulator(SimulatedEngine(None, VirtualClock())).routes()  # type: ignore[arg-type]
    found = set()
    for route in [*build(Settings(data_dir=tmp_path)).routes, *controls]:
        if isinstance(route, WebSocketRoute):
            found.add(("GET", route.path))
            continue
        assert isinstance(route, Route) and route.methods
        found |= {(method, route.path) for method in route.methods - {"HEAD"}}
    found.remove(("GET", "/{path:path}"))
    found.remove(("POST", "/simulator/{instance}/{action}"))
    actions = Controls(SimulatedEngine(None, VirtualClock())).actions  # type: ignore[arg-type]
    return found | {("POST", f"/simulator/{{instance}}/{action}") for action in actions}


def test_every_route_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    assert {(method, path) for method, path, _ in each()} == routed(tmp_path)
    assert {method for method, _, _ in each()} <= HTTP_METHODS
    plain = document("1", simulated=False)
    assert not [path for path in plain["paths"] if "simulator" in path] and "simulator" not in json.dumps(plain["tags"])


def test_who_may_call_is_said_in_the_words_of_openapi() -> None:
    schemes = {name: {key: scheme[key] for key in scheme if key != "description"}
               for name, scheme in DOCUMENT["components"]["securitySchemes"].items()}  # fmt: skip
    assert schemes == {
        "token": {"type": "apiKey", "in": "header", "name": "token"},
        "bearer": {"type": "http", "scheme": "bearer"},
        "query": {"type": "apiKey", "in": "query", "name": "token"},
    }
    used = {name for _, _, operation in each() for way in operation["security"] for name in way}
    assert used == set(schemes)


def test_what_the_simulator_takes_is_what_it_says() -> None:
    _, _, ban = simulator.ACTIONS["ban"]
    _, _, message = simulator.ACTIONS["message"]
    assert ban["code"]["enum"] == list(BANS) and message["mediaType"]["enum"] == list(MIME)


def test_every_operation_is_complete() -> None:
    names = [operation["operationId"] for _, _, operation in each()]
    assert len(names) == len(set(names)) == len(operations(simulated=True))
    for _, path, operation in each():
        answers = {int(status) for status in operation["responses"]}
        limited = path not in ("/health", "/openapi.json", "/chatwoot/{secret}")
        assert 500 in answers and operation["summary"] and operation["tags"], path
        assert limited == ({401, 429} <= answers) == bool(operation["security"]), path
        assert ("requestBody" in operation) == (413 in answers), path
        if "{instance}" in path:
            assert 404 in answers and operation["parameters"][0]["name"] == "instance", path
        assert min(answers) < 300, path
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"] and limited == ("X-RateLimit-Limit" in answer["headers"])
            assert ("Retry-After" in answer["headers"]) == (status == "429")
            if int(status) >= 400 and (path, status) != ("/mcp", "400") and (path, status) != ("/health", "503"):
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}, (path, status)
    assert {"200", "201"} & DOCUMENT["paths"]["/api/instance/new"]["post"]["responses"].keys() == {"201"}


def test_the_flat_body_has_every_field_once_as_it_is_declared() -> None:
    fields = SCHEMAS["NewInstance"]["properties"]
    declared = {name: (block, field) for block in BLOCKS.values() for name, field in create_names(block)}
    assert fields.keys() == {"name", "token"} | declared.keys() and len(fields) == 40
    for name, (block, field) in declared.items():
        info = block.model_fields[field]
        assert fields[name]["description"] == info.description and str(info.title) in fields[name]["title"]
        assert (fields[name].get("writeOnly") is True) == (field in secret_fields(block)), name
    assert SCHEMAS["NewInstance"]["required"] == ["name"] and fields["proxyEnabled"]["default"] is False
    assert fields["disableHistorySync"]["default"] is True
    assert {"type": "string"} in fields["proxyPort"]["anyOf"] and {"type": "integer"} in fields["proxyPort"]["anyOf"]


def test_no_answer_has_a_secret_of_a_block() -> None:
    for kind, name in (("webhook", "Webhook"), ("proxy", "Proxy"), ("settings", "Settings"), ("websocket", "Websocket")):
        block = BLOCKS[kind]
        assert set(SCHEMAS[name]["required"]) == set(block.model_fields) - secret_fields(block)
    assert SCHEMAS["S3"]["properties"]["secretKey"] == {"type": "null"}
    assert SCHEMAS["InstanceItem"]["properties"]["status"]["enum"] == list(states.STATES)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    found = set(references(DOCUMENT))
    made = {f"#/components/{kind}/{name}" for kind in ("schemas", "headers") for name in DOCUMENT["components"][kind]}
    assert found == made
    text = json.dumps(DOCUMENT)
    assert "create_name" not in text and not re.search(r'"secret": (true|false)', text)


def test_every_schema_is_one() -> None:
    for name, schema in SCHEMAS.items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert schema, name


def test_a_server_that_starts_does_not_pay_for_it() -> None:
    code = "import sys, ryze_tui.backend.server; print([name for name in sys.modules if name.startswith('ryze_tui.api.openapi')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
