"""Instance sockets and the account stream: who may, what is heard, in which order, and how it ends (contract §5, §9)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.backend.events import sockets as limits
from ryze_tui.backend.routes import sockets as routes

from tests.pace import patient

from .harness import STAMP, TOKEN, Api, Frames, running

OFF = "WebSocket is not enabled for this instance. Configure it first using POST /api/events/websocket/sales"
MISSING = "Missing token in header, Authorization header, or query parameter"


# -- instance sockets --------------------------------------------------------------------------------------------------

async def test_an_instance_socket_tells_a_pairing(api: Api) -> None:
    instance = await api.new("sales", websocketEnabled=True)
    async with api.socket("/ws/sales") as frames:
        answer = await api.ok("GET", "/api/instance/connect/sales")
        await api.sim("sales", "scan", number="5511999990001", name="Acme", business="Acme Ltd")
        heard = await frames.until(lambda frame: frame["data"].get("state") == "connected")
        await api.ok("POST", "/api/instance/reconnect/sales")
        heard += await frames.until(lambda frame: frame["data"].get("state") == "connected")
        await api.ok("DELETE", "/api/instance/logout/sales")
        heard.append(await frames.next())
    about = {"baseUrl": api.url, "instance": "sales", "token": instance["token"]}
    assert all(set(frame) == {"event", "data", "instanceData"} and frame["instanceData"] == about for frame in heard)
    datas = [frame["data"] for frame in heard]
    assert [data["state"] for data in datas] == [
        "qr_ready", "pair_success", "connected", "manual_reconnect", "connected", "logged_out",
    ]
    assert all(STAMP.fullmatch(data["timestamp"]) and data["instance"] == "sales" for data in datas)
    assert len(datas[0]["codes"]) == 6 and datas[0]["codes"][0] == answer["qrCode"]
    assert (datas[1]["jid"], datas[1]["businessName"], datas[1]["platform"]) == (
        "5511999990001@s.whatsapp.net", "Acme Ltd", "android",
    )
    assert datas[2]["jid"] == "5511999990001@s.whatsapp.net"
    assert datas[5]["reason"] == "logged out through the API"


@pytest.mark.parametrize(("events", "heard"), [([], ["connected", "call.update"]), (["call.update"], ["call.update"])])
async def test_the_filter_of_the_instance(api: Api, events: list[str], heard: list[str]) -> None:
    await api.paired("sales", websocketEnabled=True, websocketEvents=events)
    async with api.socket("/ws/sales") as frames:
        await api.sim("sales", "drop", seconds=0.5)
        await asyncio.sleep(0)
        await api.until("sales", "connected")
        await api.sim("sales", "call", **{"from": "5511999990002"})
        told = await frames.until(lambda frame: frame["event"] == "call.update")
        names = [frame["data"].get("state", frame["event"]) for frame in told]
        assert [name for name in names if name != "disconnected"] == heard


async def test_messages_with_and_without_media(api: Api) -> None:
    await api.paired("sales", websocketEnabled=True)
    async with api.socket("/ws/sales") as frames:
        body = {"from": "5511999990002", "mediaType": "image", "mediaBase64": "QUJD", "text": "look"}
        await api.sim("sales", "message", **body)
        assert "base64" not in (await frames.next())["data"]["message"]["media"]
        await api.ok("POST", "/api/events/websocket/sales", {"enabled": True, "mediaBase64": True})
        await api.sim("sales", "message", **body)
        frame = await frames.next()
    assert frame["event"] == "message.exchange" and frame["data"]["message"]["media"]["base64"] == "QUJD"


async def test_tokens_of_an_instance_socket(api: Api) -> None:
    token = (await api.new("sales", websocketEnabled=True))["token"]
    other = (await api.new("other", websocketEnabled=True))["token"]
    for path, sent, headers in (
        ("/ws/sales", token, {}), ("/ws/sales", TOKEN, {}), (f"/ws/sales?token={token}", None, {}),
        (f"/ws/sales?token={TOKEN}", None, {}), ("/ws/sales", None, {"Authorization": f"Bearer {token}"}),
        ("/ws/sales?token=wrong", token, {"Authorization": "Bearer wrong"}),
    ):  # fmt: skip
        async with api.socket(path, sent, **headers):
            pass
    assert await api.no_socket("/ws/sales", None) == (401, MISSING)
    assert await api.no_socket("/ws/sales", "wrong") == (401, "Invalid token")
    assert await api.no_socket(f"/ws/sales?token={token}", "wrong") == (401, "Invalid token")
    assert await api.no_socket("/ws/sales", other) == (403, "Instance token does not match requested instance")
    assert await api.no_socket("/ws/nope", other) == (403, "Instance token does not match requested instance")
    assert await api.no_socket("/ws/nope") == (404, "Instance not found")


async def test_a_socket_needs_the_block_and_keeps_open_when_it_goes(api: Api) -> None:
    await api.new("sales")
    assert await api.no_socket("/ws/sales") == (400, OFF)
    await api.ok("POST", "/api/events/websocket/sales", {"enabled": True})
    async with api.socket("/ws/sales") as frames:
        await api.ok("POST", "/api/events/websocket/sales", {"enabled": False})
        assert await api.no_socket("/ws/sales") == (400, OFF)
        await api.ok("GET", "/api/instance/connect/sales")
        await api.ok("POST", "/api/events/websocket/sales", {"enabled": True})
        await api.ok("DELETE", "/api/instance/logout/sales")
        assert (await frames.next())["data"]["state"] == "logged_out", "still open, and silent while it was off"


async def test_how_sockets_are_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.new("sales", websocketEnabled=True)
        async with api.socket("/ws/sales") as frames, api.socket("/ws") as stream:
            await api.ok("DELETE", "/api/instance/delete/sales")
            assert await frames.closed() == (1008, "instance deleted")
            api.server.stop()
            assert await stream.closed() == (1001, "the server stops")


async def test_sixteen_sockets_each(api: Api) -> None:
    await api.new("sales", websocketEnabled=True)
    for path in ("/ws/sales", "/ws"):
        async with asyncio.timeout(20):
            opened = [api.socket(path) for _ in range(16)]
            for one in opened:
                await one.__aenter__()
            assert await api.no_socket(path) == (429, "At most 16 sockets at a time")
            await opened.pop().__aexit__(None, None, None)
            while (answer := await listeners(api)) >= 16:
                await asyncio.sleep(0.005)
            async with api.socket(path):
                assert answer == 15
            for one in opened:
                await one.__aexit__(None, None, None)
            while await listeners(api):
                await asyncio.sleep(0.005)


async def listeners(api: Api) -> int:
    record = next(iter(api.backend.catalog.by_id.values()))
    return max(api.backend.bus.listeners_of_instance(record), api.backend.bus.listeners_of_account(record.account))


async def test_what_a_client_sends_is_ignored(api: Api) -> None:
    await api.new("sales", websocketEnabled=True)
    async with api.socket("/ws/sales") as frames:
        for message in ("hello", b"\x00\xff", "{", "x" * 1000):
            await frames.connection.send(message)
        await (await frames.connection.ping())
        await api.ok("DELETE", "/api/instance/logout/sales")
        assert (await frames.next())["data"]["state"] == "logged_out"


async def test_a_foreign_origin_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, allowed_origins=("https://good.example",)) as api:
        await api.new("sales", websocketEnabled=True)
        for path in ("/ws/sales", "/ws"):
            assert await api.no_socket(path, Origin="https://bad.example") == (403, "Origin not allowed")
            async with api.socket(path, Origin="https://good.example"), api.socket(path):
                pass


@pytest.mark.long
@pytest.mark.parametrize("path", ["/ws", "/ws/sales"])
async def test_a_client_that_does_not_read_is_let_go(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ABANDON_SECONDS", 0.1)
    monkeypatch.setattr(routes, "ACCOUNT_FRAMES", 256)
    async with running(tmp_path) as api:
        await api.paired("sales", websocketEnabled=True, websocketMediaBase64=True)
        deaf = socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2])))
        deaf.setblocking(False)
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\ntoken: {TOKEN}\r\n"
        deaf.send(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        async with asyncio.timeout(20):
            while not await listeners(api):
                await asyncio.sleep(0.005)
            for _ in range(400):
                if not await listeners(api):
                    break
                body = {"from": "5511999990002", "mediaType": "image", "mediaBase64": "A" * 200_000, "text": "A" * 30_000}
                await api.sim("sales", "message", **body)
            while await listeners(api):
                await asyncio.sleep(0.01)
        deaf.close()


# -- the account stream ------------------------------------------------------------------------------------------------

def shown(frames: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(frame["event"], frame["data"].get("state", "")) for frame in frames]


async def test_the_account_stream_tells_everything(api: Api) -> None:
    await api.new("before", websocketEnabled=True)
    async with api.socket("/ws") as frames:
        snapshot, heartbeat = await frames.next(), await frames.next()
        assert snapshot["event"] == "snapshot" and snapshot["instance"] == ""
        (row,) = snapshot["data"]["rows"]
        assert snapshot["data"]["last"] is True and STAMP.fullmatch(row.pop("since")) and row.pop("id")
        assert row == {
            "name": "before", "state": "disconnected", "reason": "", "number": "", "profileName": "", "blocks": "·S···",
        }
        assert (heartbeat["event"], heartbeat["seq"]) == ("heartbeat", snapshot["seq"])
        await api.paired("sales")
        await api.ok("POST", "/api/events/websocket/sales", {"enabled": True})
        await api.sim("sales", "message", **{"from": "5511999990002", "text": "hi"})
        await api.ok("DELETE", "/api/instance/delete/sales")
        heard = await frames.until(lambda frame: frame["event"] == "instance.deleted")
    assert shown(heard) == [
        ("instance.row", "disconnected"), ("instance.row", "connecting"), ("instance.state", "qr_ready"),
        ("instance.state", "pair_success"), ("instance.row", "connecting"), ("instance.state", "connected"),
        ("instance.row", "connected"), ("message.exchange", ""), ("instance.deleted", ""),
    ]  # fmt: skip
    assert {frame["instance"] for frame in heard} == {"sales"}
    epoch, number = heartbeat["seq"].split(".")
    assert [frame["seq"] for frame in heard] == [f"{epoch}.{int(number) + step}" for step in range(1, 10)]
    assert len(heard[2]["data"]["codes"]) == 6 and STAMP.fullmatch(heard[2]["data"]["timestamp"])
    assert heard[4]["data"]["profileName"] == "Acme" and heard[4]["data"]["number"] == "5511999990001"
    assert heard[6]["data"]["blocks"] == "·S···"
    since = (heard[5]["data"]["timestamp"], heard[6]["data"]["since"])
    assert since[0] == since[1], "the row's since is the event's time"


async def test_the_account_stream_resumes(api: Api) -> None:
    await api.new("sales")
    async with api.socket("/ws") as frames:
        seq = (await frames.until(lambda frame: frame["event"] == "heartbeat"))[-1]["seq"]
    await api.ok("DELETE", "/api/instance/logout/sales")
    await api.new("more")
    async with api.socket(f"/ws?after={seq}") as frames:
        heard = await frames.until(lambda frame: frame["event"] == "heartbeat")
    assert shown(heard) == [("instance.state", "logged_out"), ("instance.row", "disconnected"), ("heartbeat", "")]
    async with api.socket(f"/ws?after={seq}&events=call.update") as frames:
        heard = await frames.until(lambda frame: frame["event"] == "heartbeat")
    assert shown(heard) == [("instance.row", "disconnected"), ("heartbeat", "")]
    async with api.socket("/ws?after=unknown.1") as frames:
        assert (await frames.next())["event"] == "snapshot"


async def test_nothing_is_lost_or_told_twice_while_everything_changes(tmp_path: Path) -> None:
    """A client that begins in the middle of a storm ends up with exactly what the list says."""
    async with running(tmp_path, simulator_instances=300) as api:
        await api.ok("POST", "/simulator/storm", {"rate": 2000, "seconds": patient(1)})
        async with asyncio.timeout(patient(20)):
            while (await counts(api))["connected"] > 250:
                await asyncio.sleep(0.005)
            async with api.socket("/ws?events=instance.state") as frames:
                while (await counts(api))["connected"] < 292:
                    await asyncio.sleep(0.02)
                listed = {item["name"]: item["status"] for item in (await api.ok("GET", "/api/instance/list"))["instances"]}
                await api.new("the-end")
                heard = await frames.until(lambda frame: frame["event"] == "instance.row")
    snapshot, rest = heard[0], heard[2:-1]
    rows = {row["name"]: row["state"] for row in snapshot["data"]["rows"]}
    assert list(rows.values()).count("connected") < 292, "it was in the middle"
    numbers = [int(frame["seq"].split(".")[1]) for frame in heard]
    assert numbers[1:] == [numbers[0], *range(numbers[0] + 1, numbers[-1] + 1)]
    for frame in rest:
        assert rows[frame["instance"]] != frame["data"]["state"], "each is a change"
        rows[frame["instance"]] = frame["data"]["state"]
    assert rows == listed


async def counts(api: Api) -> Counter[str]:
    return Counter(item["status"] for item in (await api.ok("GET", "/api/instance/list"))["instances"])


async def test_who_may_open_the_account_stream(api: Api) -> None:
    token = (await api.new("sales"))["token"]
    async with api.socket("/ws", None, Authorization=f"Bearer {TOKEN}"):
        pass
    assert await api.no_socket("/ws", None) == (401, MISSING)
    assert await api.no_socket(f"/ws?token={TOKEN}", None) == (401, MISSING), "never in the query"
    assert await api.no_socket("/ws", "wrong") == (401, "Invalid token")
    assert await api.no_socket("/ws", token) == (401, "Invalid token")
    assert await api.no_socket("/ws/a/b") == (404, "Not found")


async def test_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.HEARTBEAT_SECONDS == 15
    monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.02)
    async with running(tmp_path) as api, api.socket("/ws") as frames:
        heard = [await frames.next() for _ in range(4)]
        assert [frame["event"] for frame in heard] == ["snapshot", "heartbeat", "heartbeat", "heartbeat"]


async def test_an_event_reaches_the_socket_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_instances=50) as api, api.socket("/ws") as frames:
        await frames.until(lambda frame: frame["event"] == "heartbeat")
        await api.sim("sim-00001", "unlink")
        data = await Frames.state(frames, "logged_out")
        late = datetime.now().astimezone().timestamp() - datetime.fromisoformat(data["timestamp"]).timestamp()
        assert late < 1 and json.dumps(data).count("token") == 0


@pytest.mark.parametrize("layout", ["observed", "documented"])
async def test_messages_come_in_either_layout(tmp_path: Path, layout: str) -> None:
    """Contract §8 #30: a client that knows only one of the two understands nothing of the other."""
    async with running(tmp_path, messages=layout) as api:
        await api.paired("sales", websocketEnabled=True)
        async with api.socket("/ws/sales") as frames:
            await api.sim("sales", "message", **{"from": "5511988887777", "text": "Hi"})
            data = (await frames.until(lambda frame: frame["event"] == "message.exchange"))[-1]["data"]
        if layout == "documented":
            chat, text, kind = data["message"]["chat"], data["message"]["content"]["text"], data["message"]["direction"]
        else:
            chat, text, kind = data["chat"], data["message"]["content"], data["direction"]
        assert (chat["jid"], text, kind) == ("5511988887777@s.whatsapp.net", "Hi", "incoming")
