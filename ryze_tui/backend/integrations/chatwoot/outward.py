"""From Chatwoot to WhatsApp: an agent's reply, sent at most once; what could not be sent is said in a private note."""

from __future__ import annotations

import logging
import secrets as entropy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ...clock import Clock
from ...egress import Egress
from ...errors import ApiError, BackendError, StoreError
from ...events.delivery import WAITS
from ...record import Record, Values
from ...store.chatwoot import DONE, PENDING, SENDING, ChatwootRows, Content, Item
from . import words
from .api import ChatwootError, File, download
from .links import Link
from .queue import MESSAGE, NOTE, REPLY, Follow

log = logging.getLogger(__name__)

FILES: Final = 15
"""Attachments of one message; Chatwoot's own limit."""
DOWNLOAD_FACTOR: Final = 4
UNKNOWN: Final = (
    "The server was stopped while this reply was being sent. It is not known whether it reached WhatsApp: "
    "look on the phone before sending it again."
)
_KINDS: Final = {"image": "image", "audio": "audio", "video": "video"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be sent. `text` is the caption when there is a file; `kind`: image, audio, video or document, empty for text."""

    to: str
    text: str = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    kind: str = ""
    mimetype: str = ""
    file_name: str = ""
    is_voice: bool = False


Send = Callable[[Record, Reply], Awaitable[str]]
"""Hands a reply to WhatsApp, with source words.SOURCE; returns the message id. Raises BackendError that says why not."""


async def no_traffic(_record: Record, _reply: Reply) -> str:
    """Until the server can send."""
    raise ApiError(503, "this server cannot send messages yet")


def read(body: Values, inbox: int) -> Values | None:
    """What matters of a callback; None when it is none of an agent's reply in this inbox."""
    source = body.get("source_id")
    if body.get("event") != "message_created" or body.get("message_type") not in ("outgoing", 1) or body.get("private") is True:
        return None
    if isinstance(source, str) and source.startswith(words.OURS):
        return None
    conversation, told_inbox = words.part(body, "conversation"), words.part(body, "inbox").get("id")
    if not _is_id(body.get("id")) or not _is_id(conversation.get("id")) or (_is_id(told_inbox) and told_inbox != inbox):
        return None
    attached = body.get("attachments")
    files = [
        {"url": one["data_url"], "kind": words.text_of(one.get("file_type"))}
        for one in (attached if isinstance(attached, list) else [])
        if isinstance(one, dict) and words.text_of(one.get("data_url"))
    ]
    text = words.text_of(body.get("content"))
    if not text.strip() and not files:
        return None
    return {
        "message": body["id"], "conversation": conversation["id"], "text": text, "files": files[:FILES],
        "agent": words.text_of(words.part(body, "sender").get("name")), "to": _candidate(conversation),
    }


def _candidate(conversation: Values) -> str:
    """Whom Chatwoot says the conversation is with: the JID that we gave the contact, else its phone number."""
    sender = words.part(words.part(conversation, "meta"), "sender")
    for jid in (words.part(conversation, "contact_inbox").get("source_id"), sender.get("identifier")):
        if words.is_jid(jid):
            return str(jid)
    jid = words.text_of(sender.get("phone_number")).removeprefix("+") + "@s.whatsapp.net"
    return jid if words.phone(jid) else ""


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Outward:
    """Sends replies. `send` is set once there is something that can."""

    def __init__(self, rows: ChatwootRows, egress: Egress, clock: Clock) -> None:
        self._rows, self._egress, self._clock = rows, egress, clock
        self.send: Send = no_traffic

    def item(self, record: Record, data: Values) -> Item:
        """A callback as the queue keeps it: the same one for the same message."""
        return Item(
            id=new_id(), instance_id=record.id, kind=REPLY, key=f"reply:{data['message']}", lane=f"reply:{data['conversation']}",
            created_at=self._clock.now(),
        )

    async def reply(self, link: Link, item: Item, content: Content, seconds: float) -> list[Follow]:
        """Send it; returns what follows: a note about what failed, and the ids that must not come back.

        Raises ChatwootError when its files cannot be had for now, StoreError.
        """
        data = content.data
        if item.state == SENDING:
            return [self._note(item, data, UNKNOWN)]
        chat = await self._rows.chat_of(link.record.id, data["conversation"], link.place)
        to = chat.jid if chat is not None else data["to"]
        if not to:
            return [self._note(item, data, "Not sent: this contact has no WhatsApp number.")]
        try:
            limit = seconds * DOWNLOAD_FACTOR
            files = [(one["kind"], await download(self._egress, one["url"], seconds=limit)) for one in data["files"]]
        except ChatwootError as error:
            if error.away and item.attempts < len(WAITS):
                raise
            return [self._note(item, data, f"Not sent: the attachment could not be fetched ({error.words}).")]
        agent = data["agent"] if link.on("signMessages") else ""
        replies = _replies(to, words.reply_text(data["text"], agent, sign=bool(agent)), files)
        await self._mark(item, SENDING)
        return await self._send(link.record, item, data, replies)

    async def _mark(self, item: Item, state: str) -> None:
        """On the disk before WhatsApp has it: after a crash a reply is looked at by a person rather than sent twice."""
        before, item.state = item.state, state
        try:
            await self._rows.save(item)
        except StoreError:
            item.state = before
            raise

    async def _send(self, record: Record, item: Item, data: Values, replies: list[Reply]) -> list[Follow]:
        follow: list[Follow] = []
        why = ""
        for reply in replies:
            try:
                sent = await self.send(record, reply)
            except BackendError as error:
                why = error.message if isinstance(error, ApiError) else str(error)
            except Exception as error:
                log.exception("a reply from Chatwoot could not be sent")
                why = f"an error of the server ({type(error).__name__})"
            else:
                follow.append(self._known(item, sent))
                continue
            done = f" {len(follow)} of {len(replies)} parts were sent." if follow else ""
            follow.append(self._note(item, data, f"Not sent to WhatsApp: {why}.{done}"))
            break
        item.state = PENDING
        return follow

    def _known(self, item: Item, message_id: str) -> Follow:
        """Its echo is nothing new."""
        now = self._clock.now()
        mark = Item(
            id=new_id(), instance_id=item.instance_id, kind=MESSAGE, key=f"{words.OURS}{message_id}"[:180], lane="",
            created_at=now, state=DONE, done_at=now,
        )
        return mark, Content({})

    def _note(self, item: Item, data: Values, text: str) -> Follow:
        note = Item(
            id=new_id(), instance_id=item.instance_id, kind=NOTE, key=f"note:{item.key}", lane=f"note:{data['conversation']}",
            created_at=self._clock.now(),
        )
        return note, Content({"conversation": data["conversation"], "text": text})


def _replies(to: str, text: str, files: list[tuple[str, File]]) -> list[Reply]:
    """One message for each file, the text above the first; what can have no caption follows its text."""
    if not files:
        return [Reply(to, text)]
    made: list[Reply] = []
    for kind, file in files:
        kind = _KINDS.get(kind) or _KINDS.get(file.mimetype.partition("/")[0], "document")
        caption = text if not made else ""
        if kind == "audio" and caption:
            made.append(Reply(to, caption))
            caption = ""
        voice = kind == "audio" and file.mimetype == "audio/ogg"
        made.append(Reply(to, caption, file.content, kind, file.mimetype, file.name, voice))
    return made


def new_id() -> str:
    """Of a row."""
    return f"cw_{entropy.token_hex(12)}"
