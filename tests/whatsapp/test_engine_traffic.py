"""The whole server with the real library on the double: what people write, send, call and read, both ways."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyaileys.proto import WAProto_pb2 as proto
from ryze_tui.backend.errors import StoreError

from tests.contract.harness import Frames
from tests.fakes.whatsapp.account import Old
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.people import Person

from .engine import NUMBER, OnDouble, on_double, worker_of

pytestmark = pytest.mark.whatsapp
BUSY = {"websocketEnabled": True, "websocketMediaBase64": True}


async def event(frames: Frames, name: str, **fits: Any) -> dict[str, Any]:
    data: dict[str, Any] = (
        await frames.until(lambda frame: frame["event"] == name and fits.items() <= frame["data"].items())
    )[-1]["data"]
    return data


@pytest.mark.parametrize("by_lid", [False, True], ids=["by number", "by LID"])
async def test_a_text_comes_in(on: OnDouble, ana: Person, by_lid: bool) -> None:
    device = await on.paired(**BUSY)
    async with on.api.socket("/ws/shop") as frames:
        sent = await ana.say(device, "Olá \N{WAVING HAND SIGN}", by_lid=by_lid)
        data = await event(frames, "message.exchange")
    assert (data["id"], data["direction"], data["message"]["content"]) == (sent, "incoming", "Olá \N{WAVING HAND SIGN}")
    assert data["sender"]["name"] == "Ana" and data["chat"]["type"] == "private"
    assert data["sender"]["jid"] in (ana.jid, ana.lid) and data["chat"]["jid"] == data["sender"]["jid"]
    assert abs(time.time() - time.mktime(time.strptime(data["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 120


async def test_a_text_goes_out_and_is_read(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY)
    async with on.api.socket("/ws/shop") as frames:
        first = await ana.say(device, "a question")
        await event(frames, "message.exchange")
        body = {"number": ana.number, "message": "an answer", "replyTo": first}
        answer = await on.api.ok("POST", "/api/message/text/shop", body)
        heard = await ana.heard()
        assert (heard.id, heard.text) == (answer["messageId"], "an answer")
        quoted = heard.message.extendedTextMessage.contextInfo
        assert (quoted.stanzaId, quoted.quotedMessage.conversation) == (first, "a question")
        for kind, status in (("", "delivered"), ("read", "read"), ("played", "played")):
            await ana.receipt(device, heard.id, kind)
            receipt = await event(frames, "message.status", status=status)
            assert receipt["messageIds"] == [heard.id] and receipt["isFromMe"] is True
    plain = await on.api.ok("POST", "/api/message/text/shop", {"number": ana.number, "message": "and goodbye"})
    heard = await ana.heard()
    assert (heard.id, heard.message.conversation) == (plain["messageId"], "and goodbye")


@pytest.mark.parametrize("kind", ["server-error", "a-kind-of-tomorrow"])
async def test_a_receipt_that_ends_the_librarys_session(on: OnDouble, ana: Person, kind: str) -> None:
    """Anybody can send one. The number is back a moment later, and its worker lives on."""
    device = await on.paired(**BUSY)
    logins, pids = device.logins, on.engine.pool.pids
    async with on.api.socket("/ws/shop") as frames:
        sent = (await on.api.ok("POST", "/api/message/text/shop", {"number": ana.number, "message": "hi"}))["messageId"]
        await ana.heard()
        await ana.receipt(device, sent, kind)
        states = await frames.until(lambda frame: frame["data"].get("state") == "connected")
        assert [frame["data"]["state"] for frame in states if frame["event"] == "instance.state"] == ["disconnected", "connected"]
    assert (device.logins, on.engine.pool.pids) == (logins + 1, pids)
    await ana.say(device, "still there?")


async def test_media_come_in_and_go_out(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY)
    content = os.urandom(200_000)
    async with on.api.socket("/ws/shop") as frames:
        await ana.show(device, content, "image/png", caption="look")
        message = (await event(frames, "message.exchange"))["message"]
        assert (message["type"], message["content"], message["media"]["mimetype"]) == ("image", "look", "image/png")
        assert base64.b64decode(message["media"]["base64"]) == content
    kinds = {"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg", "document": "application/pdf"}
    for kind, mimetype in kinds.items():
        body = {
            "number": ana.number, "mediaType": kind, "mediaBase64": base64.b64encode(content).decode(), "mimeType": mimetype,
            "message": "here", "fileName": "a.bin",
        }  # fmt: skip
        answer = await on.api.ok("POST", "/api/message/media/shop", body)
        heard = await ana.heard()
        assert heard.medium is not None
        assert (heard.id, heard.medium.kind, heard.medium.data) == (answer["messageId"], kind, content)
        assert heard.text == ("" if kind == "audio" else "here")
        assert heard.medium.part.mimetype == mimetype
    assert heard.medium.part.fileName == "a.bin"


@pytest.mark.parametrize("lid", [True, False], ids=["by LID", "by number"])
async def test_a_group(on: OnDouble, wa: WhatsAppDouble, ana: Person, lid: bool) -> None:
    device = await on.paired(**BUSY)
    bob = wa.person("5511777770002", "Bob")
    group = wa.group("Bakers", ana, bob, device.phone, lid=lid)
    async with on.api.socket("/ws/shop") as frames:
        sent = await ana.say(device, "hello all", group=group)
        data = await event(frames, "message.exchange")
        assert (data["id"], data["message"]["content"], data["chat"]["jid"]) == (sent, "hello all", group.jid)
        assert data["chat"]["type"] == "group" and data["sender"]["name"] == "Ana"
        assert ana.lid in (data["sender"]["lid"], data["sender"]["jid"]) or data["sender"]["jid"] == ana.jid
    body = {"number": group.jid, "message": "hello Ana", "mentionAll": True, "replyTo": sent}
    answer = await on.api.ok("POST", "/api/message/text/shop", body)
    for person in (ana, bob):
        heard = await person.heard()
        assert (heard.id, heard.text, heard.group) == (answer["messageId"], "hello Ana", group.jid)
        context = heard.message.extendedTextMessage.contextInfo
        assert context.participant in (ana.lid, ana.jid) and len(context.mentionedJid) == 3


async def test_a_call_rings_and_is_rejected_because_the_settings_say_so(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY, autoRejectCalls=True, callRejectMessage="write, please")
    async with on.api.socket("/ws/shop") as frames:
        call = await ana.call(device)
        offer = await event(frames, "call.update", type="offer")
        assert (offer["callId"], offer["from"]) == (call.id, ana.jid)
        await call.rejected()
        ended = await event(frames, "call.update", type="rejected")
        assert (ended["callId"], ended["from"]) == (call.id, ana.jid)
        assert (await ana.heard()).text == "write, please"


async def test_a_call_that_ends_by_itself(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY)
    async with on.api.socket("/ws/shop") as frames:
        call = await ana.call(device, video=True)
        assert (await event(frames, "call.update", type="offer"))["isVideo"] is True
        await call.send("relaylatency")
        assert (await event(frames, "call.update", type="latency"))["callId"] == call.id
        await call.send("accept")
        assert (await event(frames, "call.update", type="accepted"))["callId"] == call.id
        await call.hang_up()
        ended = await event(frames, "call.update", type="terminated")
    assert (ended["callId"], ended["reason"]) == (call.id, "timeout")


async def test_read_and_online_because_the_settings_say_so(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY, autoReadMessages=True, keepOnlineStatus=True)
    presence = await device.presence()
    assert presence.attrs["type"] == "available"
    sent = await ana.say(device, "read me")
    await device.receipt(sent, "read")
    assert (await on.api.item("shop"))["connection"]["presenceStatus"] == "available"


async def test_what_was_said_before_is_counted(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY, disableHistorySync=False)
    now = int(time.time())
    old = [Old(ana, f"old {hours}", mine=bool(hours % 2), when=now - 3600 * hours, id=f"OLD{hours}") for hours in range(1, 5)]
    await device.phone.history(device, [*old, Old(ana, "ancient", when=now - 86400 * 400, id="ANCIENT")])
    async with asyncio.timeout(15):
        while (await on.api.ok("GET", "/api/instance/metrics/shop"))["metrics"]["totalMessages"] < 4:
            await asyncio.sleep(0.05)
    assert (await on.api.ok("GET", "/api/instance/metrics/shop"))["metrics"]["totalMessages"] == 4


async def test_other_kinds_of_messages(on: OnDouble, ana: Person) -> None:
    device = await on.paired(**BUSY)
    place = proto.Message.LocationMessage(degreesLatitude=-23.5, degreesLongitude=-46.6, name="Here")
    async with on.api.socket("/ws/shop") as frames:
        await ana.send(device, proto.Message(extendedTextMessage=proto.Message.ExtendedTextMessage(text="with a link")))
        assert (await event(frames, "message.exchange"))["message"]["content"] == "with a link"
        await ana.send(device, proto.Message(locationMessage=place))
        message = (await event(frames, "message.exchange"))["message"]
        assert message["type"] == "location"
        assert (message["location"]["latitude"], message["location"]["name"]) == (-23.5, "Here")


def about(ident: str) -> Any:
    return proto.MessageKey(id=ident, fromMe=False)


SPECIAL: dict[str, tuple[Callable[[str], Any], Callable[[dict[str, Any], str], bool]]] = {
    "reaction": (
        lambda ident: proto.Message(reactionMessage=proto.Message.ReactionMessage(key=about(ident), text="\N{WAVING HAND SIGN}")),
        lambda told, ident: told["reaction"] == {"text": "\N{WAVING HAND SIGN}", "message_id": ident},
    ),
    "contact": (
        lambda _: proto.Message(contactMessage=proto.Message.ContactMessage(displayName="Bob", vcard="BEGIN:VCARD")),
        lambda told, _: told["contact"] == {"display_name": "Bob", "vcard": "BEGIN:VCARD"},
    ),
    "poll": (
        lambda _: proto.Message(pollCreationMessage=proto.Message.PollCreationMessage(
            name="Lunch?", options=[proto.Message.PollCreationMessage.Option(optionName="soup")],
        )),
        lambda told, _: told["poll"] == {"title": "Lunch?", "options": [{"name": "soup"}]},
    ),
    "message_revoke": (
        lambda ident: proto.Message(protocolMessage=proto.Message.ProtocolMessage(type="REVOKE", key=about(ident))),
        lambda told, ident: told["reply"]["message_id"] == ident,
    ),
    "message_edit": (
        lambda ident: proto.Message(protocolMessage=proto.Message.ProtocolMessage(
            type="MESSAGE_EDIT", key=about(ident), editedMessage=proto.Message(conversation="better"),
        )),
        lambda told, ident: told["edit"] == {"original_id": ident, "text": "better"} and told["isEdit"] is True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPECIAL)
async def test_what_people_do_besides_writing(on: OnDouble, ana: Person, kind: str) -> None:
    device = await on.paired(**BUSY)
    make, fits = SPECIAL[kind]
    async with on.api.socket("/ws/shop") as frames:
        first = await ana.say(device, "something")
        await event(frames, "message.exchange")
        await ana.send(device, make(first))
        message = (await event(frames, "message.exchange"))["message"]
    assert message["type"] == kind and fits(message, first), message


async def test_what_came_while_the_server_was_away(tmp_path: Path, wa: WhatsAppDouble, ana: Person) -> None:
    async with on_double(tmp_path, wa) as first:
        device = await first.paired(**BUSY)
    await device.offline()
    for number in range(3):
        await ana.say(device, f"missed {number}")
    async with on_double(tmp_path, wa) as second, second.api.socket("/ws/shop") as frames:
        said = [(await event(frames, "message.exchange"))["message"]["content"] for _ in range(3)]
    assert said == ["missed 0", "missed 1", "missed 2"]


def unsaved(home: Path) -> bytes:
    (file,) = (home / "data" / "whatsapp").glob("*.unsaved")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_bytes()


async def until_saved(home: Path) -> None:
    async with asyncio.timeout(10):
        while unsaved(home):
            await asyncio.sleep(0.01)


async def test_what_the_library_acknowledged_and_the_server_never_heard_comes_after_a_restart(
    tmp_path: Path, wa: WhatsAppDouble, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_double(tmp_path, wa) as first:
        device = await first.paired(**BUSY)
        monkeypatch.setattr(first.engine, "_traffic", lambda link, event: None)  # as if it were killed with them in its memory
        for number in range(3):
            await ana.say(device, f"lost {number}")
        async with asyncio.timeout(10):
            while unsaved(tmp_path).count(b"\n") < 3 or device.outstanding:
                await asyncio.sleep(0.01)
    async with on_double(tmp_path, wa) as second, second.api.socket("/ws/shop") as frames:
        said = [(await event(frames, "message.exchange"))["message"]["content"] for _ in range(3)]
        await until_saved(tmp_path)
    assert said == ["lost 0", "lost 1", "lost 2"]


async def test_what_the_disk_refused_is_told_again_when_its_worker_was_killed_and_counts_once(
    on: OnDouble, ana: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await on.paired(**BUSY)
    database = on.api.backend.store.database
    async with on.api.socket("/ws/shop") as frames:
        with monkeypatch.context() as broken:

            def refuse(unit: Any) -> asyncio.Future[None]:
                refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                refused.set_exception(StoreError("disk full"))
                return refused

            broken.setattr(database, "write", refuse)
            await ana.say(device, "kept")
            await event(frames, "message.exchange")
        assert unsaved(tmp_path)
        os.kill(worker_of(on), signal.SIGKILL)
        await frames.state("connected")
        assert (await event(frames, "message.exchange"))["message"]["content"] == "kept"
        await until_saved(tmp_path)
        await ana.say(device, "next")
        assert (await event(frames, "message.exchange"))["message"]["content"] == "next"
        await until_saved(tmp_path)
    told = await on.api.ok("GET", "/api/instance/metrics/shop")
    assert told["metrics"]["totalMessages"] == 2


async def test_sending_from_a_number_that_is_away(on: OnDouble, ana: Person) -> None:
    await on.api.new("shop")
    status, _ = await on.api.refused("POST", "/api/message/text/shop", {"number": NUMBER, "message": "hi"})
    assert status == 400


async def test_a_number_that_nobody_has(on: OnDouble) -> None:
    await on.paired()
    status, words = await on.api.refused("POST", "/api/message/text/shop", {"number": "5511777770009", "message": "hi"})
    assert status == 500 and "no LID found" in words
