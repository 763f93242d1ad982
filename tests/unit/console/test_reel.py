"""The ring of the tape: bounded by count and by size, filtered by words, and without secrets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.console.reel import LOST, Reel, parse, summary

LEAF = st.none() | st.booleans() | st.integers() | st.text()
EVENTS = ["group.flow", "instance.state", "message.exchange", "call.update", "new.kind", LOST]
JSON = st.recursive(LEAF, lambda one: st.lists(one) | st.dictionaries(st.text(), one))


def test_it_keeps_the_newest() -> None:
    reel = Reel(most=3)
    for number in range(5):
        reel.add("a", "call.update", {"type": str(number)}, 1.0)
    assert [item.told for item in reel.since(0)] == ["2", "3", "4"]
    assert (reel.first, reel.count, len(reel)) == (2, 5, 3)
    assert reel.get(1) is None and reel.get(5) is None and reel.get(4) is not None


def test_it_is_bounded_by_size_and_leaves_pictures_out() -> None:
    reel = Reel(most=10_000, size=100_000)
    for _number in range(500):
        reel.add("a", "message.exchange", {"message": {"type": "text", "content": "x" * 1000}}, 1.0)
    assert 40 < len(reel) < 100
    reel.add("a", "message.exchange", {"message": {"mediaBase64": "y" * 5_000_000}}, 1.0)
    assert len(reel) > 40
    assert len(json.dumps(list(reel.since(0))[-1].line())) < 1000


@pytest.mark.parametrize(("text", "numbers"), [
    ("", [0, 1, 2]), ("event:call", [1]), ("name:sal", [0, 1]), ("!name:sales", [2]), ("hello", [0]), ("HELLO name:sales", [0]),
    ("event: hello", [0]), ("!hello !event:call", [2]), ("!", [0, 1, 2]),
])  # fmt: skip
def test_filters(text: str, numbers: list[int]) -> None:
    reel, matches = Reel(), parse(text)
    reel.add("sales", "message.exchange", {"direction": "incoming", "message": {"type": "text", "content": "Hello there"}}, 1.0)
    reel.add("sales", "call.update", {"type": "offer"}, 1.0)
    reel.add("ops", "instance.state", {"state": "logged_out", "reason": "by phone"}, 1.0)
    assert [item.number for item in reel.since(0) if matches(item)] == numbers


def test_secrets_are_masked_unless_they_are_asked_for() -> None:
    reel = Reel()
    data = {"state": "qr_ready", "codes": ["2@abc,def,ghi,jkl=="], "token": "abcdefghijklmnop", "pairingCode": "K7QF3M9T"}
    reel.add("a", "instance.state", data, 1.5)
    item = next(reel.since(0))
    shown = json.dumps(item.line()) + item.told
    assert all(secret not in shown for secret in ("2@abc", "abcdefghijklmnop", "K7QF3M9T"))
    assert item.line(reveal=True)["frame"]["data"] == data
    assert item.line()["at"] == "1970-01-01T00:00:01.500Z"


def test_groups_are_called_by_their_names() -> None:
    message = {"type": "text", "content": "soup"}
    group = {"jid": "120363@g.us", "name": "Bakers"}
    assert summary("message.exchange", {"direction": "incoming", "chat": group, "message": message}) == "← Bakers text soup"
    group["name"] = ""
    assert summary("message.exchange", {"direction": "incoming", "chat": group, "message": message}) == "← 120363 text soup"
    person = {"jid": "5511@s.whatsapp.net", "name": "Ana"}
    assert summary("message.exchange", {"direction": "outgoing", "chat": person, "message": message}) == "→ 5511 text soup"
    flow = {"groupJid": "120363@g.us", "groupName": "Bakers", "type": "joined", "participants": [person, 1]}
    assert summary("group.flow", flow) == "joined Bakers 5511"
    assert summary("group.flow", flow | {"groupName": "", "participants": None}) == "joined 120363"


@pytest.mark.long
@given(st.dictionaries(st.text(), JSON), st.sampled_from(EVENTS))
def test_whatever_comes_can_be_shown(data: dict[str, Any], event: str) -> None:
    reel = Reel()
    reel.add("a\x1b[31m", event, data, 1.0)
    item = next(reel.since(0))
    assert item.told.isprintable() and len(summary(event, data)) <= 400
    json.dumps(item.line(), ensure_ascii=True)
