"""The outbox's rows: every delivery is on the disk before it is sent, sealed, because a QR text may be in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from ..errors import SecretError, StoreError
from ..events.delivery import DEAD, DELIVERED, PENDING
from ..record import Record, Values
from ..secrets import KeyRing
from . import schema
from .database import Database, Statement

_TABLE: Final = schema.outbox
_INSERT: Final = insert(_TABLE)
_ENCODED: Final = json.JSONEncoder(separators=(",", ":")).encode
_RESULT: Final = update(_TABLE).where(_TABLE.c.id == bindparam("row_id")).values({
    name: bindparam(name) for name in ("state", "attempts", "next_at", "status", "answer", "done_at")
})
KEPT: Final = 500
"""Finished deliveries that are kept for each webhook, so that a person can look at them and send them again."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one webhook. Times are Unix seconds; `lane`: those with the same are first tried in order.

    `data` is None while it is only on the disk; `kept` is False when it is not there at all. `status`: of the last answer, None
    without one; `answer`: its beginning, or why there was none.
    """

    id: str
    instance_id: str
    label: str
    event: str
    lane: str
    created_at: float
    state: str = PENDING
    attempts: int = 0
    next_at: float = 0.0
    status: int | None = None
    answer: str = ""
    done_at: float = 0.0
    data: Values | None = field(default=None, repr=False)
    kept: bool = True


class OutboxRows:
    """Reading and writing deliveries. Everything raises StoreError."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database, self._ring = database, ring

    def _seal(self, delivery: Delivery) -> str:
        return self._ring.encrypt(_ENCODED(delivery.data), "outbox", delivery.id, "data")

    def add(self, deliveries: Sequence[Delivery]) -> asyncio.Future[None]:
        """On the disk when the future is done, all or none."""
        return self._database.write(self.statements(deliveries))

    def statements(self, deliveries: Sequence[Delivery]) -> list[Statement]:
        """What puts them there, for a unit that holds more than them."""
        rows = [
            {
                "id": one.id, "instance_id": one.instance_id, "label": one.label, "event": one.event, "lane": one.lane,
                "created_at": one.created_at, "state": one.state, "attempts": one.attempts, "next_at": one.next_at,
                "status": one.status, "answer": one.answer, "done_at": one.done_at, "data": self._seal(one),
            }
            for one in deliveries
        ]
        return [(_INSERT, rows)] if rows else []

    async def pending(self) -> list[Delivery]:
        """What was not finished when the server ended, oldest first, without data."""
        rows = await self._database.read(_columns().where(_TABLE.c.state == PENDING).order_by(_TABLE.c.sequence))
        return [_delivery(row) for row in rows]

    async def data(self, delivery: Delivery) -> Values:
        """The event's data."""
        rows = await self._database.read(select(_TABLE.c.data).where(_TABLE.c.id == delivery.id))
        if not rows:
            raise StoreError("the delivery is gone")
        try:
            found: Values = json.loads(self._ring.decrypt(rows[0][0], "outbox", delivery.id, "data"))
        except (SecretError, ValueError) as error:
            raise StoreError(f"the delivery cannot be read: {error}") from error
        return found

    def save(self, deliveries: Sequence[Delivery]) -> asyncio.Future[None]:
        """What became of attempts."""
        rows = [
            {
                "row_id": one.id, "state": one.state, "attempts": one.attempts, "next_at": one.next_at, "status": one.status,
                "answer": one.answer, "done_at": one.done_at,
            }
            for one in deliveries
        ]
        return self._database.write([(_RESULT, rows)])

    async def find(self, record: Record, delivery_id: str) -> Delivery | None:
        """One delivery of an instance."""
        query = _columns().where((_TABLE.c.instance_id == record.id) & (_TABLE.c.id == delivery_id))
        rows = await self._database.read(query)
        return _delivery(rows[0]) if rows else None

    async def list(
        self, record: Record, *, label: str | None, state: str | None, limit: int, before: str | None = None
    ) -> list[Delivery]:
        """The newest deliveries of an instance first; `before`: those that are older than the one with this id."""
        query = _columns().where(_TABLE.c.instance_id == record.id)
        if label is not None:
            query = query.where(_TABLE.c.label == label)
        if state is not None:
            query = query.where(_TABLE.c.state == state)
        if before is not None:
            mine = (_TABLE.c.instance_id == record.id) & (_TABLE.c.id == before)
            query = query.where(_TABLE.c.sequence < select(_TABLE.c.sequence).where(mine).scalar_subquery())
        return [_delivery(row) for row in await self._database.read(query.order_by(_TABLE.c.sequence.desc()).limit(limit))]

    def prune(self, instance_id: str, label: str) -> asyncio.Future[None]:
        """Keep the last finished ones of a webhook."""
        mine = (_TABLE.c.instance_id == instance_id) & (_TABLE.c.label == label) & _TABLE.c.state.in_((DELIVERED, DEAD))
        oldest = select(_TABLE.c.sequence).where(mine).order_by(_TABLE.c.sequence.desc()).offset(KEPT).limit(1).scalar_subquery()
        return self._database.write([(delete(_TABLE).where(mine & (_TABLE.c.sequence <= oldest)), {})])

    async def counts(self) -> dict[str, int]:
        """How many deliveries are in which state."""
        query: Any = select(_TABLE.c.state, func.count()).group_by(_TABLE.c.state)
        return {row[0]: row[1] for row in await self._database.read(query)}


def _columns() -> Any:
    table = _TABLE.c
    return select(
        table.id, table.instance_id, table.label, table.event, table.lane, table.created_at, table.state, table.attempts,
        table.next_at, table.status, table.answer, table.done_at,
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id, instance_id=row.instance_id, label=row.label, event=row.event, lane=row.lane, created_at=row.created_at,
        state=row.state, attempts=row.attempts, next_at=row.next_at, status=row.status, answer=row.answer, done_at=row.done_at,
    )
