"""What public clients of RyzeAPI do and rely on, in our own words, against a real server process in both modes."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image

from ..terminal.server import Server

pytestmark = pytest.mark.e2e
QR = zxingcpp.BarcodeFormat.QRCode


def headers(kind: str, token: str) -> dict[str, str]:
    """The three ways clients send a token; all of them announce JSON even where they send no body."""
    ways = {"token": {"token": token}, "bearer": {"Authorization": f"Bearer {token}"}}
    return {"Content-Type": "application/json"} | ways.get(kind, ways["token"] | ways["bearer"])


def ask(server: Server, method: str, path: str, kind: str, token: str, body: Any = None) -> httpx.Response:
    """One call as such a client makes it."""
    return httpx.request(method, server.url + path, headers=headers(kind, token), json=body, timeout=75, trust_env=False)


@pytest.mark.parametrize("kind_whose", ["token account", "bearer instance", "both account", "token instance"])
def test_a_whole_life_with_either_token(everybody: Server, kind_whose: str) -> None:
    kind, whose = kind_whose.split()
    body = {"name": "store", "disableHistorySync": True, "ignoreStatus": True}
    made = ask(everybody, "POST", "/api/instance/new", kind, everybody.token, body)
    assert made.status_code == 201
    instance = made.json()["instance"]
    assert (instance["name"], instance["status"], bool(instance["id"])) == ("store", "disconnected", True)
    token = instance["token"] if whose == "instance" else everybody.token

    code = ask(everybody, "GET", "/api/instance/connect/store?history=7", kind, token).json()
    assert code["qrCodeBase64"].startswith("data:image/png;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(code["qrCodeBase64"].partition(",")[2])))
    assert [found.text for found in zxingcpp.read_barcodes(picture, formats=QR)] == [code["qrCode"]]
    everybody.simulate("store", "scan", number="5511999990001")
    everybody.wait_state("store", "connected")

    item = ask(everybody, "GET", "/api/instance/list?instanceName=store", kind, token).json()["instances"][0]
    assert (item["token"], item["connection"]["numberJid"]) == (instance["token"], "5511999990001@s.whatsapp.net")
    again = ask(everybody, "GET", "/api/instance/connect/store", kind, token)
    assert (again.status_code, again.json()["status"], "qrCodeBase64" in again.json()) == (200, "connected", False)
    assert ask(everybody, "POST", "/api/instance/reconnect/store", kind, token).json()["status"] == "connecting"
    everybody.wait_state("store", "connected")

    for _ in range(2):
        gone = ask(everybody, "DELETE", "/api/instance/logout/store", kind, token)
        assert (gone.status_code, gone.json()["instance"]) == (200, {"status": "loggedout"})
    refused = ask(everybody, "POST", "/api/instance/reconnect/store", kind, token)
    assert refused.status_code == 400
    assert "call /connect first" in refused.json()["error"]["message"]

    if whose == "instance":
        assert ask(everybody, "DELETE", "/api/instance/delete/store", kind, token).status_code == 401
    gone = ask(everybody, "DELETE", "/api/instance/delete/store", kind, everybody.token)
    assert gone.json()["instance"] == {"status": "deleted"}
    assert ask(everybody, "DELETE", "/api/instance/delete/store", kind, everybody.token).status_code == 404
    assert ask(everybody, "GET", "/api/instance/list?instanceName=store", kind, everybody.token).status_code == 404


def test_a_pairing_code_for_digits_only(everybody: Server) -> None:
    everybody.create("by-code")
    reply = everybody.call("GET", "/api/instance/connect/by-code?number=5511999990001")
    assert re.fullmatch(r"[A-Z0-9]{4}-?[A-Z0-9]{4}", reply["pairingCode"])
    assert reply.get("qrCode") in (None, "")
    everybody.simulate("by-code", "enter-code", code=reply["pairingCode"])
    everybody.wait_state("by-code", "connected")
    assert everybody.instances()["by-code"]["connection"]["numberJid"].startswith("5511999990001")


def test_a_stream_is_configured_and_read_back_as_it_was_sent(everybody: Server) -> None:
    everybody.create("streamed")
    missing = everybody.http.get("/api/events/getWebsocket/streamed")
    assert missing.status_code == 404
    wanted = {"enabled": True, "events": ["message.exchange", "message.status", "instance.state"], "mediaBase64": True}
    assert everybody.call("POST", "/api/events/websocket/streamed", json=wanted)["websocket"] == wanted
    assert everybody.call("GET", "/api/events/getWebsocket/streamed")["websocket"] == wanted
    with everybody.listen("streamed") as events:
        everybody.call("GET", "/api/instance/connect/streamed")
        events.wait_state("qr_ready")
        frame = events.frames[0][1]
        assert set(frame) == {"event", "data", "instanceData"}
        assert frame["instanceData"]["instance"] == frame["data"]["instance"] == "streamed"
        assert frame["data"]["timestamp"].endswith("Z")


def test_what_is_left_of_the_budget_is_told(everybody: Server) -> None:
    token = everybody.create("counted")["token"]
    first, second = (ask(everybody, "GET", "/api/instance/list", "token", token) for _ in range(2))
    limit, left, reset = (int(first.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset"))
    assert (limit, left, reset > 1_700_000_000) == (1000, 999, True)
    assert int(second.headers["x-ratelimit-remaining"]) == left - 1


@pytest.fixture(scope="module", params=[True, False], ids=["extensions", "plain"])
def everybody(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of these: each test makes its own instance."""
    home = tmp_path_factory.mktemp("clients")
    with Server(home, speed=10.0, extensions=bool(request.param), rate_limit=1000) as server:
        yield server


@pytest.mark.parametrize("path", ["/api/chat/whatsappNumbers/store", "/api/instance/fetchInstances"])
def test_probing_for_what_is_not_there_is_a_plain_404(everybody: Server, path: str) -> None:
    reply = everybody.http.post(path, json={})
    assert (reply.status_code, reply.json()["success"], bool(reply.json()["error"]["message"])) == (404, False, True)
