"""An integration from creating its number to losing it, as public ones do it: webhook, exact read-back, tools, receivers.

Written after what those rely on, in our own words; both layouts of messages, with and without extensions.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from ..terminal.server import Server

pytestmark = pytest.mark.e2e
PERSON: Final = "5511988887777"
ROW: Final = {
    "label": "crm", "enabled": True, "authorization": "Bearer of the integration", "byEvents": False, "mediaBase64": True,
    "events": ["message.status", "message.exchange", "instance.state", "group.flow"],
}  # fmt: skip


class Hook:
    """What an integration's address was sent: (path, headers, body)."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.url = ""

    def bodies(self, event: str) -> list[dict[str, Any]]:
        return [body for _path, _headers, body in list(self.got) if body["event"] == event]


@contextlib.contextmanager
def hook() -> Iterator[Hook]:
    """On loopback while the block runs; answers at once, as public ones do."""
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/functions/v1/hook?instance=7&secret=s"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def tool(server: Server, token: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A tool as clients call it: an own token as Bearer, no greeting before; the JSON that its text holds."""
    reply = server.http.post(
        "/mcp", headers={"token": "", "Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"},
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}},
    )  # fmt: skip
    (line,) = [line for line in reply.text.split("\n") if line.startswith("data: ")]
    result = json.loads(line[6:])["result"]
    assert not result.get("isError"), result
    told: dict[str, Any] = json.loads(result["content"][0]["text"])
    return told


@pytest.fixture(params=["observed", "documented"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(layout: str, tmp_path: Path) -> Iterator[Server]:
    """The default with extensions, the other layout on the plain contract: both switches in two starts."""
    with Server(tmp_path, speed=20.0, extensions=layout == "observed", options=["--messages", layout]) as server:
        yield server


def test_an_integration_from_beginning_to_end(server: Server, layout: str) -> None:
    with hook() as kept:
        own = server.create("Store_1")["token"]
        server.call("GET", "/api/instance/connect/Store_1?history=7")
        server.simulate("Store_1", "scan", number="5511999990001")
        server.wait_state("Store_1", "connected")
        row = {**ROW, "url": kept.url}
        assert server.call("POST", "/api/events/webhook/Store_1", json=row)["webhook"] == row
        assert tool(server, own, "webhook_get", instance="Store_1", label="crm")["webhook"] == row, "read back by a tool"
        listed = server.http.get("/api/events/webhook/Store_1", headers={"token": own})
        assert listed.json()["webhooks"] == [row], "and by the address it was written to"

        sent = tool(server, own, "send_text", instance="Store_1", number=PERSON, message="Good day")
        came = server.simulate("Store_1", "message", **{"from": PERSON, "text": "Hi"})
        until(lambda: len(kept.bodies("message.exchange")) == 2, "what was sent and what came")
        until(lambda: any(sent["messageId"] in body["data"]["messageIds"] for body in kept.bodies("message.status")), "a receipt")
        for receipt in (body["data"] for body in kept.bodies("message.status")):
            told_of = (receipt["recipient"], receipt["chat"]["jid"])
            assert told_of == (f"{PERSON}@s.whatsapp.net",) * 2, "a JID, not an object: whoever counts receipts reads it so"
        assert {path for path, _headers, _body in kept.got} == {"/functions/v1/hook?instance=7&secret=s"}
        assert {headers["authorization"] for _path, headers, _body in kept.got} == {"Bearer of the integration"}
        assert {body["instanceData"]["instance"] for _path, _headers, body in kept.got} == {"Store_1"}
        told = {message_id(body["data"], layout): body["data"] for body in kept.bodies("message.exchange")}
        assert set(told) == {sent["messageId"], came["messageId"]}
        read_as_receivers_do(told[came["messageId"]], layout, "Hi", "incoming")
        read_as_receivers_do(told[sent["messageId"]], layout, "Good day", "outgoing")

        assert tool(server, server.token, "instance_logout", instance="Store_1")["instance"] == {"status": "loggedout"}
        until(lambda: [body["data"]["state"] for body in kept.bodies("instance.state")][-1:] == ["logged_out"], "the end is told")
        for _twice, status in (("deleted", 200), ("and once more, as one of them does", 404)):
            assert server.http.delete("/api/instance/delete/Store_1").status_code == status


def message_id(data: dict[str, Any], layout: str) -> str:
    return str((data if layout == "observed" else data["message"])["id"])


def read_as_receivers_do(data: dict[str, Any], layout: str, text: str, direction: str) -> None:
    """Where each of the two kinds of receivers looks for whose it is, which way it went, when, and what it says."""
    outer, message = (data if layout == "observed" else data["message"]), data["message"]
    assert message["content"] == (text if layout == "observed" else {"text": text})
    assert message.get("type") == ("text" if layout == "observed" else None), "the documentation names no type of a text"
    assert (outer["direction"], outer["chat"]["jid"]) == (direction, f"{PERSON}@s.whatsapp.net")
    assert outer["sender"]["jid"].partition("@")[0] == (PERSON if direction == "incoming" else "5511999990001")
    assert datetime.fromisoformat(outer["timestamp"]).tzinfo is not None
    assert not message.get("media"), "a text has none: receivers tell media by it"
    assert (message.get("source") == "api") == (direction == "outgoing"), "an echo of what an API sent is known by its source"
