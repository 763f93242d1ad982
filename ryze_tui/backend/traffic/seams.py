"""Who else wants messages: a store that media are kept in, and a bridge to a help desk."""

from __future__ import annotations

from typing import Protocol

from ..engine.port import Media
from ..record import Record, Values


class MediaStore(Protocol):
    """Keeps the media that come in."""

    def wants(self, record: Record) -> bool:
        """Whether the media of this instance are kept."""

    async def keep(self, record: Record, message_id: str, media: Media, content: bytes) -> str:
        """The object's final URL; when it returns, the bytes are on our disk and will be there sooner or later.

        Empty when they could not be kept. Raises StoreError.
        """


class Bridge(Protocol):
    """Shows messages elsewhere. `data` is that of message.exchange in the live layout."""

    def wants(self, record: Record, data: Values) -> bool:
        """Whether this message is to be shown there."""

    async def accept(self, record: Record, data: Values, content: bytes | None) -> None:
        """When it returns, the message is on the disk, and will be shown there once; also when it is accepted twice.

        `content`: of its media, None without any, or when they could not be fetched. Raises StoreError.
        """
