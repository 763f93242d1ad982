"""When a server that is away is tried again."""

from __future__ import annotations

from ryze_tui.fleet.reach import Reach

from tests.fakes.virtual import Manual


def test_failures_of_one_moment_count_once_and_knocks_come_often() -> None:
    clock = Manual()
    reach = Reach(clock, lambda: 0.0)
    assert [reach.lost(), reach.lost()] == [1000.5, 1000.5]
    for second in range(1, 140):
        clock.now = 1000.0 + second
        assert reach.lost() == clock.now + 0.5
    clock.now = 1000.0 + 7200
    assert reach.lost() == clock.now + 5.0
    reach.found()
    assert reach.up
    assert reach.lost() == clock.now + 0.5


def test_a_server_that_answers_badly_is_asked_less_often_but_one_that_hung_is_asked_again_at_once() -> None:
    clock = Manual()
    reach = Reach(clock, lambda: 0.0)
    clock.now = reach.lost()
    waits = []
    for _n in range(70):
        began = clock.now
        clock.now = reach.lost(opened=True, asked_at=began)
        waits.append(clock.now - began)
    assert waits[:4] == [0.5, 1.0, 2.0, 2.0]
    assert waits[-1] == 5.0
    began, clock.now = clock.now, clock.now + 15.0
    assert reach.lost(opened=True, asked_at=began) == clock.now + 0.5
