"""neonize's protobufs -> plain data for frames (see translate.py for their meaning). Nothing here talks to anybody."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any, Final

import neonize.events as ev
from neonize.proto.Neonize_pb2 import JID
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message

Data = dict[str, Any]

TEXT_MOST: Final = 65536
HISTORY_MOST: Final = 5000
DAY: Final = 86400.0
_WRAPPERS: Final = (
    "ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension", "documentWithCaptionMessage",
    "editedMessage", "deviceSentMessage", "lottieStickerMessage",
)  # fmt: skip
_MEDIA: Final = {
    "imageMessage": "image", "videoMessage": "video", "ptvMessage": "video", "audioMessage": "audio",
    "documentMessage": "document", "stickerMessage": "sticker",
}  # fmt: skip
_REVOKE, _EDIT = 0, 14


def jid(value: JID) -> str:
    """A user, group or list without a device; empty when there is none."""
    return f"{value.User}@{value.Server}" if value.User and value.Server else ""


def to_jid(text: str) -> JID:
    """The other way."""
    user, _, server = text.rpartition("@")
    return JID(User=user, Device=0, Integrator=0, IsEmpty=False, RawAgent=0, Server=server)


def seconds(number: int) -> float:
    """A moment in seconds, milliseconds, microseconds or nanoseconds -> Unix seconds."""
    value = float(number)
    while value > 1e11:
        value /= 1000
    return value


def person(one: JID, other: JID) -> tuple[str, str]:
    """Two names of one person -> phone number's JID and hidden one, each empty when it is not known."""
    found = {value.Server: jid(value) for value in (other, one) if value.User}
    hidden = found.pop("lid", "")
    return next(iter(found.values()), ""), hidden


def _named(name: str, one: JID, other: JID) -> Data:
    known, hidden = person(one, other)
    return {name: known, f"{name}_lid": hidden}


def _where(source: Any) -> Data:
    """Chat and sender of a message or receipt."""
    other = JID()
    if not source.IsGroup:
        other = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    return _named("chat", source.Chat, other) | _named("sender", source.Sender, source.SenderAlt)


# -- messages ----------------------------------------------------------------------------------------------------------


def message(event: Any) -> Data | None:
    """A message that came in, or that another device of ours sent; None when there is nothing to tell in it."""
    body = content(event.Message)
    if body is None:
        return None
    info = event.Info
    return body | _where(info.MessageSource) | {
        "id": info.ID, "at": seconds(info.Timestamp), "from_me": info.MessageSource.IsFromMe, "name": info.Pushname,
    }  # fmt: skip


def _unwrapped(whole: Any) -> Any:
    for _ in range(8):
        inner = next((name for name in _WRAPPERS if whole.HasField(name)), "")
        if not inner:
            break
        whole = getattr(whole, inner).message
    return whole


def content(whole: Any) -> Data | None:
    """What is said; None when it is nothing that people say."""
    whole = _unwrapped(whole)
    for name, kind in _MEDIA.items():
        if whole.HasField(name):
            return _media(name, kind, getattr(whole, name))
    if whole.HasField("conversation"):
        return {"text": whole.conversation[:TEXT_MOST]}
    if whole.HasField("extendedTextMessage"):
        return {"text": whole.extendedTextMessage.text[:TEXT_MOST]} | _context(whole.extendedTextMessage)
    return next((make(getattr(whole, name)) for name, make in _OTHERS.items() if whole.HasField(name)), None)


def _context(part: Any) -> Data:
    if not part.HasField("contextInfo"):
        return {}
    about = part.contextInfo
    found: Data = {"reply_to": about.stanzaID} if about.stanzaID else {}
    if about.mentionedJID:
        found["mentions"] = list(about.mentionedJID)[:1000]
    return found


def _media(name: str, kind: str, part: Any) -> Data:
    reference = base64.b64encode(Message(**{name: part}).SerializeToString()).decode()
    about = {
        "kind": kind, "mimetype": part.mimetype, "size": int(part.fileLength), "reference": reference,
        "file_name": getattr(part, "fileName", ""), "voice": bool(getattr(part, "PTT", False)),
    }  # fmt: skip
    return {"text": getattr(part, "caption", "")[:TEXT_MOST], "media": about} | _context(part)


def _location(part: Any) -> Data:
    about = {
        "latitude": part.degreesLatitude, "longitude": part.degreesLongitude, "name": part.name, "address": part.address,
    }  # fmt: skip
    return {"type": "location", "location": about} | _context(part)


def _contact(part: Any) -> Data:
    return {"type": "contact", "contact": {"display_name": part.displayName, "vcard": part.vcard[:TEXT_MOST]}} | _context(part)


def _reaction(part: Any) -> Data:
    about = {"text": part.text, "message_id": part.key.ID}
    return {"type": "reaction", "text": part.text, "reply_to": part.key.ID, "reaction": about}


def _poll(part: Any) -> Data:
    options = [{"name": one.optionName} for one in part.options[:50]]
    return {"type": "poll", "text": part.name, "poll": {"title": part.name, "options": options}} | _context(part)


def _protocol(part: Any) -> Data | None:
    if part.type == _REVOKE and part.HasField("key"):
        return {"type": "message_revoke", "reply_to": part.key.ID}
    if part.type == _EDIT and part.HasField("editedMessage"):
        said = content(part.editedMessage) or {}
        words = said.get("text", "")
        return {"type": "message_edit", "text": words, "edit": {"original_id": part.key.ID, "text": words}}
    return None


_OTHERS: Final[dict[str, Callable[[Any], Data | None]]] = {
    "locationMessage": _location, "contactMessage": _contact, "reactionMessage": _reaction, "pollCreationMessage": _poll,
    "pollCreationMessageV2": _poll, "pollCreationMessageV3": _poll, "protocolMessage": _protocol,
}  # fmt: skip


def history(event: Any, days: int) -> list[Data]:
    """What was said before the pairing, oldest first, of the last `days`."""
    oldest, found = time.time() - days * DAY, []
    for conversation in event.Data.conversations:
        for entry in conversation.messages:
            one = entry.message
            body = content(one.message) if one.messageTimestamp >= oldest else None
            if body is None:
                continue
            chat, mine = one.key.remoteJID or conversation.ID, one.key.fromMe
            sender = "" if mine else (one.key.participant or one.participant or chat)
            found.append(body | {
                "id": one.key.ID, "at": float(one.messageTimestamp), "from_me": mine, "name": one.pushName,
                **_split("chat", chat), **_split("sender", sender),
            })  # fmt: skip
    return sorted(found, key=lambda data: data["at"])[-HISTORY_MOST:]


def _split(name: str, text: str) -> Data:
    hidden = text.endswith("@lid")
    return {name: "" if hidden else text, f"{name}_lid": text if hidden else ""}


# -- everything else ---------------------------------------------------------------------------------------------------

_RECEIPTS: Final = {
    1: "delivered", 2: "sender", 3: "retry", 4: "read", 5: "read_self", 6: "played", 7: "played_self", 8: "played_self",
    9: "inactive",
}  # fmt: skip
"""neonize 0.5.2 calls a played_self a server error (8); at a real one, as at any kind that it does not know, its session ends."""


def _receipt(event: Any) -> Data | None:
    status = _RECEIPTS.get(event.Type)
    if status is None:
        return None
    where = _where(event.MessageSource)
    return where | {"status": status, "ids": list(event.MessageIDs), "at": seconds(event.Timestamp)}


def call(event: Any, kind: str, reason: str = "") -> Data:
    """A call that begins or ends."""
    meta = event.basicCallMeta
    return _named("from", meta.callCreator, meta.callCreatorAlt) | {
        "id": meta.callID, "type": kind, "at": seconds(meta.timestamp), "reason": reason,
        "video": getattr(event, "media", "") == "video" or any(node.Tag == "video" for node in event.data.Nodes),
        "group": getattr(event, "type", "") == "group",
    }  # fmt: skip


def _changes(event: Any) -> Data | None:
    """A group's event may hold several changes; the first that we know is told."""
    about: Data = {"group": jid(event.JID), "at": seconds(event.Timestamp)}
    for name, kind in (("Join", "joined"), ("Leave", "left"), ("Promote", "promoted"), ("Demote", "demoted")):
        if people := getattr(event, name):
            return about | {"type": kind, "people": [jid(one) for one in people]}
    if event.HasField("Name"):
        return about | {"type": "name", "name": event.Name.Name}
    for name, kind in (
        ("Topic", "topic"), ("Announce", "announce"), ("Locked", "locked"), ("Ephemeral", "ephemeral"), ("Delete", "delete"),
        ("Link", "link"), ("Unlink", "unlink"),
    ):  # fmt: skip
        if event.HasField(name):
            return about | {"type": kind}
    return None


def _joined(event: Any) -> Data:
    info = event.GroupInfo
    people = [jid(one.PhoneNumber) or jid(one.JID) for one in info.Participants]
    return {"group": jid(info.JID), "type": "joined", "name": info.GroupName.Name, "at": time.time(), "people": people[:2000]}


LINK: Final[tuple[tuple[Any, str, Callable[[Any], Data]], ...]] = (
    (ev.KeepAliveTimeoutEv, "silent", lambda event: {"errors": int(event.ErrorCount)}),
    (ev.KeepAliveRestoredEv, "restored", lambda event: {}),
    (ev.LoggedOutEv, "logged_out", lambda event: {"reason": int(event.Reason), "on_connect": bool(event.OnConnect)}),
    (ev.StreamReplacedEv, "replaced", lambda event: {}),
    (ev.TemporaryBanEv, "banned", lambda event: {"code": int(event.Code), "expire": int(event.Expire)}),
    (ev.ConnectFailureEv, "refused", lambda event: {"reason": int(event.Reason), "message": event.Message}),
    (ev.ClientOutdatedEv, "outdated", lambda event: {}),
    (ev.StreamErrorEv, "stream_error", lambda event: {"code": event.Code}),
)
"""What becomes of the link: neonize's event, our word for it, its data."""

TRAFFIC: Final[tuple[tuple[Any, str, Callable[[Any], Data | None]], ...]] = (
    (ev.ReceiptEv, "receipt", _receipt),
    (ev.CallAcceptEv, "call", lambda event: call(event, "accepted")),
    (ev.CallRelayLatencyEV, "call", lambda event: call(event, "latency")),
    (ev.CallTerminateEv, "call", lambda event: call(event, "terminated", event.reason)),
    (ev.GroupInfoEv, "group", _changes),
    (ev.JoinedGroupEv, "group", _joined),
)
"""What people do; messages, history and calls that begin apart."""
