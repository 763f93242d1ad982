"""Rows of the Chatwoot bridge: what is on its way there or back, and which conversation a chat is; contents are sealed."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from ..errors import SecretError, StoreError
from ..record import Values
from ..secrets import KeyRing
from . import schema
from .database import Database, Statement

_QUEUE: Final = schema.chatwoot_queue
_CHATS: Final = schema.chatwoot_chats

PENDING: Final = "pending"
SENDING: Final = "sending"
"""A reply that is being handed to WhatsApp: found after a crash, nobody knows whether it was sent."""
DONE: Final = "done"
DEAD: Final = "dead"

KEPT: Final = 2000
"""Finished rows that are kept for each instance, so that what comes twice is known."""
_IN_THREAD: Final = 256 * 1024
"""Media larger than this is sealed and opened beside the loop."""


@dataclass(slots=True, eq=False)
class Item:
    """One thing to be done. `kind`: message, reply or note; `key`: what it is the same as when it comes again.

    `lane`: those with the same are done in order. `created_at`: Unix seconds. `uncertain`: an attempt may have succeeded
    without our knowing. `media`: whether it has a file. `seen`: how many of its gate had gone through when it was tried last.
    """

    id: str
    instance_id: str
    kind: str
    key: str
    lane: str
    created_at: float
    state: str = PENDING
    attempts: int = 0
    answer: str = ""
    done_at: float = 0.0
    uncertain: bool = False
    media: bool = False
    seen: int = -1


@dataclass(frozen=True, slots=True)
class Chat:
    """Where a chat is shown. `place` names the inbox that the ids are of."""

    jid: str
    place: str
    contact_id: int
    conversation_id: int


@dataclass(slots=True)
class Content:
    """What an item carries."""

    data: Values = field(repr=False)
    media: bytes | None = field(default=None, repr=False)


class ChatwootRows:
    """Every method raises StoreError, those that return a future through it."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database, self._ring = database, ring

    # -- the queue -----------------------------------------------------------------------------------------------------

    async def add(self, item: Item, content: Content) -> bool:
        """On the disk when it returns; False when an item with this key was there already."""
        if content.media is not None and len(content.media) > _IN_THREAD:
            row = await asyncio.to_thread(self._row, item, content)
        else:
            row = self._row(item, content)
        await self._database.write([(_insert(), row)])
        mine = (_QUEUE.c.instance_id == item.instance_id) & (_QUEUE.c.key == item.key)
        rows = await self._database.read(select(_QUEUE.c.id).where(mine))
        return bool(rows) and rows[0][0] == item.id

    def _row(self, item: Item, content: Content) -> dict[str, Any]:
        media = None
        if content.media is not None:
            media = self._ring.encrypt(base64.b64encode(content.media).decode(), _QUEUE.name, item.id, "media")
        return {
            "id": item.id, "instance_id": item.instance_id, "kind": item.kind, "key": item.key, "lane": item.lane,
            "created_at": item.created_at, "state": item.state, "attempts": item.attempts, "answer": item.answer,
            "done_at": item.done_at, "data": self._seal(item, content.data), "media": media,
        }

    def _seal(self, item: Item, data: Values) -> str:
        return self._ring.encrypt(json.dumps(data, separators=(",", ":")), _QUEUE.name, item.id, "data")

    async def content(self, item: Item) -> Content:
        """What an item that is not finished carries."""
        rows = await self._database.read(select(_QUEUE.c.data, _QUEUE.c.media).where(_QUEUE.c.id == item.id))
        if not rows:
            raise StoreError("the row is gone")
        data, media = rows[0]
        try:
            found = Content(json.loads(self._ring.decrypt(data, _QUEUE.name, item.id, "data")))
            if media is not None:
                found.media = await asyncio.to_thread(self._open_media, item, media)
        except (SecretError, ValueError) as error:
            raise StoreError(f"the row cannot be read: {error}") from error
        return found

    def _open_media(self, item: Item, sealed: str) -> bytes:
        return base64.b64decode(self._ring.decrypt(sealed, _QUEUE.name, item.id, "media"))

    async def unfinished(self) -> list[Item]:
        """What was on its way when the server ended, oldest first.

        The first of each lane is uncertain: it may have been tried; those behind it had to wait.
        """
        table = _QUEUE.c
        query = select(
            table.id, table.instance_id, table.kind, table.key, table.lane, table.created_at, table.state, table.attempts,
            table.answer, table.media.is_not(None).label("with_media"),
        ).where(table.state.in_((PENDING, SENDING))).order_by(table.sequence)  # fmt: skip
        found, lanes = list[Item](), set[tuple[str, str]]()
        for row in await self._database.read(query):
            where = (row.instance_id, row.lane)
            found.append(Item(
                id=row.id, instance_id=row.instance_id, kind=row.kind, key=row.key, lane=row.lane, created_at=row.created_at,
                state=row.state, attempts=row.attempts, answer=row.answer, uncertain=where not in lanes,
                media=bool(row.with_media),
            ))
            lanes.add(where)
        return found

    def save(self, item: Item, *more: tuple[Item, Content]) -> asyncio.Future[None]:
        """What became of an item, and new ones that follow from it, all or nothing."""
        statements: list[Statement] = [(_update(item), {})]
        statements += [(_insert(), self._row(new, content)) for new, content in more]
        return self._database.write(statements)

    def prune(self, instance_id: str) -> asyncio.Future[None]:
        """Keep the last finished ones of an instance."""
        mine = (_QUEUE.c.instance_id == instance_id) & _QUEUE.c.state.in_((DONE, DEAD))
        oldest = select(_QUEUE.c.sequence).where(mine).order_by(_QUEUE.c.sequence.desc()).offset(KEPT).limit(1).scalar_subquery()
        return self._database.write([(delete(_QUEUE).where(mine & (_QUEUE.c.sequence <= oldest)), {})])

    def forget(self, instance_id: str) -> asyncio.Future[None]:
        """Nothing of this instance is on its way any more, and no chat is known."""
        return self._database.write([
            (delete(_QUEUE).where(_QUEUE.c.instance_id == instance_id), {}),
            (delete(_CHATS).where(_CHATS.c.instance_id == instance_id), {}),
        ])

    # -- chats ---------------------------------------------------------------------------------------------------------

    async def chat(self, instance_id: str, jid: str, place: str) -> Chat | None:
        """Where a chat is shown in this inbox, as far as we know."""
        return await self._chat(instance_id, place, _CHATS.c.jid == jid)

    async def chat_of(self, instance_id: str, conversation_id: int, place: str) -> Chat | None:
        """Whose conversation of this inbox it is."""
        return await self._chat(instance_id, place, _CHATS.c.conversation_id == conversation_id)

    async def _chat(self, instance_id: str, place: str, which: Any) -> Chat | None:
        table = _CHATS.c
        query = select(table.jid, table.place, table.contact_id, table.conversation_id)
        rows = await self._database.read(query.where((table.instance_id == instance_id) & (table.place == place) & which))
        return Chat(*rows[0]) if rows else None

    async def save_chat(self, instance_id: str, chat: Chat) -> None:
        """From now on it is there."""
        row = {
            "instance_id": instance_id, "jid": chat.jid, "place": chat.place, "contact_id": chat.contact_id,
            "conversation_id": chat.conversation_id,
        }
        await self._database.write([(_forget_chat(instance_id, chat.jid), {}), (insert(_CHATS), row)])

    async def forget_chat(self, instance_id: str, jid: str) -> None:
        """It is there no more."""
        await self._database.write([(_forget_chat(instance_id, jid), {})])


def _insert() -> Any:
    """A key that is there already is no error: what comes twice is one thing."""
    return insert(_QUEUE).prefix_with("OR IGNORE", dialect="sqlite")


def _update(item: Item) -> Any:
    values: dict[str, Any] = {"state": item.state, "attempts": item.attempts, "answer": item.answer, "done_at": item.done_at}
    if item.state in (DONE, DEAD):
        values |= {"data": "", "media": None}  # nobody needs what people wrote any longer
    return update(_QUEUE).where(_QUEUE.c.id == item.id).values(values)


def _forget_chat(instance_id: str, jid: str) -> Any:
    return delete(_CHATS).where((_CHATS.c.instance_id == instance_id) & (_CHATS.c.jid == jid))
