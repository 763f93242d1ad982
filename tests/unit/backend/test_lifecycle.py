"""The lifecycle on a virtual clock with a fake engine: every operation in every stage, deadlines, and those who wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ryze_tui.backend.engine.port import ProxyUse
from ryze_tui.backend.errors import ApiError
from ryze_tui.backend.record import Record
from ryze_tui.backend.table import DEADLINE, STATE, Happening, Stage

from .fakes import ACCOUNT, FakeEngine, World

CODES = {"codes": ["code-1", "code-2"]}


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def refused(awaitable: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        await awaitable
    return caught.value.status, caught.value.message


PAIRS = [Stage.NEW, Stage.IDLE, Stage.ASKING, Stage.SCANNING, Stage.DIALLING, Stage.LOGGEDOUT, Stage.BANNED]


@pytest.mark.parametrize("stage", PAIRS)
async def test_connect_pairs(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    had_session = record.paired
    asking = asyncio.create_task(world.instances.connect(record))
    await settle()
    assert (record.stage, record.attempt, record.paired) == (Stage.ASKING, 2, had_session)
    assert world.engine.commands == [("pair", "")]
    world.happens(record, Happening.QR_READY, CODES)
    assert await asking == "code-1"
    assert record.state == "connecting"
    state_frames = [frame["data"] for frame in world.hearer.frames if frame["event"] == "instance.state"]
    assert state_frames[-1] == {
        "state": "qr_ready", "timestamp": "2027-01-15T08:00:00.000Z", "instance": "sales", "codes": ["code-1", "code-2"],
    }
    # A move that no event word exists for is told as a row.
    assert world.hearer.words()[0] == ("qr_ready" if STATE[stage] == "connecting" else "instance.row")


async def test_connect_when_connected_disturbs_nothing() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    assert await world.instances.connect(record) is None
    assert (record.stage, record.attempt, world.engine.commands, world.hearer.frames) == (Stage.CONNECTED, 1, [], [])


async def test_connect_while_linking_waits_for_the_link() -> None:
    world = await World().open()
    record = await world.at(Stage.LINKING)
    first, second = (asyncio.create_task(world.instances.connect(record)) for _ in range(2))
    await settle()
    assert not first.done() and not second.done() and world.engine.commands == []
    world.happens(record, Happening.CONNECTED)
    assert (await first, await second) == (None, None)


async def test_a_connect_that_waited_for_a_link_still_answers_within_a_minute() -> None:
    world = await World().open()
    record = await world.at(Stage.LINKING)
    world.clock.advance(20)
    early = asyncio.create_task(world.instances.connect(record))
    await settle()
    world.clock.advance(40)  # the link did not come up; the pairing that follows has what is left of the minute
    await settle()
    assert (record.stage, world.engine.commands) == (Stage.ASKING, [("pair", "")])
    world.clock.advance(19.9)
    await settle()
    assert not early.done()
    world.clock.advance(0.2)
    assert await refused(early) == (500, "Timeout waiting for QR code")


async def test_a_connect_that_waited_out_its_minute_begins_no_pairing() -> None:
    world = await World().open()
    record = await world.at(Stage.LINKING)
    late = asyncio.create_task(world.instances.connect(record))
    await settle()
    world.clock.advance(60)
    assert await refused(late) == (500, "Timeout waiting for QR code")
    assert record.state == "disconnected" and ("pair", "") not in world.engine.commands


async def test_connect_by_number_answers_the_pairing_code() -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    asking = asyncio.create_task(world.instances.connect(record, "5511999990001"))
    await settle()
    world.happens(record, Happening.QR_READY, CODES)
    await settle()
    assert not asking.done()
    world.happens(record, Happening.PAIR_CODE, code="ABCD1234")
    assert await asking == "ABCD1234"
    assert world.engine.commands == [("pair", "5511999990001")]
    assert "ABCD1234" not in str(world.hearer.frames)


async def test_a_newer_connect_replaces_the_older() -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    older = asyncio.create_task(world.instances.connect(record))
    await settle()
    newer = asyncio.create_task(world.instances.connect(record))
    await settle()
    assert await refused(older) == (409, "Replaced by a newer connect")
    world.happens(record, Happening.QR_READY, {"codes": ["dead"]}, attempt=2)
    await settle()
    assert not newer.done() and world.hearer.words() == ["instance.row"]
    world.happens(record, Happening.QR_READY, CODES)
    assert await newer == "code-1"


async def test_no_code_within_a_minute() -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    asking = asyncio.create_task(world.instances.connect(record))
    await settle()
    world.clock.advance(59.9)
    assert record.stage is Stage.ASKING
    world.clock.advance(0.2)
    assert await refused(asking) == (500, "Timeout waiting for QR code")
    assert (record.stage, world.engine.commands[-1], world.hearer.words()[-1]) == (Stage.NEW, ("stop",), "disconnected")


async def test_an_engine_that_cannot_pair() -> None:
    world = await World().open()
    record = await world.at(Stage.IDLE)
    world.engine.refuses = "the worker is dead"
    assert await refused(world.instances.connect(record)) == (500, "Failed to connect: the worker is dead")
    assert (record.stage, record.reason, record.paired) == (Stage.IDLE, "the worker is dead", True)
    assert world.hearer.words()[-1] == "connect_failure"


DIALS = [Stage.IDLE, Stage.LINKING, Stage.DIALLING, Stage.CONNECTED, Stage.BANNED]


@pytest.mark.parametrize("stage", [*DIALS, Stage.ASKING, Stage.SCANNING])
async def test_reconnect_dials(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage, session=True)
    await world.instances.reconnect(record)
    assert (record.stage, record.attempt, world.engine.commands) == (Stage.DIALLING, 2, [("dial", record.id)])
    assert world.hearer.words() == ["manual_reconnect"]
    world.happens(record, Happening.CONNECTED, attempt=1)
    assert record.stage is Stage.DIALLING, "what the old link tells is old news"
    world.happens(record, Happening.CONNECTED, jid="5511@s.whatsapp.net", profile_name="Acme")
    assert (record.stage, record.number, record.profile_name) == (Stage.CONNECTED, "5511", "Acme")
    assert world.hearer.words() == ["manual_reconnect", "connected", "instance.row"]


@pytest.mark.parametrize("stage", [Stage.NEW, Stage.LOGGEDOUT, Stage.ASKING, Stage.SCANNING])
async def test_reconnect_without_a_session(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage, session=False)
    assert await refused(world.instances.reconnect(record)) == (400, "Instance has no saved session, call /connect first")
    assert (record.stage, record.attempt, world.engine.commands, world.hearer.frames) == (stage, 1, [], [])


async def test_an_engine_that_cannot_dial() -> None:
    world = await World().open()
    record = await world.at(Stage.BANNED)
    world.engine.refuses = "no proxy"
    assert await refused(world.instances.reconnect(record)) == (500, "Failed to reconnect: no proxy")
    assert (record.state, record.reason) == ("disconnected", "no proxy")


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.LOGGEDOUT])
async def test_logout(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    had_session = record.paired
    await world.instances.logout(record)
    assert (record.stage, record.paired) == (Stage.LOGGEDOUT, False)
    assert world.engine.commands == [("logout",) if had_session else ("stop",)]
    assert world.hearer.words() == ["logged_out"]
    assert world.store.saved == [("sales", "loggedout")], "on the disk before it is answered"
    await world.instances.logout(record)
    assert world.hearer.words() == ["logged_out"], "repeating is fine and says nothing"


async def test_logout_without_network_still_logs_out_here() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    world.engine.unlink_fails = "no route to host"
    await world.instances.logout(record)
    assert (record.stage, record.paired) == (Stage.LOGGEDOUT, False)


async def test_a_logout_that_could_not_be_written() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    world.engine.session_write_fails = True
    assert await refused(world.instances.logout(record)) == (500, "Failed to logout instance")
    assert (record.stage, record.paired, world.hearer.words()) == (Stage.IDLE, True, ["disconnected"])


@pytest.mark.parametrize("stage", list(Stage))
async def test_delete(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    await world.instances.delete(record)
    assert world.catalog.find(ACCOUNT, "sales") is None and world.catalog.instance_of(record.token) is None
    assert world.hearer.words() == ["instance.deleted"]
    for operation in (world.instances.connect, world.instances.reconnect, world.instances.logout, world.instances.delete):
        assert await refused(operation(record)) == (404, "Instance not found")
    world.clock.advance(1000)
    world.happens(record, Happening.CONNECTED)
    assert world.hearer.words() == ["instance.deleted"] and world.clock.waiting == 0


async def test_a_delete_that_could_not_be_written() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    world.store.broken = "disk full"
    assert await refused(world.instances.delete(record)) == (500, "Failed to delete instance: disk full")
    assert world.catalog.find(ACCOUNT, "sales") is record and record.state == "disconnected"


@pytest.mark.parametrize(("operation", "answer"), [
    ("logout", (409, "The instance was logged out meanwhile")), ("delete", (404, "Instance not found")),
])  # fmt: skip
async def test_who_waits_for_a_code_hears_what_came_in_between(operation: str, answer: tuple[int, str]) -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    asking = asyncio.create_task(world.instances.connect(record))
    await settle()
    await getattr(world.instances, operation)(record)
    assert await refused(asking) == answer


@pytest.mark.parametrize("stage", list(DEADLINE))
async def test_no_stage_lasts_longer_than_its_deadline(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    seconds, reason = DEADLINE[stage]
    world.clock.advance(seconds - 0.1)
    assert record.stage is stage
    world.clock.advance(0.2)
    assert (record.state, record.reason, world.hearer.words()) == ("disconnected", reason, ["disconnected"])
    assert world.clock.waiting == 0


async def test_an_engine_that_says_that_it_still_dials_is_believed() -> None:
    world = await World().open()
    record = await world.at(Stage.DIALLING)
    for _ in range(10):
        world.clock.advance(60)
        world.happens(record, Happening.DIALLING)
    assert (record.stage, world.hearer.words()) == (Stage.DIALLING, [])
    world.clock.advance(91)
    assert record.stage is Stage.IDLE
    world.happens(record, Happening.CONNECTED)
    assert record.stage is Stage.CONNECTED, "better late than never"


async def test_a_whole_pairing() -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    created = record.since
    world.clock.advance(10)
    asking = asyncio.create_task(world.instances.connect(record))
    await settle()
    since = record.since
    assert since == created + 10
    world.happens(record, Happening.QR_READY, CODES)
    await asking
    world.clock.advance(30)
    world.happens(record, Happening.PAIR_ERROR, {"error": "wrong key"})
    assert (record.stage, record.reason, record.since) == (Stage.SCANNING, "wrong key", since)
    world.happens(record, Happening.PAIR_SUCCESS, {"jid": "55@s.whatsapp.net"}, jid="55@s.whatsapp.net", profile_name="Acme")
    assert (record.stage, record.paired, record.since, record.reason) == (Stage.LINKING, True, since, "")
    world.clock.advance(1)
    world.happens(record, Happening.CONNECTED, jid="55@s.whatsapp.net", profile_name="Acme")
    assert (record.stage, record.since) == (Stage.CONNECTED, since + 31)
    words = ["instance.row", "qr_ready", "pair_error", "pair_success", "instance.row", "connected"]
    assert world.hearer.words() == words
    connected = world.hearer.frames[-1]["data"]
    assert (connected["jid"], connected["timestamp"]) == ("55@s.whatsapp.net", "2027-01-15T08:00:41.000Z")


async def test_two_operations_on_one_instance_wait_for_each_other() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    gate = asyncio.Event()
    logout = world.engine.logout

    async def slow(instance: str) -> None:
        await gate.wait()
        await logout(instance)

    world.engine.logout = slow
    out = asyncio.create_task(world.instances.logout(record))
    again = asyncio.create_task(world.instances.reconnect(record))
    await settle()
    assert not out.done() and not again.done()
    gate.set()
    await out
    assert (await refused(again))[0] == 400


def saved(world: World, name: str, stage: Stage, *, paired: bool) -> Record:
    record = world.catalog.new_record(ACCOUNT, name, "", [])
    record.stage, record.paired, record.reason = stage, paired, "before"
    world.store.records[record.id] = record
    return record


@pytest.mark.parametrize(("was", "paired", "session", "becomes", "reason"), [
    (Stage.CONNECTED, True, True, Stage.DIALLING, "the server was restarted"),
    (Stage.IDLE, True, True, Stage.DIALLING, "the server was restarted"),
    (Stage.LINKING, False, True, Stage.DIALLING, "the server was restarted"),
    (Stage.CONNECTED, True, False, Stage.LOGGEDOUT, "the saved session is gone, pair it again"),
    (Stage.SCANNING, False, False, Stage.NEW, "the server was restarted during the pairing"),
    (Stage.ASKING, False, False, Stage.NEW, "the server was restarted during the pairing"),
    (Stage.NEW, False, False, Stage.NEW, "before"),
    (Stage.LOGGEDOUT, False, False, Stage.LOGGEDOUT, "before"),
])  # fmt: skip
async def test_what_a_restart_makes_of_it(was: Stage, paired: bool, session: bool, becomes: Stage, reason: str) -> None:
    world = World()
    record = saved(world, "sales", was, paired=paired)
    world.engine.saved = {record.id} if session else set()
    since = record.since
    world.clock.advance(5)
    await world.open()
    assert (record.stage, record.reason, record.paired) == (becomes, reason, session)
    assert (record.since == since) == (STATE[was] == STATE[becomes])


async def test_sessions_come_back_staggered_and_one_that_fails_holds_up_nothing() -> None:
    world = World()
    records = [saved(world, f"n-{index:02}", Stage.CONNECTED, paired=True) for index in range(20)]
    world.engine.saved = {record.id for record in records}
    dial, broken = world.engine.dial, records[3].id

    def fail(instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        if instance == broken:
            world.engine.refuses = "corrupt session"
        try:
            dial(instance, attempt, proxy)
        finally:
            world.engine.refuses = ""

    world.engine.dial = fail
    await world.open()
    world.clock.advance(0.1)
    assert 0 < len(world.engine.commands) < 20, "fifty a second, not all at once"
    world.clock.advance(1)
    assert {command[1] for command in world.engine.commands} == world.engine.saved
    assert (records[3].state, records[3].reason) == ("disconnected", "corrupt session")
    assert all(record.state == "connecting" for record in records if record is not records[3])


async def test_an_instance_that_someone_used_meanwhile_is_not_dialled_again() -> None:
    world = World(engine=FakeEngine())
    record = saved(world, "sales", Stage.CONNECTED, paired=True)
    world.engine.saved = {record.id}
    await world.open()
    await world.instances.reconnect(record)
    world.clock.advance(10)
    assert world.engine.commands == [("dial", record.id)]


async def test_stopping_answers_those_who_wait() -> None:
    world = await World().open()
    record = await world.at(Stage.NEW)
    asking = asyncio.create_task(world.instances.connect(record))
    await settle()
    await world.instances.close()
    assert await refused(asking) == (503, "The server is shutting down")
    assert await refused(world.instances.connect(record)) == (503, "The server is shutting down")
    assert world.clock.waiting == 0
