"""What virtual phones send: identifiers of the real form, and what media are when nobody says so."""

from __future__ import annotations

import random
from typing import Any, Final

from ...events import live
from ..port import Media

MIME: Final = {
    "image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg; codecs=opus", "document": "application/pdf",
    "sticker": "image/webp",
}
EXTENSION: Final = {"image": "jpg", "video": "mp4", "audio": "ogg", "document": "pdf", "sticker": "webp"}


def identifier(rng: random.Random) -> str:
    """A message's or call's id, as WhatsApp Web makes them."""
    return "3EB0" + rng.randbytes(9).hex().upper()


def jid_of(number: str) -> str:
    """Digits -> the user's JID."""
    return f"{number}@s.whatsapp.net"


def message(
    rng: random.Random, now: float, sender: str, to: str, *, text: str, chat: str = "", media: Media | None = None,
    is_voice: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """`data` of a message.exchange event that comes in. `sender` and `to` are digits, `chat` a JID, empty between the two."""
    told = None
    if media is not None:
        told = live.media(media.kind, media.mimetype, media.file_name, media.size, text, is_voice=is_voice)
    return live.message(
        identifier(rng), live.INCOMING, now, chat=live.chat(chat or jid_of(sender)), sender=live.person(jid_of(sender)),
        recipient=live.person(jid_of(to)), text=text, media=told,
    )
