"""The messages of instances as metrics count them: which, where, when, what kind, how far they got; never what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, insert, select, update

from ..clock import rfc3339
from ..record import Values
from . import schema
from .database import Database, Statement

_TABLE: Final = schema.messages
_INSERT: Final = insert(_TABLE)
DAY: Final = 86400.0
CHUNK: Final = 500
"""Ids in one statement."""

PENDING, SENT, DELIVERED, READ, PLAYED, FAILED = "pending", "sent", "delivered", "read", "played", "failed"
STATUSES: Final = (PENDING, SENT, DELIVERED, READ, PLAYED, FAILED)
"""As metrics tell them (contract §2.11). A message that came in begins as delivered: it was, to us."""

_STEPS: Final = (PENDING, SENT, DELIVERED, READ, PLAYED)
_RECEIPTS: Final[dict[str, tuple[str, bool]]] = {
    "sender": (SENT, True), "delivered": (DELIVERED, True), "read": (READ, True), "played": (PLAYED, True),
    "server_error": (FAILED, True), "read_self": (READ, False), "played_self": (PLAYED, False),
}  # fmt: skip
"""Word of a receipt (contract §5.3) -> status, and whether it is about messages that we sent."""


@dataclass(slots=True, frozen=True)
class MessageRow:
    """A message. `sent_at`: Unix seconds; `media`: its kind, empty without; `type`: text, image, reaction …"""

    instance_id: str
    message_id: str
    chat: str
    type: str
    outgoing: bool
    is_group: bool
    media: str
    sent_at: float
    status: str

    @property
    def fields(self) -> dict[str, Any]:
        """As the table has them; nothing in it that no database can hold."""
        return {
            "instance_id": self.instance_id, "message_id": _fit(self.message_id, 255), "chat": _fit(self.chat, 255),
            "type": _fit(self.type, 40), "outgoing": self.outgoing, "is_group": self.is_group, "media": _fit(self.media, 40),
            "sent_at": self.sent_at, "status": self.status,
        }  # fmt: skip


def _fit(text: str, most: int) -> str:
    return text[:most].encode(errors="replace").decode()


def _before(status: str) -> tuple[str, ...]:
    """What a message may have been to become this: receipts come late and twice, and nothing goes back."""
    return (PENDING, SENT) if status == FAILED else _STEPS[: _STEPS.index(status)]


class MessageRows:
    """Reading and writing messages. Reads raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insertion(self, row: MessageRow) -> list[Statement]:
        """What puts it on the disk; the unit that it is in fails as a whole when the message is there already."""
        return [(_INSERT, [row.fields])]

    def receipt(self, instance_id: str, word: str, ids: Sequence[str]) -> list[Statement]:
        """What a receipt does to the messages that it names; nothing for a word that changes nothing."""
        if word not in _RECEIPTS or not ids:
            return []
        status, outgoing = _RECEIPTS[word]
        named = [_fit(one, 255) for one in ids]
        return [
            (update(_TABLE).where(
                _TABLE.c.instance_id == instance_id, _TABLE.c.message_id.in_(named[start : start + CHUNK]),
                _TABLE.c.outgoing.is_(outgoing), _TABLE.c.status.in_(_before(status)),
            ).values(status=status), {})
            for start in range(0, len(named), CHUNK)
        ]  # fmt: skip

    async def known(self, row: MessageRow) -> bool:
        """Whether the message is there."""
        fields = row.fields
        same = and_(*(column == fields[column.name] for column in _TABLE.primary_key.columns))
        return bool(await self._database.read(select(_TABLE.c.message_id).where(same)))

    async def metrics(self, instances: Sequence[str], now: float) -> Values:
        """The counters of all of them together, without `instance` (contract §2.11)."""
        mine = _TABLE.c.instance_id.in_(instances)
        groups = await self._database.read(
            select(_TABLE.c.outgoing, _TABLE.c.is_group, _TABLE.c.type, _TABLE.c.media, _TABLE.c.status, func.count())
            .where(mine).group_by(_TABLE.c.outgoing, _TABLE.c.is_group, _TABLE.c.type, _TABLE.c.media, _TABLE.c.status)
        )  # fmt: skip
        (times,) = await self._database.read(_times(now).where(mine))
        (chats,) = await self._database.read(_chats().where(mine))
        return _counted(groups) | {
            "uniqueChats": chats[0], "uniqueGroups": chats[1], "uniqueContacts": chats[2],
            "messagesLast7Days": times[2] or 0, "messagesLast30Days": times[3] or 0,
            "firstMessageAt": None if times[0] is None else rfc3339(times[0]),
            "lastMessageAt": None if times[1] is None else rfc3339(times[1]),
        }


def _times(now: float) -> Select[Any]:
    at = _TABLE.c.sent_at
    return select(func.min(at), func.max(at), *(func.sum(case((at >= now - days * DAY, 1), else_=0)) for days in (7, 30)))


def _chats() -> Select[int, int, int]:
    """Chats, groups, and people: neither groups nor channels nor stories."""
    chat = _TABLE.c.chat
    person = and_(_TABLE.c.is_group.is_(False), chat.not_like("%@newsletter"), chat.not_like("%@broadcast"))
    return select(
        func.count(chat.distinct()), func.count(case((_TABLE.c.is_group, chat)).distinct()),
        func.count(case((person, chat)).distinct()),
    )


def _counted(groups: Sequence[Any]) -> Values:
    directions, kinds, types, media, statuses = (Counter[Any]() for _ in range(5))
    for outgoing, is_group, kind, medium, status, count in groups:
        directions[outgoing] += count
        kinds[is_group] += count
        types[kind] += count
        statuses[status] += count
        if medium:
            media[medium] += count
    return {
        "totalMessages": directions.total(), "messagesReceived": directions[False], "messagesSent": directions[True],
        "messagesByType": dict(types), "groupMessages": kinds[True], "individualMessages": kinds[False],
        "messagesWithMedia": media.total(), "mediaByType": dict(media),
        "messagesByStatus": {status: statuses[status] for status in STATUSES},
    }
