"""A burst is drawn 20 times a second; on a line that does not carry that, ever less often, and the last of it always."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from ryze_tui.console.ticks import PERIOD, SLOWEST, Coalescer


class Loop:
    """Just enough of an event loop, with a clock of its own."""

    def __init__(self) -> None:
        self.now, self.timers = 0.0, []
        self.count = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> Any:
        self.count += 1
        heapq.heappush(self.timers, (self.now + delay, self.count, call))
        return call

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, _count, call = heapq.heappop(self.timers)
            call()
        self.now = end


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


class Drawn:
    """When was drawn; `busy`: whether the terminal is behind."""

    def __init__(self, loop: Loop) -> None:
        self.at: list[float] = []
        self.busy: Callable[[], bool] = lambda: False
        self.coalescer = Coalescer(lambda: self.at.append(loop.now), lambda: self.busy(), lambda error: None)
        self._loop = loop

    def burst(self, seconds: float) -> int:
        """A change each millisecond; how often it was drawn."""
        before = len(self.at)
        for _ in range(round(seconds * 1000)):
            self.coalescer.poke()
            self._loop.run(0.001)
        return len(self.at) - before


def test_the_first_at_once_then_twenty_a_second_and_the_last_always(loop: Loop) -> None:
    drawn = Drawn(loop)
    loop.run(5.0)
    drawn.coalescer.poke()
    loop.run(0.0)
    assert drawn.at == [5.0]
    assert 19 <= drawn.burst(1.0) <= 21
    last = loop.now
    loop.run(1.0)
    assert last <= drawn.at[-1] + 0.001 <= last + PERIOD + 0.001
    assert len(drawn.at) <= 22, "and nothing while nothing changes"


def test_a_line_that_is_behind_gets_fewer_frames_and_later_all_of_them_again(loop: Loop) -> None:
    drawn = Drawn(loop)
    drawn.burst(1.0)
    drawn.busy = lambda: True
    assert drawn.burst(3.0) == 0, "they are dropped"
    drawn.busy = lambda: False
    first = drawn.burst(2.0)
    assert 1 <= first <= 3 / SLOWEST
    drawn.burst(20.0)
    assert drawn.burst(1.0) >= 18


def test_a_line_that_is_behind_is_right_in_the_end(loop: Loop) -> None:
    drawn = Drawn(loop)
    drawn.busy = lambda: loop.now < 2.0
    drawn.coalescer.poke()
    loop.run(2.0 + 2 * SLOWEST)
    assert len(drawn.at) == 1, "one change, drawn once, when the line could take it"


def test_a_line_that_carries_half_of_them_is_behind_only_now_and_then(loop: Loop) -> None:
    queue = [0.0]
    late: list[float] = []

    def draw() -> None:
        queue.append(max(queue[-1], loop.now) + 0.1)

    coalescer = Coalescer(draw, lambda: queue[-1] > loop.now + 0.25, lambda error: None)
    for _ in range(60_000):
        coalescer.poke()
        loop.run(0.001)
        late.append(max(queue[-1] - loop.now, 0.0))
    assert len(queue) > 200
    assert sum(late) / len(late) < 0.2, "what waits in the line is what a key waits for"
