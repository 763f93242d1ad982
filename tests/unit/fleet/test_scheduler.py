"""Polling, backing off, choosing sockets: pure rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api.instance import Instance
from ryze_tui.fleet.model import FleetModel
from ryze_tui.fleet.scheduler import (
    Bucket,
    Pace,
    backoff,
    most_important,
    ping_interval,
    poll_interval,
    probe_after,
    socket_limit,
)


@given(st.integers(0, 10_000), st.floats(0, 0.999))
def test_backoff_grows_and_stays_below_thirty_seconds(failures: int, luck: float) -> None:
    assert 0 < backoff(failures, lambda: luck) <= 30
    assert 0 < probe_after(failures, lambda: luck) <= (5 if failures < 15 else 30)


def test_backoff_doubles() -> None:
    assert [backoff(n, lambda: 0.0) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.lists(st.floats(0, 50), max_size=200))
def test_never_more_than_four_a_minute(waits: list[float]) -> None:
    pace, now, spent = Pace(4, 60.0), 0.0, []
    for pause in waits:
        now = max(now + pause, pace.ready_at(now + pause))
        pace.spend(now)
        spent.append(now)
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(spent, spent[4:], strict=False))


def test_a_bucket_bursts_then_keeps_its_rate() -> None:
    bucket, now, spent = Bucket(8, 16), 100.0, []
    for _n in range(40):
        now = bucket.ready_at(now)
        bucket.spend(now)
        spent.append(now)
    assert spent[15] == 100.0
    assert 2.9 < spent[39] - spent[15] < 3.1


def test_slow_lists_are_asked_for_less_often() -> None:
    assert (poll_interval(uncovered=True, took=0.1), poll_interval(uncovered=False, took=0.1)) == (20, 45)
    assert poll_interval(uncovered=True, took=5) == 100
    assert poll_interval(uncovered=True, took=500) == 300


def test_pings_get_rarer_with_the_number_of_sockets() -> None:
    assert (ping_interval(1), ping_interval(100), ping_interval(200)) == (20, 20, 40)


def test_the_most_important_rows_get_the_sockets() -> None:
    model = FleetModel()
    states = {"a": "banned", "b": "connected", "c": "connecting", "d": "loggedout", "e": "disconnected", "off": "connected"}
    items = [Instance(name, state=state, streaming=name != "off") for name, state in states.items()]
    model.apply_list(items, asked_at=1, received_at=1, now=1)
    assert most_important(model.rows.values(), [], 10) == ["c", "b", "e", "d", "a"]
    assert most_important(model.rows.values(), ["a"], 2) == ["a", "c"]


def test_descriptors_are_left_for_everything_else() -> None:
    assert 1 <= socket_limit() <= 200
