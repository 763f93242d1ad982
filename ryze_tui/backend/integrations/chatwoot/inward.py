"""From WhatsApp into Chatwoot: whose contact, which conversation, and one message in it that is there exactly once."""

from __future__ import annotations

import mimetypes
from typing import Any, Final

from ...record import Values
from ...store.chatwoot import Chat, ChatwootRows, Content, Item
from . import words
from .api import MEDIA_BYTES, ChatwootError, File
from .links import Link
from .words import Person

LOOK_BACK: Final = 600.0
"""Seconds by which Chatwoot's clock may be behind ours."""
CONVERSATIONS: Final = 3
"""Conversations of a contact, the newest first, that are looked through for a message that may be there."""
_RESOLVED: Final = "resolved"


class Inward:
    """Shows messages and notes. Raises ChatwootError, StoreError."""

    def __init__(self, rows: ChatwootRows) -> None:
        self._rows = rows

    async def show(self, link: Link, item: Item, content: Content) -> None:
        """One message, there exactly once when this returns."""
        who = words.person(content.data)
        if who is None:
            return
        source = words.source_id(content.data)
        if item.uncertain and await self._is_there(link, item, who, source):
            return
        body, file = _message(content, item, source)
        for last in (False, True):
            conversation = await self._conversation(link, who, incoming=body["message_type"] == "incoming")
            try:
                await link.api.post_message(conversation, body, file)
            except ChatwootError as error:
                if error.status != 404 or last:
                    raise
                await self._rows.forget_chat(link.record.id, who.jid)  # it was removed in between
            else:
                return

    async def note(self, link: Link, item: Item, content: Content) -> None:
        """A private note for agents; none when its conversation is gone."""
        conversation, source = int(content.data["conversation"]), f"{words.OURS}{item.key}"
        try:
            if item.uncertain and await link.api.has_message(conversation, source, item.created_at - LOOK_BACK):
                return
            body = {"content": content.data["text"], "message_type": "outgoing", "private": True, "source_id": source}
            await link.api.post_message(conversation, body)
        except ChatwootError as error:
            if error.status != 404:
                raise

    # -- was it there already --------------------------------------------------------------------------------------------

    async def _is_there(self, link: Link, item: Item, who: Person, source: str) -> bool:
        """After an attempt of which nobody knows how it ended."""
        chat = await self._rows.chat(link.record.id, who.jid, link.place)
        contact = await self._find_contact(link, who)
        ids = [chat.conversation_id] if chat is not None else []
        if contact is not None:
            ids += [one["id"] for one in await self._conversations(link, contact["id"])][:CONVERSATIONS]
        for conversation in dict.fromkeys(ids):
            try:
                if await link.api.has_message(conversation, source, item.created_at - LOOK_BACK):
                    return True
            except ChatwootError as error:
                if error.status != 404:
                    raise
        return False

    # -- where it goes ---------------------------------------------------------------------------------------------------

    async def _conversation(self, link: Link, who: Person, *, incoming: bool) -> int:
        """The conversation that a new message goes into, made when there is none."""
        chat = await self._rows.chat(link.record.id, who.jid, link.place)
        if chat is not None:
            if (there := await self._still(link, chat, incoming=incoming)) is not None:
                return there
            await self._rows.forget_chat(link.record.id, who.jid)
        contact = await self._contact(link, who)
        source = await self._source(link, contact, who)
        conversation = 0
        for one in await self._conversations(link, contact["id"]):
            if await self._usable(link, one, incoming=incoming):
                conversation = int(one["id"])
                break
        conversation = conversation or await self._create(link, contact["id"], source)
        await self._rows.save_chat(link.record.id, Chat(who.jid, link.place, contact["id"], conversation))
        return conversation

    async def _still(self, link: Link, chat: Chat, *, incoming: bool) -> int | None:
        """The conversation that we know, if it can go on."""
        try:
            one = await link.api.conversation(chat.conversation_id)
        except ChatwootError as error:
            if error.status == 404:
                return None
            raise
        fits = one.get("inbox_id", link.inbox) == link.inbox and await self._usable(link, one, incoming=incoming)
        return chat.conversation_id if fits else None

    async def _usable(self, link: Link, one: dict[str, Any], *, incoming: bool) -> bool:
        """A resolved conversation is not for a new message, unless it may be reopened; what we said ourselves reopens nothing."""
        if one.get("status") != _RESOLVED or not incoming:
            return True
        if not link.on("reopenResolved"):
            return False
        await link.api.open_conversation(one["id"])
        return True

    async def _conversations(self, link: Link, contact: int) -> list[dict[str, Any]]:
        """Those of this inbox: open ones first, then the newest."""
        found = [
            one for one in await link.api.conversations(contact)
            if one.get("inbox_id") == link.inbox and isinstance(one.get("id"), int)
        ]
        return sorted(found, key=lambda one: (one.get("status") == _RESOLVED, -one["id"]))

    async def _create(self, link: Link, contact: int, source: str) -> int:
        status = "pending" if link.on("startAsPending") else "open"
        return await link.api.create_conversation(
            {"source_id": source, "inbox_id": link.inbox, "contact_id": contact, "status": status}
        )

    # -- whose it is -----------------------------------------------------------------------------------------------------

    async def _contact(self, link: Link, who: Person) -> dict[str, Any]:
        if (found := await self._find_contact(link, who)) is not None:
            return found
        body: dict[str, Any] = {"inbox_id": link.inbox, "name": who.name, "identifier": who.jid, "source_id": who.jid}
        try:
            return await link.api.create_contact(body | ({"phone_number": who.phone} if who.phone else {}))
        except ChatwootError as error:
            if error.status != 422:
                raise
            if (found := await self._find_contact(link, who)) is not None:
                return found  # somebody else made it in the meantime
            # The number is not one that Chatwoot takes, or the source id is another contact's: both can be done without.
            return await link.api.create_contact({"inbox_id": link.inbox, "name": who.name, "identifier": who.jid})

    async def _find_contact(self, link: Link, who: Person) -> dict[str, Any] | None:
        for text in (who.phone, who.jid):
            if not text:
                continue
            for one in await link.api.search_contacts(text):
                same = one.get("identifier") == who.jid or (who.phone and one.get("phone_number") == who.phone)
                if same and isinstance(one.get("id"), int):
                    return one
        return None

    async def _source(self, link: Link, contact: dict[str, Any], who: Person) -> str:
        """The contact's source id in our inbox."""
        for one in contact.get("contact_inboxes") or []:
            if isinstance(one, dict) and words.part(one, "inbox").get("id") == link.inbox and one.get("source_id"):
                return str(one["source_id"])
        try:
            return await link.api.add_contact_inbox(contact["id"], link.inbox, who.jid)
        except ChatwootError as error:
            if error.status not in (409, 422, 500):
                raise
            return await link.api.add_contact_inbox(contact["id"], link.inbox, "")  # ours is another contact's


def _message(content: Content, item: Item, source: str) -> tuple[dict[str, Any], File | None]:
    data, text = content.data, words.content(content.data)
    file = _file(data, content.media) if item.media and content.media is not None else None
    if file is None and words.part(words.part(data, "message"), "media"):
        text = words.without_file(data, text, item.answer)
    kind = "outgoing" if data.get("direction") == "outgoing" else "incoming"
    body: dict[str, Any] = {"content": text, "message_type": kind, "source_id": source}
    if before := words.answers_to(data):
        if file is None:
            body["content_attributes"] = {"in_reply_to_external_id": before}
        else:
            body["content_attributes[in_reply_to_external_id]"] = before
    return body, file


def _file(data: Values, content: bytes) -> File | None:
    if len(content) > MEDIA_BYTES:
        return None
    media = words.part(words.part(data, "message"), "media")
    mimetype = words.text_of(media.get("mimetype")) or words.text_of(media.get("mimeType"))
    mimetype = mimetype.partition(";")[0].strip().lower() or "application/octet-stream"
    name = words.text_of(media.get("fileName")).replace("\r", "").replace("\n", "").replace("/", "_")[:150]
    if not name:
        kind = words.text_of(media.get("type")) or "file"
        name = f"{kind if kind.isalnum() else 'file'}{mimetypes.guess_extension(mimetype) or ''}"
    return File(content, mimetype, name)
