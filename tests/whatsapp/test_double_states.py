"""What becomes of a linked session, and what the unmodified library says to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.whatsapp.device import Gone
from tests.fakes.whatsapp.double import Faulty, WhatsAppDouble, failure

from .conftest import Paired, Start
from .plain import Failed, running

pytestmark = pytest.mark.whatsapp


async def test_unlinked_on_the_phone(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    await device.removed()
    assert (await plain.got("LoggedOut"))["Reason"] == "LOGGED_OUT"
    assert wa.devices == []


async def test_the_library_unlinks_itself(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    await plain.ask("logout")
    assert (wa.devices, wa.logged_out) == ([], [device.jid])


async def test_another_program_takes_the_session_over(paired: Paired) -> None:
    plain, device = await paired()
    await device.replaced()
    await plain.event("StreamReplaced")
    await device.offline()


@pytest.mark.parametrize("how", ["503", "cut"])
async def test_a_line_that_ends_comes_back(paired: Paired, how: str) -> None:
    plain, device = await paired()
    if how == "503":
        await device.stream_error(503)
    else:
        device.drop()
    await plain.event("Disconnected")
    await plain.event("Connected")
    await device.online()
    assert device.logins == 2


async def test_a_temporary_ban(paired: Paired) -> None:
    plain, device = await paired()
    await device.fail(402, code=101, expire=3600)
    ban = await plain.got("TemporaryBan")
    assert (ban["Code"], ban["Expire"]) == ("SEND_TO_TOO_MANY_PEOPLE", "3600")
    assert not device.link


@pytest.mark.parametrize(("reason", "said"), [(401, "LOGGED_OUT"), (403, "MAIN_DEVICE_GONE"), (406, "UNKNOWN_LOGOUT")])
async def test_a_login_that_is_refused_for_good(paired: Paired, reason: int, said: str) -> None:
    plain, device = await paired()
    await device.fail(reason)
    assert (await plain.got("LoggedOut"))["Reason"] == said


async def test_a_client_that_is_too_old(paired: Paired) -> None:
    plain, device = await paired()
    await device.fail(405)
    await plain.event("ClientOutdated")


async def test_a_server_that_is_busy_is_asked_again(paired: Paired) -> None:
    plain, device = await paired()
    await device.fail(503)
    await device.offline()
    await plain.event("Disconnected")
    device.refusal = None
    await device.online()


async def test_all_logins_are_refused(paired: Paired, wa: WhatsAppDouble) -> None:
    plain, device = await paired()
    wa.refusal = failure(405)
    await device.stream_error(503)
    await plain.event("ClientOutdated")


@pytest.mark.long
async def test_a_server_that_says_nothing(wa: WhatsAppDouble, start: Start) -> None:
    wa.silent = True
    plain = await start()
    await plain.ask("connect")
    assert "timed out" in (await plain.event("ended"))["words"]  # after 20 s


@pytest.mark.long
async def test_a_server_that_goes_dumb_is_noticed(paired: Paired) -> None:
    plain, device = await paired()
    device.mute = True
    await plain.event("KeepAliveTimeout", seconds=80)  # a ping in 20 to 30 s, and 10 s for its answer


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("good", [True, False], ids=["the password", "another password"])
async def test_a_proxy_with_a_password(tmp_path: Path, good: bool, scheme: str) -> None:
    async with WhatsAppDouble(login=("user", "secret")) as wa:
        url = wa.proxy_url.replace("http", scheme, 1)
        async with running(wa, tmp_path, proxy=url if good else url.replace("secret", "wrong")) as plain:
            await plain.ask("connect")
            if good:
                await plain.event("qr")
            else:
                ended = (await plain.event("ended"))["words"]
                assert "Proxy Authentication Required" in ended or "username/password authentication failed" in ended


async def test_what_the_double_does_not_know_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(Faulty, match=r"a query that the double does not know: <iq.*blocklist"):
        async with WhatsAppDouble() as wa, running(wa, tmp_path) as plain:
            device = await wa.scan(wa.phone("5511999900001"), await plain.qr())
            await device.online()
            with pytest.raises(Failed, match="501"):
                await plain.ask("blocklist")


async def test_who_is_gone_cannot_be_dropped(paired: Paired) -> None:
    _, device = await paired()
    device.drop()
    await device.offline()
    with pytest.raises(Gone):
        device.drop()
