"""Create, list, connect, reconnect, logout, delete: shapes, texts and statuses (contract §2, §3, §4)."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from .harness import STAMP, Api, running

OFF: dict[str, Any] = {
    "webhook": {"label": "default", "enabled": False, "url": "", "byEvents": False, "events": [], "mediaBase64": False},
    "websocket": {"enabled": False, "events": [], "mediaBase64": False},
    "chatwoot": {"enabled": False, "status": "", "baseUrl": "", "accountId": 0, "inboxName": ""},
    "proxy": {"enabled": False, "host": None, "port": None, "protocol": None, "username": None},
    "settings": {
        "autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False, "keepOnlineStatus": False,
        "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False,
    },
    "s3": {"enabled": False, "region": "", "bucket": "", "accessKey": "", "secretKey": None, "endpoint": "", "pathPrefix": ""},
}


async def test_create(api: Api) -> None:
    answer = await api.call("POST", "/api/instance/new", {"name": "sales"})
    body = answer.json()
    assert (answer.status_code, body["success"], body["message"]) == (201, True, "Instance created successfully")
    instance = body["instance"]
    assert re.fullmatch(r"[\w-]{43}", instance.pop("token")) and re.fullmatch("[0-9a-f]{32}", instance.pop("id"))
    assert instance == {"name": "sales", "status": "disconnected", **OFF}


ALL_FIELDS: dict[str, Any] = {
    "name": "full", "token": "my-own-instance-token",
    "proxyEnabled": True, "proxyHost": "proxy.example.com", "proxyPort": "1080", "proxyProtocol": "socks5", "proxyUsername": "u",
    "proxyPassword": "SECRET-1",
    "webhookEnabled": True, "webhookURL": "https://example.com/hook", "webhookAuthorization": "Bearer SECRET-2",
    "webhookByEvents": True, "webhookEvents": ["message.exchange", "call.update"], "webhookMediaBase64": True,
    "websocketEnabled": True, "websocketEvents": ["instance.state"], "websocketMediaBase64": True,
    "chatwootEnabled": True, "chatwootBaseUrl": "http://127.0.0.1:9", "chatwootAccountId": 5,
    "chatwootApiToken": "SECRET-3",
    "chatwootInboxName": "WhatsApp", "chatwootSignMessages": True, "chatwootIgnoreGroups": True, "chatwootStartAsPending": True,
    "chatwootReopenResolved": True,
    "autoRejectCalls": True, "callRejectMessage": "no calls", "ignoreGroupMessages": True, "keepOnlineStatus": True,
    "autoReadMessages": True, "disableHistorySync": False, "ignoreStatus": True,
    "s3Enabled": True, "s3Region": "us-east-1", "s3Bucket": "b", "s3AccessKey": "AK", "s3SecretKey": "SECRET-4",
    "s3Endpoint": "https://s3.example.com", "s3PathPrefix": "p/",
}  # fmt: skip

ALL_BLOCKS: dict[str, Any] = {
    "webhook": {
        "label": "default", "enabled": True, "url": "https://example.com/hook", "byEvents": True,
        "events": ["message.exchange", "call.update"], "mediaBase64": True,
    },
    "websocket": {"enabled": True, "events": ["instance.state"], "mediaBase64": True},
    "chatwoot": {
        "enabled": False, "status": "error", "baseUrl": "http://127.0.0.1:9", "accountId": 5, "inboxName": "WhatsApp",
        "error": "Chatwoot could not be reached at http://127.0.0.1:9 - verify chatwootBaseUrl. Detail: "
        "Connection refused",
    },
    "proxy": {"enabled": True, "host": "proxy.example.com", "port": "1080", "protocol": "socks5", "username": "u"},
    "settings": {
        "autoRejectCalls": True, "callRejectMessage": "no calls", "ignoreGroupMessages": True, "keepOnlineStatus": True,
        "autoReadMessages": True, "disableHistorySync": False, "ignoreStatus": True,
    },
    "s3": {
        "enabled": True, "region": "us-east-1", "bucket": "b", "accessKey": "AK", "secretKey": None,
        "endpoint": "https://s3.example.com", "pathPrefix": "p/",
    },
}


async def test_create_with_all_forty_fields(api: Api) -> None:
    assert len(ALL_FIELDS) == 40
    instance = await api.new(**ALL_FIELDS)
    item = await api.item("full")
    assert instance["token"] == item["token"] == "my-own-instance-token"
    for shown in (instance, item):
        assert {kind: shown[kind] for kind in ALL_BLOCKS} == ALL_BLOCKS
        assert "SECRET" not in str(shown)


async def test_a_block_that_cannot_act_never_aborts_the_creation(api: Api) -> None:
    broken = {"webhookEnabled": True, "webhookURL": "not a url", "websocketEnabled": False, "websocketEvents": ["call.update"]}
    instance = await api.new("a", **broken)
    assert instance["webhook"] == OFF["webhook"] and instance["websocket"] == OFF["websocket"]


BAD_CREATES: list[tuple[Any, int, str]] = [
    ({}, 400, "Instance name is required"),
    ({"name": ""}, 400, "Instance name is required"),
    ({"name": None}, 400, "Instance name is required"),
    ({"name": "a,b"}, 400, "Instance name may hold letters, digits, - and _, up to 100 of them"),
    ({"name": "a" * 101}, 400, "Instance name may hold letters, digits, - and _, up to 100 of them"),
    ({"name": "a b"}, 400, "Instance name may hold letters, digits, - and _, up to 100 of them"),
    ({"name": "a\n"}, 400, "Instance name may hold letters, digits, - and _, up to 100 of them"),
    ({"name": "é"}, 400, "Instance name may hold letters, digits, - and _, up to 100 of them"),
    ({"name": 7}, 400, "Invalid request body: name and token are texts"),
    ({"name": "a", "token": ["x"]}, 400, "Invalid request body: name and token are texts"),
    ({"name": "a", "token": "with space"}, 400, "Instance token may hold printable ASCII without spaces, up to 256 characters"),
    ({"name": "a", "token": "x" * 257}, 400, "Instance token may hold printable ASCII without spaces, up to 256 characters"),
    ({"name": "a", "websocketEnabled": "yes"}, 400, "Invalid request body: enabled: Input should be a valid boolean"),
    ({"name": "a", "proxyEnabled": True}, 400, "Invalid request body: proxy host is required"),
    ({"name": "a", "proxyEnabled": True, "proxyHost": "h", "proxyPort": 70000}, 400,
     "Invalid request body: proxy port must be 1 to 65535"),
    ({"name": "a", "proxyEnabled": True, "proxyHost": "h", "proxyPort": "1"}, 400,
     "Invalid request body: proxy protocol must be http, https or socks5"),
    ({"name": "taken"}, 409, "Instance already exists"),
    ({"name": "a", "token": "token-of-the-taken"}, 409, "Token already in use"),
    ({"name": "a", "token": "account-token-0123456789"}, 409, "Token already in use"),
]  # fmt: skip


async def test_create_refuses(api: Api) -> None:
    await api.new("taken", token="token-of-the-taken")
    for body, status, message in BAD_CREATES:
        assert await api.refused("POST", "/api/instance/new", body) == (status, message), body
    events = await api.refused("POST", "/api/instance/new", {"name": "a", "websocketEvents": ["nonsense"]})
    assert events[0] == 400 and events[1].startswith("Invalid request body: events.0: ")
    assert [item["name"] for item in (await api.ok("GET", "/api/instance/list"))["instances"]] == ["taken"]


async def test_the_quota(tmp_path: Path) -> None:
    async with running(tmp_path, instance_quota=2) as api:
        await api.new("a")
        answers = await asyncio.gather(*(api.call("POST", "/api/instance/new", {"name": name}) for name in "bcd"))
        assert sorted(answer.status_code for answer in answers) == [201, 403, 403]
        assert await api.refused("POST", "/api/instance/new", {"name": "e"}) == (403, "Account instance quota exceeded")
        await api.ok("DELETE", "/api/instance/delete/a")
        await api.new("f")


async def test_the_same_name_at_the_same_moment_is_created_once(api: Api) -> None:
    answers = await asyncio.gather(*(api.call("POST", "/api/instance/new", {"name": "same"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_short_tokens_are_refused_where_others_can_reach_the_server(tmp_path: Path) -> None:
    async with running(tmp_path, host="0.0.0.0") as api:
        api.http.base_url = api.url.replace("0.0.0.0", "127.0.0.1")
        refusal = await api.refused("POST", "/api/instance/new", {"name": "a", "token": "short"})
        assert refusal == (400, "Instance token must have at least 16 characters")


# -- list --------------------------------------------------------------------------------------------------------------

async def test_an_item(api: Api) -> None:
    created = await api.paired("sales")
    item = await api.item("sales")
    connection = item["connection"]
    for stamp in (item.pop("createdAt"), item.pop("updatedAt"), connection.pop("since")):
        assert STAMP.fullmatch(stamp)
    assert item == {
        "id": created["id"], "name": "sales", "token": created["token"], "status": "connected",
        "numberJid": "5511999990001@s.whatsapp.net",
        "connection": {
            "state": "connected", "numberJid": "5511999990001@s.whatsapp.net", "presenceStatus": "unavailable",
            "displayStatus": "SIMULATED · Connected", "reason": "",
        },
        "profile": {"name": "Acme", "pictureUrl": "", "isBusiness": False, "businessName": ""}, **OFF,
    }  # fmt: skip


async def test_a_number_that_was_never_paired_is_null(api: Api) -> None:
    await api.new("sales")
    item = await api.item("sales")
    assert item["numberJid"] is None and item["connection"]["numberJid"] is None


@pytest.mark.parametrize(("query", "names", "message"), [
    ("", ["Zoo", "a", "b"], "3 Instances found"),
    ("?instanceName=", ["Zoo", "a", "b"], "3 Instances found"),
    ("?instanceName=a", ["a"], "1 Instance found"),
    ("?instanceName=b,a", ["a", "b"], "2 Instances found"),
    ("?instanceName=a,%20b%20,nope,a", ["a", "b"], "2 Instances found"),
    ("?instanceName=x,y", [], "0 Instances found"),
    ("?instanceName=a,nope", ["a"], "1 Instance found"),
])  # fmt: skip
async def test_list(api: Api, query: str, names: list[str], message: str) -> None:
    for name in ("b", "Zoo", "a"):
        await api.new(name)
    body = await api.ok("GET", f"/api/instance/list{query}")
    assert [item["name"] for item in body["instances"]] == names
    assert (body["message"], body["meta"]) == (message, {"total": len(names)})


async def test_list_of_one_unknown_name(api: Api) -> None:
    assert await api.refused("GET", "/api/instance/list?instanceName=nope") == (404, "Instance not found")
    assert (await api.ok("GET", "/api/instance/list"))["message"] == "0 Instances found"


async def test_list_with_an_instances_token(api: Api) -> None:
    token = (await api.new("a"))["token"]
    await api.new("b")
    for query in ("", "?instanceName=b", "?instanceName=nope"):
        body = await api.ok("GET", f"/api/instance/list{query}", token=token)
        assert [item["name"] for item in body["instances"]] == ["a"] and body["message"] == "1 Instance found"


# -- connect -----------------------------------------------------------------------------------------------------------

async def test_connect_by_qr(api: Api, tmp_path: Path) -> None:
    await api.new("sales")
    body = await api.ok("GET", "/api/instance/connect/sales")
    text, picture = body.pop("qrCode"), body.pop("qrCodeBase64")
    assert body == {"success": True, "message": "QR code generated", "status": "qr"}
    assert len(text) == 257 and text.startswith("https://wa.me/settings/linked_devices#2@SIMULATED")
    file = tmp_path / "qr.png"
    file.write_bytes(base64.b64decode(picture.removeprefix("data:image/png;base64,"), validate=True))
    with Image.open(file) as image:
        found = zxingcpp.read_barcode(image)
    assert found is not None and found.text == text
    assert "L" in found.ec_level
    assert await api.state("sales") == "connecting"


async def test_connect_by_number(api: Api) -> None:
    await api.new("sales")
    body = await api.ok("GET", "/api/instance/connect/sales?number=%2B55%2011%2099999-0001")
    code = body.pop("pairingCode")
    assert body == {"success": True, "message": "Pairing code generated", "status": "pairing"}
    assert re.fullmatch("[123456789ABCDEFGHJKLMNPQRSTVWXYZ]{8}", code)
    await api.sim("sales", "enter-code", code=f"{code[:4]}-{code[4:]}")
    await api.until("sales", "connected")
    assert (await api.item("sales"))["numberJid"] == "5511999990001@s.whatsapp.net"


async def test_connect_when_connected(api: Api) -> None:
    await api.paired("sales")
    assert await api.ok("GET", "/api/instance/connect/sales") == {
        "success": True, "message": "Instance already connected", "status": "connected",
    }


async def test_a_newer_connect_replaces_the_code(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_speed=1.0) as api:
        await api.new("sales", websocketEnabled=True)
        async with api.socket("/ws/sales") as frames:
            first, second = await asyncio.gather(*(api.call("GET", "/api/instance/connect/sales") for _ in range(2)))
            statuses = sorted([first.status_code, second.status_code])
            assert statuses == [200, 409]
            refusal = first if first.status_code == 409 else second
            assert refusal.json() == {"success": False, "error": {"message": "Replaced by a newer connect"}}
            old = (await frames.state("qr_ready"))["codes"][0]
            new = (await api.ok("GET", "/api/instance/connect/sales"))["qrCode"]
            assert old != new and (await frames.state("qr_ready"))["codes"][0] == new
            status, message = await api.refused("POST", "/simulator/sales/scan", {"code": old})
            assert (status, message) == (409, "Simulator: this QR code is dead: another one is shown now")
            await api.sim("sales", "scan", code=new)


@pytest.mark.parametrize("query", ["number=abc", "number=0551199999", "number=123456", "number=1234567890123456", "history=-1",
                                   "history=x", "history=999999"])  # fmt: skip
async def test_connect_refuses_bad_queries(api: Api, query: str) -> None:
    await api.new("sales")
    status, message = await api.refused("GET", f"/api/instance/connect/sales?{query}")
    assert status == 400 and message.startswith("Invalid phone number" if "number" in query else "Invalid history")
    assert await api.state("sales") == "disconnected"


async def test_a_pairing_that_nobody_scans_ends(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_speed=400.0) as api:
        await api.new("sales", websocketEnabled=True)
        async with api.socket("/ws/sales") as frames:
            await api.ok("GET", "/api/instance/connect/sales")
            data = await frames.state("disconnected")
        assert data["reason"] == "nobody scanned: WhatsApp ended the pairing after six codes"
        assert (await api.item("sales"))["connection"]["reason"] == data["reason"]


# -- reconnect, logout, delete -----------------------------------------------------------------------------------------

async def test_reconnect(api: Api) -> None:
    await api.paired("sales")
    body = await api.ok("POST", "/api/instance/reconnect/sales", content=b"anything at all {")
    assert body == {"success": True, "message": "Reconnect initiated", "status": "connecting"}
    await api.until("sales", "connected")


async def test_reconnect_without_a_session(api: Api) -> None:
    await api.new("sales")
    refusal = await api.refused("POST", "/api/instance/reconnect/sales")
    assert refusal == (400, "Instance has no saved session, call /connect first")


async def test_logout_and_again(api: Api) -> None:
    token = (await api.paired("sales"))["token"]
    answer = {"success": True, "message": "Instance logged out", "instance": {"status": "loggedout"}}
    assert await api.ok("DELETE", "/api/instance/logout/sales") == answer
    item = await api.item("sales", token=token)
    assert (item["status"], item["connection"]["state"]) == ("loggedout", "loggedout"), "the token stays valid"
    assert await api.ok("DELETE", "/api/instance/logout/sales") == answer
    assert (await api.refused("POST", "/api/instance/reconnect/sales"))[0] == 400
    assert (await api.ok("GET", "/api/instance/connect/sales"))["status"] == "qr"


async def test_logout_of_what_was_never_paired(api: Api) -> None:
    await api.new("sales")
    await api.ok("DELETE", "/api/instance/logout/sales")
    assert await api.state("sales") == "loggedout", "what it answers is what it is"


async def test_delete_and_again(api: Api) -> None:
    token = (await api.paired("sales"))["token"]
    body = await api.ok("DELETE", "/api/instance/delete/sales")
    assert body == {"success": True, "message": "Instance deleted", "instance": {"status": "deleted"}}
    assert await api.refused("DELETE", "/api/instance/delete/sales") == (404, "Instance not found")
    assert await api.refused("GET", "/api/instance/list", token=token) == (401, "Invalid token")
    await api.new("sales")


async def test_deleting_while_someone_waits_for_a_code(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_speed=0.01) as api:
        await api.new("sales")
        waiting = asyncio.create_task(api.refused("GET", "/api/instance/connect/sales"))
        await api.until("sales", "connecting")
        await api.ok("DELETE", "/api/instance/delete/sales")
        assert await waiting == (404, "Instance not found")


async def test_a_server_that_stops_answers_those_who_wait(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_speed=0.01) as api:
        await api.new("sales")
        waiting = asyncio.create_task(api.refused("GET", "/api/instance/connect/sales"))
        await api.until("sales", "connecting")
        api.server.stop()
        assert await waiting == (503, "The server is shutting down")


async def test_configuring_the_websocket(api: Api) -> None:
    await api.new("sales")
    path, read = "/api/events/websocket/sales", "/api/events/getWebsocket/sales"
    assert await api.refused("GET", read) == (404, "WebSocket not configured for this instance")
    events = ["call.update", "instance.state", "call.update"]
    written = await api.ok("POST", path, {"enabled": True, "events": events, "mediaBase64": True, "unknown": 1})
    block = {"enabled": True, "events": events, "mediaBase64": True}
    assert written == {"success": True, "message": "WebSocket configuration updated", "websocket": block}
    assert await api.ok("GET", read) == {"success": True, "message": "WebSocket configuration retrieved", "websocket": block}
    assert (await api.item("sales"))["websocket"] == block
    off = {"enabled": False, "events": [], "mediaBase64": False}
    assert (await api.ok("POST", path, block | {"enabled": False}))["websocket"] == off
    assert (await api.ok("GET", read))["websocket"] == off


@pytest.mark.parametrize("body", [
    {}, {"enabled": "true"}, {"enabled": True, "events": ["nonsense"]}, {"enabled": True, "events": "x"},
])  # fmt: skip
async def test_configuring_refuses(api: Api, body: Any) -> None:
    await api.new("sales")
    status, message = await api.refused("POST", "/api/events/websocket/sales", body)
    assert status == 400 and message.startswith("Invalid request body")


async def test_answers_as_observed_on_the_live_service(tmp_path: Path) -> None:
    """Contract §2.13, §3, §4 and §8 #11, #38: bare base64, other words, and a block that was never written reads as off."""
    async with running(tmp_path, answers="observed") as api:
        await api.new("a")
        item = await api.item("a")
        assert (item["status"], item["connection"]["state"]) == ("closed", "disconnected")
        off = {"enabled": False, "events": [], "mediaBase64": False}
        assert (await api.ok("GET", "/api/events/getWebsocket/a"))["websocket"] == off
        answer = await api.ok("GET", "/api/instance/connect/a")
        assert answer["status"] == "qr_code_generated"
        assert base64.b64decode(answer["qrCodeBase64"], validate=True).startswith(b"\x89PNG")
        assert (await api.item("a"))["status"] == "connecting"
