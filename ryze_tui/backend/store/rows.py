"""Between rows and objects: what is read at the start, and what is written afterwards."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Update, bindparam, delete, insert, select, update

from ..blocks import DEFAULT_LABEL, Written, open_secrets
from ..errors import SecretError, StartupError, StoreError
from ..record import Record, Values
from ..secrets import KeyRing
from ..table import Stage
from . import schema
from .database import Database, Statement

log = logging.getLogger(__name__)

KEY_CHECK = "key_check"
_YEAR_10000 = 253_402_300_800.0

_UPDATE = update(schema.instances).where(schema.instances.c.id == bindparam("row_id")).values({
    name: bindparam(name) for name in ("stage", "since", "reason", "jid", "paired", "profile_name", "business_name", "updated_at")
})


def _state_of(record: Record) -> dict[str, Any]:
    return {
        "stage": str(record.stage), "since": record.since, "reason": record.reason, "jid": record.jid, "paired": record.paired,
        "profile_name": record.profile_name, "business_name": record.business_name, "updated_at": record.updated_at,
    }


def _moment(value: object) -> float:
    """Unix seconds that are a date; SQLite keeps anything in any column. Raises ValueError."""
    if not isinstance(value, float | int) or not 0 <= value < _YEAR_10000:
        raise ValueError("no moment")
    return value


def _text(value: object) -> str:
    """Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


class AccountRow(NamedTuple):
    """An account on the disk. `digest` is the SHA-256 of its token; `quota` None: as the server was started with."""

    id: str
    name: str
    digest: str
    created_at: float
    quota: int | None = None
    removing: bool = False


def _account_update(account_id: str, **values: Any) -> Update:
    return update(schema.accounts).where(schema.accounts.c.id == account_id).values(**values)


def _revocation(digest: str, now: float) -> Statement:
    return insert(schema.revoked_tokens), {"token_sha256": digest, "revoked_at": now}


def _block_statements(ring: KeyRing, instance_id: str, blocks: Iterable[Written]) -> list[Statement]:
    table, statements = schema.blocks, list[Statement]()
    for block in blocks:
        key = (table.c.instance_id == instance_id) & (table.c.kind == block.kind) & (table.c.label == block.label)
        statements.append((delete(table).where(key), {}))
        statements.append((
            insert(table),
            {"instance_id": instance_id, "kind": block.kind, "label": block.label, "json": block.to_json(ring, instance_id)},
        ))
    return statements


class Store:
    """Accounts, instances, blocks and sessions. Also what the engine keeps its sessions in."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self.database = database
        self._ring = ring
        self._dirty: dict[str, Record] = {}
        self._taken: dict[str, Record] = {}

    async def open(self) -> None:
        """Migrate, and make sure that this key wrote this data. Raises StartupError."""
        await self.database.open(self)
        rows = await self.database.read(select(schema.meta.c.value).where(schema.meta.c.key == KEY_CHECK))
        if not rows:
            sealed = self._ring.encrypt("ryze-tui", "meta", KEY_CHECK, "value")
            await self.database.write([(insert(schema.meta), {"key": KEY_CHECK, "value": sealed})])
            return
        try:
            self._ring.decrypt(rows[0][0], "meta", KEY_CHECK, "value")
        except SecretError as error:
            raise StartupError(
                "the key does not fit the data: it was encrypted with another one; name the right key with --key-file or RYZE_KEY"
            ) from error

    # -- accounts ------------------------------------------------------------------------------------------------------

    async def accounts(self) -> list[AccountRow]:
        """Every account. Raises StoreError."""
        table = schema.accounts
        columns = (table.c.id, table.c.name, table.c.token_sha256, table.c.created_at, table.c.quota, table.c.removing)
        return [AccountRow(*row) for row in await self.database.read(select(*columns))]

    async def add_account(self, account_id: str, name: str, digest: str, now: float, quota: int | None = None) -> None:
        """A new account; on the disk when it returns. Raises StoreError."""
        row = {"id": account_id, "name": name, "token_sha256": digest, "created_at": now, "quota": quota}
        await self.database.write([(insert(schema.accounts), row)])

    async def set_account_token(self, account_id: str, digest: str) -> None:
        """Another token for the account; the old one may come back (RYZE_ACCOUNT_TOKEN does that). Raises StoreError."""
        await self.database.write([(_account_update(account_id, token_sha256=digest), {})])

    async def rotate_account(self, account_id: str, old: str, new: str, now: float) -> None:
        """Another token for the account; the old one is revoked for good. Raises StoreError."""
        await self.database.write([(_account_update(account_id, token_sha256=new), {}), _revocation(old, now)])

    async def set_account_quota(self, account_id: str, quota: int | None) -> None:
        """How many instances it may have. Raises StoreError."""
        await self.database.write([(_account_update(account_id, quota=quota), {})])

    async def condemn_account(self, account_id: str, digest: str, now: float) -> None:
        """Its token is revoked for good and it will be removed, after a restart too. Raises StoreError."""
        await self.database.write([(_account_update(account_id, removing=True), {}), _revocation(digest, now)])

    async def delete_account(self, account_id: str) -> None:
        """Remove an account that has no instances any more. Raises StoreError."""
        await self.database.write([(delete(schema.accounts).where(schema.accounts.c.id == account_id), {})])

    async def revoked_tokens(self) -> set[str]:
        """SHA-256 of every TokenAccount that was revoked. Raises StoreError."""
        return {row[0] for row in await self.database.read(select(schema.revoked_tokens.c.token_sha256))}

    async def is_instance_token(self, token: str) -> bool:
        """Whether an instance has this TokenInstance. Raises StoreError."""
        column = schema.instances.c.token_hmac
        return bool(await self.database.read(select(column).where(column == self._ring.lookup(token))))

    # -- instances -----------------------------------------------------------------------------------------------------

    async def load(self) -> list[Record]:
        """Every instance with its blocks. Raises StartupError when one cannot be read."""
        blocks: dict[str, dict[str, dict[str, Any]]] = {}
        webhooks: dict[str, dict[str, dict[str, Any]]] = {}
        paused: dict[str, set[str]] = {}
        try:
            for row in await self.database.read(select(schema.blocks)):
                stored = json.loads(row.json)
                values = dict(stored["values"])
                if row.label in ("", DEFAULT_LABEL):
                    blocks.setdefault(row.instance_id, {})[row.kind] = values
                if row.kind == "webhook":
                    webhooks.setdefault(row.instance_id, {})[row.label] = values
                    if stored.get("paused"):
                        paused.setdefault(row.instance_id, set()).add(row.label)
            return [
                self._record(row, blocks.get(row.id, {}), webhooks.get(row.id, {}), paused.get(row.id, set()))
                for row in await self.database.read(select(schema.instances))
            ]
        except (SecretError, ValueError, TypeError, KeyError) as error:
            why = str(error) if isinstance(error, SecretError) else "a row in it was damaged"
            raise StartupError(f"the database cannot be read ({why}); restore a copy, or its key") from error

    def _record(self, row: Any, blocks: dict[str, Values], webhooks: dict[str, Values], paused: set[str]) -> Record:
        return Record(
            id=row.id, account=row.account_id, name=row.name, token=self._ring.decrypt(row.token, "instances", row.id, "token"),
            created_at=_moment(row.created_at), updated_at=_moment(row.updated_at), since=_moment(row.since),
            stage=Stage(row.stage), reason=_text(row.reason), jid=_text(row.jid), paired=row.paired,
            profile_name=_text(row.profile_name), business_name=_text(row.business_name), blocks=blocks, webhooks=webhooks,
            paused=paused,
        )

    def _row(self, record: Record) -> dict[str, Any]:
        return {
            "id": record.id, "account_id": record.account, "name": record.name, "created_at": record.created_at,
            "token": self._ring.encrypt(record.token, "instances", record.id, "token"),
            "token_hmac": self._ring.lookup(record.token), **_state_of(record),
        }

    async def create(self, record: Record, blocks: Sequence[Written]) -> None:
        """A new instance with its blocks, all or nothing. Raises StoreError."""
        await self.database.write([
            (insert(schema.instances), self._row(record)), *_block_statements(self._ring, record.id, blocks),
        ])

    async def create_many(self, records: Sequence[Record], blocks: dict[str, list[Written]], sessions: dict[str, str]) -> None:
        """Many new instances at once, with blocks and sessions by id. Raises StoreError."""
        statements: list[Statement] = [(insert(schema.instances), [self._row(record) for record in records])]
        rows = [
            {"instance_id": owner, "kind": block.kind, "label": block.label, "json": block.to_json(self._ring, owner)}
            for owner, written in blocks.items() for block in written
        ]
        if rows:
            statements.append((insert(schema.blocks), rows))
        if sessions:
            sealed = [{"instance_id": owner, "data": self._seal(owner, data)} for owner, data in sessions.items()]
            statements.append((insert(schema.sessions), sealed))
        await self.database.write(statements)

    async def save_block(self, record: Record, block: Written) -> None:
        """Replace a block. Raises StoreError."""
        await self.database.write(_block_statements(self._ring, record.id, [block]))

    async def block_secrets(self, record: Record, kind: str, label: str = "") -> dict[str, str]:
        """The secrets of a block, decrypted; only those that are set. Raises StoreError when they cannot be read."""
        table = schema.blocks
        key = (table.c.instance_id == record.id) & (table.c.kind == kind) & (table.c.label == label)
        rows = await self.database.read(select(table.c.json).where(key))
        try:
            return open_secrets(self._ring, record.id, kind, label, rows[0][0]) if rows else {}
        except (SecretError, ValueError) as error:
            raise StoreError(f"the stored secret cannot be read: {error}") from error

    async def all_secrets(self, kind: str, name: str) -> dict[tuple[str, str], str]:
        """One secret field of every block of a kind, by instance id and label; those that cannot be read are left out.

        Raises StoreError.
        """
        table, found = schema.blocks, {}
        query = select(table.c.instance_id, table.c.label, table.c.json).where(table.c.kind == kind)
        for row in await self.database.read(query):
            with contextlib.suppress(SecretError, ValueError):
                secrets = open_secrets(self._ring, row.instance_id, kind, row.label, row.json)
                found[row.instance_id, row.label] = secrets.get(name, "")
        return found

    async def delete(self, record: Record) -> None:
        """Remove an instance with everything of it. Raises StoreError."""
        self._dirty.pop(record.id, None)
        await self.database.write([
            (delete(schema.sessions).where(schema.sessions.c.instance_id == record.id), {}),
            (delete(schema.blocks).where(schema.blocks.c.instance_id == record.id), {}),
            (delete(schema.outbox).where(schema.outbox.c.instance_id == record.id), {}),
            (delete(schema.messages).where(schema.messages.c.instance_id == record.id), {}),
            (delete(schema.uploads).where(schema.uploads.c.instance_id == record.id), {}),
            (delete(schema.chatwoot_queue).where(schema.chatwoot_queue.c.instance_id == record.id), {}),
            (delete(schema.chatwoot_chats).where(schema.chatwoot_chats.c.instance_id == record.id), {}),
            (delete(schema.instances).where(schema.instances.c.id == record.id), {}),
        ])

    async def log_out(self, record: Record) -> None:
        """Write the state of an instance that was logged out, and its session goes with it, whoever kept one meanwhile.

        Raises StoreError.
        """
        self._dirty.pop(record.id, None)
        await self.database.write([
            (_UPDATE, {"row_id": record.id, **_state_of(record)}),
            (delete(schema.sessions).where(schema.sessions.c.instance_id == record.id), {}),
        ])

    def touch(self, record: Record) -> None:
        """Its state changed: write it soon."""
        self._dirty[record.id] = record
        self.database.touch()

    def take(self) -> Sequence[Statement]:
        """All that was touched, in one statement."""
        self._taken, self._dirty = self._dirty, {}
        rows = [{"row_id": record.id, **_state_of(record)} for record in self._taken.values() if not record.gone]
        return [(_UPDATE, rows)] if rows else []

    def put_back(self, left: Sequence[Statement]) -> None:
        """These rows of the last `take` were not written."""
        rows = [row for _, some in left for row in (some if isinstance(some, list) else [some])]
        self._dirty = {row["row_id"]: self._taken[row["row_id"]] for row in rows} | self._dirty

    async def flush(self) -> None:
        """Wait until everything that may wait is on the disk. Raises StoreError."""
        self.database.touch()
        await self.database.write([])
        if self.database.failure:
            raise StoreError(self.database.failure)

    # -- sessions of the engine ----------------------------------------------------------------------------------------

    def _seal(self, instance_id: str, data: str) -> str:
        return self._ring.encrypt(data, "sessions", instance_id, "data")

    async def sessions(self) -> dict[str, str | None]:
        """Instance id -> session; None when it cannot be read. It is kept: with the right key it is there again."""
        found: dict[str, str | None] = {}
        for row in await self.database.read(select(schema.sessions)):
            try:
                found[row.instance_id] = self._ring.decrypt(row.data, "sessions", row.instance_id, "data")
            except SecretError as error:
                log.warning("the session of instance %s cannot be read: %s", row.instance_id, error)
                found[row.instance_id] = None
        return found

    async def save_session(self, instance_id: str, data: str) -> None:
        """Replace a session and wait until it is on the disk. Raises StoreError."""
        table = schema.sessions
        await self.database.write([
            (delete(table).where(table.c.instance_id == instance_id), {}),
            (insert(table), {"instance_id": instance_id, "data": self._seal(instance_id, data)}),
        ])

    async def delete_session(self, instance_id: str) -> None:
        """Forget a session and wait until it is gone from the disk. Raises StoreError."""
        await self.database.write([(delete(schema.sessions).where(schema.sessions.c.instance_id == instance_id), {})])
