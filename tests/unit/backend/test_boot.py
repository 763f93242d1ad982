"""A server starts with many saved sessions: paced, bounded, truthful meanwhile, and nothing broken holds up the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise, product
from typing import Any

import pytest
from ryze_tui.backend.engine.guard import OPEN_SECONDS
from ryze_tui.backend.engine.port import UNREADABLE, ProxyUse, Saved, Tell, Told
from ryze_tui.backend.errors import ApiError, EngineError
from ryze_tui.backend.instances import GONE, RESTARTED
from ryze_tui.backend.record import Record
from ryze_tui.backend.revival import SLOW_SECONDS
from ryze_tui.backend.table import DEADLINE, STATE, Happening, Stage

from .fakes import ACCOUNT, FakeEngine, World

COUNT = 1000


class Dialler(FakeEngine):
    """Each dial takes a while on the virtual clock; what does not come up is named in `hangs` and `raises`."""

    boot_rate, boot_at_once = 100.0, 30

    def __init__(self, seconds: float = 0.5) -> None:
        super().__init__()
        self.seconds = seconds
        self.hangs: set[str] = set()
        self.raises: dict[str, Exception] = {}
        self.begun: dict[str, float] = {}
        self.most = 0
        self._now: set[str] = set()

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        assert instance not in self.begun, "dialled once"
        self.begun[instance] = self.clock.monotonic()
        if instance in self.raises:
            raise self.raises[instance]
        self._now.add(instance)
        self.most = max(self.most, len(self._now))
        self.clock.call_later(SLOW_SECONDS - 0.1 if instance in self.hangs else self.seconds, self._up, instance, attempt)

    def _up(self, instance: str, attempt: int) -> None:
        self._now.discard(instance)
        if instance not in self.hangs:
            self.tell(Told(instance, attempt, Happening.CONNECTED))


def starting(count: int = COUNT, **more: Any) -> tuple[World, Dialler, list[Record]]:
    """A world about to start with that many saved sessions."""
    engine = Dialler(**more)
    world = World(engine=engine)
    engine.clock = world.clock
    records = [saved(world, f"n-{index:04}") for index in range(count)]
    engine.saved = {record.id for record in records}
    return world, engine, records


def saved(world: World, name: str, stage: Stage = Stage.CONNECTED, *, paired: bool = True) -> Record:
    record = world.catalog.new_record(ACCOUNT, name, "", [])
    record.stage, record.paired, record.reason = stage, paired, "before"
    world.store.records[record.id] = record
    return record


def states(records: list[Record]) -> Counter[str]:
    return Counter(record.state for record in records)


async def test_a_thousand_sessions_come_back_at_a_steady_rate_and_few_at_once() -> None:
    world, engine, records = starting()
    await world.open()
    assert states(records) == {"connecting": COUNT} and not engine.begun, "nothing is dialled before the server can serve"
    seen = []
    while len(seen) < 400 and states(records)["connected"] < COUNT:
        world.clock.advance(0.1)
        assert states(records)["connected"] + states(records)["connecting"] == COUNT
        seen.append(len(engine.begun))
    assert states(records) == {"connected": COUNT} and engine.most <= engine.boot_at_once
    each = [later - earlier for earlier, later in pairwise(seen)]
    assert max(each) <= 13, "a hundred a second"
    times = sorted(engine.begun.values())
    assert len({round(later - earlier, 6) for earlier, later in pairwise(times)}) > COUNT / 2, "jittered"


async def test_broken_sessions_hold_up_nothing_and_say_why() -> None:
    world, engine, records = starting()
    raising, failing, hanging, sealed = records[0], records[1], records[2], records[3]
    engine.raises = {raising.id: EngineError("no route to host"), failing.id: ZeroDivisionError("secret-in-a-text")}
    engine.hangs = {hanging.id}
    engine.saved.discard(sealed.id)
    engine.broken = {sealed.id: Saved(broken=UNREADABLE)}
    await world.open()
    assert (sealed.state, sealed.reason) == ("disconnected", UNREADABLE)
    world.clock.advance(COUNT / engine.boot_at_once * engine.seconds + SLOW_SECONDS)
    assert states(records) == {"connected": COUNT - 4, "disconnected": 3, "connecting": 1}
    assert (raising.reason, failing.reason) == ("no route to host", "the engine failed (ZeroDivisionError)")
    assert hanging.state == "connecting"
    world.clock.advance(100)
    assert (hanging.state, hanging.reason) == ("disconnected", DEADLINE[Stage.DIALLING][1])
    assert world.clock.waiting == 0
    with pytest.raises(ApiError, match="no saved session"):
        await world.instances.reconnect(sealed)


async def test_an_engine_that_never_opens_ends_the_start_in_words() -> None:
    class Stuck(FakeEngine):
        async def open(self, tell: Tell) -> dict[str, Saved]:
            asked.set()
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    asked = asyncio.Event()
    world = World(engine=Stuck())
    opening = asyncio.create_task(world.open())
    await asyncio.wait_for(asked.wait(), 5)
    world.clock.advance(OPEN_SECONDS - 1)
    await asyncio.sleep(0)
    assert not opening.done()
    world.clock.advance(1)
    with pytest.raises(EngineError, match="did not get ready within 60 s"):
        await asyncio.wait_for(opening, 5)
    assert world.clock.waiting == 0


async def test_when_no_dial_is_answered_everybody_is_still_dialled_and_given_the_whole_time() -> None:
    world, engine, records = starting(300)
    engine.hangs = set(engine.saved)
    await world.open()
    until: dict[str, float] = {}
    for _ in range(4000):
        world.clock.advance(0.1)
        for record in records:
            if record.state == "disconnected":
                until.setdefault(record.id, world.clock.monotonic())
        if len(until) == len(records):
            break
    assert set(engine.begun) == engine.saved and engine.most <= engine.boot_at_once
    assert all(89.9 <= until[record.id] - engine.begun[record.id] <= 90.2 for record in records)


async def test_who_waits_for_a_dial_can_be_used() -> None:
    world, engine, records = starting(100)
    await world.open()
    last, out, gone = records[-1], records[-2], records[-3]
    await world.instances.reconnect(last)
    await world.instances.logout(out)
    await world.instances.delete(gone)
    world.clock.advance(200)
    assert last.state == "connected" and out.state == "loggedout"
    assert {out.id, gone.id}.isdisjoint(engine.begun)


async def test_a_stop_in_the_middle_dials_nobody_more() -> None:
    world, engine, _ = starting()
    await world.open()
    world.clock.advance(1)
    begun = len(engine.begun)
    assert 0 < begun < COUNT
    engine.tell = lambda told: None
    await world.instances.close()
    world.clock.advance(100)
    assert (len(engine.begun), world.clock.waiting) == (begun, 0)


async def test_the_number_is_known_before_the_link_is_up() -> None:
    """It is the session's: what the row did not get to hear before a kill, it has afterwards."""
    world, engine, (record,) = starting(1)
    engine.saved, engine.broken = set(), {record.id: Saved("5511999990001@s.whatsapp.net")}
    await world.open()
    assert (record.state, record.number, record.reason) == ("connecting", "5511999990001", RESTARTED)


@pytest.mark.parametrize(("stage", "paired", "session"), product(Stage, [True, False], ["fine", "broken", "none"]))
async def test_every_stage_after_a_restart(stage: Stage, paired: bool, session: str) -> None:
    """Whatever a kill left in the row: a session that is fine is dialled; without one nothing says connected for ever."""
    world = World()
    record = saved(world, "sales", stage, paired=paired)
    sessions = {"fine": {record.id: Saved()}, "broken": {record.id: Saved(broken="unreadable")}, "none": {}}
    world.engine.broken = sessions[session]
    await world.open()
    assert record.paired == (session == "fine")
    if session == "fine":
        assert (record.stage, record.reason) == (Stage.DIALLING, RESTARTED)
    elif session == "broken":
        assert (record.stage, record.reason) == (Stage.NEW, "unreadable")
    elif stage is Stage.BANNED:
        assert (record.stage, record.reason) == (stage, "before"), "its session went with the ban, not the ban with the session"
    elif paired or STATE[stage] == "connected" or stage in (Stage.IDLE, Stage.LINKING, Stage.DIALLING):
        assert (record.stage, record.reason) == (Stage.LOGGEDOUT, GONE)
    elif stage in DEADLINE:
        assert (record.stage, record.reason) == (Stage.NEW, "the server was restarted during the pairing")
    else:
        assert (record.stage, record.reason) == (stage, "before")
