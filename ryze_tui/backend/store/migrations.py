"""From any older schema to this one, one step per version, each in the transaction that also records it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn

from ..errors import StartupError
from . import schema

VERSION_KEY: Final = "schema_version"


def _first(connection: Connection) -> None:
    schema.metadata.create_all(connection)


def _accounts(connection: Connection) -> None:
    """A quota for each account, removal in steps, and tokens that never come back. `_first` has made them on a new database."""
    present = {column["name"] for column in inspect(connection).get_columns("accounts")}
    for column in (schema.accounts.c.quota, schema.accounts.c.removing):
        if column.name not in present:
            connection.exec_driver_sql(f"ALTER TABLE accounts ADD COLUMN {CreateColumn(column).compile(connection)}")
    schema.revoked_tokens.create(connection, checkfirst=True)


def _outbox(connection: Connection) -> None:
    schema.outbox.create(connection, checkfirst=True)


def _messages(connection: Connection) -> None:
    schema.messages.create(connection, checkfirst=True)


def _uploads(connection: Connection) -> None:
    schema.uploads.create(connection, checkfirst=True)


def _chatwoot(connection: Connection) -> None:
    schema.chatwoot_queue.create(connection, checkfirst=True)
    schema.chatwoot_chats.create(connection, checkfirst=True)


STEPS: Final[tuple[Callable[[Connection], None], ...]] = (_first, _accounts, _outbox, _messages, _uploads, _chatwoot)
"""Step N brings version N to N+1."""

assert len(STEPS) == schema.SCHEMA_VERSION


def migrate(connection: Connection) -> None:
    """Bring the database up to date. Raises StartupError when a newer program wrote it."""
    version = 0
    if inspect(connection).has_table("meta"):
        stored = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == VERSION_KEY)).scalar()
        version = int(stored) if stored is not None else 0
    if version > len(STEPS):
        raise StartupError(
            f"the database was written by a newer ryze-tui (schema {version}, this one knows {len(STEPS)}); install that"
        )
    for number in range(version, len(STEPS)):
        STEPS[number](connection)
        if number == 0:
            connection.execute(insert(schema.meta).values(key=VERSION_KEY, value="1"))
        else:
            connection.execute(update(schema.meta).where(schema.meta.c.key == VERSION_KEY).values(value=str(number + 1)))
