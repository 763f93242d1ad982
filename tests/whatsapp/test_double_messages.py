"""Messages, media, groups, receipts and calls between people of the double and the unmodified library, encrypted both ways."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from pyaileys.proto import WAProto_pb2 as proto

from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.signal import Undelivered

from .conftest import Paired, Start
from .plain import Failed

pytestmark = pytest.mark.whatsapp


def _said(got: dict[str, Any]) -> str:
    """The text of a message, in either of its forms."""
    return str(got["Message"].get("conversation") or got["Message"].get("extendedTextMessage", {}).get("text", ""))


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


@pytest.mark.parametrize("by_lid", [False, True], ids=["by number", "by LID"])
async def test_texts_come_in(paired: Paired, wa: WhatsAppDouble, by_lid: bool) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001", "Ana")
    for text in ("first", "second \N{WAVING HAND SIGN}", "x" * 70_000):
        sent = await ana.say(device, text, by_lid=by_lid)
        got = await plain.got("Message")
        assert (got["Message"]["conversation"], got["Info"]["ID"], got["Info"]["Pushname"]) == (text, sent, "Ana")
        sender = got["Info"]["MessageSource"]["Sender"]
        assert sender["User"] == (ana.lid_user if by_lid else ana.number)
        await device.receipt(sent)


async def test_the_library_reads_what_came(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    sent = await wa.person("5511777770001").say(device, "read me")
    await plain.event("Message")
    await plain.ask("read", id=sent)
    await device.receipt(sent, "read")


async def test_texts_go_out_and_come_back(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001", "Ana")
    for turn in range(3):  # sessions ratchet
        sent = await plain.ask("text", to=ana.jid, text=f"question {turn}")
        heard = await ana.heard()
        assert (heard.id, heard.text, heard.group, heard.device) == (sent, f"question {turn}", "", device)
        copy = await device.phone.heard()
        assert (copy.id, copy.text, copy.to) == (sent, f"question {turn}", ana.lid)
        await ana.say(device, f"answer {turn}")
        assert (await plain.got("Message"))["Message"]["conversation"] == f"answer {turn}"


async def test_a_number_that_nobody_has(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, _ = await paired()
    ana = wa.person("5511777770001")
    assert await plain.ask("known", number=ana.number) is True
    assert await plain.ask("known", number="5511777770009") is False
    with pytest.raises(Failed, match="no LID found"):
        await plain.ask("text", to="5511777770009@s.whatsapp.net", text="anybody?")


async def test_receipts_for_what_went_out(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    sent = await plain.ask("text", to=ana.jid, text="did you see it?")
    for kind, said in (("", "DELIVERED"), ("read", "READ")):
        await ana.receipt(device, sent, kind)
        receipt = await plain.got("Receipt")
        assert (receipt["MessageIDs"], receipt["Type"]) == ([sent], said)


async def test_media_come_in(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    data = os.urandom(300_000)
    sent = await ana.show(device, data, "image/png", caption="look")
    got = await plain.got("Message")
    assert got["Message"]["imageMessage"]["caption"] == "look" and got["Info"]["Type"] == "media"
    assert base64.b64decode(await plain.ask("download", id=sent)) == data
    assert {"web.whatsapp.com:443", "mmg.whatsapp.net:443"} == set(wa.seen)


@pytest.mark.parametrize("kind", ["video", "audio", "document", "sticker"])
async def test_other_media(paired: Paired, wa: WhatsAppDouble, kind: str) -> None:
    plain, device = await paired()
    sent = await wa.person("5511777770001").show(device, b"whatever it is", "application/octet-stream", kind=kind)
    await plain.event("Message")
    assert base64.b64decode(await plain.ask("download", id=sent)) == b"whatever it is"


@pytest.mark.parametrize("status", [404, 410, pytest.param(503, marks=pytest.mark.long)])
async def test_media_that_are_gone(paired: Paired, wa: WhatsAppDouble, status: int) -> None:
    plain, device = await paired()
    sent = await wa.person("5511777770001").show(device, b"gone", "image/png")
    await plain.event("Message")
    wa.media.refuses = status
    with pytest.raises(Failed, match=str(status)):
        await plain.ask("download", id=sent, seconds=60)


async def test_media_go_out(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, _ = await paired()
    ana = wa.person("5511777770001")
    sent = await plain.ask("image", to=ana.jid, data=base64.b64encode(PNG).decode(), caption="here")
    heard = await ana.heard()
    assert heard.medium is not None
    assert (heard.id, heard.text, heard.medium.kind, heard.medium.data) == (sent, "here", "image", PNG)
    await plain.ask("document", to=ana.jid, data=base64.b64encode(b"%PDF-1.4").decode(), name="a.pdf")
    medium = (await ana.heard()).medium
    assert medium is not None and (medium.data, medium.part.fileName) == (b"%PDF-1.4", "a.pdf")


async def test_an_upload_that_is_refused(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, _ = await paired()
    ana = wa.person("5511777770001")
    wa.media.refuses = 507
    with pytest.raises(Failed, match="507"):
        await plain.ask("image", to=ana.jid, data=base64.b64encode(PNG).decode(), caption="")


@pytest.mark.parametrize("lid", [True, False], ids=["by LID", "by number"])
async def test_a_group(paired: Paired, wa: WhatsAppDouble, lid: bool) -> None:
    plain, device = await paired()
    ana, bob = wa.person("5511777770001", "Ana"), wa.person("5511777770002", "Bob")
    group = wa.group("Bakers", ana, bob, device.phone, lid=lid)
    assert await plain.ask("groups") == [[group.jid, "Bakers"]]
    for turn in range(3):
        for person in (ana, bob):
            sent = await person.say(device, f"{person.name} {turn}", group=group)
            got = await plain.got("Message")
            if turn == 0:  # the sender's key comes before, as a message of its own
                assert set(got["Message"]) == {"senderKeyDistributionMessage"}
                got = await plain.got("Message")
            assert (got["Message"]["conversation"], got["Info"]["ID"]) == (f"{person.name} {turn}", sent)
            source = got["Info"]["MessageSource"]
            assert source["IsGroup"] and source["Chat"]["User"] == group.jid.split("@")[0]
            assert source["Sender"]["User"] == (person.lid_user if lid else person.number)
        sent = await plain.ask("text", to=group.jid, text=f"all {turn}")
        for person in (ana, bob, device.phone):
            heard = await person.heard()
            assert (heard.id, heard.text, heard.group) == (sent, f"all {turn}", group.jid)


async def test_a_group_that_it_is_not_in(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, _ = await paired()
    group = wa.group("Others", wa.person("5511777770001"))
    with pytest.raises(Failed):
        await plain.ask("text", to=group.jid, text="hello?")


async def test_a_call_that_is_refused(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    call = await ana.call(device)
    offer = await plain.got("CallOffer")
    assert offer["basicCallMeta"]["callID"] == call.id and offer["basicCallMeta"]["from"]["User"] == ana.number
    await plain.ask("reject", caller=ana.jid, call_id=call.id)
    await call.rejected()


async def test_a_call_that_ends_by_itself(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    call = await wa.person("5511777770001").call(device, video=True)
    await plain.event("CallOffer")
    await call.hang_up()
    ended = await plain.got("CallTerminate")
    assert (ended["basicCallMeta"]["callID"], ended["reason"]) == (call.id, "timeout")


async def test_what_came_while_it_was_away(paired: Paired, wa: WhatsAppDouble, start: Start) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    seen = await ana.say(device, "seen")
    await plain.event("Message")
    await device.receipt(seen)
    await plain.kill()
    await device.offline()
    sent = [await ana.say(device, f"missed {number}") for number in range(3)]
    assert list(device.outstanding) == sent
    again = await start()
    await again.ask("connect")
    for number, one in enumerate(sent):
        got = await again.got("Message")
        assert (got["Message"]["conversation"], got["Info"]["ID"]) == (f"missed {number}", one)
    for one in sent:
        await device.receipt(one)
    assert not again.had("Message") and not device.outstanding


async def test_a_picture(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, _ = await paired()
    ana = wa.person("5511777770001")
    with pytest.raises(Failed):
        await plain.ask("picture", of=ana.jid)
    ana.picture = PNG
    assert (await plain.ask("picture", of=ana.jid)).startswith("https://pps.whatsapp.net/")


async def test_other_kinds_of_messages(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    await ana.send(device, proto.Message(extendedTextMessage=proto.Message.ExtendedTextMessage(text="with a link")))
    assert (await plain.got("Message"))["Message"]["extendedTextMessage"]["text"] == "with a link"
    place = proto.Message.LocationMessage(degreesLatitude=-23.5, degreesLongitude=-46.6)
    await ana.send(device, proto.Message(locationMessage=place))
    assert (await plain.got("Message"))["Message"]["locationMessage"]["degreesLatitude"] == -23.5


async def test_who_reinstalled_can_still_write(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    for text in ("before", "after"):
        await ana.say(device, text)
        assert (await plain.got("Message"))["Message"]["conversation"] == text
        ana.sessions.forget(device)


async def test_nobody_writes_to_a_device_without_keys(wa: WhatsAppDouble, start: Start) -> None:
    plain = await start()
    wa.refusal = {"reason": 405}
    device = await wa.scan(wa.phone("5511999900001"), await plain.qr())
    with pytest.raises(Undelivered, match="uploaded no keys"):
        await wa.person("5511777770001").say(device, "too early")


async def test_a_group_changes(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana, bob = wa.person("5511777770001", "Ana"), wa.person("5511777770002", "Bob")
    group = wa.group("Bakers", ana, device.phone)
    await group.rename("Cooks", by=ana)
    change = await plain.got("GroupInfo")
    assert change["Name"]["Name"] == "Cooks" and change["JID"]["User"] == group.jid.split("@")[0]
    await group.add(bob, by=ana)
    assert [one["User"] for one in (await plain.got("GroupInfo"))["Join"]] == [bob.lid_user]
    await group.promote(bob, by=ana)
    assert [one["User"] for one in (await plain.got("GroupInfo"))["Promote"]] == [bob.lid_user]
    await group.remove(bob, by=bob)
    left = await plain.got("GroupInfo")
    assert [one["User"] for one in left["Leave"]] == [bob.lid_user] == [left["Sender"]["User"]]
    await plain.ask("text", to=group.jid, text="who is left?")
    await ana.heard()
    assert bob.silence


async def test_a_status_is_not_a_message_to_anybody(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001", "Ana")
    await ana.say(device, "my day", group=wa.status)
    await plain.got("Message")  # her key
    got = await plain.got("Message")
    assert got["Message"]["conversation"] == "my day"
    chat = got["Info"]["MessageSource"]["Chat"]
    assert (chat["User"], chat["Server"]) == ("status", "broadcast")


async def test_somebody_types(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    ana = wa.person("5511777770001")
    for on, said in ((True, "COMPOSING"), (False, "PAUSED")):
        await ana.typing(device, on=on)
        typing = await plain.got("ChatPresence")
        assert (typing["MessageSource"]["Sender"]["User"], typing["State"]) == (ana.lid_user, said)


async def test_two_accounts_that_are_both_ours(wa: WhatsAppDouble, start: Start) -> None:
    shop, cafe = await start("shop"), await start("cafe")
    devices = []
    for plain, number in ((shop, "5511999900001"), (cafe, "5511999900002")):
        devices.append(await wa.scan(wa.phone(number), await plain.qr()))
        await devices[-1].online()
    for turn in range(2):
        for sender, hearer, there in ((shop, cafe, devices[1]), (cafe, shop, devices[0])):
            sent = await sender.ask("text", to=there.phone.jid, text=f"turn {turn}")
            got = await hearer.got("Message")
            assert (got["Info"]["ID"], _said(got)) == (sent, f"turn {turn}")
            receipt = await sender.got("Receipt")
            assert (receipt["MessageIDs"], receipt["Type"]) == ([sent], "DELIVERED")
            await hearer.ask("read", id=sent)
            while (receipt := await sender.got("Receipt"))["Type"] != "READ":
                pass
            copies = [await one.phone.heard() for one in devices]  # each phone has what its devices sent and got
            assert {one.text for one in copies} == {f"turn {turn}"}


async def test_two_devices_of_one_account_in_a_group(wa: WhatsAppDouble, start: Start) -> None:
    one, two = await start("one"), await start("two")
    phone, ana = wa.phone("5511999900001"), wa.person("5511777770001")
    for plain in (one, two):
        await (await wa.scan(phone, await plain.qr())).online()
    group = wa.group("Bakers", ana, phone)
    for turn in range(2):
        sent = await one.ask("text", to=group.jid, text=f"all {turn}")
        while not _said(got := await two.got("Message")):
            pass
        assert (_said(got), got["Info"]["ID"]) == (f"all {turn}", sent)
        assert got["Info"]["MessageSource"]["IsFromMe"]
        assert (await ana.heard()).text == f"all {turn}"
    await one.ask("text", to=ana.jid, text="to her alone")
    got = await two.got("Message")
    assert got["Info"]["MessageSource"]["IsFromMe"] and got["Info"]["MessageSource"]["Chat"]["User"] == ana.lid_user
