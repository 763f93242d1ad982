"""Blocks as JSON and back: nothing is lost on the way, and whatever is wrong is named with the line it stands in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.api.wire import WIRES
from ryze_tui.operations.blockjson import read, use, write
from ryze_tui.operations.editing import KEEP, Edit
from ryze_tui.operations.positions import Fault, Positioned, read_object
from ryze_tui.redact import MASK

from tests.fakes.blocks import HELD, WEBHOOK

KINDS = sorted(WIRES)


def edit_of(kind: str = "webhook", **changed: Any) -> Edit:
    held = (WEBHOOK if kind == "webhook" else HELD[kind]) | changed
    return Edit(WIRES[kind], held, label="default" if kind == "webhook" else "", keeps_secrets=True)


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def faults(text: str, edit: Edit) -> list[tuple[int, str]]:
    return [(fault.line, fault.words) for fault in read(text, edit).faults]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_nobody_touched_changes_nothing(kind: str) -> None:
    edit = edit_of(kind)
    written = write(edit)
    taken = read(written.text, edit)
    assert taken.faults == () and use(edit, taken.values) == [] and not edit.dirty
    assert written.text.startswith('{\n  "') and written.text.endswith("}\n")


def test_a_hidden_secret_is_absent_and_stays() -> None:
    edit = edit_of("proxy")
    written = write(edit)
    assert "password" not in written.text and not written.secret and written.hidden == ("Password",)
    assert read(written.text, edit).values["password"] is KEEP
    edit.set("password", "typed-anew")
    typed = write(edit)
    assert json.loads(typed.text)["password"] == "typed-anew" and typed.secret and not typed.hidden
    assert read(changed(typed.text, ',\n  "password": "typed-anew"', ""), edit).values["password"] is KEEP
    assert read(changed(typed.text, "typed-anew", "another"), edit).values["password"] == "another"


def test_secrets_are_masked_to_look_at_and_left_out_to_copy() -> None:
    edit = edit_of()
    masked, none = write(edit, secrets="masked"), write(edit, secrets="none")
    assert MASK in masked.text and "abc123" not in masked.text + none.text and not masked.secret and not none.secret
    assert "authorization" not in none.text
    assert faults(masked.text, edit) == [(5, "“authorization” is the mask that hides a secret, not the secret")]


BROKEN = [
    ('"enabled": true,', '"enabled": true', 3, "comma is missing"),
    ('"enabled": true,', '"enabled": yes,', 3, "a value is missing, or is not one"),
    ('"mediaBase64": false', '"mediaBase64": false,', 11, "comma too many"),
    ('"url": ', "url: ", 4, "name in double quotes"),
    ('wa",', "wa,", 4, "over the end of its line"),
    ('"byEvents":', '"byEvents"', 6, "colon is missing"),
    ("}", "", 11, "closing bracket is missing"),
    ('"url": "', '"url": "\\q', 4, "backslash"),
    ("}", "}}", 12, "after the end"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), BROKEN)
def test_a_syntax_error_has_its_line_and_column(old: str, new: str, line: int, words: str) -> None:
    edit = edit_of()
    text = changed(write(edit).text, old, new)
    (fault,) = read(text, edit).faults
    assert fault.line == line and fault.column > 0 and words in fault.words, fault
    assert read(text, edit).hard


WRONG = [
    ('"enabled": true', '"enabled": "true"', 3, "“enabled” is true or false"),
    ('"enabled": true', '"enabled": 1', 3, "“enabled” is true or false"),
    ('"url": "https://hooks.acme.com/wa"', '"url": null', 4, "“url” is a text, in double quotes"),
    ('"byEvents": false,\n', "", 11, "“byEvents” is missing"),
    ('"url"', '"uri"', 4, "there is no “uri” in this block: enabled, url, authorization"),
    ('"instance.state"', '"instance.sate"', 9, "“instance.sate” is none of the events: message.exchange"),
    ('"instance.state"', '"message.exchange"', 9, "“message.exchange” is there twice"),
    ('"instance.state"', "7", 9, "“events” is a list of words"),
    ('"mediaBase64": false', '"mediaBase64": false,\n  "mediaBase64": true', 12, "“mediaBase64” is there twice"),
    ('"label": "default"', '"label": "crm"', 2, "stays “default”"),
    ("https://hooks", "x" * 2000 + "https://hooks", 4, "2000 is the most"),
    ("https://hooks", "\\ud800https://hooks", 4, "half a character"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_everything_wrong_has_its_line(old: str, new: str, line: int, words: str) -> None:
    edit = edit_of()
    text = changed(write(edit).text, old, new)
    found = [words_ for at, words_ in faults(text, edit) if at == line]
    assert any(words in words_ for words_ in found), faults(text, edit)
    assert read(text, edit).hard and not edit.dirty


def test_several_are_named_in_their_order() -> None:
    edit = edit_of()
    text = changed(write(edit).text, '"enabled": true', '"enabled": "yes"')
    text = changed(text, '"message.exchange"', '"message.echange"')
    text = changed(text, ',\n  "mediaBase64": false', "")
    assert [line for line, _words in faults(text, edit)] == [3, 8, 11]


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("proxy", '"socks5"', '"socks4"', "“socks4” is no protocol: one of http, https, socks5"),
        ("proxy", '"username": "ana"', '"username": "ana",\n  "password": null', "leave the line out"),
        ("chatwoot", '"chatwootAccountId": 5', '"chatwootAccountId": "5"', "a whole number, without quotes"),
        ("chatwoot", '"chatwootAccountId": 5', '"chatwootAccountId": 5.5', "a whole number, without quotes"),
        ("websocket", "[\n    \"instance.state\"\n  ]", '"instance.state"', "is a list in [ ]"),
    ],
)
def test_wrong_values_of_other_blocks(kind: str, old: str, new: str, words: str) -> None:
    edit = edit_of(kind)
    (found,) = faults(changed(write(edit).text, old, new), edit)
    assert words in found[1]


def test_what_the_form_would_refuse_is_said_too_and_can_be_taken() -> None:
    edit = edit_of("proxy")
    taken = read(changed(write(edit).text, '"1080"', "99999"), edit)
    (fault,) = taken.faults
    assert (fault.line, fault.soft, taken.hard) == (4, True, False) and "65535" in fault.words
    assert [field.name for field in use(edit, taken.values)] == ["port"] and edit.yours["port"] == "99999"


def test_a_block_that_is_switched_off_needs_nothing_else() -> None:
    edit = edit_of("proxy")
    taken = read('{"enabled": false}', edit)
    assert not taken.faults and [field.name for field in use(edit, taken.values)] == ["enabled"]
    assert [words for _line, words in faults('{"host": "a"}', edit) if "enabled" in words]


def test_an_event_that_the_server_had_may_stay() -> None:
    edit = edit_of(events=["of.the.future"])
    assert not read(write(edit).text, edit).faults


NO_OBJECT = ["", " \n", "[1]", "7", '"x"', "null", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "x" * (2 << 20)]


@pytest.mark.parametrize("text", NO_OBJECT)
def test_what_is_no_object_is_refused_in_words(text: str) -> None:
    (fault,) = read(text, edit_of()).faults
    assert fault.line == 1 and fault.words


def test_a_number_that_is_none_has_its_line() -> None:
    assert [line for line, _words in faults('{\n "url": "a",\n "enabled": NaN\n}', edit_of())] == [3]


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
VALUES = st.recursive(LEAVES, lambda one: st.lists(one, max_size=3), max_leaves=6)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=6), st.sampled_from([None, 0, 2]))
def test_members_and_lines_of_any_object(value: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    found = read_object(text)
    assert isinstance(found, Positioned) and {member.name: member.value for member in found.members} == value
    lines = text.split("\n")
    assert all(json.dumps(member.name, ensure_ascii=False) in lines[member.line - 1] for member in found.members)
    assert found.end == len(lines)


@given(st.text(max_size=60) | st.text('{}[]",:truefalsn01.\\\n ', max_size=40))
def test_any_text_is_an_object_or_a_fault(text: str) -> None:
    found = read_object(text)
    assert isinstance(found, Positioned) or (isinstance(found, Fault) and found.words and 1 <= found.line <= text.count("\n") + 1)
