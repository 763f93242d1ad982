"""Which item of the Chatwoot queue goes next, and what a failed attempt leads to."""

from __future__ import annotations

import pytest
from ryze_tui.backend.integrations.chatwoot.api import ChatwootError
from ryze_tui.backend.integrations.chatwoot.lanes import IN_FLIGHT, PER_GATE, Lanes, Where
from ryze_tui.backend.integrations.chatwoot.rules import ACTIVE, ERROR, PAUSED, Verdict, judge
from ryze_tui.backend.store.chatwoot import Item

ONE: Where = ("one", False)


def item(name: str, lane: str = "a", instance: str = "one") -> Item:
    return Item(id=name, instance_id=instance, kind="message", key=name, lane=lane, created_at=0.0)


def taken(lanes: Lanes, now: float = 0.0) -> list[Item]:
    found = []
    while (one := lanes.next(now)) is not None:
        found.append(one[1])
    return found


def test_a_lane_waits_for_its_first_through_retries() -> None:
    lanes, (first, second, other) = Lanes(), (item("1"), item("2"), item("3", "b"))
    for one in (first, second, other):
        lanes.add(ONE, one)
    assert taken(lanes) == [first, other]
    lanes.again(ONE, first, ready=False)
    lanes.done(ONE, other)
    assert taken(lanes) == []
    lanes.ready(ONE, first)
    assert taken(lanes) == [first]
    lanes.ready(ONE, first)  # a timer that was late
    assert taken(lanes) == []
    lanes.done(ONE, first)
    assert taken(lanes) == [second]


def test_while_chatwoot_is_away_they_knock_one_at_a_time_and_others_do_not_wait() -> None:
    lanes, mine = Lanes(), [item(str(number), str(number)) for number in range(6)]
    for one in mine:
        lanes.add(ONE, one)
    there = item("x", "x", "two")
    lanes.add(("two", False), there)
    found = taken(lanes)
    assert len(found) == PER_GATE + 1 and there in found
    gate = lanes.gate(ONE)
    for one in found:
        if one is not there:
            lanes.again(ONE, one, ready=True)
    gate.failures, gate.until = 1, 10.0
    assert taken(lanes, 9.9) == []
    (knocks,) = taken(lanes, 10.0)
    assert knocks is mine[4], "those that have not been tried come first"
    lanes.done(ONE, knocks)
    lanes.open("one")
    assert len(taken(lanes, 0.0)) == PER_GATE


def test_opening_ends_the_waits_of_lanes_but_not_what_is_under_way() -> None:
    lanes, (first, second) = Lanes(), (item("1"), item("2", "b"))
    lanes.add(ONE, first)
    lanes.add(ONE, second)
    assert taken(lanes) == [first, second]
    lanes.again(ONE, first, ready=False)
    lanes.open("one")
    assert taken(lanes) == [first]


def test_what_is_dropped_does_not_come_back() -> None:
    lanes, (first, second) = Lanes(), (item("1"), item("2"))
    lanes.add(ONE, first)
    lanes.add(ONE, second)
    assert taken(lanes) == [first]
    lanes.drop("one")
    lanes.done(ONE, first)
    assert taken(lanes) == []
    many = [item(str(number), "m", f"i{number}") for number in range(IN_FLIGHT + 1)]
    for one in many:
        lanes.add((one.instance_id, False), one)
    assert len(taken(lanes)) == IN_FLIGHT


@pytest.mark.parametrize(
    ("status", "attempt", "failures", "alone", "verdict"),
    [
        (0, 1, 1, False, Verdict(1.0, True, ERROR)), (503, 3, 3, False, Verdict(15.0, True, ERROR)),
        (0, 900, 900, False, Verdict(300.0, True, ERROR)), (0, 5, 1, True, Verdict(1.0, True, ERROR)),
        (0, 6, 1, True, Verdict(None, False, ACTIVE)), (200, 1, 1, False, Verdict(1.0, True, ERROR)),
        (500, 1, 9, False, Verdict(1.0, False, ERROR)), (500, 6, 9, False, Verdict(None, False, ACTIVE)),
        (422, 1, 1, False, Verdict(1.0, False, ERROR)), (422, 2, 1, False, Verdict(None, False, ACTIVE)),
        (401, 1, 1, False, Verdict(300.0, True, PAUSED)), (404, 7, 1, False, Verdict(300.0, True, PAUSED)),
    ],
)  # fmt: skip
def test_an_outage_loses_nothing_and_one_bad_message_holds_up_nothing(
    status: int, attempt: int, failures: int, alone: bool, verdict: Verdict
) -> None:
    assert judge(ChatwootError(status, "x"), attempt, failures, lambda: 0.5, alone=alone) == verdict


def test_a_receiver_may_ask_for_a_longer_wait() -> None:
    assert judge(ChatwootError(429, "x", retry_after="60"), 1, 1, lambda: 0.5, alone=False) == Verdict(60.0, True, ERROR)
