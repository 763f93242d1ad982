"""Editing a block: only what was touched changes, whoever else wrote meanwhile, and no secret is lost or made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api.fields import Field
from ryze_tui.api.wire import WIRES, Wire
from ryze_tui.operations.editing import KEEP, Edit, complete

KINDS = sorted(WIRES)
WEBHOOK = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange", "instance.state"], "mediaBase64": False,
}
PROXY = {"enabled": True, "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana"}


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """What a server may hold of a field."""
    return {
        "switch": st.booleans(), "number": st.integers(1, 10_000),
        "choice": st.sampled_from(field.choices or ("",)), "set": st.lists(st.sampled_from(field.choices or ("",)), max_size=4),
    }.get(field.kind, st.text("abc:/.", min_size=1, max_size=9))  # fmt: skip


def blocks(wire: Wire) -> st.SearchStrategy[dict[str, Any]]:
    """A block that is on, as a read tells it."""
    shown = {field.name: values_of(field) for field in wire.fields if field.name not in wire.hidden}
    return st.fixed_dictionaries(shown | ({"enabled": st.just(True)} if "enabled" in shown else {}))


def server(wire: Wire, held: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """What a server holds after a write: merged, or replaced with defaults for what was left out."""
    if wire.merges:
        return held | body
    return {field.name: body.get(field.name, field.empty) for field in wire.fields if field.name not in wire.hidden}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_one_field_changes_and_everything_else_is_as_the_server_had_it(kind: str, data: st.DataObject) -> None:
    wire = WIRES[kind]
    was, now = data.draw(blocks(wire)), data.draw(blocks(wire))
    field = data.draw(st.sampled_from([one for one in wire.fields if one.name not in {"enabled", *wire.hidden}]))
    value = data.draw(values_of(field).filter(lambda one: one != was[field.name]))
    edit = Edit(wire, was, keeps_secrets=True)
    edit.set(field.name, value)
    after = server(wire, now, edit.body(now))
    assert after == now | {field.name: value}
    assert edit.missing(edit.body(now), after) == []
    assert {line.field.name for line in edit.review(now) if line.yours != line.now} <= {field.name}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_somebody_else_changed_is_shown_and_kept(kind: str, data: st.DataObject) -> None:
    wire = WIRES[kind]
    was, now = data.draw(blocks(wire)), data.draw(blocks(wire))
    edit = Edit(wire, was, keeps_secrets=True)
    changed = {field.name for field in wire.fields if field.name not in wire.hidden and was[field.name] != now[field.name]}
    assert {line.field.name for line in edit.review(now)} == changed
    assert not edit.dirty and server(wire, now, edit.body(now)) == now


def test_two_operators_on_the_same_field_conflict_and_either_may_win() -> None:
    edit = Edit(WIRES["webhook"], WEBHOOK, label="default")
    edit.set("url", "https://mine.example/wa")
    now = WEBHOOK | {"url": "https://theirs.example/wa", "byEvents": True}
    (url, by_events) = edit.review(now)
    assert (url.field.name, url.was, url.now, url.yours, url.conflict) == (
        "url", WEBHOOK["url"], "https://theirs.example/wa", "https://mine.example/wa", True,
    )
    assert (by_events.field.name, by_events.yours, by_events.conflict) == ("byEvents", True, False)
    assert edit.body(now) == now | {"url": "https://mine.example/wa"}
    assert edit.body(now, frozenset({"url"})) == now


def test_switching_off_says_what_it_erases() -> None:
    edit = Edit(WIRES["webhook"], WEBHOOK, label="crm")
    edit.set("enabled", False)
    assert edit.switches_off and not edit.problems()
    assert {line.field.name for line in edit.review(WEBHOOK) if line.erased} == {"url", "authorization", "events"}
    assert edit.body(WEBHOOK) == {"enabled": False, "label": "crm"}


def test_switching_off_says_that_a_stored_secret_goes_too() -> None:
    edit = Edit(WIRES["proxy"], PROXY, keeps_secrets=True)
    edit.set("enabled", False)
    erased = {line.field.name: (line.now, line.yours) for line in edit.review(PROXY) if line.erased}
    assert erased["password"] == (None, "") and "host" in erased
    without_user = PROXY | {"username": ""}
    edit = Edit(WIRES["proxy"], without_user, keeps_secrets=True)
    edit.set("enabled", False)
    assert "password" not in {line.field.name for line in edit.review(without_user)}, "there is none where nobody is asked"


def test_settings_send_what_was_touched_only() -> None:
    edit = Edit(WIRES["settings"], {"autoRejectCalls": False, "callRejectMessage": "busy"})
    edit.set("autoRejectCalls", True)
    assert edit.body({"autoRejectCalls": False, "callRejectMessage": "later"}) == {"autoRejectCalls": True}


# -- secrets that no read tells ----------------------------------------------------------------------------------------


def test_a_hidden_secret_is_left_out_where_the_server_keeps_it() -> None:
    edit = Edit(WIRES["proxy"], PROXY, keeps_secrets=True)
    assert edit.yours["password"] is KEEP
    edit.set("port", "1081")
    assert not edit.problems() and "password" not in edit.body(PROXY)
    edit.set("host", "other.acme.com")
    assert "another Host" in edit.problems()["password"]
    edit.set("password", "typed anew")
    assert not edit.problems() and edit.body(PROXY)["password"] == "typed anew"


def test_a_hidden_secret_is_asked_for_again_where_nobody_knows_what_the_server_does() -> None:
    edit = Edit(WIRES["proxy"], PROXY)
    assert not edit.problems(), "nothing was touched"
    edit.set("port", "1081")
    assert "does not tell it" in edit.problems()["password"]
    edit.set("password", "")
    assert not edit.problems() and edit.body(PROXY)["password"] == "", "on purpose: none"


def test_a_new_block_needs_no_secret_typed_again() -> None:
    for held in (None, {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}):
        edit = Edit(WIRES["proxy"], held)
        for name, value in (PROXY | {"enabled": True}).items():
            edit.set(name, value)
        assert not edit.problems(), held


# -- odd answers -------------------------------------------------------------------------------------------------------

ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@pytest.mark.parametrize("kind", KINDS)
@given(held=st.none() | st.dictionaries(st.sampled_from(["enabled", "url", "events", "port", "host", "autoRejectCalls"]), ODD))
def test_any_answer_makes_a_form(kind: str, held: dict[str, Any] | None) -> None:
    wire = WIRES[kind]
    made = complete(wire, held)
    assert made.keys() == {field.name for field in wire.fields}
    edit = Edit(wire, held)
    assert not edit.dirty
    edit.problems(), edit.review(held), edit.body(held)


def test_an_event_of_the_future_is_sent_back() -> None:
    held = WEBHOOK | {"events": ["message.exchange", "future.event"]}
    edit = Edit(WIRES["webhook"], held)
    edit.set("byEvents", True)
    assert edit.body(held)["events"] == ["message.exchange", "future.event"]


def test_what_the_server_made_of_it_is_found() -> None:
    edit = Edit(WIRES["websocket"], {"enabled": True, "events": [], "mediaBase64": False})
    edit.set("mediaBase64", True)
    body = edit.body(edit.was)
    (line,) = edit.missing(body, {"enabled": True, "events": [], "mediaBase64": False})
    assert (line.field.name, line.now, line.yours) == ("mediaBase64", False, True)
    assert edit.missing(body, body) == []
