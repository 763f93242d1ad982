"""The parts of traffic: order per chat, room for media, what settings drop, what receipts do, numbers as people write them."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ryze_tui.api.messages import jid_of
from ryze_tui.backend.engine.guard import Guarded
from ryze_tui.backend.engine.port import Media, Outgoing, Told
from ryze_tui.backend.errors import ApiError, EngineError, StoreError
from ryze_tui.backend.events import live
from ryze_tui.backend.record import Record, Values
from ryze_tui.backend.store import schema
from ryze_tui.backend.store.database import Database, _merged
from ryze_tui.backend.store.messages import MessageRow, MessageRows
from ryze_tui.backend.table import Happening, Stage
from ryze_tui.backend.traffic.duties import CALL_SECONDS, Duties
from ryze_tui.backend.traffic.fetching import Room
from ryze_tui.backend.traffic.queues import Queues
from ryze_tui.backend.traffic.told import is_dropped, row_of
from sqlalchemy import insert

from .fakes import ACCOUNT, START, VirtualClock

GROUP, ANA = "120363000000000001@g.us", "5511988887777@s.whatsapp.net"


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def record(stage: Stage = Stage.CONNECTED, **settings: Any) -> Record:
    made = Record("i1", ACCOUNT, "a", "t", START, START, START, stage=stage)
    made.blocks = {"settings": {
        "autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False, "keepOnlineStatus": False,
        "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False,
    } | settings}  # fmt: skip
    return made


# -- queues and room ---------------------------------------------------------------------------------------------------


async def test_jobs_of_one_key_are_in_order_and_others_do_not_wait() -> None:
    queues, done, go = Queues(100), list[str](), asyncio.Event()

    async def job(name: str) -> None:
        if name == "a1":
            await go.wait()
        if name == "a2":
            raise ZeroDivisionError
        done.append(name)

    for name in ("a1", "a2", "a3", "b1"):
        assert queues.add(name[0], lambda name=name: job(name))  # type: ignore[misc]
    await settle()
    assert (done, queues.count) == (["b1"], 3)
    go.set()
    await settle()
    assert (done, queues.count) == (["b1", "a1", "a3"], 0)


async def test_no_more_wait_than_may_and_a_close_breaks_off_what_hangs() -> None:
    queues, never = Queues(2), asyncio.Event()

    async def hang() -> None:
        await never.wait()

    assert [queues.add("k", hang) for _ in range(3)] == [True, True, False]
    await settle()
    await queues.close(0.01)
    assert queues.count == 0 and queues.add("k", hang)
    await queues.close(0.01)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=30))
def test_the_room_is_never_overfull_and_everybody_gets_in(sizes: list[tuple[int, bool]]) -> None:
    async def story() -> None:
        room, held, most = Room(10), 0, 0

        async def one(size: int) -> None:
            nonlocal held, most
            async with room.of(size):
                held += min(size, 10)
                most = max(most, held)
                await asyncio.sleep(0)
                held -= min(size, 10)

        tasks = [(asyncio.create_task(one(size)), cancelled) for size, cancelled in sizes]
        await asyncio.sleep(0)
        for task, cancelled in tasks:
            if cancelled:
                task.cancel()
        held = 0 if all(cancelled for _, cancelled in tasks) else held
        results = await asyncio.wait_for(asyncio.gather(*(task for task, _ in tasks), return_exceptions=True), 5)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        assert room._free == 10 and not [turn for _, turn in room._waiting if not turn.done()]

    asyncio.run(story())


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "chat", "wanted", "dropped"), [
    (Happening.MESSAGE, GROUP, {"ignoreGroupMessages": True}, True), (Happening.MESSAGE, GROUP, {}, False),
    (Happening.MESSAGE, ANA, {"ignoreGroupMessages": True, "ignoreStatus": True}, False),
    (Happening.GROUP, "", {"ignoreGroupMessages": True}, True), (Happening.GROUP, "", {}, False),
    (Happening.RECEIPT, GROUP, {"ignoreGroupMessages": True}, False),
    (Happening.MESSAGE, live.STORIES, {"ignoreStatus": True}, True), (Happening.MESSAGE, live.STORIES, {}, False),
    (Happening.RECEIPT, live.STORIES, {"ignoreStatus": True}, True), (Happening.LABEL, "", {"ignoreStatus": True}, False),
])  # fmt: skip
def test_what_settings_drop(what: Happening, chat: str, wanted: dict[str, Any], dropped: bool) -> None:
    assert is_dropped(record(**wanted), Told("i1", 1, what, {"chat": {"jid": chat}} if chat else {})) is dropped


KEYS = st.sampled_from(["chat", "jid", "type", "message", "media", "timestamp", "id", "messageIds"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["chat", "message", "timestamp", "id", "direction"]), JUNK))
def test_nothing_that_an_engine_tells_breaks_the_reading_of_it(data: Values) -> None:
    is_dropped(record(ignoreStatus=True, ignoreGroupMessages=True), Told("i1", 1, Happening.MESSAGE, data))
    fields = row_of(record(), data, START).fields
    assert all(not isinstance(value, str) or value.encode() for value in (*fields.values(), "x") if value)


class Engine:
    """What duties ask; `gate` holds presence up."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.gate: asyncio.Event | None = None
        self.fails = False

    async def reject_call(self, *args: Any) -> None:
        self.asked.append(args)
        if self.fails:
            raise EngineError("no such call")

    async def mark_read(self, *args: Any) -> None:
        self.asked.append(args)

    async def presence(self, instance: str, available: bool) -> None:
        self.asked.append((instance, available))
        if self.gate is not None:
            await self.gate.wait()

    async def send(self, *_: Any) -> None:
        await asyncio.Event().wait()

    async def download(self, *_: Any) -> bytes:
        raise ValueError("a secret")


def duties(engine: Engine) -> tuple[Duties, list[tuple[str, str]], list[str]]:
    sent, read = list[tuple[str, str]](), list[str]()

    async def send(one: Record, outgoing: Outgoing) -> None:
        sent.append((outgoing.to, outgoing.text))
        raise ApiError(400, "Instance is not connected to WhatsApp")

    guarded: Any = engine
    return Duties(guarded, VirtualClock(), send=send, read=lambda one, ids: read.extend(ids)), sent, read


async def test_a_call_is_rejected_once_and_an_old_one_not_at_all() -> None:
    engine = Engine()
    made, sent, _ = duties(engine)
    one = record(autoRejectCalls=True, callRejectMessage="later")
    now = live.call("c1", "offer", START, ANA)
    for data in (now, now, live.call("c1", "terminated", START, ANA), live.call("c2", "offer", START - CALL_SECONDS - 1, ANA)):
        made.call(one, data)
    await settle()
    assert (engine.asked, sent) == ([("i1", ANA, "c1")], [(ANA, "later")])
    engine.fails = True
    made.call(one, live.call("c3", "offer", START, ANA))
    await settle()
    assert len(sent) == 1, "who was not rejected is not told so"


async def test_of_presences_asked_for_at_once_the_last_setting_counts() -> None:
    engine = Engine()
    made, _, _ = duties(engine)
    one, engine.gate = record(keepOnlineStatus=True), asyncio.Event()
    first = asyncio.create_task(made.present(one))
    await settle()
    one.blocks["settings"]["keepOnlineStatus"] = False
    await made.present(one)
    engine.gate.set()
    await first
    assert (engine.asked, one.available) == ([("i1", True), ("i1", False)], False)


async def test_a_duty_that_had_not_begun_at_the_end_is_closed() -> None:
    made, _, _ = duties(Engine())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made.linked(record(keepOnlineStatus=True))
        await made.close()
        await settle()
        gc.collect()
    assert not said, "its coroutine was never awaited"


async def test_whatever_an_engine_does_it_is_an_engine_error_and_ends() -> None:
    clock, engine = VirtualClock(), Engine()
    guarded: Any = Guarded(engine, clock)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=r"^the engine failed \(ValueError\)$"):
        await guarded.download("i1", Media("image", "image/png", "", 1, ""))
    sending = asyncio.create_task(guarded.send("i1", Outgoing(ANA)))
    await settle()
    clock.advance(100)
    with pytest.raises(EngineError, match="did not answer in time"):
        await sending


# -- counting ----------------------------------------------------------------------------------------------------------


class Nothing:
    def take(self) -> list[Any]:
        return []

    def put_back(self, left: Any) -> None:
        pass


@asynccontextmanager
async def counting(home: Path) -> AsyncIterator[tuple[Database, MessageRows]]:
    database = Database(f"sqlite+aiosqlite:///{home / 'x.db'}")
    await database.open(Nothing())
    instance = {"name": "a", "token": "", "stage": "new", "since": 0.0, "created_at": 0.0, "updated_at": 0.0, "account_id": "acc"}
    await database.write([
        (insert(schema.accounts), {"id": "acc", "name": "n", "token_sha256": "", "created_at": 0.0, "removing": False}),
        (insert(schema.instances), instance | {"id": "i1", "token_hmac": "1"}),
        (insert(schema.instances), instance | {"id": "i2", "name": "b", "token_hmac": "2"}),
    ])
    try:
        yield database, MessageRows(database)
    finally:
        await database.close()


def row(ident: str = "m1", instance: str = "i1", *, outgoing: bool = True, chat: str = ANA, **more: Any) -> MessageRow:
    fields: dict[str, Any] = {"type": "text", "is_group": chat.endswith("@g.us"), "media": "", "sent_at": START,
                              "status": "sent" if outgoing else "delivered"}  # fmt: skip
    return MessageRow(instance, ident, chat, outgoing=outgoing, **(fields | more))


RECEIPTS = [
    (["delivered"], "delivered"), (["read", "delivered"], "read"), (["played", "read"], "played"), (["server_error"], "failed"),
    (["delivered", "server_error"], "delivered"), (["server_error", "delivered"], "failed"), (["read_self"], "sent"),
    (["retry", "inactive", "nonsense"], "sent"), (["delivered", "read", "read"], "read"),
]


@pytest.mark.parametrize(("words", "status"), RECEIPTS)
async def test_receipts_lead_forward_only(tmp_path: Path, words: list[str], status: str) -> None:
    async with counting(tmp_path) as (database, rows):
        for instance in ("i1", "i2"):
            await database.write(rows.insertion(row(instance=instance)))
        for word in words:
            await database.write(rows.receipt("i1", word, ["m1", *(f"unknown{number}" for number in range(1200))]))
        assert (await rows.metrics(["i1"], START))["messagesByStatus"][status] == 1
        assert (await rows.metrics(["i2"], START))["messagesByStatus"]["sent"] == 1, "another's message of the same id"


async def test_a_message_is_there_once_and_a_unit_with_it_again_leaves_nothing(tmp_path: Path) -> None:
    async with counting(tmp_path) as (database, rows):
        again = [*rows.insertion(row("m1")), *rows.insertion(row("m2"))]
        await database.write(rows.insertion(row("m1")))
        with pytest.raises(StoreError):
            await database.write(again)
        assert [await rows.known(row(ident)) for ident in ("m1", "m2")] == [True, False]
        assert not await rows.known(row("m1", chat=GROUP)) and not await rows.known(row("m1", type="message_revoke"))
        with pytest.raises(StoreError):
            await database.write(rows.insertion(row("m1", "nobodys")))


async def test_days_chats_and_people(tmp_path: Path) -> None:
    async with counting(tmp_path) as (database, rows):
        day, chats = 86400.0, (ANA, GROUP, "1234567@newsletter", live.STORIES, "2345678@lid")
        for number, (chat, ago) in enumerate(zip(chats, (0, 6.9, 7.1, 29.9, 30.1), strict=True)):
            await database.write(rows.insertion(row(f"m{number}", chat=chat, sent_at=START - ago * day, outgoing=False)))
        await database.write(rows.insertion(row("other", "i2", chat=ANA)))
        found = await rows.metrics(["i1", "i2"], START)
        assert (found["uniqueChats"], found["uniqueGroups"], found["uniqueContacts"]) == (5, 1, 2)
        assert (found["messagesLast7Days"], found["messagesLast30Days"], found["totalMessages"]) == (3, 5, 6)
        assert (await rows.metrics(["none"], START))["firstMessageAt"] is None


def test_units_share_executions_and_keep_their_order() -> None:
    many, once, other = insert(schema.messages), insert(schema.instances), insert(schema.outbox)
    first, second = [{"n": 1}], [{"n": 2}, {"n": 3}]
    merged = _merged([[(once, {"x": 1}), (many, first)], [(many, second), (other, [{"o": 1}])], [(once, {"x": 2})]])
    assert merged == [(once, {"x": 1}), (many, [*first, *second]), (other, [{"o": 1}]), (once, {"x": 2})]
    assert first == [{"n": 1}], "a unit that is tried again alone has its own rows only"


async def test_one_unit_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    async with counting(tmp_path) as (database, rows):
        await database.write(rows.insertion(row("m1")))
        units = [database.write(rows.insertion(row(ident))) for ident in ("m2", "m1", "m3")]
        results = await asyncio.gather(*units, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), StoreError, type(None)]
        assert (await rows.metrics(["i1"], START))["totalMessages"] == 3


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "jid"), [
    ("+55 (11) 98888-7777", ANA), (5511988887777, ANA), (ANA, ANA), ("5511988887777:12@s.whatsapp.net", ANA), (GROUP, GROUP),
    ("5511988887777-1400000000@g.us", "5511988887777-1400000000@g.us"), ("120363@newsletter", "120363@newsletter"),
    ("77777777777@lid", "77777777777@lid"),
])  # fmt: skip
def test_numbers_as_people_write_them(written: Any, jid: str) -> None:
    assert jid_of(written) == jid


@given(st.text() | st.integers() | st.booleans() | st.none() | st.floats())
def test_whatever_else_is_refused_in_words(written: Any) -> None:
    try:
        jid = jid_of(written)
    except ValueError as error:
        assert "digits" in str(error)
    else:
        assert jid.isascii() and jid.partition("@")[2] in ("s.whatsapp.net", "lid", "g.us", "newsletter")
