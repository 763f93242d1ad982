"""A wall clock that somebody sets is noticed; a machine that sleeps, or is busy, sets none."""

from __future__ import annotations

import asyncio

from ryze_tui.client.clock import STEP, SYSTEM, Steady, wait

from tests.fakes.virtual import Manual


class Sleepy(Manual):
    slept = 0.0

    def elapsed(self) -> float:
        return self.now + self.slept


def test_a_clock_that_is_set_is_told_once_and_by_how_much() -> None:
    clock, told = Sleepy(), list[float]()
    steady = Steady(clock, told.append)
    clock.now += 100
    assert steady.time() == clock.time() and told == []
    clock.wall -= 7200
    assert steady.time() == clock.time() and told == [-7200]
    steady.time()
    clock.wall += STEP
    steady.time()
    clock.now += 5
    steady.time()
    assert told == [-7200, STEP]


def test_sleep_and_small_steps_are_none() -> None:
    clock, told = Sleepy(), list[float]()
    steady = Steady(clock, told.append)
    clock.slept += 3600
    clock.wall += 3600 + STEP - 0.5
    assert steady.time() == clock.time() and told == []
    assert (steady.monotonic(), steady.elapsed()) == (clock.now, clock.now + 3600)


async def test_the_machines_own_clocks() -> None:
    before = SYSTEM.elapsed()
    assert before >= SYSTEM.monotonic() - 1
    assert not await wait(SYSTEM, asyncio.Event(), 0.0) and not await wait(SYSTEM, asyncio.Event(), 0.001)
    assert SYSTEM.elapsed() >= before
