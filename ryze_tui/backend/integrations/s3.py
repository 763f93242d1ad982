"""S3 for uploads: putting, getting and deleting objects through the gateway and no other way."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ...i18n import mark
from ...outside import s3
from ...outside.s3 import (
    ADDRESS,
    BUCKET,
    CONFIGURATION,
    CREDENTIALS,
    OBJECT,
    TROUBLE,
    UNREACHABLE,
    Failure,
    Target,
    in_words,
    target,
)
from ..egress import Egress, Forbidden
from ..egress_gateway import Gateway

if TYPE_CHECKING:
    from obstore.store import S3Store

__all__ = [
    "ADDRESS", "BUCKET", "CONFIGURATION", "CREDENTIALS", "OBJECT", "TROUBLE", "UNREACHABLE", "Client", "Failure", "Target",
    "in_words", "target",
]  # fmt: skip

SECONDS: Final = 30.0
SLOWEST: Final = 20_000
"""Bytes a second that an upload has to reach, after the first SECONDS."""
STORES: Final = 32
ANSWERS: Final = 4_000_000
"""Bytes that a store may answer before it is cut off: a few words are wanted, and they are kept in memory."""


class Client:
    """Objects in any store."""

    def __init__(self, egress: Egress, gateway: Gateway) -> None:
        self._egress, self._gateway = egress, gateway
        self._stores: OrderedDict[Target, S3Store] = OrderedDict()

    async def put(self, where: Target, key: str, content: bytes, headers: dict[str, str]) -> None:
        """Put an object; `headers` are kept with it. Raises Failure."""
        await s3.put(await self._store(where), key, content, headers, SECONDS + len(content) / SLOWEST)

    async def get(self, where: Target, key: str) -> bytes:
        """The object. Raises Failure."""
        return await s3.get(await self._store(where), key, SECONDS)

    async def delete(self, where: Target, key: str) -> None:
        """No object any more. Raises Failure."""
        await s3.delete(await self._store(where), key, SECONDS)

    async def _store(self, where: Target) -> S3Store:
        """Refusals are told before anything is dialled, and in words: a tunnel that is refused has none."""
        parts = urlsplit(where.endpoint)
        try:
            await self._egress.addresses(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
            proxy = await self._gateway.url(most=ANSWERS)
        except Forbidden as error:
            raise Failure(ADDRESS, str(error)) from None
        except (OSError, UnicodeError):
            raise Failure(UNREACHABLE, mark("the name {host} cannot be resolved"), host=parts.hostname) from None
        if where not in self._stores:
            self._stores[where] = s3.open_store(where, proxy)
            if len(self._stores) > STORES:
                self._stores.popitem(last=False)
        self._stores.move_to_end(where)
        return self._stores[where]
