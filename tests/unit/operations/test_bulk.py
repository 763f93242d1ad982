"""A bulk on a virtual clock: planned, paced, paused after equal failures, put off by limits, resumed after a kill."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.errors import Refused
from ryze_tui.client.replies import Written
from ryze_tui.fleet.model import Row
from ryze_tui.operations.bulk.desk import Desk
from ryze_tui.operations.bulk.plan import DONE, FAILED, SKIPPED, WAITING, Entry, Job, Pace, plan, seconds
from ryze_tui.operations.bulk.record import Record, RecordError, path_of, read
from ryze_tui.operations.bulk.runner import Bulk
from ryze_tui.operations.outcome import Outcome, Unconfirmed

from tests.fakes.accounts import PLAIN, Bench, bench
from tests.fakes.virtual import VirtualClock, run


async def _now(work: Any) -> None:
    work()


class Doing:
    """Notes what is done when; `outcomes` are given in order, the last one for ever."""

    own_tokens = True

    def __init__(self, *outcomes: Outcome, takes: float = 0.0) -> None:
        self.outcomes, self.takes = list(outcomes) or [Outcome(True, "ok", 200)], takes
        self.done: list[tuple[float, str]] = []
        self.pauses: dict[str, float] = {}
        self.already: dict[str, str | Unconfirmed] = {}
        self.most = self.flying = 0

    def pause(self, name: str) -> float:
        return self.pauses.get(name, 0.0)

    async def done_already(self, name: str) -> str:
        said = self.already.get(name, "")
        if isinstance(said, Unconfirmed):
            raise said
        return said

    async def do(self, name: str) -> Outcome:
        self.done.append((asyncio.get_running_loop().time(), name))
        self.flying += 1
        self.most = max(self.most, self.flying)
        await asyncio.sleep(self.takes)
        self.flying -= 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]

    @property
    def names(self) -> list[str]:
        return [name for _at, name in self.done]


def entries(count: int) -> list[Entry]:
    return [Entry(f"n{index:02}") for index in range(count)]


def made(doing: Doing, count: int = 5, path: Path | None = None, **options: Any) -> Bulk:
    todo = entries(count)
    job = Job("reconnect", tuple(entry.name for entry in todo))
    record = Record(path)
    record.begin(job, todo, at=1.0)
    return Bulk(job, todo, doing, record, VirtualClock(), random=lambda: 0.0, aside=_now, **options)


def row(name: str, state: str, number: str = "5511", **fields: Any) -> Row:
    made = Row(name, state, 1.0, True, 1.0, 1.0)
    made.item.number_jid = f"{number}@s.whatsapp.net" if number else ""
    for key, value in fields.items():
        setattr(made, key, value)
    return made


ROWS = {one.name: one for one in (
    row("up", "connected"), row("down", "disconnected"), row("out", "loggedout"), row("new", "disconnected", ""),
    row("bad", "banned"), row("was-bad", "banned", until=50.0), row("dialling", "connecting"),
)}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("reconnect", ["up", "down", "was-bad"]), ("bring_back", ["down", "was-bad"]),
        ("logout", ["up", "down", "bad", "was-bad", "dialling"]), ("stream", list(ROWS)),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out_with_its_reason(action: str, left: list[str]) -> None:
    made = plan(Job(action, (*ROWS, "gone", "up")), ROWS, now=100.0)
    assert [entry.name for entry in made if entry.state == WAITING] == left
    assert all(entry.words for entry in made if entry.state == SKIPPED)
    assert [entry.name for entry in made] == [*ROWS, "gone"], "each once, in their order"


def test_the_source_of_an_apply_is_left_out() -> None:
    made = plan(Job("apply", tuple(ROWS), "settings", source="up"), ROWS, now=100.0)
    assert [entry.name for entry in made if entry.state == SKIPPED] == ["up"]


def test_how_long_it_takes() -> None:
    job = Job("reconnect", ("a",))
    assert seconds(job, entries(61), Pace(), own_tokens=True) == 62.0
    assert seconds(job, entries(210), Pace(starts=10), own_tokens=False) == 120.0, "70 requests a minute are ours"
    assert seconds(job, [Entry("a", DONE)], Pace(), own_tokens=True) == 0.0


def test_one_start_a_second_and_five_unfinished() -> None:
    doing = Doing(takes=8.0)
    bulk = made(doing, 12)
    run(bulk.run())
    starts = [at for at, _name in doing.done]
    assert doing.most == 5
    assert min(after - before for before, after in pairwise(starts)) >= 1.0
    assert bulk.finished and bulk.counts[DONE] == 12


def test_three_equal_failures_in_a_row_pause_it_and_a_person_goes_on() -> None:
    no, other, yes = Outcome(False, "no route", 502), Outcome(False, "else", 500), Outcome(True, "ok", 200)
    doing = Doing(no, no, other, no, yes, no, no, no, yes)

    async def story() -> None:
        bulk = made(doing, 10)
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(60)
        assert bulk.paused and "no route" in bulk.why
        assert len(doing.done) == 8, "neither two equal ones, nor three with another between them, stop it"
        bulk.resume()
        await task
        assert (bulk.counts[DONE], bulk.counts[FAILED]) == (3, 7)
        assert bulk.retry() == 7
        await bulk.run()
        assert bulk.counts[DONE] == 10

    run(story())


def test_a_pause_lets_what_is_under_way_end_and_starts_nothing() -> None:
    doing = Doing(takes=3.0)

    async def story() -> None:
        bulk = made(doing, 6)
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(1.5)
        bulk.pause()
        await asyncio.sleep(100)
        assert (len(doing.done), bulk.counts[DONE], bulk.why) == (2, 2, "")
        bulk.resume()
        await task
        assert bulk.counts[DONE] == 6

    run(story())


def test_a_limit_puts_one_off_and_holds_up_no_other() -> None:
    doing = Doing(Outcome(False, "Rate limit exceeded", 429), Outcome(True, "ok", 200))
    bulk = made(doing, 3)
    run(bulk.run())
    assert doing.names == ["n00", "n01", "n02", "n00"]
    assert doing.done[-1][0] - doing.done[0][0] >= 10.0
    assert bulk.counts[DONE] == 3
    held = Doing()
    held.pauses["n00"] = 1e9
    bulk = made(held, 3)

    async def others() -> None:
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(10)
        assert held.names == ["n01", "n02"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(others())


def test_a_limit_that_stays_is_a_failure_in_the_end() -> None:
    doing = Doing(Outcome(False, "Rate limit exceeded", 429))
    bulk = made(doing, 1)
    run(bulk.run())
    assert (bulk.entries[0].state, len(doing.done)) == (FAILED, 6)


@pytest.mark.parametrize("cut", range(14))
def test_killed_anywhere_none_is_done_twice_and_none_forgotten(tmp_path: Path, cut: int) -> None:
    """`cut`: lines of the record that were on the disk, and half of the next."""
    whole = made(Doing(), 5, tmp_path / "whole")
    run(whole.run())
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").write_bytes(b"".join(lines[:cut]) + (lines[cut][: len(lines[cut]) // 2] if cut < len(lines) else b""))
    done = {json.loads(line)["name"] for line in lines[:cut] if b'"done"' in line}
    begun = {json.loads(line)["name"] for line in lines[:cut] if b'"begun"' in line} - done
    left = read(tmp_path / "cut")
    if left is None:
        assert cut == 0 or len(done) == 5, "without a head nothing was begun; with all done nothing is left"
        return
    doing = Doing()
    doing.already = dict.fromkeys(begun, "it was")
    bulk = Bulk(left.job, left.entries, doing, Record(tmp_path / "cut"), VirtualClock(), aside=_now)
    run(bulk.run())
    assert bulk.counts[DONE] == 5
    assert set(doing.names) == {f"n{index:02}" for index in range(5)} - done - begun
    assert max(Counter(doing.names).values(), default=1) == 1
    assert read(tmp_path / "cut") is None


def test_one_that_cannot_be_looked_at_pauses_and_stays_in_doubt(tmp_path: Path) -> None:
    doing = Doing()
    doing.already["n00"] = Unconfirmed("the server does not answer")

    async def story() -> None:
        bulk = made(doing, 1, tmp_path / "record")
        bulk.entries[0].begun = True
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(1)
        assert bulk.paused and "does not answer" in bulk.why and not doing.done
        doing.already["n00"] = ""
        bulk.resume()
        await task
        assert doing.names == ["n00"]

    run(story())


def test_a_doubtful_answer_is_looked_at_before_it_is_tried_again() -> None:
    doing = Doing(Outcome(False, "broken off", None, doubtful=True))
    bulk = made(doing, 1)

    async def story() -> None:
        await bulk.run()
        doing.already["n00"] = "connected"
        bulk.retry()
        await bulk.run()

    run(story())
    assert (bulk.entries[0].state, bulk.entries[0].words, len(doing.done)) == (DONE, "connected", 1)


def test_what_cannot_be_recorded_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doing = Doing()
    bulk = made(doing, 3, tmp_path / "record")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async def story() -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.fdatasync", full)
            task = asyncio.create_task(bulk.run())
            await asyncio.sleep(5)
        assert bulk.paused and "No space left" in bulk.why and not doing.done
        bulk.resume()
        await task
        assert bulk.counts[DONE] == 3

    run(story())


def test_one_program_at_a_time_and_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "record"
    first = Record(path)
    first.begin(Job("logout", ("a", "b")), entries(0), at=5.0)
    with pytest.raises(RecordError, match="Another ryze-tui"):
        Record(path)
    first.close()
    with path.open("ab") as file:
        file.write(b'{"name":"a","st')
    second = Record(path)
    second.begun(Entry("b"))
    left = second.take_over()
    assert left is not None and [(entry.name, entry.begun) for entry in left.entries] == [("a", False), ("b", True)]
    assert path.stat().st_mode & 0o777 == 0o600
    second.close()


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"version":1,"action":"rm","names":["a"]}', b"\xff\xfe", b'{"version":1}'])
def test_a_file_that_is_no_record_is_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "record").write_bytes(text)
    assert read(tmp_path / "record") is None


# -- with an account -----------------------------------------------------------------------------------------------------


def reconnects(b: Bench, word: str = "connected", after: float = 2.0) -> list[tuple[str, str]]:
    """Calls of reconnect with the token that came; the instance tells `word` a little later."""
    calls: list[tuple[str, str]] = []

    async def reconnect(self: Any, name: str) -> Written:
        await self._arrive(self.token)
        calls.append((name, self.token))
        asyncio.get_running_loop().call_later(after, b.server.happens, name, word)
        return Written("Reconnect initiated", "connecting")

    type(b.server).reconnect = reconnect  # type: ignore[method-assign]
    return calls


@pytest.fixture(autouse=True)
def _whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes.ryze import FakeRyze

    monkeypatch.setattr(FakeRyze, "reconnect", FakeRyze.reconnect)
    monkeypatch.setattr(asyncio, "to_thread", lambda work: _now(work))


def desk_of(b: Bench) -> Desk:
    assert b.account.means is not None
    return Desk(b.account.means)


def started(desk: Desk, job: Job, values: Any = None) -> Bulk:
    bulk = desk.start(job, desk.plan(job), values)
    bulk._aside = _now
    return bulk


@pytest.mark.parametrize("extensions", [None, PLAIN], ids=["stream", "plain"])
def test_each_is_followed_to_its_end_with_its_own_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extensions: frozenset[str] | None
) -> None:
    async def story(b: Bench) -> None:
        calls = reconnects(b)
        desk = desk_of(b)
        bulk = started(desk, Job("reconnect", ("a", "b", "c")))
        await bulk.run()
        assert [(entry.state, entry.words) for entry in bulk.entries] == [(DONE, "connected")] * 3
        assert calls == [(name, f"token-of-{name}") for name in "abc"]
        assert desk.unfinished() is None
        desk.close()

    bench(monkeypatch, tmp_path, story, **({} if extensions is None else {"extensions": extensions}))


def test_one_that_does_not_come_back_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        reconnects(b, "logged_out")
        bulk = started(desk_of(b), Job("reconnect", ("a",)))
        await bulk.run()
        assert (bulk.entries[0].state, "c shows a new QR" in bulk.entries[0].words) == (FAILED, True)
        reconnects(b, "qr_ready")
        b.server.happens("b", "disconnected")
        await asyncio.sleep(1)
        bulk = started(desk := desk_of(b), Job("bring_back", ("b",)))
        await bulk.run()
        assert "still connecting" in bulk.entries[0].words
        reconnects(b, "connected")
        b.server.happens("b", "disconnected")
        await asyncio.sleep(1)
        assert bulk.retry() == 1
        await bulk.run()
        assert bulk.entries[0].state == DONE and desk.unfinished() is None
        desk.close()

    bench(monkeypatch, tmp_path, story)


def test_a_token_that_the_server_does_not_take_is_not_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        tokens: list[str] = []

        async def logout(self: Any, name: str) -> Written:
            tokens.append(self.token)
            if self.token != b.server.token:
                raise Refused("Instance token does not match requested instance", status=403)
            b.server.happens(name, "logged_out")
            return Written("Instance logged out", "loggedout")

        monkeypatch.setattr(type(b.server), "logout", logout)
        bulk = started(desk := desk_of(b), Job("logout", ("a", "b")))
        await bulk.run()
        assert [entry.state for entry in bulk.entries] == [DONE, DONE]
        assert tokens == ["token-of-a", b.server.token, "token-of-b", b.server.token]
        desk.close()

    bench(monkeypatch, tmp_path, story)


def test_without_instance_tokens_the_person_keeps_thirty_requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        for inst in b.server.instances.values():
            inst.shows_token = False
        b.server.add(*(f"x{index:03}" for index in range(150)), shows_token=False)
        await b.account.refresh()
        calls = reconnects(b)
        bulk = started(desk := desk_of(b), Job("reconnect", tuple(b.server.instances)))
        bulk.pace_by(Pace(starts=50, flying=50))
        lowest = 100
        task = asyncio.create_task(bulk.run())
        while not task.done():
            await asyncio.sleep(0.1)
            lowest = min(lowest, b.account.budget.remaining or 100)
        assert (b.server.refused, bulk.counts[DONE], len(calls)) == (0, 153, 153)
        assert lowest >= 25, "what the feed itself reads meanwhile may take a few"
        desk.close()

    bench(monkeypatch, tmp_path, story, limit=100)


def test_killed_while_it_dialled_it_is_not_dialled_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        calls = reconnects(b, after=5.0)
        desk = desk_of(b)
        bulk = started(desk, Job("reconnect", ("a", "b", "c")))
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(1.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.close()
        assert [name for name, _token in calls] == ["a", "b"]
        again = desk_of(b)
        left = again.unfinished()
        assert left is not None and [entry.begun for entry in left.entries] == [True, True, False]
        bulk = again.resume()
        bulk._aside = _now
        await bulk.run()
        assert [entry.state for entry in bulk.entries] == [DONE] * 3
        assert [name for name, _token in calls] == ["a", "b", "c"]
        again.close()

    bench(monkeypatch, tmp_path, story)


def test_nothing_is_kept_where_nothing_may_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("RYZE_NO_CACHE", "1")
    assert path_of("http://127.0.0.1:1", "token") is None
    assert not Record(None).resumable


def test_a_server_that_goes_away_pauses_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.add(*(f"x{index}" for index in range(6)))
        await b.account.refresh()
        calls = reconnects(b, after=0.2)
        bulk = started(desk := desk_of(b), Job("reconnect", tuple(b.server.instances)))
        task = asyncio.create_task(bulk.run())
        await asyncio.sleep(1.5)
        b.server.goes_down()
        await asyncio.sleep(30)
        assert bulk.paused and "refuses connections" in bulk.why
        b.server.comes_up()
        bulk.resume()
        bulk.retry()
        await task
        assert bulk.counts[DONE] == 9 and Counter(name for name, _token in calls).most_common(1)[0][1] == 1
        desk.close()

    bench(monkeypatch, tmp_path, story)


