"""The unmodified library is linked with phones of the double: by QR, by code, and in all the ways in which that fails."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.whatsapp.chain import Root
from tests.fakes.whatsapp.device import Device
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.nodes import now
from tests.fakes.whatsapp.phone import PREFIX, PairingRefused, QrText

from .conftest import Start
from .plain import SECONDS, Failed, Plain

pytestmark = pytest.mark.whatsapp


async def _is_online(plain: Plain, device: Device) -> None:
    await plain.event("Connected")
    await device.online()
    assert await plain.ask("state") == [True, True]
    assert device.keys is not None and device.key_count >= 50


@pytest.mark.parametrize("prefix", [True, False])
async def test_a_scan_links_and_the_session_logs_in(wa: WhatsAppDouble, start: Start, prefix: bool) -> None:
    plain = await start()
    text = await plain.qr()
    assert text.startswith(PREFIX) and len(text) == 257
    device = await wa.scan(wa.phone("5511999900001"), text if prefix else text.removeprefix(PREFIX))
    assert (await plain.got("PairStatus"))["ID"]["User"] == "5511999900001"
    assert (await plain.event("status"))["text"] == "success"
    await _is_online(plain, device)
    assert (device.jid, device.logins) == ("5511999900001:1@s.whatsapp.net", 1)
    assert set(wa.seen) == {"web.whatsapp.com:443"}


async def test_a_code_that_is_typed_links(wa: WhatsAppDouble, start: Start) -> None:
    plain, phone = await start(), wa.phone("5511999900001")
    await plain.qr()
    code = await plain.ask("code", number=phone.number)
    assert len(code) == 9 and code[4] == "-"
    await _is_online(plain, await wa.enter_code(phone, code.lower()))


async def test_a_mistyped_code_is_refused_and_the_right_one_still_links(wa: WhatsAppDouble, start: Start) -> None:
    plain, phone = await start(), wa.phone("5511999900001")
    await plain.qr()
    code = await plain.ask("code", number=phone.number)
    with pytest.raises(PairingRefused, match="not the code"):
        await wa.enter_code(phone, code[:-1] + ("2" if code[-1] != "2" else "3"))
    assert wa.devices == []
    await _is_online(plain, await wa.enter_code(phone, code))


async def test_a_code_of_another_number_is_nobodys(wa: WhatsAppDouble, start: Start) -> None:
    plain = await start()
    await plain.qr()
    code = await plain.ask("code", number="5511999900001")
    with pytest.raises(PairingRefused, match="nobody waits"):
        await wa.enter_code(wa.phone("5511999900002"), code)


async def test_when_no_code_is_given_the_qr_text_still_links(wa: WhatsAppDouble, start: Start) -> None:
    wa.code_refusal = (429, "rate-overlimit")
    plain = await start()
    text = await plain.qr()
    with pytest.raises(Failed, match="429"):
        await plain.ask("code", number="5511999900001")
    await _is_online(plain, await wa.scan(wa.phone("5511999900001"), text))


async def test_after_a_rotation_the_old_text_is_no_good(wa: WhatsAppDouble, start: Start) -> None:
    plain, phone = await start(), wa.phone("5511999900001")
    old = await plain.qr()
    await wa.rotate()
    new = (await plain.event("qr"))["text"]
    assert new != old
    with pytest.raises(PairingRefused, match="no longer valid"):
        await wa.scan(phone, old)
    await _is_online(plain, await wa.scan(phone, new))


@pytest.mark.long
async def test_the_texts_run_out(wa: WhatsAppDouble, start: Start) -> None:
    wa.ref_count = 1  # then it lives for 20 s
    plain = await start()
    await plain.qr()
    assert (await plain.event("status"))["text"] == "timeout"


async def test_the_library_refuses_a_phone_that_does_not_know_the_secret(wa: WhatsAppDouble, start: Start) -> None:
    plain = await start()
    qr = QrText.parse(await plain.qr())
    with pytest.raises(PairingRefused, match="hmac-mismatch"):
        await wa.links[-1].pair(wa.phone("5511999900001"), bytes(32), qr.identity)
    assert (await plain.event("status"))["text"] == "error"
    assert wa.devices == []


async def test_a_session_on_the_disk_logs_in_again(wa: WhatsAppDouble, start: Start) -> None:
    first = await start()
    device = await wa.scan(wa.phone("5511999900001"), await first.qr())
    await _is_online(first, device)
    await first.kill()
    await device.offline()
    second = await start()
    await second.ask("connect")
    await _is_online(second, device)
    assert device.logins == 2 and not second.had("qr")


async def test_without_the_restart_the_library_is_silent_and_the_session_is_good(wa: WhatsAppDouble, start: Start) -> None:
    wa.skip_restart = True
    first = await start()
    device = await wa.scan(wa.phone("5511999900001"), await first.qr())
    await first.event("PairStatus")
    async with asyncio.timeout(SECONDS):
        while await first.ask("state") != [False, False]:
            await asyncio.sleep(0.01)
    assert not first.had("Disconnected")
    await first.kill()
    second = await start()
    await second.ask("connect")
    await _is_online(second, device)


async def test_two_devices_of_one_phone(wa: WhatsAppDouble, start: Start) -> None:
    phone = wa.phone("5511999900001")
    for number in (1, 2):
        plain = await start(f"worker {number}")
        device = await wa.scan(phone, await plain.qr())
        await _is_online(plain, device)
        assert device.jid == f"5511999900001:{number}@s.whatsapp.net"
    assert wa.numbers(phone) == [1, 2]


@pytest.mark.parametrize(
    ("ends", "root", "words"),
    [(-1, None, "expired"), (3600, Root(), "failed to verify intermediate cert signature")],
    ids=["out of date", "of another root"],
)
async def test_certificates_that_are_no_good_are_refused(
    wa: WhatsAppDouble, start: Start, ends: int, root: Root | None, words: str
) -> None:
    wa.renew(begins=now() - 7200, ends=now() + ends, root=root)
    plain = await start()
    await plain.ask("connect")
    assert words in (await plain.event("ended"))["words"]


async def test_a_session_that_another_program_made_up_is_told_to_go(wa: WhatsAppDouble, start: Start) -> None:
    plain = await start()
    device = await wa.scan(wa.phone("5511999900001"), await plain.qr())
    await _is_online(plain, device)
    device.noise = bytes(32)
    device.drop()
    assert (await plain.got("LoggedOut"))["Reason"] == "LOGGED_OUT"
