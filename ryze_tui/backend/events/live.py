"""The data of events in the layout of the live service (contract §5.2–5.5, §5.7); pure. Engines and our own echo make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..clock import rfc3339

Data = dict[str, Any]

INCOMING, OUTGOING = "incoming", "outgoing"
STORIES: Final = "status@broadcast"
"""The chat that stories come in."""

_TYPES: Final = (("@g.us", "group"), ("@newsletter", "newsletter"), ("@broadcast", "broadcast"))


def chat_type(jid: str) -> str:
    """private, group, newsletter or broadcast."""
    return next((kind for suffix, kind in _TYPES if jid.endswith(suffix)), "private")


def person(jid: str, name: str = "") -> Data:
    """`{jid, lid, name}`; a hidden number is in `lid` as well."""
    return {"jid": jid, "lid": jid if jid.endswith("@lid") else "", "name": name}


def chat(jid: str, name: str = "") -> Data:
    """`{jid, lid, name, type}`"""
    return person(jid, name) | {"type": chat_type(jid)}


def media(kind: str, mimetype: str, file_name: str, size: int, caption: str = "", *, is_voice: bool = False) -> Data:
    """What a message tells of its media; `url` and `base64` are for those who fetch it."""
    return {
        "type": kind, "mimetype": mimetype, "url": "", "isVoiceNote": is_voice, "fileName": file_name, "fileSize": size,
        "caption": caption,
    }  # fmt: skip


def message(
    ident: str, direction: str, when: float, *, chat: Data, sender: Data, recipient: Data, text: str, media: Data | None = None,
    source: str = "", reply_to: str = "", mentions: Sequence[str] = (),
) -> Data:  # fmt: skip
    """`data` of message.exchange. `when`: Unix seconds; `text`: the caption where there is media."""
    body: Data = {
        "type": media["type"] if media is not None else "text", "content": text, "source": source, "isEdit": False,
        "media": media, "context": None, "edit": None, "location": None, "contact": None, "reaction": None, "interactive": None,
    }
    if reply_to:
        body["reply"] = {"message_id": reply_to, "text": ""}
    if mentions:
        body["mentions"] = {"mentionedUsers": list(mentions)}
    return {
        "id": ident, "direction": direction, "timestamp": rfc3339(when), "chat": chat, "sender": sender, "recipient": recipient,
        "message": body,
    }  # fmt: skip


def receipt(status: str, when: float, ids: Sequence[str], chat_jid: str, recipient: str, *, author: str = "") -> Data:
    """`data` of message.status about messages of ours, read by `recipient`, a JID; `author`: our own, told in groups."""
    data: Data = {
        "timestamp": rfc3339(when), "status": status, "messageIds": list(ids), "chat": chat(chat_jid),
        "recipient": recipient, "isFromMe": True,
    }  # fmt: skip
    return data | ({"messageSender": author} if author else {})


def call(call_id: str, kind: str, when: float, caller: str, *, reason: str = "") -> Data:
    """`data` of call.update (contract §5.4)."""
    return {
        "callId": call_id, "type": kind, "from": caller, "fromLid": "", "timestamp": rfc3339(when), "isGroup": False,
        "isVideo": False, "reason": reason,
    }  # fmt: skip


def group(jid: str, name: str, kind: str, when: float, participants: Sequence[str]) -> Data:
    """`data` of group.flow (contract §5.5)."""
    people = [person(participant) for participant in participants]
    return {"groupJid": jid, "groupName": name, "type": kind, "participants": people, "timestamp": rfc3339(when)}
