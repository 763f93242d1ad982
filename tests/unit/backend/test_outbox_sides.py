"""What the outbox tells of itself and tidies up: counters, ages, bugs, a disk that refuses, the end, a test event, old rows."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from typing import Any

import httpx
import pytest
from ryze_tui.backend.errors import StoreError
from ryze_tui.backend.events import outbox as module
from ryze_tui.backend.events.delivery import DEAD, DELIVERED, PENDING
from ryze_tui.backend.events.outbox import Outbox, in_words

from .fakes import START
from .test_outbox import ROW, Bench


async def test_every_outcome_is_counted_and_only_deliveries_have_a_latency() -> None:
    b = Bench()
    assert (b.outbox.pending, sum(b.outbox.outcomes.values()), b.outbox.latency.total) == (0, 0, 0.0)
    answers = {1: 200, 2: 503, 3: 410}
    b.receiver.answer = lambda body: answers[body["data"]["n"]]
    for n in answers:
        await b.happen(n, chat=f"{n}@g.us")
    assert b.outbox.outcomes == {DELIVERED: 1, "retried": 1, DEAD: 1} and b.outbox.pending == 1
    b.record.paused = frozenset()
    answers[2] = 200
    await b.pass_(2)
    assert b.outbox.outcomes[DELIVERED] == 2 and b.outbox.pending == 0
    assert sum(b.outbox.latency.counts) == 2 and b.outbox.latency.total == pytest.approx(2.0)


async def test_what_waits_has_an_age_and_whether_anything_goes_on_is_known() -> None:
    b = Bench()
    assert (b.outbox.oldest(), b.outbox.idle_for()) == (0.0, 0.0)
    answers: list[asyncio.Future[int]] = []

    def answer(_body: Any) -> asyncio.Future[int]:
        answers.append(asyncio.get_running_loop().create_future())
        return answers[-1]

    b.receiver.answer = answer
    await b.happen(1, 2, 3)  # of one chat: one after the other
    b.clock.advance(30)
    assert (b.outbox.oldest(), b.outbox.idle_for()) == (30.0, 30.0)
    answers[0].set_result(200)
    await b.rest()
    assert (b.outbox.oldest(), b.outbox.idle_for()) == (30.0, 0.0)
    for one in (1, 2):
        answers[one].set_result(200)
        await b.rest()
    assert (b.outbox.oldest(), b.outbox.idle_for()) == (0.0, 0.0)


async def test_a_bug_of_ours_ends_that_delivery_and_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    b = Bench()

    def broken(body: Any) -> int:
        raise RuntimeError("a bug")

    b.receiver.answer = broken
    await b.happen(1)
    ((one, _),) = b.rows.disk.values()
    assert (one.state, one.answer, one.next_at) == (DEAD, "an error of this server", 0.0)
    assert one.done_at == START and b.outbox.pending == 0
    assert "ended by a bug" in caplog.text
    b.receiver.answer = lambda body: 200
    await b.happen(2)
    assert b.states == [DEAD, DELIVERED]


async def test_times_of_a_delivery_that_is_retried_and_then_over() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 503
    await b.happen(1)
    ((one, _),) = b.rows.disk.values()
    assert (one.state, one.done_at) == (PENDING, 0.0) and one.next_at > START
    b.receiver.answer = lambda body: 200
    await b.pass_(2)
    assert (one.state, one.next_at, one.attempts) == (DELIVERED, 0.0, 2) and one.done_at > START


async def test_a_disk_that_refuses_results_is_said_and_one_that_takes_them_is_not(caplog: pytest.LogCaptureFixture) -> None:
    b = Bench()
    await b.happen(1)
    assert caplog.text == ""
    b.rows.broken = "disk full"
    await b.happen(2)
    assert "results of deliveries could not be written" in caplog.text and "disk full" in caplog.text
    cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    caplog.clear()
    module._noted(cancelled, "words")
    cancelled.cancel()
    await asyncio.sleep(0)
    assert caplog.text == "", "the server ends: that is no fault of the disk"


async def test_old_ones_are_removed_after_so_many_of_one_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_EVERY", 3)
    b = Bench()
    pruned: list[tuple[str, str]] = []

    def prune(instance: str, label: str) -> asyncio.Future[None]:
        pruned.append((instance, label))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr(b.rows, "prune", prune, raising=False)
    counts = []
    for n in range(7):
        await b.happen(n)
        counts.append(len(pruned))
    assert counts == [0, 0, 1, 1, 1, 2, 2] and set(pruned) == {("i1", "default")}


async def test_the_end_breaks_off_what_is_under_way_and_waits_for_it() -> None:
    b = Bench()
    begun, ended = asyncio.Event(), asyncio.Event()

    async def post(*_anything: Any, **_more: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    b.receiver.post = post  # type: ignore[method-assign]
    b.outbox.accept(b.record, "message.exchange", {"n": 1, "chat": {"jid": "c"}})
    await begun.wait()
    await b.outbox.close()
    assert ended.is_set() and b.states == [PENDING]
    before = len(b.rows.disk)
    b.outbox.enter([], kept=True)
    await b.rest()
    assert len(b.rows.disk) == before


@pytest.mark.parametrize(("status", "state"), [(200, DELIVERED), (299, DELIVERED), (300, DEAD), (199, DEAD), (503, DEAD)])
async def test_a_test_event_is_one_attempt_that_nobody_keeps(status: int, state: str) -> None:
    b = Bench()
    b.receiver.answer = lambda body: status
    one = await b.outbox.once(b.record, "default", "instance.state", {"n": 1})
    assert re.fullmatch(r"msg_[0-9a-f]{24}", one.id) and one.kept is False and not b.rows.disk
    assert (one.state, one.attempts, one.done_at, one.status) == (state, 1, START, status)
    await b.happen(1)
    assert all(re.fullmatch(r"msg_[0-9a-f]{24}", name) for name in b.rows.disk)


async def test_one_again_has_all_its_attempts_and_nothing_of_the_last_time() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 410
    await b.happen(1)
    ((one, _),) = b.rows.disk.values()
    b.record.paused = frozenset()
    b.receiver.answer = lambda body: 503
    one.next_at = 5.0
    await b.outbox.again(one)
    assert (one.state, one.attempts, one.next_at, one.done_at, one.status, one.answer) == (PENDING, 0, 0.0, 0.0, None, "")
    assert b.outbox.pending == 1
    await b.rest()
    assert (one.state, one.attempts, one.done_at) == (PENDING, 1, 0.0) and one.next_at > 0


async def test_media_and_what_is_far_behind_are_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Bench()
    monkeypatch.setattr(module, "IN_MEMORY", 1)
    b.record.webhooks = {"default": dict(ROW, mediaBase64=True)}
    made = b.outbox.deliveries(b.record, "message.exchange", {"n": 1, "chat": {"jid": "c"}})
    assert made and made[0].data is not None
    outbox = Outbox(b.rows, b.receiver, b, b.clock, random=lambda: 0.5, base_url=lambda: "")  # type: ignore[arg-type]
    outbox._closed = True  # nothing is sent: what waits is looked at
    several = [b.outbox.deliveries(b.record, "x", {"n": n})[0] for n in range(4)]
    outbox.enter(several, kept=True)
    assert [one.data is None for one in several] == [False, False, True, True]
    unkept = [b.outbox.deliveries(b.record, "x", {"n": n})[0] for n in range(2)]
    outbox.enter(unkept, kept=False)
    assert all(one.data is not None for one in unkept), "it is nowhere else"


@pytest.mark.parametrize(("error", "words"), [
    (OSError(errno.ECONNREFUSED, "secret address"), os.strerror(errno.ECONNREFUSED)),
    (OSError(-2, "Name or service not known"), "Name or service not known"),
    (OSError(0, "odd"), "odd"), (httpx.ConnectError("x"), "the connection was refused or could not be made"),
    (httpx.ReadError("x"), "the connection broke"), (ValueError("http://user:password@host"), "ValueError"),
    (OSError(), "OSError"),
])  # fmt: skip
def test_why_there_was_no_answer_without_the_url(error: Exception, words: str) -> None:
    assert in_words(error) == words
    wrapped = RuntimeError("x")
    wrapped.__cause__ = error
    assert in_words(wrapped) == (words if isinstance(error, OSError) and error.strerror else "RuntimeError")


async def test_only_messages_have_a_layout() -> None:
    b = Bench()
    b.outbox._layout = lambda data: {"layout": data["n"]}
    await b.happen(1)
    await b.happen(2, event="instance.state")
    assert [body["data"] for _url, body, _headers in b.receiver.got] == [{"layout": 1}, {"n": 2, "chat": {"jid": "c@g.us"}}]


async def test_a_store_that_cannot_say_what_was_to_be_sent() -> None:
    b = Bench()

    async def data(_delivery: Any) -> Any:
        raise StoreError("cannot be read")

    b.rows.data = data  # type: ignore[method-assign]
    (one,) = b.outbox.deliveries(b.record, "message.exchange", {"n": 1, "chat": {"jid": "c"}})
    one.data = None
    b.outbox.put([one])
    await b.rest()
    assert (one.state, one.answer) == (PENDING, "cannot be read")


async def test_what_a_restart_takes_up_is_counted() -> None:
    b = Bench()
    b.receiver.answer = lambda body: 503
    for n in range(3):
        await b.happen(n, chat=f"{n}@g.us")
    assert b.outbox.pending == 3
    await b.restart()
    assert b.outbox.pending == 3
    assert {one.kept for one, _ in b.rows.disk.values()} == {True}


def test_whose_host_a_delivery_goes_to() -> None:
    b = Bench()
    b.record.webhooks["other"] = dict(ROW, url="https://ana:pw@HOOKS.example:8443/x")
    assert b.outbox._host(("i1", "default")) == "hooks.example"
    assert b.outbox._host(("i1", "other")) == "hooks.example:8443"
    assert b.outbox._host(("i1", "no such label")) == ""
    b.gone = True
    assert b.outbox._host(("i1", "default")) == ""
