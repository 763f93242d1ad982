"""The rows of media that waits for its store: each is on the disk, and its bytes beside it, before anybody is told its URL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from ..errors import SecretError
from ..secrets import KeyRing
from . import schema
from .database import Database

_TABLE: Final = schema.uploads
_RESULT: Final = update(_TABLE).where(_TABLE.c.id == bindparam("row_id")).values({
    name: bindparam(name) for name in ("attempts", "answer")
})


@dataclass(slots=True, eq=False)
class Upload:
    """One object on its way. `created_at`: Unix seconds; `size`: bytes; `answer`: why the last attempt failed, in words."""

    id: str
    instance_id: str
    created_at: float
    size: int
    key: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    attempts: int = 0
    answer: str = ""


class UploadRows:
    """Reading and writing them. Everything raises StoreError."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database, self._ring = database, ring

    def add(self, upload: Upload) -> asyncio.Future[None]:
        """On the disk when the future is done."""
        data = json.dumps({"key": upload.key, "headers": upload.headers}, separators=(",", ":"))
        return self._database.write([(insert(_TABLE), {
            "id": upload.id, "instance_id": upload.instance_id, "created_at": upload.created_at, "size": upload.size,
            "attempts": upload.attempts, "answer": upload.answer,
            "data": self._ring.encrypt(data, "uploads", upload.id, "data"),
        })])  # fmt: skip

    async def all(self) -> list[Upload]:
        """Everything that waits, oldest first; what cannot be read has no key."""
        return [self._upload(row) for row in await self._database.read(select(_TABLE).order_by(_TABLE.c.sequence))]

    def _upload(self, row: Any) -> Upload:
        try:
            data = json.loads(self._ring.decrypt(row.data, "uploads", row.id, "data"))
            key, headers = str(data["key"]), dict(data["headers"])
        except (SecretError, ValueError, TypeError, KeyError):
            key, headers = "", {}
        return Upload(row.id, row.instance_id, row.created_at, row.size, key, headers, row.attempts, row.answer)

    def save(self, upload: Upload) -> asyncio.Future[None]:
        """What became of an attempt."""
        row = {"row_id": upload.id, "attempts": upload.attempts, "answer": upload.answer}
        return self._database.write([(_RESULT, row)])

    def remove(self, uploads: Sequence[Upload]) -> asyncio.Future[None]:
        """They are where they belong, or nobody wants them any more."""
        return self._database.write([(delete(_TABLE).where(_TABLE.c.id == bindparam("row_id")), [
            {"row_id": one.id} for one in uploads
        ])])  # fmt: skip
