"""The whole server with the real library on the double: pairing in every way, and every way in which a session ends."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from tests.contract.harness import Frames
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.phone import PairingRefused

from .engine import NUMBER, OnDouble, on_double

pytestmark = pytest.mark.whatsapp
JID = f"{NUMBER}@s.whatsapp.net"


async def until_state(frames: Frames, word: str) -> list[str]:
    """The words of events up to and with this one."""
    told = await frames.until(lambda frame: frame["data"].get("state") == word)
    return [frame["data"]["state"] for frame in told if frame["event"] == "instance.state"]


async def test_by_qr(on: OnDouble, tmp_path: Path) -> None:
    await on.api.new("shop", websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        text = await on.qr("shop")
        ready = await frames.state("qr_ready")
        assert ready["codes"] == [text] and len(text) == 257
        device = await on.wa.scan(on.wa.phone(NUMBER, "Acme", business="Acme Ltd"), text)
        success = await frames.state("pair_success")
        assert (success["jid"], success["platform"]) == (JID, "android")
        up = await frames.state("connected")
        assert up["jid"] == JID
    item = await on.api.item("shop")
    assert item["profile"]["name"] == "Acme" and item["connection"]["displayStatus"] == "Connected"
    assert device.logins == 1, "one pairing, one login: of the worker, which misses nothing of the first exchange"
    directory = tmp_path / "data" / "whatsapp"
    files = sorted(directory.iterdir())
    assert [file.suffix for file in files] == [".session", ".unsaved"], "its keys, and what waits for the server's disk"
    assert len({file.stem for file in files}) == 1 and {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert set(on.wa.seen) <= {"web.whatsapp.com:443", "mmg.whatsapp.net:443"}


async def test_codes_rotate(on: OnDouble) -> None:
    await on.api.new("shop", websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        first = await on.qr("shop")
        await frames.state("qr_ready")
        await on.wa.rotate()
        (second,) = (await frames.state("qr_ready"))["codes"]
    assert second != first
    with pytest.raises(PairingRefused):
        await on.wa.scan(phone := on.wa.phone(NUMBER), first)
    await on.wa.scan(phone, second)
    await on.up()


async def test_by_code(on: OnDouble) -> None:
    phone = on.wa.phone(NUMBER, "Acme")
    await on.api.new("shop")
    answer = await on.api.ok("GET", f"/api/instance/connect/shop?number={NUMBER}")
    code = answer["pairingCode"]
    with pytest.raises(PairingRefused):
        await on.wa.enter_code(phone, "1" * 8 if code[0] != "1" else "2" * 8)
    await on.wa.enter_code(phone, code)
    await on.up()


async def test_a_code_that_whatsapp_refuses(on: OnDouble) -> None:
    on.wa.code_refusal = (429, "rate-overlimit")
    await on.api.new("shop")
    status, words = await on.api.refused("GET", f"/api/instance/connect/shop?number={NUMBER}")
    assert status == 500 and "gave no pairing code" in words and "rate-overlimit" in words and "pair by QR" in words
    assert await on.api.state("shop") == "disconnected"
    await pairing_gone(on)


@pytest.mark.parametrize("how", ["QR", "code"])
async def test_an_account_that_needs_a_passkey(on: OnDouble, how: str) -> None:
    phone = on.wa.phone(NUMBER, "Acme")
    phone.passkey = True
    await on.api.new("shop", websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        if how == "QR":
            shown = on.wa.scan(phone, await on.qr("shop"))
        else:
            answer = await on.api.ok("GET", f"/api/instance/connect/shop?number={NUMBER}")
            shown = on.wa.enter_code(phone, answer["pairingCode"])
        with pytest.raises(PairingRefused, match="passkey"):
            await shown
        told = [await frames.state("pair_error"), await frames.state("connect_failure")]
    assert [data["error" if "error" in data else "reason"] for data in told] == [
        "WhatsApp wants a passkey for this account, which this engine cannot give; switch passkeys off on the phone, or pair "
        "another number"
    ] * 2
    connection = (await on.api.item("shop"))["connection"]
    assert connection["state"] == "disconnected" and "passkey" in connection["reason"]
    await pairing_gone(on)
    phone.passkey = False
    await on.wa.scan(phone, await on.qr("shop"))
    await on.up()


@pytest.mark.long
async def test_codes_that_nobody_scans_end(on: OnDouble) -> None:
    on.wa.ref_count = 1  # which lives for 20 s
    await on.api.new("shop", websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        shown = await on.qr("shop")
        async with asyncio.timeout(60):
            while await on.api.state("shop") == "connecting":
                await asyncio.sleep(0.1)
        ended = await frames.state("disconnected")
    assert ended["reason"] == "nobody scanned: WhatsApp ended the pairing after six codes"
    await pairing_gone(on)
    on.wa.ref_count = 6
    assert await on.qr("shop") != shown


async def pairing_gone(on: OnDouble) -> None:
    """Only the spare process is left, and no file of a pairing."""
    async with asyncio.timeout(10):
        while len(on.engine.pool.pids) > 1 or list(on.engine.files.directory.glob("*.pairing*")):
            await asyncio.sleep(0.01)


async def test_a_pairing_that_is_replaced_is_killed(on: OnDouble) -> None:
    await on.api.new("shop")
    first = await on.qr("shop")
    (pid,) = {link.pairing._worker.pid for link in on.engine.links.values() if link.pairing}
    second = await on.qr("shop")
    assert first != second
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)
    await on.wa.scan(on.wa.phone(NUMBER), second)
    await on.up()


async def test_deleting_during_a_pairing_leaves_nothing(on: OnDouble) -> None:
    await on.api.new("shop")
    await on.qr("shop")
    await on.api.ok("DELETE", "/api/instance/delete/shop")
    await pairing_gone(on)
    async with asyncio.timeout(10):
        while on.engine.links:  # its files go before it does
            await asyncio.sleep(0.01)


async def test_a_lost_restart_after_the_scan(on: OnDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """WhatsApp forgets to restart the connection, which the library never notices."""
    from ryze_tui.backend.engine.whatsapp import pairing

    monkeypatch.setattr(pairing, "SETTLE_SECONDS", 1.0)
    on.wa.skip_restart = True
    device = await on.paired()
    assert device.logins == 1, "it is the worker that logs in"


async def test_back_after_a_restart_of_the_server(tmp_path: Path, wa: WhatsAppDouble) -> None:
    async with on_double(tmp_path, wa) as first:
        device = await first.paired()
        logins = device.logins
        pids = first.engine.pool.pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    await device.offline()
    async with on_double(tmp_path, wa) as second:
        await second.up()
        assert device.logins == logins + 1
        assert (await second.api.item("shop"))["profile"]["name"] == "Acme"


async def test_a_session_goes_on_at_another_server(tmp_path: Path, wa: WhatsAppDouble) -> None:
    from ryze_tui import cli

    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "shop.session"
    async with on_double(one, wa) as first:
        device = await first.paired()
    async with on_double(two, wa) as second:
        await second.api.new("moved")
    await device.offline()
    for words in (["export", "shop", str(file), "--move"], ["import", "moved", str(file)]):
        home = one if words[0] == "export" else two
        assert await asyncio.to_thread(cli.main, ["session", *words, "--data-dir", str(home / "data")]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    logins = device.logins
    async with on_double(two, wa) as second:
        await second.up("moved")
        assert device.logins == logins + 1
        ana = wa.person("5511777770001", "Ana")
        await second.api.ok("POST", "/api/message/text/moved", {"number": ana.number, "message": "we moved"})
        assert (await ana.heard()).text == "we moved"


async def test_reconnect(on: OnDouble) -> None:
    device = await on.paired()
    logins = device.logins
    await on.api.ok("POST", "/api/instance/reconnect/shop")
    await on.up()
    assert device.logins == logins + 1


async def test_logout(on: OnDouble) -> None:
    device = await on.paired()
    await on.api.ok("DELETE", "/api/instance/logout/shop")
    assert on.wa.logged_out == [device.jid]
    assert await on.api.state("shop") == "loggedout"
    assert list(on.engine.files.directory.iterdir()) == []
    await on.wa.scan(device.phone, await on.qr("shop"))
    await on.up()


ENDS = {
    401: ("logged_out", "loggedout", "logged out from the phone"),
    403: ("logged_out", "loggedout", "logged out by WhatsApp: the number's phone was switched"),
    405: ("client_outdated", "disconnected", "upgrade ryze-tui"),
    406: ("temp_banned", "banned", "banned by WhatsApp; only the phone's own WhatsApp can ask for a review"),
}


@pytest.mark.parametrize("reason", ENDS)
async def test_a_login_that_is_refused_for_good(on: OnDouble, reason: int) -> None:
    word, state, words = ENDS[reason]
    device = await on.paired(websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        await device.fail(reason)
        data = await frames.state(word)
    assert words in data["reason"]
    connection = (await on.api.item("shop"))["connection"]
    assert connection["state"] == state and words in connection["reason"]
    kept = list(on.engine.files.directory.glob("*.session"))
    assert bool(kept) == (reason == 405)


async def test_a_ban_for_good_is_one_after_a_restart_too(tmp_path: Path, wa: WhatsAppDouble) -> None:
    async with on_double(tmp_path, wa) as first:
        device = await first.paired(websocketEnabled=True)
        async with first.api.socket("/ws/shop") as frames:
            await device.fail(406)
            await frames.state("temp_banned")
        before = (await first.api.item("shop"))["connection"]
    async with on_double(tmp_path, wa) as second:
        after = (await second.api.item("shop"))["connection"]
        assert after["state"] == "banned" and after["reason"] == before["reason"] and after["since"] == before["since"]
        _, words = await second.api.refused("POST", "/api/instance/reconnect/shop")
        assert words == "Instance has no saved session, call /connect first"
        assert await second.api.state("shop") == "banned"
        assert "2@" in await second.qr("shop"), "a new pairing may be tried"


async def test_a_temporary_ban(on: OnDouble) -> None:
    device = await on.paired(websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        await device.fail(402, code=101, expire=3600)
        data = await frames.state("temp_banned")
    assert (data["code"], data["expire"]) == (101, 3600)
    assert data["reason"] == "sent too many messages to people who do not have you in their address book"
    assert await on.api.state("shop") == "banned"
    device.refusal = None
    await on.api.ok("POST", "/api/instance/reconnect/shop")
    await on.up()


async def test_a_ban_of_an_unknown_kind(on: OnDouble) -> None:
    """neonize cannot write it, and ends its own session; the number is banned all the same."""
    device = await on.paired(websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        await device.fail(402, code=177, expire=60)
        data = await frames.state("temp_banned")
    assert (data["code"], data["reason"]) == (0, "temporarily banned")


async def test_unlinked_on_the_phone(on: OnDouble) -> None:
    device = await on.paired(websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        await device.removed()
        data = await frames.state("logged_out")
    assert (data["reason"], data["onConnect"]) == ("logged out from the phone", False)
    assert list(on.engine.files.directory.iterdir()) == []


async def test_replaced(on: OnDouble) -> None:
    device = await on.paired(websocketEnabled=True)
    async with on.api.socket("/ws/shop") as frames:
        await device.replaced()
        data = await frames.state("stream_replaced")
    assert "opened somewhere else" in data["reason"]
    assert await on.api.state("shop") == "disconnected"
    await on.api.ok("POST", "/api/instance/reconnect/shop")
    await on.up()


@pytest.mark.parametrize("how", ["503", "cut", "500"])
async def test_a_line_that_ends_comes_back(on: OnDouble, how: str) -> None:
    device = await on.paired(websocketEnabled=True)
    logins = device.logins
    async with on.api.socket("/ws/shop") as frames:
        if how == "cut":
            device.drop()
        else:
            await device.stream_error(int(how))
        told = await until_state(frames, "connected")
    assert told[0] == ("stream_error" if how == "500" else "disconnected")
    assert device.logins == logins + 1
