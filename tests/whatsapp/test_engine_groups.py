"""The whole server with the real library on the double: what groups are called, and what changes in them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from tests.contract.harness import Frames
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.people import Person

from ..pace import patient
from .engine import OnDouble, worker_of

pytestmark = pytest.mark.whatsapp


@pytest.fixture
def bob(wa: WhatsAppDouble) -> Person:
    return wa.person("5511777770002", "Bob")


async def told(frames: Frames, name: str) -> dict[str, Any]:
    data: dict[str, Any] = (await frames.until(lambda frame: frame["event"] == name))[-1]["data"]
    return data


def asked_for(wa: WhatsAppDouble) -> int:
    """How often WhatsApp was asked about a group."""
    return sum(line.startswith("< <iq") and "xmlns='w:g2'" in line for line in wa.transcript)


async def test_a_message_says_what_its_group_is_called(on: OnDouble, ana: Person, bob: Person) -> None:
    device = await on.paired(websocketEnabled=True)
    bakers, cooks = on.wa.group("Bakers", ana, bob, device.phone), on.wa.group("Cooks", bob, device.phone, lid=False)
    async with on.api.socket("/ws/shop") as frames:
        before = asked_for(on.wa)
        for number in range(5):
            await ana.say(device, f"{number}", group=bakers)
        await bob.say(device, "soup", group=cooks)
        heard = [await told(frames, "message.exchange") for _ in range(6)]
        bread = [data for data in heard if data["chat"]["jid"] == bakers.jid]
        assert [data["message"]["content"] for data in bread] == ["0", "1", "2", "3", "4"], "in order, the first one too"
        assert {data["chat"]["name"] for data in bread} == {"Bakers"}
        (soup,) = (data for data in heard if data["chat"]["jid"] == cooks.jid)
        assert (soup["chat"]["name"], soup["sender"]["name"]) == ("Cooks", "Bob")
        assert asked_for(on.wa) == before + 2, "once for each group"
        await on.api.ok("POST", "/api/message/text/shop", {"number": bakers.jid, "message": "bread"})
        own = await told(frames, "message.exchange")
        assert (own["direction"], own["chat"]["name"]) == ("outgoing", "Bakers")


async def test_what_changes_in_a_group(on: OnDouble, ana: Person, bob: Person) -> None:
    device = await on.paired(websocketEnabled=True)
    group = on.wa.group("Bakers", ana, device.phone)
    async with on.api.socket("/ws/shop") as frames:
        seen = []
        for change in (group.add(bob, by=ana), group.promote(bob, by=ana), group.remove(bob, by=ana)):
            await change
            seen.append(await told(frames, "group.flow"))
        assert [data["type"] for data in seen] == ["joined", "promoted", "left"]
        assert {(data["groupJid"], data["groupName"]) for data in seen} == {(group.jid, "Bakers")}
        assert {one["jid"] for data in seen for one in data["participants"]} == {bob.lid}
        await group.rename("Cooks", by=ana)
        renamed = await told(frames, "group.flow")
        assert (renamed["type"], renamed["groupName"]) == ("name", "Cooks")
        await ana.say(device, "soup", group=group)
        assert (await told(frames, "message.exchange"))["chat"]["name"] == "Cooks"


async def test_a_receipt_in_a_group_says_who_wrote(on: OnDouble, ana: Person) -> None:
    device = await on.paired(websocketEnabled=True)
    group = on.wa.group("Bakers", ana, device.phone)
    async with on.api.socket("/ws/shop") as frames:
        sent = (await on.api.ok("POST", "/api/message/text/shop", {"number": group.jid, "message": "bread"}))["messageId"]
        await ana.heard()
        await ana.receipt(device, sent, "read", group=group)
        receipt = (await frames.until(lambda frame: frame["data"].get("status") == "read"))[-1]["data"]
    assert receipt["messageIds"] == [sent] and receipt["chat"]["jid"] == group.jid and receipt["chat"]["type"] == "group"
    assert receipt["messageSender"] == device.phone.jid and receipt["recipient"] in (ana.jid, ana.lid)


async def test_an_answer_to_the_author_alone(on: OnDouble, ana: Person, bob: Person) -> None:
    device = await on.paired(websocketEnabled=True)
    group = on.wa.group("Bakers", ana, bob, device.phone, lid=False)
    async with on.api.socket("/ws/shop") as frames:
        asked = await ana.say(device, "how much?", group=group)
        await told(frames, "message.exchange")
    body = {"number": group.jid, "message": "two, for you", "replyTo": asked, "replyPrivate": True}
    await on.api.ok("POST", "/api/message/text/shop", body)
    heard = await ana.heard()
    context = heard.message.extendedTextMessage.contextInfo
    assert (heard.text, heard.group, context.stanzaId, context.remoteJid) == ("two, for you", "", asked, group.jid)
    assert bob.silence


async def test_a_name_that_nobody_tells_holds_no_message_up(on: OnDouble, ana: Person) -> None:
    """WhatsApp does not answer for one group: its messages wait a moment, in order, and those of others not at all."""
    device = await on.paired(websocketEnabled=True)
    dumb, other = on.wa.group("Dumb", ana, device.phone), on.wa.group("Other", ana, device.phone)
    on.wa.mute_groups.add(dumb.jid)
    async with on.api.socket("/ws/shop") as frames:
        began = time.monotonic()
        await ana.say(device, "first", group=dumb)
        await ana.say(device, "second", group=dumb)
        await ana.say(device, "elsewhere", group=other)
        heard = [await told(frames, "message.exchange") for _ in range(3)]
        assert [(data["message"]["content"], data["chat"]["name"]) for data in heard] == [
            ("elsewhere", "Other"), ("first", ""), ("second", ""),
        ]  # fmt: skip
        await ana.say(device, "third", group=dumb)
        assert (await told(frames, "message.exchange"))["message"]["content"] == "third"
        assert time.monotonic() - began < patient(5 + 3), "it waited once"


async def test_messages_that_wait_for_a_name_outlive_their_worker(on: OnDouble, ana: Person) -> None:
    device = await on.paired(websocketEnabled=True)
    group = on.wa.group("Bakers", ana, device.phone)
    on.wa.mute_groups.add(group.jid)
    async with on.api.socket("/ws/shop") as frames:
        before = asked_for(on.wa)
        await ana.say(device, "kept", group=group)
        async with asyncio.timeout(10):
            while asked_for(on.wa) == before or device.outstanding:
                await asyncio.sleep(0.01)
        on.wa.mute_groups.clear()
        os.kill(worker_of(on), signal.SIGKILL)
        await frames.state("connected")
        data = await told(frames, "message.exchange")
    assert (data["message"]["content"], data["chat"]["name"]) == ("kept", "Bakers")
