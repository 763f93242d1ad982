"""What outlives a run of the program: kept while things change and at the end, dated by what was proven, and recalled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest
from ryze_tui.fleet import cache, history, keeping
from ryze_tui.operations import keeper

from tests.fakes.accounts import FULL, PLAIN, Bench, bench
from tests.fakes.virtual import EPOCH, VirtualClock

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])
URL, TOKEN = "http://127.0.0.1:1", "account-token-0000"
Story = Callable[[Bench], Awaitable[None]]


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No thread on a virtual loop; our files below tmp."""

    async def now(work: Callable[[], None]) -> None:
        work()

    monkeypatch.setitem(keeper.Keeper.__init__.__kwdefaults__, "aside", now)
    monkeypatch.setattr(keeping.time, "time", lambda: EPOCH + 1e6)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RYZE_NO_CACHE", raising=False)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """One run of the program, `after` seconds later than the first."""

    def run(story: Story, *, after: float = 0.0, keep: bool = True, **options: object) -> None:
        monkeypatch.setattr(VirtualClock, "drift", after)
        bench(monkeypatch, tmp_path / "state", story, keep=keep, **options)

    return run


@MODES
def test_since_and_reason_come_back_with_the_bounds_of_what_was_watched(
    start: Callable[..., None], extensions: frozenset[str]
) -> None:
    fell = 0.0

    async def first(b: Bench) -> None:
        nonlocal fell
        fell = b.clock.time()
        b.server.happens("a", "disconnected", reason="stream error 503")
        await asyncio.sleep(60)
        b.server.happens("b", "logged_out")
        await asyncio.sleep(1)
        assert b.account.model.rows["a"].since_exact

    async def second(b: Bench) -> None:
        b.server.instances["a"].state = "disconnected"
        run = asyncio.create_task(b.account.run())
        await asyncio.sleep(5)
        a, other = b.account.model.rows["a"], b.account.model.rows["b"]
        assert (a.state, a.reason, a.since_exact) == ("disconnected", "stream error 503", False)
        assert abs(a.not_before - fell) < 1 and abs(a.since - (EPOCH + 1000 + 7200)) < 1
        assert fell + 40 < a.unwatched < fell + 62, "watched until the end, not until the last list"
        assert (other.state, other.past[-1].was, other.not_before) == ("connected", "loggedout", fell + 60)
        assert b.account.model.recall is None
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    start(first, extensions=extensions)
    start(second, after=7200.0, extensions=extensions, running=False)


def kept() -> keeping.Kept | None:
    return cache.look(URL, TOKEN)


def test_written_at_most_every_half_minute_while_things_change(
    start: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    real = keeping.write

    def write(path: Path, kind: str, **more: object) -> None:
        if kind == cache.KIND:
            times.append(asyncio.get_running_loop().time())
        real(path, kind, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(keeping, "write", write)

    async def story(b: Bench) -> None:
        for n in range(100):
            b.server.happens("a", "disconnected" if n % 2 else "connected")
            await asyncio.sleep(1)
        before = len(times)
        assert 3 <= before <= 5 and all(late - soon >= 30 for soon, late in pairwise(times))
        await asyncio.sleep(600)
        assert len(times) <= before + 1, "nothing changes, nothing is written"

    start(story, extensions=FULL)
    assert kept() is not None


@MODES
def test_it_is_dated_by_when_it_was_proven_not_by_when_it_was_written(
    start: Callable[..., None], extensions: frozenset[str]
) -> None:
    died = 0.0

    async def story(b: Bench) -> None:
        nonlocal died
        await asyncio.sleep(20)
        died = b.clock.time()
        b.server.goes_down()
        await asyncio.sleep(3600)

    start(story, extensions=extensions)
    file = kept()
    assert file is not None and died - 60 <= file.seen <= died + 1


def test_a_sleep_of_the_machine_does_not_make_the_list_younger(
    start: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = 0.0

    async def story(b: Bench) -> None:
        nonlocal slept
        slept = b.clock.time()
        monkeypatch.setattr(VirtualClock, "drift", 8 * 3600.0)

    start(story, extensions=FULL)
    file = kept()
    assert file is not None and file.seen <= slept


def test_nothing_is_written_before_a_list_was_read_and_nothing_without_being_asked(start: Callable[..., None]) -> None:
    async def story(b: Bench) -> None:
        assert b.account.model.loaded

    start(story, extensions=FULL, keep=False)
    assert kept() is None and history.look(URL, TOKEN) is None
    assert not cache.path("x").parent.exists()


def test_a_run_that_saw_no_list_leaves_what_was_kept(start: Callable[..., None]) -> None:
    async def fine(b: Bench) -> None:
        assert b.account.model.loaded

    async def away(b: Bench) -> None:
        b.server.up = False
        run = asyncio.create_task(b.account.run())
        await asyncio.sleep(60)
        assert b.account.link.kind == "offline" and not b.account.model.loaded
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    start(fine, extensions=FULL)
    before = kept()
    start(away, extensions=FULL, after=7200.0, running=False)
    assert before is not None and kept() == before


def test_a_disk_that_refuses_is_said_once_and_stops_nobody(
    start: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")

    async def story(b: Bench) -> None:
        for n in range(70):
            b.server.happens("a", "disconnected" if n % 2 else "connected")
            await asyncio.sleep(1)
        assert b.account.link.kind == "live"

    with caplog.at_level(logging.WARNING):
        start(story, extensions=FULL)
    assert sum("cannot be kept" in record.message for record in caplog.records) == 1
    assert TOKEN not in caplog.text
