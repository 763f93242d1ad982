"""A message on its way into a Chatwoot that has lost, resolved, renamed or refused something: shown exactly once all the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ryze_tui.backend.integrations.chatwoot.api import ChatwootError
from ryze_tui.backend.integrations.chatwoot.inward import MEDIA_BYTES, Inward, _file

INBOX, JID, PHONE = 7, "5511999990001@s.whatsapp.net", "+5511999990001"


def gone(status: int = 404) -> ChatwootError:
    return ChatwootError(status, f"status {status}")


class Fake:
    """Chatwoot's API and the rows of chats; what is in `fails` raises, once each."""

    def __init__(self) -> None:
        self.contacts: dict[int, dict[str, Any]] = {}
        self.talks: dict[int, dict[str, Any]] = {}
        self.posted: list[tuple[int, dict[str, Any]]] = []
        self.chats: dict[str, Any] = {}
        self.fails: dict[str, list[ChatwootError]] = {}
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if errors := self.fails.get(name):
            raise errors.pop(0)

    # rows

    async def chat(self, _record: str, jid: str, place: str) -> Any:
        found = self.chats.get(jid)
        return found if found is not None and found.place == place else None

    async def save_chat(self, _record: str, chat: Any) -> None:
        self.chats[chat.jid] = chat

    async def forget_chat(self, _record: str, jid: str) -> None:
        self.chats.pop(jid, None)

    # Chatwoot

    async def post_message(self, conversation: int, body: dict[str, Any], file: Any = None) -> int:
        self._call("post")
        if conversation not in self.talks:
            raise gone()
        self.posted.append((conversation, body))
        return len(self.posted)

    async def has_message(self, conversation: int, source: str, _since: float) -> bool:
        self._call("has")
        return any(at == conversation and body.get("source_id") == source for at, body in self.posted)

    async def conversation(self, number: int) -> dict[str, Any]:
        self._call("conversation")
        if number not in self.talks:
            raise gone()
        return self.talks[number]

    async def conversations(self, contact: int) -> list[dict[str, Any]]:
        return [talk for talk in self.talks.values() if talk["contact"] == contact]

    async def open_conversation(self, number: int) -> None:
        self.talks[number]["status"] = "open"

    async def create_conversation(self, body: dict[str, Any]) -> int:
        number = 100 + len(self.talks)
        self.talks[number] = {"id": number, "inbox_id": INBOX, "status": body["status"], "contact": body["contact_id"]}
        return number

    async def search_contacts(self, text: str) -> list[dict[str, Any]]:
        return [one for one in self.contacts.values() if text in (one.get("identifier"), one.get("phone_number"))]

    async def create_contact(self, body: dict[str, Any]) -> dict[str, Any]:
        self._call("contact")
        number = 1 + len(self.contacts)
        self.contacts[number] = {"id": number, **body}
        return self.contacts[number]

    async def add_contact_inbox(self, _contact: int, _inbox: int, source: str) -> str:
        self._call("inbox")
        return source or "made-up"


def link(fake: Fake, **values: Any) -> Any:
    return SimpleNamespace(
        record=SimpleNamespace(id="r"), api=fake, inbox=INBOX, place="cw#7", values=values,
        on=lambda flag: values.get(flag) is True,
    )  # fmt: skip


def item(**more: Any) -> Any:
    return SimpleNamespace(**({"uncertain": False, "created_at": 1000.0, "key": "k1", "media": False, "answer": ""} | more))


def content(ident: str = "3EB0", jid: str = JID, **more: Any) -> Any:
    data = {
        "id": ident, "direction": "incoming", "timestamp": "2026-01-01T00:00:00Z",
        "chat": {"jid": jid, "lid": "", "name": "", "type": "private"}, "sender": {"jid": jid, "lid": "", "name": "Ana"},
        "message": {"type": "text", "content": "hello", "media": None},
    } | more  # fmt: skip
    return SimpleNamespace(data=data, media=None)


async def test_known_again_and_made_anew_when_it_was_removed() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    for ident in ("A", "B"):
        await inward.show(link(fake), item(), content(ident))
    assert [at for at, _ in fake.posted] == [100, 100] and fake.calls.count("contact") == 1
    fake.talks.clear()
    await inward.show(link(fake), item(), content("C"))
    assert len(fake.talks) == 1 and fake.posted[-1][0] in fake.talks


async def test_removed_in_the_very_moment_it_is_tried_once_more_and_no_oftener() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    fake.fails["post"] = [gone()]
    await inward.show(link(fake), item(), content())
    assert len(fake.posted) == 1
    fake.fails["post"] = [gone(), gone()]
    with pytest.raises(ChatwootError):
        await inward.show(link(fake), item(), content("B"))
    fake.fails["post"] = [gone(500)]
    with pytest.raises(ChatwootError):
        await inward.show(link(fake), item(), content("C"))


async def test_an_attempt_that_nobody_knows_the_end_of_is_looked_for_first() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    await inward.show(link(fake), item(), content("A"))
    await inward.show(link(fake), item(uncertain=True), content("A"))
    assert len(fake.posted) == 1
    fake.chats.clear()  # known only by its contact
    await inward.show(link(fake), item(uncertain=True), content("A"))
    assert len(fake.posted) == 1
    fake.fails["has"] = [gone()]
    await inward.show(link(fake), item(uncertain=True), content("B"))
    assert len(fake.posted) == 2, "a conversation that is gone holds it not"
    fake.fails["has"] = [gone(500)]
    with pytest.raises(ChatwootError):
        await inward.show(link(fake), item(uncertain=True), content("C"))


@pytest.mark.parametrize(
    ("reopen", "direction", "talks"), [(True, "incoming", 1), (False, "incoming", 2), (False, "outgoing", 1)]
)
async def test_a_resolved_conversation(reopen: bool, direction: str, talks: int) -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    await inward.show(link(fake), item(), content("A"))
    fake.talks[100]["status"] = "resolved"
    await inward.show(link(fake, reopenResolved=reopen), item(), content("B", direction=direction))
    assert len(fake.talks) == talks and len(fake.posted) == 2
    assert fake.talks[100]["status"] == ("open" if reopen else "resolved")


async def test_one_of_another_inbox_or_that_cannot_be_read() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    await inward.show(link(fake), item(), content("A"))
    fake.talks[100]["inbox_id"] = INBOX + 1
    await inward.show(link(fake, startAsPending=True), item(), content("B"))
    assert [talk["status"] for talk in fake.talks.values()] == ["open", "pending"]
    fake.fails["conversation"] = [gone(502)]
    with pytest.raises(ChatwootError):
        await inward.show(link(fake), item(), content("C"))


async def test_a_contact_that_chatwoot_does_not_want_so() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    fake.fails = {"contact": [gone(422)], "inbox": [gone(422)]}
    await inward.show(link(fake), item(), content())
    (contact,) = fake.contacts.values()
    assert "phone_number" not in contact and len(fake.posted) == 1
    for call in ("contact", "inbox"):
        other = Fake()
        other.fails = {call: [gone(401)]}
        with pytest.raises(ChatwootError):
            await Inward(other).show(link(other), item(), content())  # type: ignore[arg-type]


async def test_somebody_else_made_the_contact_in_the_same_moment() -> None:
    fake = Fake()
    real = fake.create_contact

    async def slower(body: dict[str, Any]) -> dict[str, Any]:
        await real({"identifier": JID, "contact_inboxes": [5, {"inbox": {"id": INBOX}, "source_id": "theirs"}]})
        raise gone(422)

    fake.create_contact = slower  # type: ignore[method-assign]
    await Inward(fake).show(link(fake), item(), content())  # type: ignore[arg-type]
    assert len(fake.contacts) == 1 and "inbox" not in fake.calls and len(fake.posted) == 1


async def test_a_note_of_which_nobody_knows_and_one_whose_conversation_is_gone() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    await inward.show(link(fake), item(), content())
    note = SimpleNamespace(data={"conversation": 100, "text": "not delivered"}, media=None)
    await inward.note(link(fake), item(), note)
    await inward.note(link(fake), item(uncertain=True), note)
    assert [body["private"] for _, body in fake.posted[1:]] == [True]
    await inward.note(link(fake), item(key="k2"), SimpleNamespace(data={"conversation": 999, "text": "x"}, media=None))
    assert len(fake.posted) == 2
    fake.fails["post"] = [gone(500)]
    with pytest.raises(ChatwootError):
        await inward.note(link(fake), item(key="k3"), note)


async def test_nobodys_message_is_shown_nowhere() -> None:
    fake = Fake()
    await Inward(fake).show(link(fake), item(), content(jid=""))  # type: ignore[arg-type]
    assert not fake.calls


@pytest.mark.parametrize(("media", "name", "mimetype"), [
    ({"mimetype": "image/png; x=1", "type": "image"}, "image.png", "image/png"),
    ({"mimetype": "", "type": "../x"}, "file", "application/octet-stream"),
    ({"mimeType": "text/plain", "fileName": "a/b\r\n.txt"}, "a_b.txt", "text/plain"),
])  # fmt: skip
def test_a_file_gets_a_name_that_harms_nobody(media: dict[str, Any], name: str, mimetype: str) -> None:
    made = _file({"message": {"media": media}}, b"x")
    assert made is not None
    assert (made.name.removesuffix(".bin"), made.mimetype) == (name, mimetype)
    assert _file({"message": {"media": media}}, b"x" * (MEDIA_BYTES + 1)) is None


async def test_a_file_that_answers_a_message_and_one_that_did_not_come() -> None:
    fake = Fake()
    inward = Inward(fake)  # type: ignore[arg-type]
    picture = {"type": "image", "content": "look", "media": {"mimetype": "image/png", "type": "image"}}
    answer = {"reply": {"message_id": "X"}}
    one = content("A", message=picture | answer)
    one.media = b"png"
    await inward.show(link(fake), item(media=True), one)
    await inward.show(link(fake), item(), content("B", message=picture | answer))
    first, second = (body for _, body in fake.posted)
    assert first.get("content_attributes[in_reply_to_external_id]") or "content_attributes" not in first
    assert "look" in second["content"] and second["content"] != "look", "says that there was a file"


