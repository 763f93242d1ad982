"""What is said where: WhatsApp messages for agents, agents' replies for WhatsApp; and whose conversation a message is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.integrations.chatwoot import words
from ryze_tui.backend.integrations.chatwoot.outward import read

PHONE, LID, GROUP = "5511999990001@s.whatsapp.net", "987654321@lid", "120363@g.us"


def data(
    kind: str = "text", content: str = "", *, jid: str = PHONE, direction: str = "incoming", **message: Any
) -> dict[str, Any]:
    return {
        "id": "3EB0", "direction": direction, "timestamp": "2026-01-01T00:00:00Z",
        "chat": {"jid": jid, "lid": "", "name": "", "type": "private"}, "sender": {"jid": PHONE, "lid": "", "name": "Ana"},
        "message": {"type": kind, "content": content, "media": None, **message},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (data("text", "hello"), "hello"),
        (data("location", location={"latitude": -23.5, "longitude": 46.0, "name": "Sé", "address": "Praça"}),
         "Location\nSé\nPraça\nhttps://maps.google.com/?q=-23.5,46.0"),
        (data("contact", contact={"display_name": "Bob", "phone_number": "+551", "vcard": ""}), "Contact\nBob\n+551"),
        (data("contact", contact={"vcard": "BEGIN:VCARD\nFN:Eva\nTEL;waid=55:+55 11\nEND:VCARD"}), "Contact\nEva\n+55 11"),
        (data("reaction", reaction={"text": "👍", "message_id": "X"}), "Reacted with 👍"),
        (data("reaction", "👍", reply={"message_id": "X"}), "Reacted with 👍"),
        (data("reaction", reaction={"text": ""}), "Took a reaction back"),
        (data("poll", poll={"title": "Lunch?", "options": [{"name": "yes"}, {"name": "no"}]}), "Poll\nLunch?\n- yes\n- no"),
        (data("buttons_response", interactive={"selectedButtonId": "b1", "title": "Yes"}), "Yes"),
        (data("list_response", list_response={"single_select_reply": {"option_name": "Two"}}), "Two"),
        (data("message_edit", edit={"original_id": "A", "text": "better"}), "Edited: better"),
        (data("message_revoke"), "Deleted a message"),
        (data("sticker"), "[sticker]"), (data("something_new"), "[something_new]"),
        (data("text", "hi", jid=GROUP), "Ana: hi"), (data("text", "hi", jid=GROUP, direction="outgoing"), "hi"),
    ],
)  # fmt: skip
def test_every_kind_of_message_can_be_read(told: dict[str, Any], shown: str) -> None:
    assert words.content(told) == shown


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["id", "jid", "lid", "name", "type", "content", "media", "message", "chat",
                                                       "sender", "reaction", "contact", "options", "poll"]), inner)))  # fmt: skip
def test_nothing_that_is_told_is_too_strange(told: Any) -> None:
    strange = {"message": told, "chat": told, "sender": told, "id": told}
    words.person(strange)
    assert isinstance(words.content(strange), str) and isinstance(words.without_file(strange, "x"), str)
    assert words.source_id(strange).startswith("WAID:") and isinstance(words.answers_to(strange), str)
    for key in ("poll", "contact", "reaction", "location", "list_response"):
        assert isinstance(words.content({"message": {"type": key, key: told}}), str)


def test_the_same_id_is_another_message_when_it_is_edited_or_deleted() -> None:
    ids = [words.source_id(data(kind)) for kind in ("text", "message_revoke", "message_edit")]
    assert ids[0] == "WAID:3EB0" and len(set(ids)) == 3
    assert words.answers_to(data("message_revoke")) == "WAID:3EB0"
    assert words.answers_to(data("message_edit", edit={"original_id": "A"})) == "WAID:A"
    assert words.answers_to(data("text", context={"messageId": "B"})) == "WAID:B"


def test_a_person_is_known_by_the_phone_whichever_field_it_is_in() -> None:
    for chat in ({"jid": LID, "lid": PHONE}, {"jid": PHONE, "lid": LID}, {"jid": "5511999990001:3@s.whatsapp.net"}):
        who = words.person(data() | {"chat": chat})
        assert who is not None and (who.jid, who.phone, who.name, who.is_group) == (PHONE, "+5511999990001", "Ana", False)
    hidden = words.person(data(jid=LID))
    assert hidden is not None and (hidden.jid, hidden.phone) == (LID, "")
    group = words.person(data(jid=GROUP))
    assert group is not None and (group.name, group.phone, group.is_group) == ("Group 120363", "", True)
    mine = words.person(data(direction="outgoing"))
    assert mine is not None and mine.name == "+5511999990001", "the sender of what we say is ourselves"
    for nobody in ("status@broadcast", "1203@newsletter", "", "x@y"):
        assert words.person(data(jid=nobody)) is None


def test_replies_are_written_in_whatsapps_marks() -> None:
    assert words.to_whatsapp("**bold** and *soft* and ~~gone~~\\\nnext 2*3*4") == "*bold* and _soft_ and ~gone~\nnext 2*3*4"
    assert words.reply_text("hi", "Ana", sign=True) == "*Ana*\nhi"
    assert words.reply_text("", "Ana", sign=True) == "*Ana*"
    assert words.reply_text("hi", "Ana", sign=False) == words.reply_text("hi", "", sign=True) == "hi"


EVENT: dict[str, Any] = {
    "event": "message_created", "message_type": "outgoing", "private": False, "id": 9, "content": "hi", "source_id": None,
    "inbox": {"id": 3}, "sender": {"name": "Ana"}, "conversation": {
        "id": 4, "contact_inbox": {"source_id": PHONE}, "meta": {"sender": {"phone_number": "+5511999990002"}}},
}  # fmt: skip


def test_what_of_a_callback_is_a_reply() -> None:
    assert read(EVENT, 3) == {"message": 9, "conversation": 4, "text": "hi", "files": [], "agent": "Ana", "to": PHONE}
    other = read(EVENT | {"conversation": {"id": 4, "meta": {"sender": {"phone_number": "+5511999990002"}}}}, 3)
    assert other is not None and other["to"] == "5511999990002@s.whatsapp.net"
    for change in (
        {"event": "message_updated"}, {"message_type": "incoming"}, {"message_type": "template"}, {"private": True},
        {"source_id": "WAID:1"}, {"content": " "}, {"id": "9"}, {"conversation": {}}, {"inbox": {"id": 8}},
    ):  # fmt: skip
        assert read(EVENT | change, 3) is None, change
