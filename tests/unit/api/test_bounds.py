"""What one server may make us keep: every text, item, frame and list has an end, whatever is sent."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from ryze_tui.api import instance
from ryze_tui.api.errors import BadReply
from ryze_tui.api.events import Event, RowChanged, RowDeleted, Snapshot, parse_account_frame, parse_envelope
from ryze_tui.api.instance import ITEM_MOST, NAME_MOST, TEXT_MOST, Instance, iter_items, parse_item

LONG = "\U0001f4a3" * 100_000
TEXTS = [name for name, kind in Instance.__annotations__.items() if kind == "str"]


def peak(body: str | bytes) -> tuple[int, str]:
    """Bytes that reading it took at most, and what was said about it."""
    tracemalloc.start()
    said = ""
    try:
        for _item in iter_items(body) if isinstance(body, str) else [parse_account_frame(body)]:
            pass
    except BadReply as error:
        said = error.message
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most, said


@pytest.mark.parametrize("filler", ["[],", '{"a":1},', '"ab",', "1.5,"])
def test_an_item_of_many_values_does_not_grow_in_memory(filler: str) -> None:
    body = '{"instances":[{"name":"a","x":[' + filler * 1_000_000 + "0]}]}"
    most, said = peak(body)
    assert most < 40 << 20 and "larger than" in said


@pytest.mark.parametrize("filler", ["[],", '{"a":1},', '"ab",', "1.5,"])
def test_a_frame_of_many_values_does_not_grow_in_memory(filler: str) -> None:
    frame = ('{"event":"x","data":{"x":[' + filler * 1_000_000 + "0]}}").encode()
    most, said = peak(frame)
    assert most < 20 << 20 and "values" in said
    with pytest.raises(BadReply, match="values"):
        parse_envelope(frame)


def test_items_are_read_whole_wherever_they_lie() -> None:
    for size in (1, 1000, ITEM_MOST // 2, ITEM_MOST - 200):
        items = [{"name": f"n{n}", "status": "connected", "note": "ü]},{[" * (size // 7)} for n in range(5)]
        found = list(iter_items(json.dumps({"success": True, "instances": items}, ensure_ascii=False)))
        assert [item.name for item in found] == [f"n{n}" for n in range(5)], size
    with pytest.raises(BadReply, match="larger than"):
        list(iter_items(json.dumps({"instances": [{"name": "a", "note": "x" * ITEM_MOST}]})))


def test_a_number_that_is_cut_by_the_window_is_one_item() -> None:
    body = '{"instances":[' + " " * (ITEM_MOST - 3) + "123456, " + '{"name":"a"}]}'
    assert [item.readable for item in iter_items(body)] == [False, False]


def test_every_text_of_an_item_has_an_end() -> None:
    item = {
        "name": "a", "id": LONG, "status": LONG, "token": "t" * 100_000, "createdAt": LONG, "updatedAt": LONG,
        "connection": {"state": LONG, "numberJid": LONG, "since": LONG, "reason": LONG, "displayStatus": LONG},
        "profile": {"name": LONG, "businessName": LONG}, "webhook": {"enabled": True, "url": LONG},
    }  # fmt: skip
    read = parse_item(item)
    assert all(len(getattr(read, name)) <= TEXT_MOST for name in TEXTS)
    assert read.token == "", "half a token is none"
    assert not parse_item(item | {"name": "n" * (NAME_MOST + 1)}).readable, "a name that is cut is the name of another"


@pytest.mark.parametrize("token", [" ", "a b", "\t", "tok\n", "é", "\ud800"])
def test_a_token_that_no_header_can_hold_is_none(token: str) -> None:
    assert parse_item({"name": "a", "token": token}).token == ""


def test_every_text_of_a_compact_row_has_an_end() -> None:
    row = {"name": "a"} | dict.fromkeys(("id", "number", "state", "blocks", "since", "reason", "profileName"), LONG)
    made = parse_account_frame(json.dumps({"event": "instance.row", "data": row}))
    assert isinstance(made, RowChanged) and all(len(getattr(made.row, name)) <= TEXT_MOST for name in TEXTS)


def test_words_of_an_event_have_an_end() -> None:
    event = Event("instance.state", "a", {"state": LONG, "reason": LONG})
    assert len(event.state_word) <= TEXT_MOST and len(event.reason) <= TEXT_MOST


def test_names_in_events_have_an_end() -> None:
    deleted = parse_account_frame(json.dumps({"event": "instance.deleted", "data": {}, "instance": LONG}))
    event = parse_account_frame(json.dumps({"event": LONG, "data": {}, "instance": LONG}))
    own = parse_envelope(json.dumps({"event": LONG, "data": {}, "instanceData": {"instance": LONG}}))
    assert isinstance(deleted, RowDeleted) and deleted.instance == ""
    for one in (event, own):
        assert isinstance(one, Event) and one.instance == "" and len(one.name) <= 100


def test_a_million_items_are_read_up_to_the_bound() -> None:
    rows = [{"name": f"n{n}", "state": "connected"} for n in range(600)]
    frame = parse_account_frame(json.dumps({"event": "snapshot", "data": {"rows": rows}}))
    assert isinstance(frame, Snapshot) and len(frame.rows) == 600
    assert instance.ROWS_MOST >= 20_000
