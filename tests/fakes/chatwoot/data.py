"""What the stand-in knows: inboxes, contacts, conversations, messages, and Chatwoot's rules about them."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

ADMIN, AGENT, OUTSIDER = "admin-token-0123456789", "agent-token-0123456789", "outsider-token-0123456789"
ACCOUNT, OTHER_ACCOUNT = 5, 6
ROLES = {ADMIN: {ACCOUNT: "administrator"}, AGENT: {ACCOUNT: "agent"}, OUTSIDER: {OTHER_ACCOUNT: "administrator"}}
TYPES = {"incoming": 0, "outgoing": 1}
_E164 = re.compile(r"\+[1-9]\d{1,14}")


class Refused(Exception):
    """Status and body."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class Account:
    """Ids are numbers from 1, conversations and messages have their own."""

    inboxes: dict[int, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    conversations: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    made: int = 0

    def next(self) -> int:
        self.made += 1
        return self.made

    # -- inboxes -------------------------------------------------------------------------------------------------------

    def new_inbox(self, body: dict[str, Any]) -> dict[str, Any]:
        channel = body.get("channel")
        if not isinstance(body.get("name"), str) or not body["name"] or not isinstance(channel, dict):
            raise Refused(422, message="Name can't be blank", attributes=["name"])
        if channel.get("type") != "api" or not isinstance(channel.get("webhook_url"), str):
            raise Refused(422, error="param is missing or the value is empty: channel")
        inbox = {"id": self.next(), "name": body["name"], "channel_type": "Channel::Api", "webhook_url": channel["webhook_url"],
                 "inbox_identifier": uuid.uuid4().hex}  # fmt: skip
        self.inboxes[inbox["id"]] = inbox
        return inbox

    # -- contacts ------------------------------------------------------------------------------------------------------

    def shown(self, contact: dict[str, Any]) -> dict[str, Any]:
        mine = [{"source_id": one["source_id"], "inbox": self.inboxes[one["inbox_id"]]} for one in self.links
                if one["contact_id"] == contact["id"]]  # fmt: skip
        return contact | {"contact_inboxes": mine}

    def search(self, text: str) -> list[dict[str, Any]]:
        if not text.strip():
            raise Refused(422, error="Specify search string with parameter q")
        fields = ("name", "phone_number", "identifier")
        return [self.shown(one) for one in self.contacts.values() if any(text.lower() in (one[f] or "").lower() for f in fields)]

    def new_contact(self, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if not isinstance(body.get("inbox_id"), int):
            raise Refused(422, error="param is missing or the value is empty: inbox_id")
        phone, identifier = body.get("phone_number"), body.get("identifier")
        if phone is not None and not _E164.fullmatch(phone):
            raise Refused(422, message="Phone number should be in e164 format", attributes=["phone_number"])
        for name, value in (("phone_number", phone), ("identifier", identifier)):
            if value is not None and any(one[name] == value for one in self.contacts.values()):
                raise Refused(422, message=f"{name} has already been taken", attributes=[name])
        contact = {"id": self.next(), "name": body.get("name") or "", "phone_number": phone, "identifier": identifier}
        link = self.link(contact["id"], body["inbox_id"], body.get("source_id"))
        self.contacts[contact["id"]] = contact
        return contact, link

    def link(self, contact: int, inbox: int, source_id: str | None) -> dict[str, Any]:
        if inbox not in self.inboxes:
            raise Refused(404, error="Resource could not be found")
        source_id = source_id or str(uuid.uuid4())
        if any((one["inbox_id"], one["source_id"]) == (inbox, source_id) for one in self.links):
            raise Refused(422, message="Source has already been taken", attributes=["source_id"])
        made = {"contact_id": contact, "inbox_id": inbox, "source_id": source_id}
        self.links.append(made)
        return made

    # -- conversations -------------------------------------------------------------------------------------------------

    def new_conversation(self, body: dict[str, Any]) -> dict[str, Any]:
        link = next((one for one in self.links if one["source_id"] == body.get("source_id")
                     and one["inbox_id"] == body.get("inbox_id")), None)  # fmt: skip
        if link is None:
            raise Refused(404, error="Resource could not be found")
        status = body.get("status", "open")
        if status not in ("open", "pending", "resolved"):
            raise Refused(422, error="is not a valid status")
        made = {"id": self.next(), "inbox_id": link["inbox_id"], "contact_id": link["contact_id"], "source_id": link["source_id"],
                "status": status}  # fmt: skip
        self.conversations[made["id"]] = made
        return made

    def conversation(self, number: int) -> dict[str, Any]:
        if number not in self.conversations:
            raise Refused(404, error="Resource could not be found")
        one = self.conversations[number]
        return one | {"meta": {"sender": self.contacts[one["contact_id"]]}, "contact_inbox": {"source_id": one["source_id"]}}

    def new_message(
        self, number: int, body: dict[str, Any], files: list[tuple[str, str, bytes]], sender: dict[str, Any], base: str
    ) -> dict[str, Any]:
        conversation = self.conversation(number)
        kind = body.get("message_type", "outgoing")
        if kind not in TYPES or not (body.get("content") or files):
            raise Refused(422, error="message_type or content is not right")
        made: dict[str, Any] = {
            "id": self.next(), "content": body.get("content"), "message_type": TYPES[kind],
            "private": body.get("private") is True, "source_id": body.get("source_id"), "conversation_id": number,
            "inbox_id": conversation["inbox_id"],
            "created_at": int(time.time()), "sender": sender, "content_attributes": body.get("content_attributes") or {},
        }
        attachments = []
        for name, mimetype, content in files:
            key = uuid.uuid4().hex
            self.files[key] = (name, mimetype, content)
            family = mimetype.partition("/")[0]
            attachments.append({
                "id": self.next(), "message_id": made["id"], "file_size": len(content), "key": key, "name": name,
                "type": mimetype,
                "file_type": family if family in ("image", "audio", "video") else "file",
                "data_url": f"{base}/rails/active_storage/blobs/redirect/{key}/{name}",
            })  # fmt: skip
        if attachments:
            made["attachments"] = attachments
        self.messages.append(made)
        if kind == "incoming" and conversation["status"] == "resolved":
            self.conversations[number]["status"] = "open"  # as Chatwoot does by itself
        return made

    def page(self, number: int, before: int) -> list[dict[str, Any]]:
        self.conversation(number)
        found = [one for one in self.messages if one["conversation_id"] == number and (not before or one["id"] < before)]
        return found[-20:]

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        """What the inbox's webhook is told."""
        inbox = self.inboxes[message["inbox_id"]]
        return message | {
            "event": "message_created", "message_type": ("incoming", "outgoing")[message["message_type"]],
            "conversation": self.conversation(message["conversation_id"]) | {"channel": "Channel::Api"},
            "inbox": {"id": inbox["id"], "name": inbox["name"]}, "account": {"id": ACCOUNT, "name": "Acme"},
            "content_type": "text",
        }
