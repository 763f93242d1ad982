"""The operations that send messages."""

from __future__ import annotations

from typing import Final

from .. import errors as texts
from ..messages import MediaMessage, TextMessage
from .operations import STOPPING, Operation, ok, on_instance
from .schemas import TEXT, TIME, Schema, request, shape, success

_REFUSED: Final = on_instance(
    s400=(texts.INVALID_BODY, f"{texts.INVALID_BODY}: number: Field required", texts.NOT_CONNECTED),
    s413=(texts.BODY_TOO_LARGE,), s500=("Failed to send message: …",), s503=(STOPPING,),
)  # fmt: skip

OPERATIONS: Final = (
    Operation(
        "POST", "/api/message/text/{instance}", "sendText", "messages", "Send a text", {
            **ok("MessageSent", "WhatsApp took it; receipts come as message.status events."), **_REFUSED,
        }, body="TextMessage", description="Comes back as a message.exchange event with direction outgoing.",
    ),
    Operation(
        "POST", "/api/message/media/{instance}", "sendMedia", "messages", "Send an image, video, audio, document or sticker", {
            **ok("MessageSent", "WhatsApp took it; receipts come as message.status events."), **_REFUSED,
        }, body="MediaMessage", description="With the media in base64, or the URL where they are fetched; up to 64 MB.",
    ),
)  # fmt: skip


def components() -> dict[str, Schema]:
    """Bodies and the answer."""
    chat = shape({"jid": TEXT, "lid": TEXT, "name": TEXT}, {"type": TEXT})
    data = shape({
        "messageId": {**TEXT, "minLength": 1}, "timestamp": TIME, "direction": {"const": "outgoing"}, "chat": chat,
        "sender": chat, "messageType": TEXT, "source": TEXT,
    })  # fmt: skip
    media = request(MediaMessage, ["number", "mediaType"])
    media["properties"]["mediaBase64"] |= {"contentEncoding": "base64", "examples": ["c2ltdWxhdGVk"]}
    return {
        "TextMessage": request(TextMessage, ["number", "message"]), "MediaMessage": media,
        "MessageSent": success("Message sent successfully", status={"const": "sent"}, messageId=TEXT, data=data),
    }  # fmt: skip
