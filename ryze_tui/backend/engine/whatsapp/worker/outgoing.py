"""A message as the port has it -> as WhatsApp wants it, media uploaded."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from neonize.proto.Neonize_pb2 import JID
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import (
    AudioMessage,
    ContextInfo,
    DocumentMessage,
    ExtendedTextMessage,
    ImageMessage,
    Message,
    StickerMessage,
    VideoMessage,
)
from neonize.utils.enum import MediaType

from . import convert

if TYPE_CHECKING:
    from .client import Client

_UPLOADS: Final = {
    "image": MediaType.MediaImage, "video": MediaType.MediaVideo, "audio": MediaType.MediaAudio,
    "document": MediaType.MediaDocument, "sticker": MediaType.MediaImage,
}  # fmt: skip


async def build(client: Client, about: dict[str, Any], blob: bytes) -> tuple[JID, Message]:
    """To whom, and what. Where there is no media `blob` is a preview's picture, a small JPEG."""
    to = convert.to_jid(about["to"])
    context, to = await _context(client, about, to)
    words = about["text"]
    if about["has_media"]:
        message = await _media(client, about, blob, words, context)
    elif about["preview"]:
        message = Message(extendedTextMessage=_previewed(about["preview"], blob, words, context))
    elif context is None:
        message = Message(conversation=words)
    else:
        message = Message(extendedTextMessage=ExtendedTextMessage(text=words, contextInfo=context))
    message.messageContextInfo.messageSecret = secrets.token_bytes(32)
    return to, message


def _previewed(shown: dict[str, str], picture: bytes, words: str, context: ContextInfo | None) -> ExtendedTextMessage:
    message = ExtendedTextMessage(
        text=words, matchedText=shown["url"], title=shown["title"], description=shown["description"],
        previewType=ExtendedTextMessage.PreviewType.NONE,
    )  # fmt: skip
    if picture:
        message.JPEGThumbnail = picture
    if context is not None:
        message.contextInfo.CopyFrom(context)
    return message


async def _context(client: Client, about: dict[str, Any], to: JID) -> tuple[ContextInfo | None, JID]:
    context = ContextInfo()
    if about["reply_to"]:
        sender, quoted = client.seen.get(about["reply_to"], ("", b""))
        context.stanzaID, context.participant = about["reply_to"], sender or about["to"]
        if quoted:
            context.quotedMessage.CopyFrom(_without_context(Message.FromString(quoted)))
        if about["reply_private"] and sender and to.Server == "g.us":
            context.remoteJID, to = about["to"], convert.to_jid(sender)
    mentions = list(about["mentions"])
    if about["mention_all"] and to.Server == "g.us":
        group = await client.api.get_group_info(to)
        mentions += [convert.jid(one.JID) for one in group.Participants]
    context.mentionedJID.extend(dict.fromkeys(mentions))
    return (context if context.ByteSize() else None), to


def _without_context(message: Message) -> Message:
    """Quotations are not quoted."""
    message.ClearField("messageContextInfo")
    for descriptor, part in message.ListFields():
        if descriptor.message_type is not None and "contextInfo" in descriptor.message_type.fields_by_name:
            part.ClearField("contextInfo")
    return message


async def _media(client: Client, about: dict[str, Any], blob: bytes, words: str, context: ContextInfo | None) -> Message:
    kind = about["kind"]
    up = await client.api.upload(blob, _UPLOADS[kind])
    common: dict[str, Any] = {
        "URL": up.url, "directPath": up.DirectPath, "mediaKey": up.MediaKey, "fileEncSHA256": up.FileEncSHA256,
        "fileSHA256": up.FileSHA256, "fileLength": up.FileLength, "mimetype": about["mimetype"],
        "mediaKeyTimestamp": int(time.time()),
    }  # fmt: skip
    if context is not None:
        common["contextInfo"] = context
    if kind == "image":
        return Message(imageMessage=ImageMessage(caption=words, **common))
    if kind == "video":
        return Message(videoMessage=VideoMessage(caption=words, **common))
    if kind == "audio":
        return Message(audioMessage=AudioMessage(PTT=about["is_voice"], **common))
    if kind == "sticker":
        return Message(stickerMessage=StickerMessage(**common))
    name = about["file_name"] or "document"
    return Message(documentMessage=DocumentMessage(fileName=name, title=name, caption=words, **common))
