"""What a virtual phone's messages and calls look like as events: the live layout (contract §5.2, §5.4)."""

from __future__ import annotations

import random
from typing import Any, Final

from ...clock import rfc3339

MIME: Final = {
    "image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg; codecs=opus", "document": "application/pdf",
    "sticker": "image/webp",
}
_EXTENSION: Final = {"image": "jpg", "video": "mp4", "audio": "ogg", "document": "pdf", "sticker": "webp"}


def identifier(rng: random.Random) -> str:
    """A message's or call's id, as WhatsApp Web makes them."""
    return "3EB0" + rng.randbytes(9).hex().upper()


def _person(number: str, name: str) -> dict[str, str]:
    return {"jid": f"{number}@s.whatsapp.net", "lid": "", "name": name}


def message(rng: random.Random, now: float, sender: str, to: str, *, text: str, media_type: str, media: str) -> dict[str, Any]:
    """`data` of a message.exchange event. `media` is base64; `text` is then its caption."""
    person = _person(sender, "")
    body: dict[str, Any] = {
        "type": media_type or "text", "content": text, "source": "", "isEdit": False, "media": None, "context": None,
        "edit": None, "location": None, "contact": None, "reaction": None, "interactive": None,
    }
    if media_type:
        body["media"] = {
            "type": media_type, "mimetype": MIME[media_type], "url": "", "base64": media, "isVoiceNote": False,
            "fileName": f"simulated.{_EXTENSION[media_type]}", "fileSize": len(media) * 3 // 4, "caption": text,
        }
    return {
        "id": identifier(rng), "direction": "incoming", "timestamp": rfc3339(now), "chat": person | {"type": "private"},
        "sender": person, "recipient": _person(to, ""), "message": body,
    }


def call(rng: random.Random, now: float, sender: str, kind: str, call_id: str = "") -> dict[str, Any]:
    """`data` of a call.update event."""
    return {
        "callId": call_id or identifier(rng), "type": kind, "from": f"{sender}@s.whatsapp.net", "fromLid": "",
        "timestamp": rfc3339(now), "isGroup": False, "isVideo": False, "reason": "",
    }
