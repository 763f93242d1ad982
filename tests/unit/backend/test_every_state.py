"""Every operation and everything an engine may do, in every stage: no state lasts for ever, nothing is half done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.backend.blocks import item_text
from ryze_tui.backend.dialect import DIALECTS
from ryze_tui.backend.engine.guard import UNLINK_SECONDS
from ryze_tui.backend.errors import ApiError, EngineError
from ryze_tui.backend.record import Record, compact_row
from ryze_tui.backend.table import DEADLINE, HAPPENINGS, IGNORE, OPERATIONS, STATE, Happening, Operation, Stage, follow

from .fakes import ACCOUNT, FakeEngine, World

CODES = {"codes": ["code-1", "code-2"]}
LONG = sum(seconds for seconds, _ in DEADLINE.values()) + UNLINK_SECONDS
ENGINE_WORDS = [word for word in Happening if word is not Happening.DEADLINE]


async def settle(world: World, seconds: float = 0.0) -> None:
    """Time passes in steps, and every task goes as far as it can in between."""
    for _ in range(max(1, round(seconds))):
        for _ in range(6):
            await asyncio.sleep(0)
        world.clock.advance(1.0 if seconds else 0.0)
    for _ in range(6):
        await asyncio.sleep(0)


def run(world: World, record: Record, operation: Operation) -> Awaitable[Any]:
    call: Callable[[Record], Awaitable[Any]] = getattr(world.instances, operation)
    return call(record)


def check(world: World, record: Record) -> None:
    """What is true between any two steps."""
    waits = record.stage in DEADLINE
    busy = record.lock is not None and record.lock.locked()
    if not busy and not record.gone:
        timer: Any = record.deadline
        assert (timer is not None) == waits and (timer is None or timer.live), record.stage
    assert record.asked is None or record.stage in (Stage.ASKING, Stage.SCANNING)
    assert record.stage not in (Stage.NEW, Stage.LOGGEDOUT) or not record.paired
    assert compact_row(record)["state"] == record.state == STATE[record.stage]
    if record.gone:
        assert world.catalog.find(ACCOUNT, record.name) is not record and record.id not in world.catalog.by_id


class Moody(FakeEngine):
    """What its next calls do: answer, refuse, fail with something unforeseen, or hang for ever and not even be cancelled."""

    mood = "fine"

    def _do(self, *command: str) -> None:
        self.commands.append(command)
        if self.mood == "refuse":
            raise EngineError("no route to host")
        if self.mood == "fail":
            raise ZeroDivisionError("proxy password hunter2")

    def stop(self, instance: str) -> None:
        self._do("stop")

    async def logout(self, instance: str) -> None:
        while self.mood == "hang":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if self.mood == "hang":
                    continue
                raise
        self._do("logout")


STEPS = st.lists(st.one_of(
    st.tuples(st.sampled_from(list(Operation)), st.none()),
    st.tuples(st.just("told"), st.sampled_from(ENGINE_WORDS)),
    st.tuples(st.just("told"), st.sampled_from([Happening.QR_READY, Happening.PAIR_SUCCESS, Happening.CONNECTED])),
    st.tuples(st.just("mood"), st.sampled_from(["fine", "fine", "refuse", "fail", "hang"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 70])),
), max_size=25)  # fmt: skip


@settings(max_examples=80, derandomize=True, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_it_ends(steps: list[Any]) -> None:
    """After any story, with no more input, every transient state ends within its deadline and nobody waits any more."""

    async def story() -> None:
        engine = Moody()
        world = await World(engine=engine).open()
        record = await world.catalog.create(ACCOUNT, "sales", "", [])
        calls: list[asyncio.Future[Any]] = []
        for what, more in steps:
            if isinstance(what, Operation):
                calls.append(asyncio.ensure_future(run(world, record, what)))
                await settle(world)
            elif what == "told":
                world.happens(record, more, dict(CODES) if more is Happening.QR_READY else {})
            elif what == "mood":
                engine.mood = more
            else:
                await settle(world, more)
            check(world, record)
        await settle(world, LONG)
        check(world, record)
        assert record.gone or record.stage not in DEADLINE
        assert world.clock.waiting == 0
        assert all(call.done() for call in calls)
        engine.mood = "fine"
        for call in calls:
            if (error := call.exception()) is not None:
                assert isinstance(error, ApiError) and "hunter2" not in error.message

    asyncio.run(story())


def test_the_property_looks_at_every_cell() -> None:
    assert len(OPERATIONS) * len(Stage) == 36 and len(HAPPENINGS) * len(Stage) == 216


@pytest.mark.parametrize(("stage", "word"), list(product(Stage, ENGINE_WORDS)))
@pytest.mark.parametrize("session", [True, False])
async def test_what_the_engine_tells_in_every_stage(stage: Stage, word: Happening, session: bool) -> None:
    world = await World().open()
    record = await world.at(stage, session=session)
    asked = word in (Happening.QR_READY, Happening.PAIR_CODE)
    to = follow(word, stage, session)
    before = (record.stage, record.reason, record.paired, record.since)
    world.clock.advance(1)
    world.happens(record, word, {"reason": "because"} | (CODES if asked else {}))
    check_stage = follow(word, stage, record.paired)
    if to == IGNORE:
        assert (record.stage, record.reason, record.paired, record.since) == before and world.hearer.frames == []
        return
    assert record.stage is (check_stage.stage or stage)
    assert (record.since != before[3]) == (STATE[stage] != record.state)
    assert record.paired == {Happening.PAIR_SUCCESS: True, Happening.LOGGED_OUT: False}.get(word, session)
    words = world.hearer.words()
    assert (str(word) in words) == to.tell and len(words) == len(set(words))


@pytest.mark.parametrize(("operation", "stage"), list(product(Operation, Stage)))
@pytest.mark.parametrize("mood", ["refuse", "fail"])
async def test_an_engine_that_fails_in_every_call(operation: Operation, stage: Stage, mood: str) -> None:
    """500 in the contract's words where the engine was needed; logging out and deleting go on without it."""
    engine = Moody()
    world = await World(engine=engine).open()
    record = await world.at(stage)
    engine.mood = mood
    reason = "no route to host" if mood == "refuse" else "the engine failed (ZeroDivisionError)"
    call = asyncio.ensure_future(run(world, record, operation))
    await settle(world, LONG)
    error = call.exception()
    assert error is None or isinstance(error, ApiError)
    said = (error.status, error.message) if isinstance(error, ApiError) else None
    if operation in (Operation.LOGOUT, Operation.DELETE):
        assert said is None
        assert record.gone if operation is Operation.DELETE else record.stage is Stage.LOGGEDOUT
    elif said is not None and said[0] == 500:
        words = f"Failed to {operation}: {reason}"
        if (operation, stage) == (Operation.CONNECT, Stage.LINKING):  # its minute went by before the engine was asked
            words, reason = "Timeout waiting for QR code", DEADLINE[stage][1]
        assert said[1] == words
        assert record.state == "disconnected" and record.reason == reason
    else:
        assert said in (None, (400, "Instance has no saved session, call /connect first"))
    check(world, record)
    engine.mood = "fine"
    if not record.gone:
        again = asyncio.ensure_future(world.instances.connect(record))
        await settle(world)
        world.happens(record, Happening.QR_READY, CODES)
        assert await again in ("code-1", None), "it can be used afterwards"


@pytest.mark.parametrize("operation", [Operation.LOGOUT, Operation.DELETE])
@pytest.mark.parametrize("stage", [Stage.CONNECTED, Stage.DIALLING, Stage.LINKING, Stage.IDLE, Stage.BANNED])
async def test_an_unlink_that_hangs_is_bounded(operation: Operation, stage: Stage) -> None:
    """Even one that cannot be cancelled; the session is gone here, so that a restart does not bring it back."""
    engine = Moody()
    world = await World(engine=engine).open()
    record = await world.at(stage)
    world.store.kept[record.id] = "session"
    engine.mood = "hang"
    call = asyncio.ensure_future(run(world, record, operation))
    await settle(world, UNLINK_SECONDS - 1)
    assert not call.done()
    await settle(world, 2)
    assert call.done() and call.exception() is None
    if operation is Operation.LOGOUT:
        assert (record.stage, record.paired, world.store.kept) == (Stage.LOGGEDOUT, False, {})
    assert world.clock.waiting == 0
    engine.mood = "fine"
    assert not await world_close(world)


async def world_close(world: World) -> bool:
    """Close it and let go of what was left hanging; whether anything still hangs."""
    await world.instances.close()
    for task in list(world.instances._engine._left):
        task.cancel()
    await settle(world)
    return bool(world.instances._engine._left)


async def test_a_logout_that_could_not_be_written_is_done_again_when_it_is_asked_again() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    world.store.kept[record.id] = "session"
    world.store.broken = "disk full"
    with pytest.raises(ApiError, match="Failed to logout instance"):
        await world.instances.logout(record)
    assert (record.state, world.store.kept) == ("disconnected", {record.id: "session"})
    world.store.broken = ""
    await world.instances.logout(record)
    assert (record.stage, world.store.kept, world.store.saved) == (Stage.LOGGEDOUT, {}, [("sales", "loggedout")])


async def test_two_deletes_at_once() -> None:
    world = await World().open()
    record = await world.at(Stage.CONNECTED)
    done = await asyncio.gather(*(world.instances.delete(record) for _ in range(3)), return_exceptions=True)
    refused = [(error.status, error.message) for error in done[1:] if isinstance(error, ApiError)]
    assert done[0] is None and refused == [(404, "Instance not found")] * 2
    assert world.hearer.words() == ["instance.deleted"]


@pytest.mark.parametrize("stage", list(Stage))
async def test_a_delete_while_a_connect_waits(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    asking = asyncio.ensure_future(world.instances.connect(record))
    await settle(world)
    await world.instances.delete(record)
    await settle(world)
    if stage is Stage.CONNECTED:
        assert asking.result() is None
    else:
        error = asking.exception()
        assert isinstance(error, ApiError) and (error.status, error.message) == (404, "Instance not found")


@pytest.mark.parametrize(("first", "second"), [("", "5511999990001"), ("5511999990001", ""), ("5511999990001", "5511999990002")])
async def test_a_newer_connect_of_another_kind_replaces_the_older(first: str, second: str) -> None:
    world = await World().open()
    record = await world.at(Stage.IDLE)
    older = asyncio.ensure_future(world.instances.connect(record, first))
    await settle(world)
    newer = asyncio.ensure_future(world.instances.connect(record, second))
    await settle(world)
    error = older.exception()
    assert isinstance(error, ApiError) and (error.status, error.message) == (409, "Replaced by a newer connect")
    world.happens(record, Happening.QR_READY, CODES)
    world.happens(record, Happening.PAIR_CODE, code="ABCD1234")
    assert await newer == ("ABCD1234" if second else "code-1")
    assert world.engine.commands == [("pair", first), ("pair", second)]


async def test_a_reconnect_ends_a_pairing() -> None:
    world = await World().open()
    record = await world.at(Stage.IDLE)
    asking = asyncio.ensure_future(world.instances.connect(record))
    await settle(world)
    await world.instances.reconnect(record)
    await settle(world)
    error = asking.exception()
    assert isinstance(error, ApiError) and (error.status, error.message) == (409, "Replaced by a reconnect")
    assert record.stage is Stage.DIALLING


@pytest.mark.parametrize("stage", list(Stage))
async def test_reading_changes_nothing(stage: Stage) -> None:
    world = await World().open()
    record = await world.at(stage)
    fields = [name for name in Record.__slots__ if name not in ("compact", "item")]
    before = {name: getattr(record, name) for name in fields}
    world.clock.advance(1)
    for _ in range(3):
        texts = {item_text(record, "", DIALECTS["documented"], extensions=True) for _again in range(2)}
        assert len(texts) == 1
        assert compact_row(record) is compact_row(record)
        assert world.catalog.of_account(ACCOUNT) == [record]
        assert world.catalog.find(ACCOUNT, "sales") is world.catalog.instance_of(record.token) is record
    assert {name: getattr(record, name) for name in fields} == before
    assert (world.engine.commands, world.hearer.frames, world.store.saved) == ([], [], [])


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.CONNECTED])
async def test_a_stop_while_a_connect_waits(stage: Stage) -> None:
    """Whether for a code or for a link that is about to come up."""
    world = await World().open()
    record = await world.at(stage)
    asking = asyncio.ensure_future(world.instances.connect(record))
    await settle(world)
    await world.instances.close()
    await settle(world)
    assert asking.done(), "nobody waits any more"
    error = asking.exception()
    assert isinstance(error, ApiError) and (error.status, error.message) == (503, "The server is shutting down")
    assert world.clock.waiting == 0
