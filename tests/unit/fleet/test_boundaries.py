"""The reducer where two facts are of the same moment, and where one tells less than another."""

from __future__ import annotations

from typing import Any

import pytest
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.fleet.model import LIST, STREAM, FleetModel, Row

NOW = 1_790_000_000.0
SINCE = "2026-09-01T00:00:00Z"


def item(name: str = "a", state: str = "connected", **fields: Any) -> Instance:
    return Instance(name, state=state, raw_state=state, **fields)


def listed(model: FleetModel, at: float, *items: Instance) -> set[str]:
    return model.apply_list(items, asked_at=at, received_at=at, now=NOW + at).rows


def told(model: FleetModel, at: float, word: str, **data: Any) -> None:
    model.apply_event(Event("instance.state", "a", {"state": word, **data}), received_at=at, now=NOW + at)


def snapshot(model: FleetModel, at: float, *items: Instance) -> set[str]:
    return model.apply_snapshot(items, received_at=at, now=NOW + at).rows


def one(*items: Instance) -> FleetModel:
    model = FleetModel()
    listed(model, 1, *(items or (item(),)))
    return model


def test_a_list_asked_for_in_the_moment_of_an_event_is_newer() -> None:
    model = one()
    told(model, 10, "disconnected")
    listed(model, 10, item(state="banned"))
    assert model.rows["a"].state == "banned"


def test_a_list_asked_for_in_the_moment_of_a_deletion_brings_nothing_back_and_what_it_lacks_is_gone() -> None:
    model = one()
    model.apply_deleted("a", received_at=10)
    listed(model, 10, item())
    assert not model.rows
    model = one()
    told(model, 10, "disconnected")
    listed(model, 10)
    assert not model.rows


def test_the_list_asked_for_in_the_moment_of_a_doubt_decides() -> None:
    model = one()
    told(model, 2, "disconnected", timestamp="2026-09-01T12:00:00Z")
    back = Event("instance.state", "a", {"state": "connected", "timestamp": "2026-09-01T10:00:00Z"})
    model.doubt(back, received_at=5)
    listed(model, 5, item())
    assert not model.is_old(back)


def test_an_event_begins_when_it_is_told_and_nothing_lies_before() -> None:
    model = one()
    told(model, 100, "disconnected")
    row = model.rows["a"]
    assert row.since == row.not_before == row.past[-1].after == NOW + 100 and row.since_exact
    told(model, 200, "disconnected")
    assert row.since == NOW + 100, "told again is no new beginning"


def test_an_event_dates_the_state_that_a_list_only_named() -> None:
    model = one()
    assert not model.rows["a"].since_exact
    told(model, 100, "connected")
    row = model.rows["a"]
    assert (row.since, row.since_exact, row.past) == (NOW + 100, True, ())


def test_a_list_that_dates_the_same_state_does_so_by_the_servers_clock() -> None:
    model = one()
    assert model.rows["a"].ours
    assert listed(model, 2, item(since=SINCE)) == {"a"}
    assert (model.rows["a"].since_exact, model.rows["a"].ours) == (True, False)


def test_what_was_not_watched_ends_with_the_state() -> None:
    model = one()
    model.rows["a"].unwatched = NOW - 60
    told(model, 2, "disconnected")
    assert model.rows["a"].unwatched == 0


@pytest.mark.parametrize(("state", "reason", "since", "left"), [
    ("banned", "", "", "as the event said"), ("banned", "another", "", "another"), ("banned", "", SINCE, ""),
    ("connected", "", "", ""),
])  # fmt: skip
def test_a_snapshot_takes_a_reason_away_only_where_it_would_tell_one(state: str, reason: str, since: str, left: str) -> None:
    model = one()
    told(model, 2, "temp_banned", reason="as the event said")
    snapshot(model, 3, item(state=state, reason=reason, since=since))
    assert model.rows["a"].reason == left


@pytest.mark.parametrize("fields", [{"profile_name": "Ana"}, {"number_jid": "5511@s.whatsapp.net"}])
def test_a_snapshot_that_tells_only_who_it_is_is_a_change(fields: dict[str, str]) -> None:
    model = one()
    assert snapshot(model, 2, item(**fields)) == {"a"}
    assert snapshot(model, 3, item(**fields)) == set()


@pytest.mark.parametrize("since", ["", SINCE])
def test_how_exact_a_snapshot_is(since: str) -> None:
    model = FleetModel()
    snapshot(model, 1, item(since=since))
    assert (model.rows["a"].since_exact, model.rows["a"].ours) == (bool(since), not since)
    moved = one()
    snapshot(moved, 2, item(state="banned", since=since))
    row = moved.rows["a"]
    assert (row.since_exact, row.ours, row.told_by) == (bool(since), not since, STREAM)


def test_a_snapshot_that_dates_the_same_state_tells_no_change_of_it() -> None:
    model = one()
    assert snapshot(model, 2, item(since=SINCE)) == {"a"}
    row = model.rows["a"]
    assert (row.since_exact, row.ours, row.told_by, row.past) == (True, False, LIST, ())
    assert snapshot(model, 3, item(since=SINCE)) == set()


def test_of_many_that_were_deleted_an_older_list_brings_back_none() -> None:
    names = [f"n{n}" for n in range(500)]
    model = one(*(item(name) for name in names))
    for name in names:
        model.apply_deleted(name, received_at=10)
    listed(model, 9, *(item(name) for name in names))
    assert not model.rows and len(model._gone) == 500
    listed(model, 11, item("n0"))
    assert list(model.rows) == ["n0"]


def test_what_a_snapshot_lacks_is_gone_unless_it_was_heard_of_since() -> None:
    model = one(item("a"), item("b"), item("c"))
    model.apply_event(Event("instance.state", "c", {"state": "disconnected"}), received_at=20, now=NOW + 20)
    model.end_snapshot({"a"}, began_at=10)
    assert sorted(model.rows) == ["a", "c"]


@pytest.mark.parametrize(("reason", "since", "left"), [
    ("", "", "as the event said"), ("another", "", "another"), ("", SINCE, ""), ("another", SINCE, "another"),
])  # fmt: skip
def test_a_list_takes_a_reason_away_only_where_it_would_tell_one(reason: str, since: str, left: str) -> None:
    model = one()
    told(model, 2, "temp_banned", reason="as the event said")
    listed(model, 3, item(state="banned", reason=reason, since=since))
    assert model.rows["a"].reason == left


def test_an_answer_of_ours_loses_to_what_was_pushed_after_it_was_asked_for() -> None:
    model = FleetModel()
    snapshot(model, 10, item())
    assert not model.apply_written("a", "loggedout", asked_at=9, received_at=11, now=NOW + 11)
    model = one()
    assert model.apply_written("a", "loggedout", asked_at=0.5, received_at=2, now=NOW + 2), "a list proves nothing against it"
    assert model.rows["a"].state == "loggedout"


def test_a_row_that_was_kept_is_by_our_clock() -> None:
    assert Row("a", "connected", NOW, False, 0.0, NOW).ours
