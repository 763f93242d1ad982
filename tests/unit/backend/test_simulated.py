"""The simulated engine on a virtual clock: it is to behave like WhatsApp, to the second."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from ryze_tui.backend.engine.guard import Guarded
from ryze_tui.backend.engine.port import UNREADABLE, Saved
from ryze_tui.backend.engine.simulated import codes
from ryze_tui.backend.engine.simulated.controls import Controls
from ryze_tui.backend.engine.simulated.engine import SimulatedEngine
from ryze_tui.backend.engine.simulated.fields import Impossible, Invalid
from ryze_tui.backend.engine.simulated.fill import seeds
from ryze_tui.backend.engine.simulated.link import Link, Phase, Session
from ryze_tui.backend.errors import ApiError
from ryze_tui.backend.record import Record
from ryze_tui.backend.table import Stage

from .fakes import ACCOUNT, START, FakeStore, VirtualClock, World

NUMBER = "5511999990001"


class Phones(World):
    """A lifecycle on the simulated engine, and its controls."""

    def __init__(self, speed: float = 1.0, store: FakeStore | None = None) -> None:
        super().__init__()
        if store is not None:
            self.store.kept = store.kept
        self.engine = SimulatedEngine(self.store, self.clock, speed=speed, seed=7)  # type: ignore[arg-type]
        self.instances._engine = Guarded(self.engine, self.clock)
        self.controls = Controls(self.engine)

    async def pair(self, record: Record, number: str = "") -> str:
        asking = asyncio.create_task(self.instances.connect(record, number))
        await asyncio.sleep(0)
        self.clock.advance(0.2 / self.engine.speed)
        code = await asking
        assert code is not None
        return code

    async def connected(self) -> Record:
        record = await self.catalog.create(ACCOUNT, "sales", "", [])
        await self.pair(record)
        await self.act(record, "scan", number=NUMBER, name="Acme")
        self.clock.advance(0.3)
        assert record.stage is Stage.CONNECTED
        self.hearer.frames.clear()
        return record

    async def act(self, record: Record, action: str, **body: Any) -> dict[str, Any]:
        return await self.controls.act(record.id, action, body)

    def datas(self) -> list[dict[str, Any]]:
        return [frame["data"] for frame in self.hearer.frames if frame["event"] != "instance.row"]


async def phones(speed: float = 1.0) -> tuple[Phones, Record]:
    world = Phones(speed)
    await world.open()
    record = await world.catalog.create(ACCOUNT, "sales", "", [])
    world.hearer.frames.clear()
    return world, record


async def online() -> tuple[Phones, Record]:
    world = await Phones().open()
    assert isinstance(world, Phones)
    return world, await world.connected()


# -- codes -------------------------------------------------------------------------------------------------------------

QR = re.compile(r"https://wa\.me/settings/linked_devices#2@SIMULATED[\w-]{69}==(,[A-Za-z0-9+/]{43}=){3},1")


async def test_qr_texts_have_the_real_form_and_length() -> None:
    world, record = await phones()
    await world.pair(record)
    texts = world.datas()[-1]["codes"]
    assert len(texts) == len(set(texts)) == 6
    assert all(QR.fullmatch(text) and len(text) == 257 for text in texts)
    assert len({text.partition(",")[2] for text in texts}) == 1, "the keys are the pairing's, only the ref changes"


async def test_pairing_codes_have_the_real_alphabet() -> None:
    world, record = await phones()
    code = await world.pair(record, NUMBER)
    assert re.fullmatch("[123456789ABCDEFGHJKLMNPQRSTVWXYZ]{8}", code)


def test_which_code_is_alive_when() -> None:
    ends = [60, 80, 100, 120, 140, 160]
    for index, end in enumerate(ends):
        assert codes.alive(end - 0.001) == index
        assert codes.alive(end) == (index + 1 if index < 5 else None)


async def test_the_first_code_lives_a_minute_the_others_twenty_seconds() -> None:
    world, record = await phones()
    await world.pair(record)
    texts = world.datas()[-1]["codes"]
    with pytest.raises(Impossible, match="dead"):
        await world.act(record, "scan", code=texts[1])
    world.clock.advance(60)
    with pytest.raises(Impossible, match="dead"):
        await world.act(record, "scan", code=texts[0])
    assert (await world.act(record, "scan", code=texts[1], number=NUMBER))["number"] == NUMBER


async def test_after_six_codes_the_pairing_ends() -> None:
    world, record = await phones()
    await world.pair(record)
    world.clock.advance(159.9)
    assert record.stage is Stage.SCANNING
    world.clock.advance(0.2)
    assert (record.stage, record.reason) == (Stage.NEW, "nobody scanned: WhatsApp ended the pairing after six codes")
    assert world.datas()[-1]["state"] == "disconnected"
    with pytest.raises(Impossible):
        await world.act(record, "scan")
    assert world.clock.waiting == 0, "nothing ticks when nothing happens"


async def test_the_speed_divides_the_waits() -> None:
    world, record = await phones(speed=20)
    await world.pair(record)
    world.clock.advance(7.9)
    assert record.stage is Stage.SCANNING
    world.clock.advance(0.2)
    assert record.stage is Stage.NEW


async def test_scanning_links_and_the_link_comes_up_a_moment_later() -> None:
    world, record = await phones()
    await world.pair(record)
    await world.act(record, "scan", number=NUMBER, name="Acme Sales", business="Acme Ltd")
    assert (record.stage, record.number, record.profile_name, record.business_name) == (
        Stage.LINKING, NUMBER, "Acme Sales", "Acme Ltd",
    )
    assert list(world.store.kept) == [record.id], "the session is on the disk before anybody is told"
    world.clock.advance(0.29)
    assert record.stage is Stage.LINKING
    world.clock.advance(0.02)
    assert record.stage is Stage.CONNECTED
    success, connected = world.datas()[-2:]
    assert success["state"] == "pair_success"
    assert {key: success[key] for key in ("jid", "businessName", "platform")} == {
        "jid": f"{NUMBER}@s.whatsapp.net", "businessName": "Acme Ltd", "platform": "android",
    }
    assert (connected["state"], connected["jid"]) == ("connected", f"{NUMBER}@s.whatsapp.net")


async def test_a_pairing_code_works_once_however_it_is_typed() -> None:
    world, record = await phones()
    code = await world.pair(record, NUMBER)
    with pytest.raises(Impossible, match="not the pairing code"):
        await world.act(record, "enter-code", code="AAAA1111" if code != "AAAA1111" else "BBBB1111")
    await world.act(record, "enter-code", code=f" {code[:4].lower()}-{code[4:]} ")
    assert record.number == NUMBER
    with pytest.raises(Impossible, match="no pairing code"):
        await world.act(record, "enter-code", code=code)


async def test_a_replaced_code_is_dead() -> None:
    world, record = await phones()
    old = await world.pair(record, NUMBER)
    new = await world.pair(record, NUMBER)
    assert old != new
    with pytest.raises(Impossible, match="not the pairing code"):
        await world.act(record, "enter-code", code=old)
    await world.act(record, "enter-code", code=new)


async def test_a_qr_pairing_has_no_code_to_enter() -> None:
    world, record = await phones()
    await world.pair(record)
    with pytest.raises(Impossible, match="no pairing code"):
        await world.act(record, "enter-code", code="ABCD1234")


async def test_a_scan_that_was_overtaken_by_a_new_pairing_links_nothing() -> None:
    world, record = await phones()
    await world.pair(record)
    save = world.store.save_session

    async def slow(instance: str, data: str) -> None:
        world.instances._pair(record, "", None, None)
        await save(instance, data)

    world.store.save_session = slow  # type: ignore[method-assign]
    with pytest.raises(Impossible, match="replaced"):
        await world.act(record, "scan")
    assert (world.store.kept, record.stage) == ({}, Stage.ASKING)


async def test_a_logout_in_the_middle_of_a_scan_leaves_no_session_on_the_disk() -> None:
    """Killed right after the logout was answered, the server must not come back with what was scanned."""
    world, record = await phones()
    await world.pair(record)
    save, gate = world.store.save_session, asyncio.Event()

    async def slow(instance: str, data: str) -> None:
        await save(instance, data)
        await gate.wait()

    world.store.save_session = slow  # type: ignore[method-assign]
    scan = asyncio.create_task(world.act(record, "scan"))
    await asyncio.sleep(0)
    assert world.store.kept
    await world.instances.logout(record)
    assert world.store.kept == {}
    gate.set()
    with pytest.raises(Impossible, match="replaced"):
        await scan
    assert (world.store.kept, record.stage) == ({}, Stage.LOGGEDOUT)


# -- trouble -----------------------------------------------------------------------------------------------------------

async def test_a_drop_comes_back_by_itself() -> None:
    world, record = await online()
    await world.act(record, "drop", seconds=30)
    assert (record.state, record.reason) == ("disconnected", "connection to WhatsApp lost, dialling again")
    world.clock.advance(29.9)
    assert record.state == "disconnected"
    world.clock.advance(0.2)
    assert record.state == "connected"
    assert [data["state"] for data in world.datas()] == ["disconnected", "connected"]


async def test_a_reconnect_ends_a_drop() -> None:
    world, record = await online()
    await world.act(record, "drop", seconds=600)
    await world.instances.reconnect(record)
    world.clock.advance(0.3)
    assert record.stage is Stage.CONNECTED
    world.clock.advance(700)
    assert [data["state"] for data in world.datas()] == ["disconnected", "manual_reconnect", "connected"]


async def test_a_ban_lasts_as_long_as_it_says() -> None:
    world, record = await online()
    await world.act(record, "ban", seconds=600, code=101)
    banned = world.datas()[-1]
    assert (record.state, banned["state"], banned["code"], banned["expire"]) == ("banned", "temp_banned", 101, 600)
    assert record.reason == banned["reason"] == "sent too many messages to people who do not have you in their address book"
    world.clock.advance(100)
    await world.instances.reconnect(record)
    world.clock.advance(0.5)
    assert (record.state, world.datas()[-1]["expire"]) == ("banned", 500)
    world.clock.advance(500)
    assert record.state == "banned", "it does not come back by itself"
    await world.instances.reconnect(record)
    world.clock.advance(0.5)
    assert record.state == "connected"


async def test_a_banned_number_stays_banned_when_it_is_paired_again() -> None:
    world, record = await online()
    await world.act(record, "ban", seconds=600)
    await world.pair(record)
    await world.act(record, "scan", number=NUMBER)
    world.clock.advance(1)
    assert record.state == "banned"
    await world.pair(record)
    await world.act(record, "scan", number="5511888880001")
    world.clock.advance(1)
    assert (record.state, record.number) == ("connected", "5511888880001")


async def test_unlinking_on_the_phone() -> None:
    world, record = await online()
    await world.act(record, "unlink")
    assert (record.state, record.reason, record.paired, world.store.kept) == ("loggedout", "logged out from the phone", False, {})
    assert world.datas()[-1]["onConnect"] is False
    with pytest.raises(ApiError, match="no saved session"):
        await world.instances.reconnect(record)
    with pytest.raises(Impossible, match="no device is linked"):
        await world.act(record, "unlink")


async def test_unlinking_without_a_link_is_told_at_the_next_dial() -> None:
    world, record = await online()
    await world.act(record, "ban", seconds=5)
    await world.act(record, "unlink")
    assert record.state == "banned"
    await world.instances.reconnect(record)
    world.clock.advance(0.5)
    await asyncio.sleep(0)
    assert (record.state, world.datas()[-1]["onConnect"], world.store.kept) == ("loggedout", True, {})


@pytest.mark.parametrize("action", ["ban", "drop", "message", "call", "unlink", "scan", "enter-code"])
async def test_what_is_impossible_when_nothing_is_linked(action: str) -> None:
    world, record = await phones()
    with pytest.raises(Impossible):
        await world.act(record, action, **{"from": "5511999990002", "text": "hi"})
    assert world.hearer.frames == []


@pytest.mark.parametrize(("action", "body"), [
    ("drop", {"seconds": 0}), ("drop", {"seconds": "5"}), ("drop", {"seconds": True}), ("drop", {"seconds": float("nan")}),
    ("ban", {"seconds": 10**400}), ("ban", {"code": 7}), ("ban", {"code": []}), ("message", {"text": "hi"}),
    ("message", {"from": "5511999990002"}), ("message", {"from": "abc", "text": "hi"}), ("call", {}),
    ("message", {"from": "5511999990002", "mediaType": "hologram"}),
])  # fmt: skip
async def test_bodies_that_are_not_understood(action: str, body: dict[str, Any]) -> None:
    world, record = await online()
    with pytest.raises(Invalid):
        await world.act(record, action, **body)
    assert record.state == "connected"


# -- traffic -----------------------------------------------------------------------------------------------------------

async def test_a_message_has_the_live_layout() -> None:
    world, record = await online()
    answer = await world.act(record, "message", **{"from": "+55 (11) 99999-0002", "text": "Hi"})
    frame = world.hearer.frames[-1]
    data = frame["data"]
    assert frame["event"] == "message.exchange"
    assert re.fullmatch("3EB0[0-9A-F]{18}", data["id"]) and answer["messageId"] == data["id"]
    assert data["direction"] == "incoming" and data["timestamp"].endswith("Z")
    assert data["chat"] == {"jid": "5511999990002@s.whatsapp.net", "lid": "", "name": "", "type": "private"}
    assert data["sender"]["jid"] == "5511999990002@s.whatsapp.net"
    assert (data["message"]["type"], data["message"]["content"], data["message"]["media"]) == ("text", "Hi", None)


async def test_media_keeps_its_base64_from_the_account_stream() -> None:
    world, record = await online()
    body = {"from": "5511999990002", "mediaType": "image", "mediaBase64": "QUJD", "text": "look"}
    await world.act(record, "message", **body)
    media = world.hearer.frames[-1]["data"]["message"]["media"]
    assert (media["mimetype"], media["caption"], "base64" in media) == ("image/jpeg", "look", False)


async def test_a_call_rings_and_ends() -> None:
    world, record = await online()
    answer = await world.act(record, "call", **{"from": "5511999990002"})
    world.clock.advance(20)
    offer, end = world.datas()
    assert (offer["type"], end["type"]) == ("offer", "terminated")
    assert offer["callId"] == end["callId"] == answer["callId"]
    assert offer["from"] == "5511999990002@s.whatsapp.net"


# -- sessions, storms, the first fill ----------------------------------------------------------------------------------

async def test_sessions_survive_a_restart() -> None:
    world, record = await online()
    again = Phones(store=world.store)
    again.store.records = {record.id: record}
    record.attempt, record.lock = 0, None
    await again.open()
    assert record.state == "connecting"
    again.clock.advance(1)
    assert (record.state, record.number, record.profile_name) == ("connected", NUMBER, "Acme")


async def restarted(world: Phones, *records: Record) -> Phones:
    """Another server on the same disk, five seconds after its start."""
    again = Phones(store=world.store)
    again.clock.time = world.clock.time
    again.store.records = {record.id: record for record in records}
    for record in records:
        record.attempt, record.lock = 0, None
    await again.open()
    again.clock.advance(5)
    return again


@pytest.mark.parametrize(("stage", "session", "becomes"), [
    (Stage.CONNECTED, Session(NUMBER), "connected"),
    (Stage.IDLE, Session(NUMBER), "connected"),
    (Stage.BANNED, Session(NUMBER, banned_until=START + 9e5, ban_code=104), "banned"),
    (Stage.DIALLING, Session(NUMBER, away_until=START + 9e5), "connecting"),
    (Stage.LOGGEDOUT, None, "loggedout"),
    (Stage.NEW, None, "disconnected"),
])  # fmt: skip
async def test_what_a_restart_makes_of_what_was_filled(stage: Stage, session: Session | None, becomes: str) -> None:
    """Every saved session is dialled; what it then meets is what its phone meets."""
    world = Phones()
    await world.open()
    record = await world.at(stage)
    if session is not None:
        world.store.kept[record.id] = session.dump()
    await restarted(world, record)
    assert record.state == becomes


async def test_a_phone_that_came_back_into_reach_stays_in_reach_after_a_restart() -> None:
    world = Phones()
    await world.open()
    record = await world.at(Stage.DIALLING)
    world.store.kept[record.id] = Session(NUMBER, away_until=START + 9e5).dump()
    again = await restarted(world, record)
    assert record.state == "connecting"
    await again.instances.reconnect(record)
    again.clock.advance(1)
    await asyncio.sleep(0)
    assert record.state == "connected"
    await restarted(again, record)
    assert record.state == "connected"


async def test_a_logout_that_could_not_be_written_keeps_the_session_usable() -> None:
    world, record = await online()
    world.store.broken = "disk full"
    with pytest.raises(ApiError, match="Failed to logout"):
        await world.instances.logout(record)
    assert record.state == "disconnected"
    world.store.broken = ""
    await world.instances.reconnect(record)
    world.clock.advance(0.5)
    assert record.state == "connected"


async def test_a_session_that_cannot_be_read_costs_one_instance() -> None:
    store = FakeStore()
    store.kept = {"a": "not json", "b": json.dumps({"nothing": 1}), "c": Session(NUMBER).dump(), "d": "[]"}
    engine = SimulatedEngine(store, VirtualClock())
    assert await engine.open(lambda told: None) == {
        "a": Saved(broken=UNREADABLE), "b": Saved(broken=UNREADABLE), "c": Saved(f"{NUMBER}@s.whatsapp.net"),
        "d": Saved(broken=UNREADABLE),
    }


async def test_a_storm_has_its_rate_and_leaves_everything_as_it_was() -> None:
    world = Phones()
    await world.open()
    records = [await world.catalog.create(ACCOUNT, f"n-{index}", "", []) for index in range(10)]
    for record in records[:8]:
        record.stage, record.paired = Stage.CONNECTED, True
    world.instances.adopt(records)
    world.engine.adopt([Link(record.id, Session(NUMBER), phase=Phase.ONLINE) for record in records[:8]])
    world.hearer.frames.clear()
    answer = world.controls.storm([record.id for record in records], {"rate": 50, "seconds": 4})
    assert answer == {"rate": 50, "seconds": 4, "instances": 8}
    world.clock.advance(4)
    assert len(world.datas()) == pytest.approx(200, abs=5)
    world.clock.advance(2)
    assert [record.state for record in records] == ["connected"] * 8 + ["disconnected"] * 2
    assert world.clock.waiting == 0


def test_the_first_fill_has_two_in_each_state() -> None:
    made = seeds(50, "numbered", 0)
    assert [seed.name for seed in made][:2] == ["sim-00001", "sim-00002"] and made[-1].name == "sim-00050"
    states = [str(seed.stage) for seed in made]
    assert {stage: states.count(stage) for stage in set(states)} == {
        "connected": 42, "idle": 1, "new": 1, "dialling": 2, "loggedout": 2, "banned": 2,
    }
    assert {seed.ago for seed in made} == {0}
    assert {str(seed.stage) for seed in seeds(5, "numbered", 0)} == {"connected", "idle", "dialling", "loggedout", "banned"}


def test_the_demo_fill_is_believable() -> None:
    made = seeds(12, "demo", 0)
    names = [seed.name for seed in made]
    assert len(set(names)) == 12 and {"billing", "sales", "support", "promo"} <= set(names)
    assert all(seed.ago >= 60 for seed in made)
    assert all(seed.reason for seed in made if seed.stage not in (Stage.CONNECTED, Stage.NEW))
    states = [str(seed.stage) for seed in made]
    assert states.count("idle") + states.count("new") == states.count("loggedout") == states.count("banned") == 2
    assert [seed.name for seed in seeds(16, "demo", 0)][-2:] == ["sim-00015", "sim-00016"]
