"""Signs of life: dead sockets end in time, living ones are not asked, and many are looked at together."""

from __future__ import annotations

import asyncio

import pytest
from ryze_tui.client.stream import StreamEnded
from ryze_tui.fleet.lifesigns import PONG, LifeSigns

from tests.fakes.virtual import VirtualClock, run

INTERVAL = 40.0


class Line:
    """A socket whose server says something every `every` seconds (0: never), until it dies at `dies`."""

    def __init__(self, clock: VirtualClock, every: float, dies: float = float("inf")) -> None:
        self.clock, self.every, self.dies = clock, every, dies
        self.opened = self.ponged = self.proved = clock.monotonic()
        self.pings = self.looks = 0

    async def recv(self, seconds: float | None) -> str | None:
        raise NotImplementedError

    async def ping(self, seconds: float) -> None:
        self.pings += 1
        if self.clock.monotonic() >= self.dies:
            await self.clock.sleep(seconds)
            raise StreamEnded("no pong")
        self.ponged = self.clock.monotonic()

    def silence(self) -> float:
        self.looks += 1
        now = self.clock.monotonic()
        until = min(now, self.dies)
        last = self.opened + (until - self.opened) // self.every * self.every if self.every else self.opened
        return now - max(last, self.ponged)

    async def close(self) -> None:
        raise NotImplementedError

    def heard(self, at: float) -> None:
        self.proved = at


async def held(signs: LifeSigns, line: Line) -> str:
    """Until it ends: why."""
    try:
        async with signs.of(line, line.heard):
            await asyncio.Event().wait()
    except StreamEnded as error:
        return error.message
    raise AssertionError


async def watched(clock: VirtualClock, seconds: float, *lines: Line) -> list[asyncio.Task[str]]:
    signs = LifeSigns(clock, lambda: INTERVAL)
    looking = asyncio.create_task(signs.run())
    tasks = [asyncio.create_task(held(signs, line)) for line in lines]
    await clock.sleep(seconds)
    for task in [looking, *tasks]:
        task.cancel()
    await asyncio.gather(looking, *tasks, return_exceptions=True)
    return tasks


def test_a_server_that_pings_is_never_asked_and_costs_few_looks() -> None:
    async def story() -> None:
        clock = VirtualClock()
        lines = [Line(clock, every=25.0) for _ in range(200)]
        tasks = await watched(clock, 3600, *lines)
        assert all(task.cancelled() for task in tasks)
        assert all(line.pings == 0 and line.looks < 3600 / 10 for line in lines)
        assert all(clock.monotonic() - line.proved < INTERVAL for line in lines)

    run(story())


def test_a_server_that_says_nothing_is_asked_and_lives() -> None:
    async def story() -> None:
        clock = VirtualClock()
        line = Line(clock, every=0.0)
        (task,) = await watched(clock, 3600, line)
        assert task.cancelled()
        assert 3600 / INTERVAL * 0.9 < line.pings <= 3600 / INTERVAL

    run(story())


@pytest.mark.parametrize("every", [0.0, 7.0, 25.0])
def test_a_dead_one_ends_within_what_coverage_allows_and_the_others_do_not(every: float) -> None:
    async def story() -> None:
        clock = VirtualClock()
        dead, alive = Line(clock, every, dies=clock.monotonic() + 301), Line(clock, every)
        tasks = await watched(clock, 301 + INTERVAL + PONG + 5, dead, alive)
        assert tasks[0].done() and not tasks[0].cancelled() and tasks[0].result() == "no pong"
        assert tasks[1].cancelled()

    run(story())


def test_who_leaves_while_being_asked_is_let_go() -> None:
    async def story() -> None:
        clock = VirtualClock()
        line = Line(clock, every=0.0, dies=0.0)
        signs = LifeSigns(clock, lambda: INTERVAL)
        looking = asyncio.create_task(signs.run())
        task = asyncio.create_task(held(signs, line))
        await clock.sleep(INTERVAL + PONG / 2)
        assert line.pings == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.sleep(0)
        assert [one.get_name() for one in asyncio.all_tasks() if one.get_name() == "ask"] == []
        looking.cancel()

    run(story())
