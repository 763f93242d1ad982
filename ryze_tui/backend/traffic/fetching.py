"""The media of messages: fetched only when somebody wants them, and only so much at a time."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from ..engine.guard import Guarded
from ..engine.port import Media
from ..errors import EngineError
from ..events.bus import Bus
from ..events.layouts import MESSAGE
from ..events.outbox import wants
from ..record import Record, Values
from .seams import MediaStore
from .told import text_of

log = logging.getLogger(__name__)

MIB: Final = 1024 * 1024
MOST: Final = 100 * MIB
"""Larger media are not fetched: the whole of them is in memory, and in the text of an event half as much again."""

AT_ONCE: Final = 2 * MOST
"""Bytes of media that are in memory at the same time, over all instances."""

UNKNOWN: Final = 16 * MIB
"""What media count as whose size nobody told."""

NOT_STORED: Final = "it could not be stored"
TOO_LARGE: Final = f"larger than {MOST // MIB} MB"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message with what became of its media; `content` None when there is none."""

    data: Values
    content: bytes | None = field(default=None, repr=False)


class Room:
    """So many bytes may be held at the same time; who comes first is let in first."""

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Hold so many bytes, or as many as there can be."""
        size = min(size, self._most)
        if self._waiting or size > self._free:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give(size)
                raise
        else:
            self._free -= size
        try:
            yield
        finally:
            self._give(size)

    def _give(self, size: int) -> None:
        self._free += size
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._free):
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= wanted
                turn.set_result(None)


def with_media(data: Values, **more: str) -> Values:
    """The same message, and more about its media."""
    message = data["message"]
    return data | {"message": message | {"media": message["media"] | more}}


def with_base64(data: Values, content: bytes) -> Values:
    """The same message with its media inside."""
    return with_media(data, base64=base64.b64encode(content).decode())


class Fetching:
    """`store` is set once there is one."""

    def __init__(self, engine: Guarded, bus: Bus) -> None:
        self._engine, self._bus = engine, bus
        self._room = Room(AT_ONCE)
        self.store: MediaStore | None = None

    def base64_wanted(self, record: Record) -> bool:
        """Whether a webhook, or a socket that is open, gets media inside of its events."""
        rows = [row for label, row in record.webhooks.items() if label not in record.paused]
        if self._bus.listeners_of_instance(record):
            rows.append(record.blocks.get("websocket") or {"enabled": False})
        return any(wants(row, MESSAGE) and row["mediaBase64"] for row in rows)

    @asynccontextmanager
    async def of(
        self, record: Record, data: Values, media: Media | None, *, bridged: bool, again: bool
    ) -> AsyncIterator[Fetched]:
        """A message with its media, which stay in memory no longer than this is open. Never raises.

        `bridged`: a bridge wants the content. `again`: everybody else has had it.
        """
        inside = not again and self.base64_wanted(record)
        stored = self.store if not again and self.store is not None and self.store.wants(record) else None
        if media is None or not isinstance(data["message"].get("media"), dict) or not (inside or stored or bridged):
            yield Fetched(data)
            return
        if media.size > MOST:
            yield Fetched(with_media(data, error=TOO_LARGE))
            return
        async with self._room.of(media.size or UNKNOWN):
            yield await self._fetched(record, data, media, inside=inside, stored=stored)

    async def _fetched(self, record: Record, data: Values, media: Media, *, inside: bool, stored: MediaStore | None) -> Fetched:
        try:
            content = await self._engine.download(record.id, media)
        except EngineError as error:
            log.warning("media of %s could not be fetched: %s", record.name, error)
            return Fetched(with_media(data, error=str(error)))
        if len(content) > MOST:
            return Fetched(with_media(data, error=TOO_LARGE))
        if stored is not None:
            data = await self._kept(stored, record, data, media, content)
        return Fetched(with_base64(data, content) if inside else data, content)

    async def _kept(self, store: MediaStore, record: Record, data: Values, media: Media, content: bytes) -> Values:
        try:
            url = await store.keep(record, text_of(data, "id"), media, content)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs the URL and not the message
            log.warning("media of %s could not be stored (%s)", record.name, type(error).__name__)
            return with_media(data, error=NOT_STORED)
        return with_media(data, url=url, s3Url=url) if url else with_media(data, error=NOT_STORED)
