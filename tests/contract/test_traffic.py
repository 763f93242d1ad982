"""Messages and what settings do with them, for real: sockets, webhooks, media, counters (contract §2.8, §2.11, §5, §6b)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.backend.engine.port import Media
from ryze_tui.backend.engine.simulated import chats
from ryze_tui.backend.engine.simulated.engine import SimulatedEngine
from ryze_tui.backend.engine.simulated.link import Link
from ryze_tui.backend.errors import EngineError, StoreError
from ryze_tui.backend.record import Record, Values
from ryze_tui.backend.table import Happening

from .harness import STAMP, Api, Frames, running
from .test_webhooks import receiving
from .test_webhooks import until as happens

ANA, BRUNO, GROUP, NUMBER = "5511988887777", "5511988887778", "120363000000000001@g.us", "5511999990001"
ANAS = f"{ANA}@s.whatsapp.net"
BUSY = {"websocketEnabled": True}


async def writes(api: Api, sender: str = ANA, /, **body: Any) -> str:
    told: str = (await api.sim("a", "message", **({"from": sender, "text": "Hi"} | body)))["messageId"]
    return told


async def metrics(api: Api, names: str = "a") -> dict[str, Any]:
    found: dict[str, Any] = (await api.ok("GET", f"/api/instance/metrics/{names}"))["metrics"]
    return found


async def set_(api: Api, **settings: Any) -> None:
    await api.ok("POST", "/api/instance/settings/a", settings)


async def eventually(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    seen = None
    try:
        async with asyncio.timeout(10):
            while (seen := await look()) != wanted:
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"{seen!r} is not {wanted!r}") from None


def engine(api: Api) -> SimulatedEngine:
    made = api.backend.engine
    assert isinstance(made, SimulatedEngine)
    return made


def link(api: Api) -> Link:
    (record,) = [one for one in api.backend.catalog.by_id.values() if one.name == "a"]
    return engine(api).links[record.id]


async def event(frames: Frames, name: str) -> dict[str, Any]:
    data: dict[str, Any] = (await frames.until(lambda frame: frame["event"] == name))[-1]["data"]
    return data


# -- sending -----------------------------------------------------------------------------------------------------------


async def test_a_text_is_sent_echoed_received_and_read(api: Api) -> None:
    await api.paired("a", **BUSY)
    async with api.socket("/ws/a") as frames:
        body = {"number": "+55 (11) 98888-7777", "message": "Olá", "source": "crm", "mention": [BRUNO], "replyTo": "3EB0AA"}
        answer = await api.ok("POST", "/api/message/text/a", body)
        data = answer["data"]
        assert (answer["message"], answer["status"]) == ("Message sent successfully", "sent")
        assert answer["messageId"] == data["messageId"]
        assert STAMP.fullmatch(data["timestamp"])
        assert {name: data[name] for name in ("direction", "messageType", "source")} == {
            "direction": "outgoing", "messageType": "text", "source": "crm",
        }
        assert (data["chat"]["jid"], data["chat"]["type"], data["sender"]["jid"]) == (ANAS, "private", f"{NUMBER}@s.whatsapp.net")
        echo = await event(frames, "message.exchange")
        assert (echo["id"], echo["direction"], echo["message"]["content"], echo["message"]["source"]) == (
            data["messageId"], "outgoing", "Olá", "crm",
        )
        assert echo["message"]["mentions"] == {"mentionedUsers": [f"{BRUNO}@s.whatsapp.net"]}
        assert echo["message"]["reply"]["message_id"] == "3EB0AA"
        receipts = [await event(frames, "message.status") for _ in range(2)]
    assert [receipt["status"] for receipt in receipts] == ["delivered", "read"]
    assert all((one["messageIds"], one["chat"]["jid"], one["isFromMe"]) == ([data["messageId"]], ANAS, True) for one in receipts)
    await eventually(lambda: _status(api, "read"), 1)


async def _status(api: Api, name: str) -> int:
    count: int = (await metrics(api))["messagesByStatus"][name]
    return count


async def test_the_source_is_api_when_nobody_says_otherwise_and_an_instances_token_may_send(api: Api) -> None:
    token = (await api.paired("a"))["token"]
    answer = await api.ok("POST", "/api/message/text/a", {"number": GROUP, "message": "Hi", "delay": 0.01}, token=token)
    assert (answer["data"]["source"], answer["data"]["chat"]["type"]) == ("api", "group")


PIXEL = base64.b64encode(b"a picture").decode()


@pytest.mark.parametrize("how", [{"mediaBase64": PIXEL}, {"mediaBase64": f"data:image/png;base64,{PIXEL}"}])
async def test_media_are_sent_and_come_back_to_those_who_want_them(api: Api, how: dict[str, str]) -> None:
    await api.paired("a", **BUSY, websocketMediaBase64=True)
    async with api.socket("/ws/a") as frames:
        body = {"number": ANA, "mediaType": "image", "fileName": "x.png", "message": "look"} | how
        answer = await api.ok("POST", "/api/message/media/a", body)
        assert answer["data"]["messageType"] == "image"
        media = (await event(frames, "message.exchange"))["message"]["media"]
    kind = "image/png" if "data:" in how["mediaBase64"] else "image/jpeg"
    assert (media["base64"], media["mimetype"], media["fileName"], media["caption"], media["fileSize"]) == (
        PIXEL, kind, "x.png", "look", 9,
    )
    assert (await metrics(api))["mediaByType"] == {"image": 1}


async def test_media_are_fetched_from_a_url(api: Api) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        head = {b"/ok": b"200 OK\r\nContent-Type: audio/mpeg", b"/moved": b"302 Found\r\nLocation: /ok"}.get(path, b"404 No")
        writer.write(b"HTTP/1.1 " + head + b"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsound")
        await writer.drain()
        writer.close()

    await api.paired("a", **BUSY, websocketMediaBase64=True)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, api.socket("/ws/a") as frames:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        body = {"number": ANA, "mediaType": "audio", "isVoice": True, "mediaUrl": f"{base}/ok"}
        await api.ok("POST", "/api/message/media/a", body)
        media = (await event(frames, "message.exchange"))["message"]["media"]
        assert (base64.b64decode(media["base64"]), media["mimetype"], media["isVoiceNote"]) == (b"sound", "audio/mpeg", True)
        for path, why in (("/none", "the answer was 404"), ("/moved", "the answer was 302")):
            status, words = await api.refused("POST", "/api/message/media/a", body | {"mediaUrl": base + path})
            assert (status, words) == (400, f"Invalid request body: mediaUrl could not be fetched: {why}")


async def test_no_media_are_fetched_from_where_nobody_may_dial(tmp_path: Path) -> None:
    async with running(tmp_path, private_targets=False) as api:
        await api.paired("a")
        body = {"number": ANA, "mediaType": "image", "mediaUrl": f"{api.url}/health"}
        assert await api.refused("POST", "/api/message/media/a", body) == (
            400, "Invalid request body: mediaUrl could not be fetched: 127.0.0.1 may not be dialled: it is this server itself",
        )


TEXT = {"number": ANA, "message": "Hi"}
MEDIA = {"number": ANA, "mediaType": "image", "mediaBase64": PIXEL}


@pytest.mark.parametrize(("path", "body", "word"), [
    ("text", {"message": "Hi"}, "number"), ("text", TEXT | {"number": "hello"}, "digits"),
    ("text", TEXT | {"number": "12"}, "digits"),
    ("text", TEXT | {"number": "x@g.us"}, "JID"), ("text", TEXT | {"number": "status@broadcast"}, "JID"),
    ("text", TEXT | {"message": ""}, "message"), ("text", {"number": ANA}, "message"), ("text", TEXT | {"delay": 61}, "delay"),
    ("text", TEXT | {"delay": -1}, "delay"), ("text", TEXT | {"mention": "5511"}, "mention"),
    ("text", TEXT | {"mention": ["nobody"]}, "mention"), ("text", TEXT | {"mentionAll": "yes"}, "mentionAll"),
    ("media", MEDIA | {"mediaType": "hologram"}, "mediaType"), ("media", MEDIA | {"mediaBase64": "%%"}, "base64"),
    ("media", MEDIA | {"mediaBase64": "data:image/png;base64,"}, "base64"),
    ("media", MEDIA | {"mediaUrl": "http://x.example"}, "both"),
    ("media", {"number": ANA, "mediaType": "image"}, "mediaUrl"),
    ("media", {"number": ANA, "mediaType": "image", "mediaUrl": "ftp://x.example/y"}, "http"),
])  # fmt: skip
async def test_what_cannot_be_sent_is_refused_in_words(api: Api, path: str, body: dict[str, Any], word: str) -> None:
    await api.new("a")
    status, words = await api.refused("POST", f"/api/message/{path}/a", body)
    assert status == 400 and words.startswith("Invalid request body") and word in words


async def test_nothing_is_sent_while_it_is_not_connected(api: Api) -> None:
    await api.new("a")
    for path, body in (("text", TEXT), ("media", MEDIA), ("media", {"number": ANA, "mediaType": "image", "mediaUrl": "http://x/y"})):
        assert await api.refused("POST", f"/api/message/{path}/a", body) == (400, "Instance is not connected to WhatsApp")


async def test_a_body_may_have_64_mb_on_these_routes_and_no_more(api: Api) -> None:
    await api.paired("a")
    fits = {"number": ANA, "mediaType": "document", "mediaBase64": "A" * 4 * 1024 * 1024}
    await api.ok("POST", "/api/message/media/a", fits)
    large = b'{"number": "' + b"1" * 64 * 1024 * 1024 + b'"}'
    assert await api.refused("POST", "/api/message/text/a", content=large) == (413, "Request body too large")


async def test_what_whatsapp_refuses_is_a_500_and_counts_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.paired("a")

    async def send(*_: Any) -> Any:
        raise EngineError("WhatsApp said no")

    monkeypatch.setattr(engine(api), "send", send)
    assert await api.refused("POST", "/api/message/text/a", TEXT) == (500, "Failed to send message: WhatsApp said no")
    assert (await metrics(api))["totalMessages"] == 0


# -- settings ----------------------------------------------------------------------------------------------------------


async def test_groups_are_dropped_as_they_arrive(api: Api) -> None:
    await api.paired("a", **BUSY, ignoreGroupMessages=True)
    async with api.socket("/ws/a") as frames:
        await writes(api, group=GROUP)
        await api.sim("a", "group-event", group=GROUP, type="joined", participants=[BRUNO])
        kept = await writes(api)
        assert (await event(frames, "message.exchange"))["id"] == kept
        assert (await metrics(api))["totalMessages"] == 1
        await set_(api, ignoreGroupMessages=False)
        await writes(api, group=GROUP)
        data = await event(frames, "message.exchange")
        assert (data["chat"]["jid"], data["chat"]["type"], data["sender"]["jid"]) == (GROUP, "group", ANAS)
        await api.sim("a", "group-event", group=GROUP, type="joined", participants=[BRUNO], name="Friends")
        flow = await event(frames, "group.flow")
    assert (flow["groupJid"], flow["groupName"], flow["type"]) == (GROUP, "Friends", "joined")
    assert flow["participants"] == [{"jid": f"{BRUNO}@s.whatsapp.net", "lid": "", "name": ""}]
    assert STAMP.fullmatch(flow["timestamp"])


async def test_stories_are_dropped_as_they_arrive(api: Api) -> None:
    await api.paired("a", **BUSY, ignoreStatus=True, autoReadMessages=True)
    async with api.socket("/ws/a") as frames:
        await writes(api, status=True)
        kept = await writes(api)
        assert (await event(frames, "message.exchange"))["id"] == kept
        await set_(api, ignoreStatus=False)
        await writes(api, status=True)
        assert (await event(frames, "message.exchange"))["chat"]["jid"] == "status@broadcast"
    await eventually(lambda: _marked(api), [kept])  # nobody looks at a story by itself


async def _marked(api: Api) -> list[str]:
    return link(api).marked


async def test_messages_are_marked_as_read_only_when_that_is_wanted(api: Api) -> None:
    await api.paired("a")
    await writes(api)
    await set_(api, autoReadMessages=True)
    read = [await writes(api), await writes(api, group=GROUP)]
    await eventually(lambda: _marked(api), read)
    await eventually(lambda: _status(api, "read"), 2)
    assert await _status(api, "delivered") == 1
    await api.ok("POST", "/api/message/text/a", TEXT)
    assert link(api).marked == read, "what we said ourselves needs no receipt"


async def test_calls_are_rejected_and_the_caller_is_told_once(api: Api) -> None:
    await api.paired("a", **BUSY, autoRejectCalls=True, callRejectMessage="Please write")
    async with api.socket("/ws/a") as frames:
        call = (await api.sim("a", "call", **{"from": ANA}))["callId"]
        told = await frames.until(lambda frame: frame["event"] == "message.exchange")
        assert [frame["data"]["type"] for frame in told[:-1]] == ["offer", "rejected"]
        assert {frame["data"]["callId"] for frame in told[:-1]} == {call}
        message = told[-1]["data"]
        assert (message["chat"]["jid"], message["direction"], message["message"]["content"]) == (ANAS, "outgoing", "Please write")
        await set_(api, callRejectMessage="")
        await api.sim("a", "call", **{"from": BRUNO})
        assert [(await event(frames, "call.update"))["type"] for _ in range(2)] == ["offer", "rejected"]
        await set_(api, autoRejectCalls=False)
        await api.sim("a", "call", **{"from": BRUNO})
        assert [(await event(frames, "call.update"))["type"] for _ in range(2)] == ["offer", "terminated"]
    assert (await metrics(api))["messagesSent"] == 1


async def _presence(api: Api) -> str:
    told: str = (await api.item("a"))["connection"]["presenceStatus"]
    return told


async def test_presence_follows_the_setting_at_once_and_at_every_connect(api: Api) -> None:
    await api.paired("a")
    assert await _presence(api) == "unavailable"
    await set_(api, keepOnlineStatus=True)
    assert await _presence(api) == "available" and link(api).available
    await set_(api, ignoreStatus=True)
    assert await _presence(api) == "available"
    await api.sim("a", "drop", seconds=5000)
    assert await _presence(api) == "unavailable" and not link(api).available
    await api.ok("POST", "/api/instance/reconnect/a")
    await api.until("a", "connected")
    await eventually(lambda: _presence(api), "available")
    await set_(api, keepOnlineStatus=False)
    assert await _presence(api) == "unavailable" and not link(api).available


WANTED = {"disableHistorySync": False}
HISTORY = [({}, "", 0), ({}, "?history=3", 6), (WANTED, "", 60), (WANTED, "?history=0", 0)]


@pytest.mark.parametrize(("fields", "query", "count"), HISTORY)
async def test_history_is_counted_when_it_was_asked_for_and_told_to_nobody(
    api: Api, fields: dict[str, Any], query: str, count: int
) -> None:
    async with receiving() as receiver:
        await api.new("a", webhookEnabled=True, webhookURL=receiver.url, webhookEvents=["message.exchange"], **fields)
        await api.ok("GET", f"/api/instance/connect/a{query}")
        await api.sim("a", "scan", number=NUMBER)
        await api.until("a", "connected")
        await eventually(lambda: _total(api), count)
        live = await writes(api)
        await happens(lambda: receiver.got)
        assert [body["data"]["id"] for body in receiver.of("message.exchange")] == [live]


async def _total(api: Api) -> int:
    total: int = (await metrics(api))["totalMessages"]
    return total


# -- media -------------------------------------------------------------------------------------------------------------


class Store:
    """A media store: what it was given."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, bytes]] = []
        self.broken = False

    def wants(self, record: Record) -> bool:
        return True

    async def keep(self, record: Record, message_id: str, media: Media, content: bytes) -> str:
        if self.broken:
            raise StoreError("disk full")
        self.kept.append((message_id, media.mimetype, content))
        return f"https://media.example/{message_id}"


class Desk:
    """A bridge: what it accepted; `fails` so many times before."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes | None]] = []
        self.fails = 0

    def wants(self, record: Record, data: Values) -> bool:
        return True

    async def accept(self, record: Record, data: Values, content: bytes | None) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreError("disk full")
        self.got.append((data["direction"], data["id"], content))


IMAGE = {"mediaType": "image", "mediaBase64": PIXEL, "text": "", "caption": "look"}


async def test_media_are_fetched_only_when_somebody_wants_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = engine(api).download

    async def download(instance: str, media: Media) -> bytes:
        asked.append(media.kind)
        return await real(instance, media)

    monkeypatch.setattr(engine(api), "download", download)
    await api.paired("a", **BUSY)
    await writes(api, **IMAGE)
    await api.ok("POST", "/api/events/websocket/a", {"enabled": True, "mediaBase64": True})
    await writes(api, **IMAGE)
    assert asked == [], "a socket that nobody opened wants nothing"
    async with api.socket("/ws/a") as frames:
        await writes(api, **IMAGE)
        media = (await event(frames, "message.exchange"))["message"]["media"]
        assert (media["base64"], media["caption"], asked) == (PIXEL, "look", ["image"])
    store, desk = Store(), Desk()
    api.backend.traffic.media_store, api.backend.traffic.bridge = store, desk
    ident = await writes(api, **IMAGE, mimetype="image/png")
    assert store.kept == [(ident, "image/png", b"a picture")] and desk.got == [("incoming", ident, b"a picture")]
    assert asked == ["image"] * 2, "once for both"


async def test_a_webhook_gets_media_inside_when_it_asked_for_them(api: Api) -> None:
    async with receiving() as receiver:
        await api.paired("a")
        for label, inside in (("with", True), ("without", False)):
            row = {"label": label, "enabled": True, "url": f"{receiver.url}/{label}", "mediaBase64": inside}
            await api.ok("POST", "/api/events/webhook/a", row | {"events": ["message.exchange"]})
        await writes(api, **IMAGE, group=GROUP)
        await happens(lambda: len(receiver.got) == 2)
        media = {path: body["data"]["message"]["media"] for path, _headers, body in receiver.got}
    assert (media["/wh/with"]["base64"], "base64" in media["/wh/without"]) == (PIXEL, False)
    assert media["/wh/without"]["fileName"] == "simulated.jpg"


async def test_a_stored_medium_has_a_url_and_what_cannot_be_stored_says_so(api: Api) -> None:
    store = Store()
    api.backend.traffic.media_store = store
    await api.paired("a", **BUSY)
    async with api.socket("/ws/a") as frames:
        ident = await writes(api, **IMAGE)
        media = (await event(frames, "message.exchange"))["message"]["media"]
        assert media["url"] == media["s3Url"] == f"https://media.example/{ident}" and "base64" not in media
        store.broken = True
        await writes(api, **IMAGE)
        media = (await event(frames, "message.exchange"))["message"]["media"]
    assert (media["url"], media["error"]) == ("", "it could not be stored")


async def test_a_failing_download_costs_the_media_and_never_the_message(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def download(*_: Any) -> bytes:
        raise ZeroDivisionError("a secret")

    await api.paired("a", **BUSY, websocketMediaBase64=True)
    monkeypatch.setattr(engine(api), "download", download)
    async with api.socket("/ws/a") as frames:
        await writes(api, **IMAGE)
        media = (await event(frames, "message.exchange"))["message"]["media"]
    assert "base64" not in media and media["error"] == "the engine failed (ZeroDivisionError)"


async def test_a_slow_download_holds_up_its_chat_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    go = asyncio.Event()

    async def download(*_: Any) -> bytes:
        await go.wait()
        return b"late"

    await api.paired("a", **BUSY, websocketMediaBase64=True)
    monkeypatch.setattr(engine(api), "download", download)
    async with api.socket("/ws/a") as frames:
        slow = asyncio.create_task(writes(api, **IMAGE))
        await happens(lambda: api.backend.traffic._queues.count)
        behind = asyncio.create_task(writes(api, text="behind"))
        answer = await api.ok("POST", "/api/message/text/a", {"number": ANA, "message": "sent meanwhile"})
        others = await writes(api, BRUNO)
        assert (await event(frames, "message.exchange"))["id"] == others
        assert not slow.done() and not behind.done(), "not acknowledged before it is on the disk"
        go.set()
        order = [(await event(frames, "message.exchange"))["id"] for _ in range(3)]
    assert order[0] == await slow and set(order[1:]) == {await behind, answer["messageId"]}


# -- the disk ----------------------------------------------------------------------------------------------------------


async def again(api: Api, data: dict[str, Any]) -> None:
    """WhatsApp delivers a message once more."""
    await engine(api).chats.deliver(link(api), Happening.MESSAGE, data)


async def test_a_message_that_comes_twice_is_told_and_counted_once(tmp_path: Path) -> None:
    async with receiving() as receiver:
        async with running(tmp_path) as api:
            await api.paired("a", webhookEnabled=True, webhookURL=receiver.url, webhookEvents=["message.exchange"])
            await writes(api)
            await happens(lambda: receiver.got)
            data = receiver.of("message.exchange")[0]["data"]
            await again(api, data)
        async with running(tmp_path) as api:
            await api.until("a", "connected")
            await again(api, data)
            assert await _total(api) == 1
            last = await writes(api)
            await happens(lambda: receiver.of("message.exchange")[-1]["data"]["id"] == last)
        assert [body["data"]["id"] for body in receiver.of("message.exchange")] == [data["id"], last]


async def test_what_the_bridge_could_not_keep_is_not_acknowledged_and_comes_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.paired("a", **BUSY)
    desk = Desk()
    api.backend.traffic.bridge, desk.fails = desk, 1
    async with api.socket("/ws/a") as frames:
        with monkeypatch.context() as hurried:
            hurried.setattr(chats, "TAKEN_SECONDS", 0.2)
            told = await api.refused("POST", "/simulator/a/message", {"from": ANA, "text": "Hi"})
        assert told == (409, "Simulator: the server did not take it")
        data = await event(frames, "message.exchange")
        await again(api, data)
        assert desk.got == [("incoming", data["id"], None)]
        sent = (await api.ok("POST", "/api/message/text/a", TEXT))["messageId"]
        assert desk.got[1:] == [("outgoing", sent, None)]
        assert (await event(frames, "message.exchange"))["id"] == sent, "told to sockets once"


async def test_metrics_are_the_contracts_survive_a_restart_and_go_with_the_instance(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.paired("a")
        await api.new("b")
        await writes(api)
        await writes(api, BRUNO, **IMAGE)
        await writes(api, BRUNO, group=GROUP)
        await api.ok("POST", "/api/message/media/a", MEDIA | {"mediaType": "audio"})
        await eventually(lambda: _status(api, "read"), 1)
    async with running(tmp_path) as api:
        found = await metrics(api)
        first, last = found.pop("firstMessageAt"), found.pop("lastMessageAt")
        assert STAMP.fullmatch(first) and STAMP.fullmatch(last) and first < last
        assert found == {
            "instance": "a", "totalMessages": 4, "messagesReceived": 3, "messagesSent": 1,
            "messagesByType": {"text": 2, "image": 1, "audio": 1}, "groupMessages": 1, "individualMessages": 3,
            "messagesWithMedia": 2, "mediaByType": {"image": 1, "audio": 1},
            "messagesByStatus": {"pending": 0, "sent": 0, "delivered": 3, "read": 1, "played": 0, "failed": 0},
            "uniqueChats": 3, "uniqueGroups": 1, "uniqueContacts": 2, "messagesLast7Days": 4, "messagesLast30Days": 4,
        }
        both = await metrics(api, "b,a")
        assert (both["instance"], both["totalMessages"]) == ("b,a", 4)
        await api.ok("DELETE", "/api/instance/delete/a")
        await api.new("a")
        assert await _total(api) == 0


# -- every event in both layouts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["observed", "documented"])
async def test_the_six_events_reach_sockets_and_webhooks_alike(tmp_path: Path, layout: str) -> None:
    async with receiving() as receiver, running(tmp_path, messages=layout) as api:
        await api.paired("a", **BUSY, webhookEnabled=True, webhookURL=receiver.url)
        heard: list[dict[str, Any]] = []
        async with api.socket("/ws/a") as frames:
            await writes(api)
            await api.ok("POST", "/api/message/text/a", TEXT)
            heard += await frames.until(lambda frame: frame["data"].get("status") == "read")
            await api.sim("a", "call", **{"from": ANA})
            await api.sim("a", "group-event", group=GROUP, type="promoted", participants=[BRUNO])
            await api.sim("a", "label", type="edit", labelId="7", name="VIP", color=3)
            await api.sim("a", "label", type="chat", labelId="7", chat=ANA)
            await api.sim("a", "drop", seconds=0.1)
            heard += await frames.until(lambda frame: frame["data"].get("state") == "connected")
        assert {frame["event"] for frame in heard} == {
            "message.exchange", "message.status", "call.update", "group.flow", "instance.state", "label.update",
        }
        await happens(lambda: all(frame in [body for _path, _headers, body in receiver.got] for frame in heard))
        first = next(frame["data"] for frame in heard if frame["event"] == "message.exchange")
        assert ("direction" in first) == (layout == "observed") and "direction" in (first | first["message"])
        labels = [frame["data"] for frame in heard if frame["event"] == "label.update"]
    assert labels == [
        {"type": "edit", "labelId": "7", "name": "VIP", "color": 3, "deleted": False},
        {"type": "chat", "labelId": "7", "chatJid": ANAS, "action": "add", "labeled": True},
    ]


