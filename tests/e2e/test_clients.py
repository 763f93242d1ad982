"""What public clients of RyzeAPI do and rely on, in our own words, against a real server process in both modes."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as open_socket

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


# -- what clients in other languages rely on ---------------------------------------------------------------------------


def test_a_listener_that_brings_its_token_in_the_address(everybody: Server) -> None:
    """It configures without reading first, wants messages only, pings by itself, and dials again when it is put out."""
    token = everybody.create("listener")["token"]
    address = f"{everybody.url.replace('http', 'ws', 1)}/ws/listener?token={token}"
    with pytest.raises(InvalidStatus) as refused:
        open_socket(address, proxy=None)
    assert refused.value.response.status_code == 400, "not configured yet"
    wanted = {"enabled": True, "events": ["message.exchange", "message.status"], "mediaBase64": True}
    assert ask(everybody, "POST", "/api/events/websocket/listener", "token", token, wanted).status_code == 200
    with open_socket(address, proxy=None) as socket:
        everybody.call("GET", "/api/instance/connect/listener")
        everybody.simulate("listener", "scan")
        everybody.wait_state("listener", "connected")
        assert socket.ping().wait(10), "a ping is answered"
        sent = everybody.simulate("listener", "message", **{"from": "5511988887777", "text": "Hi"})
        frame = json.loads(socket.recv(10))  # the first one: nothing of the pairing came
        assert (frame["event"], frame["data"]["id"], frame["data"]["message"]["content"]) == (
            "message.exchange", sent["messageId"], "Hi",
        )  # fmt: skip
        everybody.call("DELETE", "/api/instance/delete/listener")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    with pytest.raises(InvalidStatus) as refused:
        open_socket(address, proxy=None)
    assert refused.value.response.status_code == 401, "its token went with the instance"


def test_every_state_told_is_one_that_clients_know_and_is_fresh(everybody: Server) -> None:
    """They drop a state without a zone, of another day, of another instance, or with a word that is not in the catalog."""
    catalog = {"connected", "disconnected", "logged_out", "stream_replaced", "temp_banned", "client_outdated", "connect_failure",
               "stream_error", "cat_refresh_error", "qr_ready", "pair_success", "pair_error", "qr_scanned_no_multidevice",
               "keepalive_timeout", "keepalive_restored", "manual_reconnect"}  # fmt: skip
    everybody.create("told", websocketEnabled=True)
    with everybody.listen("told") as events:
        everybody.call("GET", "/api/instance/connect/told")
        everybody.simulate("told", "scan")
        events.wait_state("connected")
        everybody.simulate("told", "drop", seconds=600)
        events.wait_state("disconnected")
        everybody.call("POST", "/api/instance/reconnect/told")
        events.wait_state("manual_reconnect")
        everybody.wait_state("told", "connected")
        everybody.simulate("told", "ban", seconds=60)
        events.wait_state("temp_banned")
        everybody.call("DELETE", "/api/instance/logout/told")
        events.wait_state("logged_out")
    assert set(events.states()) <= catalog
    for data in events.data():
        told = datetime.fromisoformat(data["timestamp"].replace("Z", "+00:00"))
        assert told.tzinfo is not None and abs((datetime.now(UTC) - told).total_seconds()) < 300
        assert data.get("instance", "told") == "told"


def test_an_own_token_is_told_the_real_name_whatever_is_asked_for(everybody: Server) -> None:
    """A settings page compares it with what was typed: a wrong name must not pass for connected."""
    token = everybody.create("Loja-Um")["token"]
    for asked in ("loja-um", "something%20else", "a,b", ""):
        reply = ask(everybody, "GET", f"/api/instance/list?instanceName={asked}", "token", token)
        assert [item["name"] for item in reply.json()["instances"]] == ["Loja-Um"]


def test_list_before_create_and_create_only_what_is_not_there(everybody: Server) -> None:
    """Whoever provisions fails closed: a list that is odd, or without tokens, must never lead to a second instance."""
    names = {item["name"]: item["token"] for item in everybody.call("GET", "/api/instance/list")["instances"]}
    assert "provisioned" not in names and all(names.values())
    # Announced as nothing at all, as fetch, curl and net/http do for a text.
    made = httpx.post(
        f"{everybody.url}/api/instance/new", headers={"token": everybody.token, "Content-Type": "text/plain;charset=UTF-8"},
        content='{"name": "provisioned", "webhookEnabled": true, "webhookURL": "https://example.org/hook?instance=provisioned", '
                '"webhookEvents": ["message.exchange"], "webhookMediaBase64": true, "qrcode": true}', timeout=20, trust_env=False,
    )  # fmt: skip
    assert (made.status_code, made.json()["instance"]["webhook"]["url"]) == (
        201, "https://example.org/hook?instance=provisioned",
    )  # fmt: skip
    assert everybody.instances()["provisioned"]["token"] == made.json()["instance"]["token"]
    again = ask(everybody, "POST", "/api/instance/new", "token", everybody.token, {"name": "provisioned"})
    assert (again.status_code, bool(again.json()["error"]["message"])) == (409, True)


def test_when_the_budget_is_used_up_clients_can_work_out_how_long_to_wait(tmp_path: Path) -> None:
    """Three ways are in use: 0 left even after a 200, Retry-After in whole seconds, and Reset in seconds of the Unix clock."""
    with Server(tmp_path, rate_limit=2) as server:
        token = server.create("busy")["token"]
        replies = [ask(server, "GET", "/api/instance/list", "token", token) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1", "0", "0"]
    assert replies[2].json() == {"success": False, "error": {"message": "Rate limit exceeded. Try again later."}}
    for reply in replies[1:]:
        assert 0 <= float(reply.headers["x-ratelimit-reset"]) - time.time() <= 61
    assert re.fullmatch(r"[0-9]+", replies[2].headers["retry-after"]) and int(replies[2].headers["retry-after"]) <= 61


def test_a_client_that_offers_http2_is_served_and_fills_no_log(everybody: Server) -> None:
    """As Java's does by default, on every request; what is refused is not worth a line each."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQBAAAAAAIAAAAA"}
    for _ in range(2):
        reply = everybody.http.get("/api/instance/list", headers=offer)
        assert reply.json()["success"] is True
    assert "pgrade" not in everybody.log.read_text()


def test_a_client_written_from_the_documentation_understands_messages(tmp_path: Path) -> None:
    with Server(tmp_path, speed=20.0, options=["--messages", "documented"]) as server:
        server.paired("documented", websocketEnabled=True)
        with server.listen("documented") as events:
            server.simulate("documented", "message", **{"from": "5511988887777", "text": "Hi"})
            message = events.wait_event("message.exchange")["data"]["message"]
    assert (message["chat"]["jid"], message["content"]) == ("5511988887777@s.whatsapp.net", {"text": "Hi"})
