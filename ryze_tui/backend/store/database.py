"""The database and its one writer: everything queued is committed in order, many changes in one transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Executable, delete, event, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ..errors import StartupError, StoreError
from ..histogram import Histogram
from . import schema
from .migrations import migrate

log = logging.getLogger(__name__)

Statement = tuple[Executable, Any]
"""A statement and its parameters (a dict, or a list of them)."""

_PROBE: Final[Sequence[Statement]] = (
    (delete(schema.meta).where(schema.meta.c.key == "health"), {}), (insert(schema.meta), {"key": "health", "value": "written"}),
)
COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

LAZY_SECONDS: Final = 0.05
"""How long changes that nobody waits for are collected before they are written."""


class Lazy(Protocol):
    """Changes that may wait a moment; asked for right before a commit."""

    def take(self) -> Sequence[Statement]:
        """What is to be written now."""

    def put_back(self, left: Sequence[Statement]) -> None:
        """This much of the last `take` was not written; give it again next time."""


class _Failure(NamedTuple):
    """Why a transaction failed. `unfit`: a value in it that no database can hold; what else was in it is fine."""

    reason: str
    unfit: bool = False


def _pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _reason(error: BaseException) -> str:
    """What the database says, without the statement and its values."""
    return str(getattr(error, "orig", None) or type(error).__name__)


class Database:
    """One database. `write` queues a unit that is committed as a whole; `lazy` supplies rows that may wait a moment."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(url, hide_parameters=True)
        if url.startswith("sqlite"):
            event.listen(self._engine.sync_engine, "connect", _pragmas)
        self._units: list[tuple[Sequence[Statement], asyncio.Future[None]]] = []
        self._lazy: Lazy | None = None
        self._wake = asyncio.Event()
        self._lazy_wake = False
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.commits = Histogram(COMMIT_SECONDS)
        self.failure = ""
        """Why the last write that nobody waited for failed; empty when it did not."""

    async def open(self, lazy: Lazy) -> None:
        """Migrate, then start the writer. `lazy` is asked right before each commit. Raises StartupError."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(migrate)
        except (SQLAlchemyError, ValueError) as error:  # ValueError: a text or number in it is none
            raise StartupError(
                f"the database cannot be used ({_reason(error)}); restore a copy of it, or start with another --data-dir"
            ) from error
        self._lazy = lazy
        self._task = asyncio.create_task(self._run(), name="store writer")

    async def read(self, statement: Executable) -> Sequence[Any]:
        """All rows of a query. Raises StoreError."""
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(statement)).all()
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise StoreError(_reason(error)) from error

    async def check(self) -> str:
        """`ok`, or `fail: <reason>`, as /health says it: can something really be written?"""
        try:
            await self.write(_PROBE)
        except StoreError as error:
            return f"fail: {error}"
        if not self.failure:
            return "ok"
        self.touch()  # what could not be written is tried again
        return f"fail: {self.failure}"

    def write(self, statements: Sequence[Statement]) -> asyncio.Future[None]:
        """Queue a unit. The future is done when it is on the disk; it raises StoreError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            done.set_exception(StoreError("the database is closed"))
            return done
        self._units.append((statements, done))
        self._wake.set()
        return done

    def touch(self) -> None:
        """There is something lazy to write."""
        self._lazy_wake = True
        self._wake.set()

    async def close(self) -> None:
        """Write what is queued and close."""
        if self._task is not None:
            self._closing = True
            self._wake.set()
            await self._task
        await self._engine.dispose()

    # -- the writer ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            if not self._units and not self._closing:
                await asyncio.sleep(LAZY_SECONDS)
            self._wake.clear()
            units, self._units = self._units, []
            lazily, self._lazy_wake = self._lazy_wake, False
            await self._commit(units, lazily)
            if self._closing and not self._units and not self._lazy_wake:
                return

    async def _commit(self, units: list[tuple[Sequence[Statement], asyncio.Future[None]]], lazily: bool) -> None:
        lazy = self._lazy.take() if lazily and self._lazy is not None else ()
        error = await self._transaction([*(statements for statements, _ in units), lazy])
        # One bad unit must not take the others with it: then each gets its own transaction.
        failures = [error and await self._transaction([statements]) for statements, _ in units]
        if lazily:
            await self._commit_lazy(lazy, error)
        for (_, done), failed in zip(units, failures, strict=True):
            if not done.done():
                if failed is None:
                    done.set_result(None)
                else:
                    done.set_exception(StoreError(failed.reason))

    async def _commit_lazy(self, lazy: Sequence[Statement], error: _Failure | None) -> None:
        failed, left = error and await self._transaction([lazy]), lazy
        if failed is not None and failed.unfit:
            left = []
            for statement in _one_by_one(lazy):
                if (failure := await self._transaction([[statement]])) is not None:
                    left.append(statement)
                    failed = failure
        self.failure = failed.reason if failed else ""
        if failed is not None and self._lazy is not None:
            self._lazy.put_back(left)
            log.error("state changes could not be written: %s", failed.reason)

    async def _transaction(self, units: Sequence[Sequence[Statement]]) -> _Failure | None:
        """None, or why it failed. Never raises: everybody waits for the one writer."""
        if not any(units):
            return None
        began = time.perf_counter()
        try:
            async with self._engine.begin() as connection:
                for statement, parameters in _merged(units):
                    await connection.execute(statement, parameters)
            self.commits.observe(time.perf_counter() - began)
        except SQLAlchemyError as error:
            return _Failure(_reason(error))
        except Exception as error:
            log.exception("a write failed")
            return _Failure(type(error).__name__, unfit=True)
        return None


def _merged(units: Sequence[Sequence[Statement]]) -> list[Statement]:
    """The statements of many units in order; one that several units share, with rows, is executed once with the rows of all.

    Each execution is a way to the database's thread and back. Only inserts and updates that are made once for a module are
    the same object in several units, and none of them has to come after what another unit does in between.
    """
    merged: list[Statement] = []
    shared: dict[int, list[Any]] = {}
    for statement, rows in (pair for statements in units for pair in statements):
        if isinstance(rows, list):
            if (found := shared.get(id(statement))) is not None:
                found.extend(rows)
                continue
            rows = shared[id(statement)] = list(rows)
        merged.append((statement, rows))
    return merged


def _one_by_one(statements: Sequence[Statement]) -> list[Statement]:
    return [
        (statement, row) for statement, rows in statements for row in (rows if isinstance(rows, list) else [rows])
    ]
