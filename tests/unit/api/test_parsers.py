"""Nothing that a server sends raises anything but our own error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ryze_tui.api.errors import BadReply, RyzeError
from ryze_tui.api.events import (
    CODE_MOST,
    Event,
    Heartbeat,
    RowChanged,
    RowDeleted,
    Snapshot,
    parse_account_frame,
    parse_envelope,
)
from ryze_tui.api.instance import Instance, iter_items, parse_item
from ryze_tui.api.states import STATES, UNKNOWN

CALM = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no bug."""

WORDS = st.sampled_from([
    "id", "name", "token", "status", "numberJid", "connection", "state", "profile", "isBusiness", "businessName", "webhook",
    "websocket", "events", "enabled", "chatwoot", "proxy", "s3", "url", "since", "reason", "seq", "event", "data", "instance",
    "rows",
    "last", "codes", "jid", "blocks", "number", "snapshot", "heartbeat", "instance.state", "instance.row", "instance.deleted",
    "instanceData", "connected", "timestamp", "createdAt", "instances",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6),
    max_leaves=24,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=10)


def use(instance: Instance) -> None:
    """Everything that a reader of an item asks of it."""
    assert instance.state in (*STATES, UNKNOWN) and isinstance(instance.number, str) and len(instance.blocks) == 5
    assert isinstance(instance.streaming, bool) and repr(instance)


def use_event(event: Event) -> None:
    assert isinstance(event.state_word + event.number + event.reason, str)
    assert all(isinstance(code, str) for code in event.codes)
    assert "codes" not in repr(event)


@CALM
@given(JSON | OBJECTS)
def test_any_item_becomes_a_row(item: Any) -> None:
    use(parse_item(item))


LISTS = st.lists(JSON | OBJECTS, max_size=5).map(lambda items: json.dumps({"instances": items}))


@CALM
@given(st.text() | JSON.map(json.dumps) | LISTS)
def test_any_list_body(body: str) -> None:
    try:
        for item in iter_items(body):
            use(item)
    except RyzeError:
        pass


@CALM
@given(st.lists(OBJECTS.map(lambda item: item | {"name": "x"}), max_size=5))
def test_a_bad_item_costs_one_row_and_no_other(items: list[dict[str, Any]]) -> None:
    good = {"name": "good", "connection": {"state": "connected"}}
    body = json.dumps({"success": True, "instances": [good, *items, 7, None, good]}, indent=1)
    read = list(iter_items(body))
    assert len(read) == len(items) + 4 and read[0] == read[-1] and read[0].state == "connected"


@CALM
@given(st.text() | st.binary() | JSON.map(json.dumps) | OBJECTS.map(json.dumps))
def test_any_frame(raw: str | bytes) -> None:
    for parse in (parse_envelope, parse_account_frame):
        try:
            frame = parse(raw)
        except RyzeError:
            continue
        if isinstance(frame, Event):
            use_event(frame)
        elif isinstance(frame, Snapshot):
            for row in frame.rows:
                use(row)
        elif isinstance(frame, RowChanged):
            use(frame.row)
        else:
            assert isinstance(frame, Heartbeat | RowDeleted)


@pytest.mark.parametrize("raw", [
    "", "[]", "{}", "7", "nul", "[" * 100_000, '{"a":' * 100_000, b"\xff\xfe\x00", "1" * 10_000, "\ud800",
])  # fmt: skip
def test_frames_that_are_nothing(raw: str | bytes) -> None:
    for parse in (parse_envelope, parse_account_frame):
        with pytest.raises(BadReply):
            parse(raw)


@pytest.mark.parametrize("body", [
    "", "{}", '{"instances":', '{"instances": {}}', '{"instances": [', '{"instances": [{}', '{"instances": [' + "[" * 100_000,
    '<html>"instances"[', '{"instances": [' + "1" * 10_000 + "]}",
])  # fmt: skip
def test_lists_that_are_none(body: str) -> None:
    with pytest.raises(BadReply):
        list(iter_items(body))


ITEM: dict[str, Any] = {
    "id": "i-1", "name": "sales", "token": "TOKEN-OF-IT", "status": "connected", "numberJid": "5511:3@s.whatsapp.net",
    "createdAt": "c",
    "updatedAt": "u",
    "connection": {"state": "loggedout", "numberJid": "5522:3@s.whatsapp.net", "displayStatus": "SIMULATED",
                   "since": "s", "reason": "r"},
    "profile": {"name": "Acme", "isBusiness": True, "businessName": "Acme Ltd"},
    "webhook": {"enabled": True, "url": "https://example.com", "events": ["a", "b"]},
    "websocket": {"enabled": True, "events": []}, "chatwoot": {"status": "active"},
    "proxy": {"enabled": False}, "s3": {"enabled": True},
}  # fmt: skip


def test_a_documented_item() -> None:
    item = parse_item(ITEM)
    assert (item.id, item.name, item.token, item.state, item.number, item.since, item.reason) == (
        "i-1", "sales", "TOKEN-OF-IT", "loggedout", "5522", "s", "r",
    )
    assert (item.profile_name, item.business_name, item.is_business, item.blocks) == ("Acme", "Acme Ltd", True, "WSC·B")
    assert (item.webhook_url, item.webhook_events, item.streaming, item.readable) == ("https://example.com", 2, True, True)
    assert "TOKEN" not in repr(item), "the token is not shown"


@pytest.mark.parametrize(("change", "state"), [
    ({"connection": None, "status": "closed"}, "disconnected"),
    ({"connection": {}, "status": "qr"}, "connecting"),
    ({"connection": {"state": "OPEN"}}, "connected"),
    ({"connection": {"state": "temp_banned"}}, "banned"),
    ({"connection": {"state": "asleep"}}, "unknown"),
])  # fmt: skip
def test_observed_variants(change: dict[str, Any], state: str) -> None:
    assert parse_item(ITEM | change).state == state


@pytest.mark.parametrize(("events", "streams"), [([], True), (["instance.state"], True), (["call.update"], False), ("x", False)])
def test_when_a_socket_lets_states_through(events: Any, streams: bool) -> None:
    assert parse_item(ITEM | {"websocket": {"enabled": True, "events": events}}).streaming is streams
    assert parse_item(ITEM | {"websocket": {"enabled": False, "events": events}}).streaming is False


def test_envelopes_and_frames() -> None:
    about = {"baseUrl": "http://x", "instance": "sales", "token": "T"}
    data = {"state": "qr_ready", "codes": ["a", 7, "b"], "jid": "55:1@s.whatsapp.net", "reason": "", "message": "why"}
    event = parse_envelope(json.dumps({"event": "instance.state", "data": data, "instanceData": about}))
    assert (event.instance, event.state_word, event.codes) == ("sales", "qr_ready", ("a", "b"))
    assert (event.number, event.reason) == ("55", "why")
    bare = parse_envelope(json.dumps({"event": "instance.state", "data": {"state": "connected", "instance": "sales"}}))
    assert bare.instance == "sales"
    row = {
        "id": "1", "name": "sales", "state": "banned", "since": "s", "reason": "r", "number": "55", "profileName": "P",
        "blocks": "W···B",
    }
    frames = [
        {"seq": "e.1", "event": "snapshot", "data": {"rows": [row, {}], "last": True}, "instance": ""},
        {"seq": "e.1", "event": "heartbeat", "data": {}, "instance": ""},
        {"seq": "e.2", "event": "instance.row", "data": row, "instance": "sales"},
        {"seq": "e.3", "event": "instance.deleted", "data": {}, "instance": "sales"},
        {"seq": "e.4", "event": "instance.state", "data": {"state": "connected"}, "instance": "sales"},
    ]
    snapshot, heartbeat, changed, deleted, state = [parse_account_frame(json.dumps(frame)) for frame in frames]
    assert isinstance(snapshot, Snapshot) and snapshot.last and [item.readable for item in snapshot.rows] == [True, False]
    first = snapshot.rows[0]
    assert (first.state, first.number, first.blocks) == ("banned", "55", "W···B")
    assert (first.since, first.reason, first.profile_name) == ("s", "r", "P")
    assert heartbeat == Heartbeat("e.1") and deleted == RowDeleted("sales", "e.3")
    assert isinstance(changed, RowChanged) and changed.row == first and changed.seq == "e.2"
    assert isinstance(state, Event) and (state.seq, state.instance, state.state_word) == ("e.4", "sales", "connected")


@pytest.mark.parametrize("name", ["\ud800", "sales\udfff", "", None, 7])
def test_a_name_that_cannot_be_sent_back_is_unreadable(name: Any) -> None:
    frame = {"seq": "e.1", "event": "instance.row", "data": {"name": name, "state": "connected"}}
    row = parse_account_frame(json.dumps(frame))
    assert isinstance(row, RowChanged)
    for item in (parse_item(ITEM | {"name": name}), row.row):
        assert (item.name, item.readable) == ("", False)
    assert parse_item(ITEM | {"name": "vendas-são-📱"}).readable


@pytest.mark.parametrize("token", ["\ud800abcdefgh", "tökén-of-it", "a\r\nb: c", "\x1b[2J", "\x7f"])
def test_a_token_that_cannot_stand_in_a_header_is_dropped(token: str) -> None:
    item = parse_item(ITEM | {"token": token})
    assert (item.name, item.token, item.readable) == ("sales", "", True)


def test_codes_that_cannot_be_drawn_are_left_out() -> None:
    good = "2@" + "x" * (CODE_MOST - 2)
    codes = ["\ud800", "ü" * 2000, "a\nb", good + "x", "", 7, good, "2@ok,+/="]
    assert Event("instance.state", "a", {"codes": codes}).codes == (good, "2@ok,+/=")
    assert len(Event("instance.state", "a", {"codes": ["a"] * 10_000}).codes) == 20


@pytest.mark.parametrize("blocks", ["\x1b[2J]", "SSSSS", "W····x", "BPCSW", "-----", "界界界界界", "W·", "\ud800····", "····w"])
def test_block_letters_stand_in_their_places(blocks: str) -> None:
    frame = {"seq": "e.1", "event": "instance.row", "data": {"name": "a", "state": "connected", "blocks": blocks}}
    row = parse_account_frame(json.dumps(frame))
    assert isinstance(row, RowChanged)
    assert (row.row.blocks, row.row.streaming) == ("·····", False)
    whole = parse_account_frame(json.dumps(frame | {"data": {"name": "a", "state": "connected", "blocks": "WSCPB"}}))
    assert isinstance(whole, RowChanged) and (whole.row.blocks, whole.row.streaming) == ("WSCPB", True)


@pytest.mark.parametrize("number", ["²³", "٠١٢٣٤٥٦٧", "5" * 10_000, "55\x1b"])
def test_numbers_are_plain_digits(number: str) -> None:
    assert parse_item(ITEM | {"connection": {"state": "connected", "numberJid": f"{number}@s.whatsapp.net"}}).number == ""


@pytest.mark.parametrize("seq", ["\ud800.1", "x" * 10_000, 7])
def test_a_position_that_cannot_be_sent_back_is_none(seq: Any) -> None:
    assert parse_account_frame(json.dumps({"seq": seq, "event": "heartbeat"})) == Heartbeat("")
