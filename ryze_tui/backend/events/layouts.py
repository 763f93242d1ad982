"""The two layouts of message.exchange: the live service's, and the documentation's made of it (contract §5.2, §8 #30).

The documentation puts everything under `data.message` and the text into an object; clients written from it alone understand
nothing of the other, where routing fields lie on `data` and `content` is a text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

MESSAGE: Final = "message.exchange"

Data = dict[str, Any]
Layout = Callable[[Data], Data]

_ROUTING: Final = ("id", "direction", "timestamp", "chat", "sender")
_TYPES: Final = ("message_revoke", "message_edit")
"""The documentation's `type` tells what happened to a message, not what is in it."""


def observed(data: Data) -> Data:
    """As the live service sends it, which is how engines tell it."""
    return data


def documented(data: Data) -> Data:
    """As the documentation has it; `data` itself stays as it is, and is returned when it has no live layout."""
    message = data.get("message")
    if not isinstance(message, dict) or "direction" not in data:
        return data
    told: Data = {name: value for name, value in message.items() if not _unset(value)}
    told |= {name: data[name] for name in _ROUTING if name in data}  # authoritative, whatever a message says of itself
    told.pop("isEdit", None)
    if message.get("type") not in _TYPES:
        told.pop("type", None)
    if isinstance(content := message.get("content"), str):
        told["content"] = {"text": content}
    if isinstance(media := message.get("media"), dict):
        told["media"] = _media(media)
    return ({"id": data["id"]} if "id" in data else {}) | {"message": told}


def _unset(value: Any) -> bool:
    return value is None or value is False or value == ""


def _media(media: Data) -> Data:
    voice = media.get("type") == "audio" and media.get("isVoiceNote") is True
    kept = {name: value for name, value in media.items() if name != "isVoiceNote"}
    return kept | {"type": "ptt"} if voice else kept


LAYOUTS: Final[dict[str, Layout]] = {"observed": observed, "documented": documented}
