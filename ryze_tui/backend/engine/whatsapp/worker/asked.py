"""What the server asks of a client that is up. Each returns data and bytes, and raises whatever neonize raises."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Final

from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
from neonize.utils.enum import Presence, ReceiptType

from . import convert, outgoing
from .client import Client

About = dict[str, Any]
Result = tuple[About, bytes]


async def _send(client: Client, about: About, blob: bytes) -> Result:
    to, message = await outgoing.build(client, about, blob)
    sent = await client.api.send_message(to, message)
    client.remember(sent.ID, convert.jid((await client.api.get_me()).JID), message.SerializeToString())
    chat = await client.groups.name(convert.jid(to)) if to.Server == "g.us" else ""
    return {"id": sent.ID, "at": convert.seconds(sent.Timestamp), "chat_name": chat}, b""



async def _mark_read(client: Client, about: About, _blob: bytes) -> Result:
    chat, sender = convert.to_jid(about["chat"]), convert.to_jid(about["sender"] or about["chat"])
    await client.api.mark_read(*about["ids"], chat=chat, sender=sender, receipt=ReceiptType.READ)
    return {}, b""


async def _reject_call(client: Client, about: About, _blob: bytes) -> Result:
    await client.api.reject_call(client.calls.get(about["id"]) or convert.to_jid(about["caller"]), about["id"])
    return {}, b""


async def _presence(client: Client, about: About, _blob: bytes) -> Result:
    await client.named()  # WhatsApp takes it from nobody without a name
    await client.api.send_presence(Presence.AVAILABLE if about["available"] else Presence.UNAVAILABLE)
    return {}, b""


async def _download(client: Client, about: About, _blob: bytes) -> Result:
    message = Message.FromString(base64.b64decode(about["reference"]))
    return {}, await client.api.download_any(message) or b""


async def _logout(client: Client, _about: About, _blob: bytes) -> Result:
    await client.api.logout()
    return {}, b""


ASKED: Final[dict[str, Callable[[Client, About, bytes], Awaitable[Result]]]] = {
    "send": _send, "mark_read": _mark_read, "reject_call": _reject_call, "presence": _presence, "download": _download,
    "logout": _logout,
}  # fmt: skip
