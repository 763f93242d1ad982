"""Which instance is connected to which inbox: its block with the secrets in it, found by instance or by the callback's secret."""

from __future__ import annotations

import secrets as entropy
from dataclasses import dataclass
from typing import Any, Final

from ....api.blocks import Chatwoot
from ...blocks import Written, split
from ...catalog import Catalog
from ...egress import Egress
from ...record import Record, Values
from ...secrets import KeyRing
from ...store.rows import Store
from .api import SECONDS, Api

KIND: Final = "chatwoot"
TOKEN: Final = "chatwootApiToken"
CALLBACK: Final = "callback"
_HMAC: Final = "callbackHmac"


@dataclass(frozen=True, slots=True)
class Link:
    """A connected instance. `place` names the inbox among all inboxes of all Chatwoots."""

    record: Record
    api: Api
    inbox: int
    values: Values

    @property
    def place(self) -> str:
        """Ids of chats are good for this only."""
        return f"{self.api.place}#{self.inbox}"

    def on(self, flag: str) -> bool:
        """One of signMessages, ignoreGroups, startAsPending, reopenResolved."""
        return self.values.get(flag) is True


class Links:
    """Reads and writes the chatwoot block; the only one to do so once an instance exists. `seconds`: of one call to Chatwoot."""

    def __init__(self, store: Store, catalog: Catalog, egress: Egress, ring: KeyRing) -> None:
        self._store, self._catalog, self._egress, self._ring = store, catalog, egress, ring
        self._secrets: dict[str, dict[str, str]] = {}
        self._callbacks: dict[str, str] = {}
        self.seconds = SECONDS

    def open(self) -> None:
        """Who may be called back."""
        for record in self._catalog.by_id.values():
            if hmac := values_of(record).get(_HMAC):
                self._callbacks[hmac] = record.id

    def find(self, instance_id: str) -> Record | None:
        """The instance, while it exists."""
        return self._catalog.by_id.get(instance_id)

    async def of(self, record: Record) -> Link | None:
        """How it is connected; None when it is not. Raises StoreError."""
        values = values_of(record)
        if not values.get("enabled") or record.gone:
            return None
        token = (await self.secrets(record)).get(TOKEN, "")
        return Link(record, self.api(values, token), int(values.get("inboxId") or 0), values)

    def api(self, values: Values, token: str) -> Api:
        """The account that a block names."""
        return Api(self._egress, values["chatwootBaseUrl"], values["chatwootAccountId"], token, seconds=self.seconds)

    async def secrets(self, record: Record) -> dict[str, str]:
        """TOKEN and CALLBACK in clear, as far as they are set. Raises StoreError."""
        if record.id not in self._secrets:
            self._secrets[record.id] = await self._store.block_secrets(record, KIND)
        return self._secrets[record.id]

    # -- callbacks -----------------------------------------------------------------------------------------------------

    def of_callback(self, secret: str) -> Record | None:
        """Whose callback has this secret, while it is connected."""
        hmac = self._ring.lookup(secret)
        record = self._catalog.by_id.get(self._callbacks.get(hmac, ""))
        if record is None or record.gone or values_of(record).get(_HMAC) != hmac or not values_of(record).get("enabled"):
            return None
        return record

    async def callback(self, record: Record) -> str:
        """The secret of its callback, made when there is none yet. Raises StoreError."""
        return (await self.secrets(record)).get(CALLBACK) or entropy.token_urlsafe(32)

    # -- writing -------------------------------------------------------------------------------------------------------

    async def connect(self, record: Record, values: Values, token: str, callback: str) -> None:
        """It is connected like this. Raises StoreError, ApiError 404."""
        hmac = self._ring.lookup(callback)
        await self._write(record, values | {_HMAC: hmac}, {TOKEN: token, CALLBACK: callback})
        self._callbacks[hmac] = record.id

    async def note(self, record: Record, **changed: Any) -> None:
        """Other values, the same secrets. Raises StoreError, ApiError 404."""
        await self._write(record, values_of(record) | changed, await self.secrets(record))

    async def erase(self, record: Record) -> None:
        """It is not connected any more, and nothing of it is kept. Raises StoreError, ApiError 404."""
        self._callbacks.pop(values_of(record).get(_HMAC, ""), None)
        await self._write(record, split(KIND, Chatwoot(enabled=False)).values, {})

    def forget(self, record: Record) -> None:
        """The instance is gone."""
        self._callbacks.pop(values_of(record).get(_HMAC, ""), None)
        self._secrets.pop(record.id, None)

    async def _write(self, record: Record, values: Values, secrets: dict[str, str]) -> None:
        await self._catalog.configure(record, Written(KIND, values, secrets))
        self._secrets[record.id] = secrets


def values_of(record: Record) -> Values:
    """Its block without secrets; empty when there is none."""
    return record.blocks.get(KIND) or {}


def is_set(record: Record) -> bool:
    """Whether there is an integration to speak of, working or not."""
    return bool(values_of(record).get("status"))
