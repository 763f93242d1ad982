"""Facts that arrive in another order than they became true: lists that overtake each other, answers of writes, late frames."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ryze_tui.api import states
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.fleet.model import FleetModel

from tests.fakes.virtual import EPOCH


def item(name: str, state: str = states.CONNECTED, **fields: Any) -> Instance:
    return Instance(name, state=state, raw_state=state, **fields)


def listed(model: FleetModel, asked: float, arrived: float, *items: Instance) -> None:
    model.apply_list(items, asked_at=asked, received_at=arrived, now=EPOCH + arrived)


def event(model: FleetModel, name: str, word: str, at: float, stamp: str = "") -> None:
    data = {"state": word} | ({"timestamp": stamp} if stamp else {})
    model.apply_event(Event("instance.state", name, data), received_at=at, now=EPOCH + at)


NOW = 1_767_268_800.0
"""2026-01-01T12:00:00Z"""


def told(word: str, stamp: str) -> Event:
    return Event("instance.state", "a", {"state": word, "timestamp": stamp})


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def test_what_a_list_dropped_does_not_come_back_with_a_list_asked_for_earlier() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"), item("b"))
    listed(model, 11, 12, item("a"))
    listed(model, 10, 13, item("a"), item("b"))  # asked for before b was deleted, slower
    assert list(model.rows) == ["a"]
    listed(model, 14, 15, item("a"), item("b"))  # made again
    assert list(model.rows) == ["a", "b"]


def test_what_was_deleted_does_not_come_back_with_the_slower_of_two_lists() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"), item("b"))
    model.apply_deleted("b", received_at=10.5)
    listed(model, 11, 12, item("a"))
    listed(model, 10, 13, item("a"), item("b"))
    assert list(model.rows) == ["a"]


def test_what_a_narrow_list_or_a_snapshot_dropped_does_not_come_back_either() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"), item("b"), item("c"))
    model.drop_absent(["b"], set(), asked_at=11)
    model.apply_snapshot([item("a")], received_at=12, now=EPOCH)
    model.end_snapshot({"a"}, began_at=12)
    listed(model, 10, 13, item("a"), item("b"), item("c"))
    assert list(model.rows) == ["a"]


def test_names_that_are_gone_are_forgotten_when_no_list_can_bring_them_back() -> None:
    model = FleetModel()
    for n in range(5000):
        model.apply_snapshot([item(f"i{n}")], received_at=n, now=EPOCH)
        model.apply_deleted(f"i{n}", received_at=n + 0.5)
    assert len(model._gone) < 300
    assert not model.rows


def test_a_list_asked_for_while_a_write_was_under_way_does_not_outweigh_its_answer() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"))
    listed(model, 11, 12, item("a"))  # the write was asked for at 10, and takes until 13
    model.apply_written("a", states.LOGGEDOUT, asked_at=10, received_at=13, now=EPOCH + 13)
    assert model.rows["a"].state == states.LOGGEDOUT
    event(model, "a", "connected", 15)
    model.apply_written("a", states.LOGGEDOUT, asked_at=14, received_at=16, now=EPOCH + 16)  # the event came of it, or after it
    assert model.rows["a"].state == states.CONNECTED


def test_the_details_of_an_older_list_lose_to_those_of_a_newer_one() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"))
    listed(model, 11, 12, item("a", streaming=True, profile_name="New"))
    listed(model, 10, 13, item("a", streaming=False, profile_name="Old"))
    assert (model.rows["a"].item.streaming, model.rows["a"].item.profile_name) == (True, "New")


@pytest.mark.parametrize("field", ["number_jid", "profile_name", "blocks", "streaming"])
def test_what_the_stream_told_of_a_row_loses_to_no_older_list(field: str) -> None:
    old: dict[str, Any] = {"number_jid": "1@s.whatsapp.net", "profile_name": "Old", "blocks": "W····", "streaming": False}
    new: dict[str, Any] = {"number_jid": "2@s.whatsapp.net", "profile_name": "New", "blocks": "·S···", "streaming": True}
    model = FleetModel()
    listed(model, 0, 1, item("a", **old))
    model.apply_snapshot([item("a", **new)], received_at=11, now=EPOCH)
    listed(model, 10, 13, item("a", token="the-token-of-a", **old))
    row = model.rows["a"].item
    assert getattr(row, field) == new[field]
    assert row.token == "the-token-of-a"
    listed(model, 14, 15, item("a", **old))
    assert getattr(model.rows["a"].item, field) == old[field]


def test_an_event_that_happened_before_one_already_told_is_old_news() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a"))
    event(model, "a", "disconnected", 10, "2026-01-01T00:00:10.500Z")
    late = Event("instance.state", "a", {"state": "connected", "timestamp": "2026-01-01T00:00:10.100Z"})
    assert model.is_old(late)
    assert not model.apply_event(late, received_at=12, now=EPOCH + 12)
    assert model.rows["a"].state == states.DISCONNECTED
    at = 13.0
    for stamp in ("2026-01-01T00:00:10.500Z", "", "nonsense"):  # the same moment, or one that cannot be read: as it comes
        for word in ("connected", "disconnected"):
            at += 1
            event(model, "a", word, at, stamp)
            assert model.rows["a"].state == word
    assert not model.is_old(Event("instance.state", "nobody", {"state": "connected"}))


def test_numbered_frames_need_no_clock() -> None:
    model = FleetModel()
    model.apply_snapshot([item("a")], received_at=1, now=EPOCH)
    for n, stamp in enumerate(("2026-01-01T00:00:10Z", "2025-01-01T00:00:00Z")):  # the server's clock was put right
        word = ("disconnected", "connected")[n]
        frame = Event("instance.state", "a", {"state": word, "timestamp": stamp}, f"E.{n}")
        assert model.apply_event(frame, received_at=2 + n, now=EPOCH)
        assert model.rows["a"].state == word


def test_a_time_that_cannot_be_makes_nothing_after_it_old_news() -> None:
    model = FleetModel()
    listed(model, 0, 1, item("a", states.CONNECTED))
    event(model, "a", "disconnected", 10, "2199-01-01T00:00:00Z")
    assert model.rows["a"].state == states.DISCONNECTED
    event(model, "a", "connected", 20, rfc3339(EPOCH + 20))
    assert model.rows["a"].state == states.CONNECTED
    event(model, "a", "disconnected", 21, rfc3339(EPOCH + 19))  # the order is still kept
    assert model.rows["a"].state == states.CONNECTED


def test_a_server_whose_clock_was_set_back_is_believed_again_once_a_list_says_the_same() -> None:
    model = FleetModel()
    model.apply_list([Instance("a", state="connected")], asked_at=1.0, received_at=1.1, now=NOW)
    model.apply_event(told("disconnected", "2026-01-01T12:00:00Z"), received_at=2.0, now=NOW + 1)
    back = told("connected", "2026-01-01T10:00:00Z")
    assert model.is_old(back), "so far it may be a frame that was sent again"
    model.doubt(back, received_at=3.0)
    model.apply_list([Instance("a", state="connected")], asked_at=2.5, received_at=3.5, now=NOW + 2)
    assert model.is_old(told("connecting", "2026-01-01T10:00:05Z")), "that list was asked for before it"
    model.apply_event(told("disconnected", "2026-01-01T12:00:01Z"), received_at=3.6, now=NOW + 2)
    model.doubt(back, received_at=3.7)
    model.apply_list([Instance("a", state="connected")], asked_at=4.0, received_at=4.1, now=NOW + 3)
    later = told("temp_banned", "2026-01-01T10:00:05Z")
    assert model.is_old(told("connecting", "2026-01-01T09:59:59Z")), "their clock goes on from there"
    assert not model.is_old(later) and model.apply_event(later, received_at=5.0, now=NOW + 4)
    assert model.rows["a"].state == "banned"


def test_a_frame_that_was_sent_again_stays_old_news_when_the_list_says_otherwise() -> None:
    model = FleetModel()
    model.apply_list([Instance("a", state="connected")], asked_at=1.0, received_at=1.1, now=NOW)
    model.apply_event(told("disconnected", "2026-01-01T12:00:00Z"), received_at=2.0, now=NOW + 1)
    again = told("connected", "2026-01-01T11:59:00Z")
    model.doubt(again, received_at=3.0)
    model.apply_list([Instance("a", state="disconnected")], asked_at=4.0, received_at=4.1, now=NOW + 3)
    assert model.is_old(again) and model.rows["a"].state == "disconnected"


@pytest.mark.parametrize("seconds", [-7200.0, 7200.0])
def test_what_our_clock_dated_lasts_as_long_as_before_when_it_is_set(seconds: float) -> None:
    model = FleetModel()
    items = [Instance("ours", state="connected"), Instance("theirs", state="connected", since="2026-01-01T09:00:00Z")]
    model.apply_list(items, asked_at=1.0, received_at=1.1, now=NOW)
    model.apply_event(Event("instance.state", "ours", {"state": "temp_banned", "expire": 60}), received_at=2.0, now=NOW + 600)
    before = {name: replace(row) for name, row in model.rows.items()}
    assert model.shift(seconds).rows == {"ours", "theirs"}
    ours, theirs = model.rows["ours"], model.rows["theirs"]
    for field in ("since", "not_before", "seen", "last_event", "until"):
        assert getattr(ours, field) == getattr(before["ours"], field) + seconds, field
    assert ours.unwatched == 0.0 and [one.at for one in ours.past] == [before["ours"].past[0].at + seconds]
    assert theirs.since == before["theirs"].since and theirs.seen == before["theirs"].seen + seconds
