"""Which instances exist: finding, creating and configuring them. Their life is in instances.py."""

from __future__ import annotations

import re
import secrets as entropy
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ..api import errors as texts
from ..api.instance import NAME_PATTERN
from . import conditions
from .accounts import Accounts
from .blocks import DEFAULT_LABEL, Written
from .clock import Clock
from .errors import ApiError, StoreError
from .events.bus import Bus
from .record import Record
from .secrets import KeyRing, new_token, token_digest
from .store.rows import Store

_NAME: Final = re.compile(NAME_PATTERN)
_TOKEN: Final = re.compile(r"[!-~]{1,256}")
SHORT_TOKEN: Final = 16
"""A custom token shorter than this is refused where others than this machine can reach the server (contract §8 #52)."""


class Catalog:
    """All instances of all accounts, in memory; what is written is on the disk before it is here."""

    def __init__(self, store: Store, ring: KeyRing, bus: Bus, clock: Clock, *, quota: int, short_tokens: bool) -> None:
        self._store, self._ring, self._bus, self._clock = store, ring, bus, clock
        self._short_tokens = short_tokens
        self.accounts = Accounts(store, clock, quota=quota)
        self.listeners: list[Callable[[Record, str], None]] = []
        """Called with the kind of a block that was replaced, with "" when the instance was removed."""
        self.before_dating: Callable[[], None] = lambda: None
        """Called before a state is dated, so that a clock that was set is noticed first (redating.py)."""
        self.by_id: dict[str, Record] = {}
        self._names: dict[str, dict[str, Record | None]] = {}
        self._tokens: dict[str, Record | None] = {}

    async def open(self) -> None:
        """Read everything. Raises StartupError."""
        await self.accounts.open()
        for record in await self._store.load():
            self._add(record)

    def _add(self, record: Record) -> None:
        self.by_id[record.id] = record
        self._names.setdefault(record.account, {})[record.name] = record
        self._tokens[self._ring.lookup(record.token)] = record

    # -- finding -------------------------------------------------------------------------------------------------------

    def account_of(self, token: str) -> str | None:
        """The account whose TokenAccount this is."""
        account = self.accounts.of_digest(token_digest(token))
        return account.id if account is not None else None

    def instance_of(self, token: str) -> Record | None:
        """The instance whose TokenInstance this is; none of an account that is being removed."""
        record = self._tokens.get(self._ring.lookup(token))
        return record if record is not None and self.accounts.alive(record.account) else None

    def find(self, account: str, name: str) -> Record | None:
        """By name within the account."""
        return self._names.get(account, {}).get(name)

    def of_account(self, account: str) -> list[Record]:
        """Every instance of the account, by name."""
        names = self._names.get(account, {})
        return [record for _, record in sorted(names.items()) if record is not None]

    def count(self, account: str) -> int:
        """How many instances the account has, those that are being made too."""
        return len(self._names.get(account, {}))

    # -- changing ------------------------------------------------------------------------------------------------------

    async def create(self, account: str, name: str, token: str, blocks: Sequence[Written]) -> Record:
        """A new instance in state disconnected. Raises ApiError 400, 401, 403, 409, 500.

        A custom token that anybody on the server has, or that was an account's, is refused with the same words, whosever it is.
        """
        self._check(name, token)
        if not self.accounts.alive(account):
            raise ApiError(401, texts.INVALID_TOKEN)
        names = self._names.setdefault(account, {})
        if name in names:
            raise ApiError(409, texts.INSTANCE_EXISTS)
        limit = self.accounts.limit(account)
        if limit and len(names) >= limit:
            raise ApiError(403, texts.QUOTA_EXCEEDED)
        token = token or new_token()
        lookup = self._ring.lookup(token)
        if lookup in self._tokens or self.accounts.taken(token):
            raise ApiError(409, texts.TOKEN_IN_USE)
        record = self.new_record(account, name, token, blocks)
        names[name] = self._tokens[lookup] = None  # taken while it is being written
        try:
            await self._store.create(record, blocks)
        except StoreError as error:
            del names[name], self._tokens[lookup]
            raise ApiError(500, f"Failed to create instance: {error}") from error
        self._add(record)
        self._bus.row(record)
        return record

    def _check(self, name: str, token: str) -> None:
        if not name:
            raise ApiError(400, texts.NAME_REQUIRED)
        if not _NAME.fullmatch(name):
            raise ApiError(400, "Instance name may hold letters, digits, - and _, up to 100 of them")
        if token and not _TOKEN.fullmatch(token):
            raise ApiError(400, "Instance token may hold printable ASCII without spaces, up to 256 characters")
        if token and len(token) < SHORT_TOKEN and not self._short_tokens:
            raise ApiError(400, f"Instance token must have at least {SHORT_TOKEN} characters")

    def new_record(self, account: str, name: str, token: str, blocks: Iterable[Written]) -> Record:
        """A record that is nowhere yet."""
        self.before_dating()
        now = self._clock.now()
        return Record(
            id=entropy.token_hex(16), account=account, name=name, token=token or new_token(), created_at=now, updated_at=now,
            since=now, blocks={block.kind: block.values for block in blocks},
            webhooks={block.label: block.values for block in blocks if block.kind == "webhook"},
        )

    async def add_many(self, records: Sequence[Record], blocks: dict[str, list[Written]], sessions: dict[str, str]) -> None:
        """Records made elsewhere (the simulator's first fill). Raises StoreError."""
        await self._store.create_many(records, blocks, sessions)
        for record in records:
            self._add(record)

    async def configure(self, record: Record, block: Written) -> None:
        """Replace a block. Raises StoreError; ApiError 404 when it was deleted meanwhile, 412 when another one stands there."""
        conditions.check(record, block.kind)
        record.revisions[block.kind] = record.revisions.get(block.kind, 0) + 1  # before the disk: nobody else passes the check
        try:
            await self._store.save_block(record, block)
        except StoreError:
            if not record.gone:
                raise
        if record.gone:
            raise ApiError(404, texts.INSTANCE_NOT_FOUND)
        if block.kind == "webhook":
            record.webhooks = record.webhooks | {block.label: block.values}
            record.paused = (record.paused | {block.label}) if block.paused else (record.paused - {block.label})
        if block.label in ("", DEFAULT_LABEL):
            record.blocks = record.blocks | {block.kind: block.values}
        record.updated_at = self._clock.now()
        record.changed()
        self._store.touch(record)
        self._bus.row(record)
        self._tell(record, block.kind)

    async def remove(self, record: Record) -> None:
        """Gone from the disk, then from here; everybody who listens is told. Raises StoreError."""
        await self._store.delete(record)
        record.gone = True
        del self.by_id[record.id]
        del self._names[record.account][record.name]
        del self._tokens[self._ring.lookup(record.token)]
        self._bus.deleted(record)
        self._tell(record, "")

    def _tell(self, record: Record, kind: str) -> None:
        for listener in self.listeners:
            listener(record, kind)
