"""Webhook deliveries on a virtual clock: order, retries, dead letters, limits, and that nothing holds up anything else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.egress import Forbidden, Reply
from ryze_tui.backend.errors import StoreError
from ryze_tui.backend.events import outbox as module
from ryze_tui.backend.events.delivery import DEAD, DELIVERED, PENDING, WAITS
from ryze_tui.backend.events.lanes import IN_FLIGHT, PER_HOST, PER_WEBHOOK, SLOW_IN_FLIGHT, SLOW_SECONDS, Lanes
from ryze_tui.backend.events.outbox import Outbox
from ryze_tui.backend.record import Record, Values
from ryze_tui.backend.store.outbox import Delivery

from .fakes import ACCOUNT, START, VirtualClock

ROW = {"label": "default", "enabled": True, "url": "https://hooks.example/wa", "byEvents": False, "events": [],
       "mediaBase64": False}  # fmt: skip


def delivery(n: int, *, where: str = "a", lane: str = "x", attempts: int = 0) -> Delivery:
    return Delivery(f"msg_{n}", where, "default", "call.update", lane, START, attempts=attempts, data={})


# -- lanes -------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=120),
    st.lists(st.integers(0, 1000), max_size=400),
)
def test_lanes_keep_order_limits_and_lose_nothing(arrivals: list[tuple[int, int, bool]], ends: list[int]) -> None:
    lanes = Lanes(lambda where: f"host{int(where[0]) % 2}")
    waiting = [delivery(n, where=str(w), lane=str(lane), attempts=int(again)) for n, (w, lane, again) in enumerate(arrivals)]
    for one in waiting:
        lanes.add(one)
    out: list[Delivery] = []
    begun: list[Delivery] = []
    turns = iter([*ends, *[0] * 500])
    while len(begun) < len(waiting) or out:
        while (one := lanes.next()) is not None:
            out.append(one)
            begun.append(one)
        hosts = Counter(int(one.instance_id) % 2 for one in out)
        assert all(n <= PER_HOST for n in hosts.values())
        assert max(Counter(one.instance_id for one in out).values(), default=0) <= PER_WEBHOOK
        firsts = [(one.instance_id, one.lane) for one in out if not one.attempts]
        assert len(firsts) == len(set(firsts)), "two first attempts of a lane at once"
        assert lanes.in_flight == len(out) <= IN_FLIGHT
        assert out, "places are free and something waits, but nothing goes"
        lanes.done(out.pop(next(turns) % len(out)))
    for key in {(one.instance_id, one.lane) for one in waiting}:
        in_order = [int(one.id[4:]) for one in begun if (one.instance_id, one.lane) == key and not one.attempts]
        assert in_order == sorted(in_order)
    assert (len(begun), lanes.waiting, lanes.in_flight) == (len(waiting), 0, 0)


def test_one_slow_host_leaves_the_others_their_places() -> None:
    lanes = Lanes(lambda where: where[0])
    for n in range(100):
        lanes.add(delivery(n, where="slow", lane=str(n)))
    slow = [lanes.next() for _ in range(PER_HOST)]
    assert lanes.next() is None
    lanes.add(delivery(1000, where="quick"))
    assert (found := lanes.next()) is not None and found.instance_id == "quick"
    assert len(slow) == PER_HOST


def test_hosts_that_answer_slowly_have_places_of_their_own() -> None:
    lanes = Lanes(lambda where: where[0])
    dead = IN_FLIGHT
    for n in range(dead * PER_HOST):
        lanes.add(delivery(n, where=f"dead{n % dead}", lane=str(n)))
    begun = list(iter(lanes.next, None))
    assert len(begun) == IN_FLIGHT
    for one in begun:
        lanes.done(one, SLOW_SECONDS)
    for n in range(dead, dead + 50):
        lanes.add(delivery(10**6 + n, where="good", lane=str(n)))
    answered = 0
    while answered < 50:
        good = [one for one in iter(lanes.next, None) if one.instance_id == "good"]
        assert good, "what answers waits for what does not"
        for one in good:
            lanes.done(one, 0.1)
        answered += len(good)


def test_a_host_that_is_quick_again_leaves_the_slow_line_at_once() -> None:
    lanes = Lanes(lambda where: where[0])
    hosts = SLOW_IN_FLIGHT // PER_HOST + 2
    for n in range(hosts * PER_HOST * 3):
        lanes.add(delivery(n, where=f"h{n % hosts}", lane=str(n)))
    for one in list(iter(lanes.next, None)):
        lanes.done(one, SLOW_SECONDS)
    begun = list(iter(lanes.next, None))
    assert len(begun) == SLOW_IN_FLIGHT
    lanes.done(begun[0], 0.1)
    quick = [one.instance_id for one in iter(lanes.next, None)]
    assert begun[0].instance_id in quick


def test_a_webhook_that_moves_to_another_host_waits_for_the_old_one_no_more() -> None:
    at = {"a": "dead", "b": "dead"}
    lanes = Lanes(lambda where: at[where[0]])
    for n in range(20):
        lanes.add(delivery(n, where="ab"[n % 2], lane=str(n)))
    assert len(list(iter(lanes.next, None))) == PER_HOST
    at["a"] = "new"
    lanes.add(delivery(20, where="a", lane="20"))
    assert [one.instance_id for one in iter(lanes.next, None)] == ["a"] * PER_HOST


def test_a_thousand_webhooks_of_one_host_cost_no_more_than_one() -> None:
    asked: Counter[tuple[str, str]] = Counter()

    def host_of(where: tuple[str, str]) -> str:
        asked[where] += 1
        return "h"

    lanes = Lanes(host_of)
    for n in range(3_000):
        lanes.add(delivery(n, where=str(n % 1_000)))
    for _n in range(3_000):
        one = lanes.next()
        assert one is not None
        lanes.done(one)
    assert lanes.next() is None
    assert asked.total() < 20_000


def test_dropping_a_webhook_returns_what_waited() -> None:
    lanes = Lanes(lambda where: "h")
    for n in range(6):
        lanes.add(delivery(n, lane=str(n % 2)))
    first = lanes.next()
    assert first is not None
    assert len(lanes.drop(("a", "default"))) == 5
    assert lanes.next() is None
    lanes.done(first)
    assert (lanes.waiting, lanes.in_flight) == (0, 0)


# -- the outbox --------------------------------------------------------------------------------------------------------


class Rows:
    """A disk: what is on it survives `Bench.restart`."""

    def __init__(self) -> None:
        self.disk: dict[str, tuple[Delivery, str]] = {}
        self.broken = ""
        self.pruned: list[tuple[str, str]] = []

    def _done(self, action: Callable[[], None]) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.broken:
            future.set_exception(StoreError(self.broken))
        else:
            action()
            future.set_result(None)
        return future

    def add(self, deliveries: Sequence[Delivery]) -> asyncio.Future[None]:
        return self._done(lambda: self.disk.update({one.id: (one, json.dumps(one.data)) for one in deliveries}))

    def save(self, deliveries: Sequence[Delivery]) -> asyncio.Future[None]:
        return self._done(lambda: None)

    def prune(self, instance_id: str, label: str) -> asyncio.Future[None]:
        return self._done(lambda: self.pruned.append((instance_id, label)))

    async def pending(self) -> list[Delivery]:
        return [one for one, _ in self.disk.values() if one.state == PENDING]

    async def data(self, one: Delivery) -> Values:
        found: Values = json.loads(self.disk[one.id][1])
        return found


class Receiver:
    """Answers as the test says; `answer(n, body)` may also be an exception, or a future to wait for."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.answer: Callable[[dict[str, Any]], Any] = lambda body: 200

    async def post(self, url: str, *, content: bytes, headers: dict[str, str], seconds: float) -> Reply:
        body = json.loads(content)
        self.got.append((url, body, headers))
        answer = self.answer(body)
        if isinstance(answer, asyncio.Future):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(answer, "said")

    @property
    def numbers(self) -> list[int]:
        return [body["data"]["n"] for _url, body, _headers in self.got]


class Bench:
    def __init__(self) -> None:
        self.clock, self.rows, self.receiver = VirtualClock(), Rows(), Receiver()
        self.record = Record("i1", ACCOUNT, "sales", "token-of-sales", START, START, START)
        self.record.webhooks = {"default": dict(ROW)}
        self.gone = False
        self.outbox = self._outbox()

    def _outbox(self, **more: Any) -> Outbox:
        rows: Any = self.rows
        receiver: Any = self.receiver
        return Outbox(rows, receiver, self, self.clock, random=lambda: 0.5, base_url=lambda: "http://base", **more)

    def find(self, instance_id: str) -> Record | None:
        return None if self.gone else self.record

    async def authorization(self, record: Record, label: str) -> str:
        return "Bearer x"

    async def pause(self, record: Record, label: str) -> None:
        record.paused = record.paused | {label}

    def signing_key(self, record: Record, label: str) -> bytes | None:
        return b"k"

    async def happen(self, *numbers: int, chat: str = "c@g.us", event: str = "message.exchange") -> None:
        for n in numbers:
            self.outbox.accept(self.record, event, {"n": n, "chat": {"jid": chat}})
        await self.rest()

    async def rest(self) -> None:
        for _turn in range(60):
            await asyncio.sleep(0)

    async def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.rest()

    async def restart(self) -> None:
        await self.outbox.close()
        self.outbox = self._outbox()
        await self.outbox.open()
        await self.rest()

    @property
    def states(self) -> list[str]:
        return [one.state for one, _ in self.rows.disk.values()]


async def test_what_is_sent() -> None:
    b = Bench()
    await b.happen(1)
    ((url, body, headers),) = b.receiver.got
    assert url == "https://hooks.example/wa"
    assert body == {
        "event": "message.exchange", "data": {"n": 1, "chat": {"jid": "c@g.us"}},
        "instanceData": {"baseUrl": "http://base", "instance": "sales", "token": "token-of-sales"},
    }
    assert headers["Authorization"] == "Bearer x"
    assert headers["webhook-id"] in b.rows.disk
    assert b.states == [DELIVERED]


async def test_filters_labels_and_switched_off_rows() -> None:
    b = Bench()
    b.record.webhooks = {
        "states": ROW | {"events": ["instance.state"]}, "off": ROW | {"enabled": False}, "by": ROW | {"byEvents": True, "url": "http://x/y"},
    }
    await b.happen(1)
    assert [url for url, _body, _headers in b.receiver.got] == ["http://x/y/message.exchange"]
    await b.happen(2, event="instance.state")
    assert len(b.receiver.got) == 3


async def test_media_goes_only_where_it_was_asked_for() -> None:
    b = Bench()
    b.record.webhooks = {"with": ROW | {"mediaBase64": True}, "without": dict(ROW)}
    b.outbox.accept(b.record, "message.exchange", {"n": 1, "message": {"media": {"base64": "AAAA", "type": "image"}}})
    await b.rest()
    assert sorted("base64" in body["data"]["message"]["media"] for _url, body, _headers in b.receiver.got) == [False, True]


async def test_a_poison_event_is_retried_alone_while_its_chat_goes_on() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 500 if body["data"]["n"] == 1 else 200
    await b.happen(1, 2, 3)
    assert b.receiver.numbers == [1, 2, 3]
    for wait in (1, 5, 15, 60, 300):
        await b.pass_(wait - 0.01)
        before = len(b.receiver.got)
        await b.pass_(0.02)
        assert len(b.receiver.got) == before + 1
    ids = {headers["webhook-id"] for _url, body, headers in b.receiver.got if body["data"]["n"] == 1}
    assert (len(ids), b.receiver.numbers.count(1), b.states) == (1, 6, [DEAD, DELIVERED, DELIVERED])
    await b.pass_(100_000)
    assert len(b.receiver.got) == 8


async def test_first_attempts_of_a_chat_are_in_order_and_other_chats_do_not_wait() -> None:
    b = Bench()
    slow: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: slow if body["data"]["n"] == 1 else 200
    await b.happen(1, 2, chat="one@g.us")
    await b.happen(3, chat="two@g.us")
    assert b.receiver.numbers == [1, 3]
    slow.set_result(200)
    await b.rest()
    assert b.receiver.numbers == [1, 3, 2]


async def test_what_waits_for_a_row_that_was_paused_meanwhile_is_not_sent() -> None:
    b = Bench()
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: gone
    await b.happen(1, 2, 3)
    gone.set_result(410)
    await b.rest()
    assert (b.receiver.numbers, b.states) == ([1], [DEAD] * 3)
    b.rows.disk["msg_later"] = (waiting := delivery(4, where="i1"), '{"n": 4}')
    await b.restart()
    assert (b.receiver.numbers, waiting.state) == ([1], DEAD)
    assert "410" in waiting.answer


async def test_gone_pauses_the_row_and_what_comes_later_is_not_even_kept() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 410
    await b.happen(1)
    await b.happen(2)
    assert (b.receiver.numbers, b.states, b.record.paused) == ([1], [DEAD], {"default"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (TimeoutError(), "no answer within 10 s"), (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (Forbidden("hooks.example may not be dialled: it is in a private network"), "private network"), (503, "said"),
    ],
)  # fmt: skip
async def test_why_it_was_not_delivered_is_kept_in_words(answer: Any, words: str) -> None:
    b = Bench()
    b.receiver.answer = lambda body: answer
    await b.happen(1)
    ((one, _),) = b.rows.disk.values()
    assert (one.state, one.attempts) == (PENDING, 1)
    assert words in one.answer


async def test_what_was_pending_goes_on_after_a_restart_under_the_same_id() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 503
    await b.happen(1, 2)
    ids = list(b.rows.disk)
    await b.restart()
    b.receiver.answer = lambda body: 200
    b.receiver.got.clear()
    await b.pass_(1.1)
    assert sorted(headers["webhook-id"] for _url, _body, headers in b.receiver.got) == sorted(ids)
    assert b.states == [DELIVERED, DELIVERED]


async def test_a_clock_set_back_over_a_restart_holds_no_retry_for_longer_than_the_longest_wait() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 503
    await b.happen(1)
    for delivery, _data in b.rows.disk.values():
        delivery.next_at += 86400.0
    await b.restart()
    b.receiver.answer = lambda body: 200
    b.receiver.got.clear()
    await b.pass_(100)
    assert b.receiver.numbers == [], "nor is it made at once"
    await b.pass_(200.1)
    assert b.receiver.numbers == [1] and b.states == [DELIVERED]


async def test_a_disk_that_refuses_loses_nothing_while_the_server_lives() -> None:
    b = Bench()
    b.rows.broken = "disk full"
    b.receiver.answer = lambda body: 503
    await b.happen(1)
    b.receiver.answer = lambda body: 200
    await b.pass_(1.1)
    assert b.receiver.numbers == [1, 1]


async def test_a_row_switched_off_or_an_instance_deleted_ends_its_retries() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 503
    await b.happen(1)
    b.record.webhooks = {"default": ROW | {"enabled": False, "url": ""}}
    await b.pass_(1.1)
    assert (b.receiver.numbers, b.states) == ([1], [DEAD])
    b.gone = True
    await b.pass_(1000)
    assert b.receiver.numbers == [1]


async def test_what_waits_beyond_the_first_ones_and_media_are_only_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 2)
    b = Bench()
    b.record.webhooks = {"default": ROW | {"mediaBase64": True}}
    slow: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: slow
    await b.happen(1)
    photo = {"n": 2, "chat": {"jid": "c@g.us"}, "message": {"media": {"base64": "AAAA", "type": "image"}}}
    b.outbox.accept(b.record, "message.exchange", photo)
    await b.happen(3, 4, 5)
    assert [one.data is None for one, _ in b.rows.disk.values()] == [False, True, False, False, True]
    slow.set_result(200)
    await b.rest()
    assert b.receiver.numbers == [1, 2, 3, 4, 5] and b.receiver.got[1][1]["data"]["message"]["media"]["base64"] == "AAAA"
    assert all(one.data is None for one, _ in b.rows.disk.values()), "nothing of them stays in memory"


async def test_how_many_wait_and_for_how_long() -> None:
    b = Bench()
    assert (b.outbox.pending, b.outbox.oldest(), b.outbox.idle_for()) == (0, 0.0, 0.0)
    slow: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: slow if body["data"]["n"] == 1 else 503 if body["data"]["n"] == 2 else 200
    await b.happen(1, 2, 3)
    b.clock.advance(30)
    assert (b.outbox.pending, b.outbox.oldest(), b.outbox.idle_for()) == (3, 30.0, 30.0)
    b.clock.time = -60.0  # it was set back
    assert b.outbox.oldest() == 0.0
    b.clock.time = 30.0
    slow.set_result(200)
    await b.rest()
    assert (b.outbox.pending, b.outbox.oldest(), b.outbox.idle_for()) == (1, 0.0, 0.0), "the second waits for its second attempt"
    assert b.outbox.outcomes == {DELIVERED: 2, "retried": 1}
    b.gone = True
    await b.pass_(1.1)
    assert b.outbox.pending == 0, "of what was deleted nothing waits"


async def test_once_more_is_with_all_its_attempts_from_the_first_wait_on() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 400
    await b.happen(1)
    ((one, _),) = b.rows.disk.values()
    for wait in (1, 5, 15, 60, 300):
        await b.pass_(wait + 0.01)
    assert one.state == DEAD and one.done_at and one.attempts
    slow: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: slow
    await b.outbox.again(one)
    assert (one.state, one.attempts, one.next_at, one.done_at, one.status, one.answer) == (PENDING, 0, 0.0, 0.0, None, "")
    await b.rest()
    assert b.outbox.pending == 1
    slow.set_result(503)
    await b.rest()
    assert (one.state, one.attempts, one.status) == (PENDING, 1, 503) and one.next_at == b.clock.now() + WAITS[0]
    assert one.done_at == 0.0
    b.receiver.answer = lambda body: 200
    await b.pass_(1.01)
    assert (one.state, one.attempts, one.status, one.next_at) == (DELIVERED, 2, 200, 0.0) and one.done_at == b.clock.now()


async def test_a_bug_ends_its_delivery_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    b = Bench()
    b.receiver.answer = lambda body: KeyError("a bug") if body["data"]["n"] == 1 else 200
    await b.happen(1, 2)
    assert b.states == [DEAD, DELIVERED] and next(iter(b.rows.disk.values()))[0].answer == "an error of this server"
    assert "ended by a bug" in caplog.text and b.outbox.pending == 0


async def test_attempts_under_way_are_broken_off_when_it_closes_and_made_again() -> None:
    b = Bench()
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: never
    await b.happen(1)
    async with asyncio.timeout(5):
        await b.outbox.close()
    assert b.states == [PENDING] and not b.outbox._tasks
    b.receiver.answer = lambda body: 200
    await b.restart()
    assert b.receiver.numbers == [1, 1] and b.states == [DELIVERED]


async def test_what_was_accepted_for_an_instance_that_is_gone_is_let_go() -> None:
    b = Bench()
    b.gone = True
    await b.happen(1)
    assert b.receiver.numbers == [] and b.outbox.pending == 0


async def test_old_ones_are_removed_now_and_then() -> None:
    b = Bench()
    await b.happen(*range(module.PRUNE_EVERY - 1))
    await b.pass_(1)
    assert b.rows.pruned == []
    for n in range(module.PRUNE_EVERY + 1):
        await b.happen(n)
    assert b.rows.pruned == [("i1", "default")] * 2


async def test_results_that_could_not_be_written_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    b = Bench()
    await b.happen(1)
    assert not caplog.records
    b.rows.broken = "disk full"
    await b.happen(2)
    assert "results of deliveries could not be written" in caplog.text and "disk full" in caplog.text


async def test_a_receiver_is_as_slow_as_its_answer_took(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Bench()
    b.clock.advance(1000)
    took: list[float] = []
    done = b.outbox._lanes.done
    monkeypatch.setattr(b.outbox._lanes, "done", lambda one, seconds: (took.append(seconds), done(one, seconds)))
    slow: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    b.receiver.answer = lambda body: slow
    await b.happen(1)
    b.clock.advance(7)
    slow.set_result(200)
    await b.rest()
    assert took == [7.0] and b.outbox.latency.total == 7.0


async def test_only_messages_have_a_layout() -> None:
    b = Bench()
    b.outbox = b._outbox(layout=lambda data: {"laid out": data["n"]})
    for n, event in enumerate(("message.exchange", "call.update", "instance.state")):
        b.outbox.accept(b.record, event, {"n": n, "chat": {"jid": "c@g.us"}})
    await b.rest()
    found = {body["event"]: body["data"] for _url, body, _headers in b.receiver.got}
    assert found["message.exchange"] == {"laid out": 0} and found["call.update"]["n"] == 1 and found["instance.state"]["n"] == 2
