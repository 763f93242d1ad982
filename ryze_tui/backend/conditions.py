"""Writes on condition, an extension: a read's ETag names what was read, `If-Match` with it writes only where that still stands.

Two who change one block then never replace each other unseen: the later one gets 412, and reads again (RFC 9110 §13.1.1).
"""

from __future__ import annotations

import secrets as entropy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from ..api import errors as texts
from ..api.events import REVISION
from .errors import ApiError
from .record import Record

_BOOT: Final = entropy.token_hex(4)
"""Revisions are counted from 0 by each process: what was read before a restart is read again."""


@dataclass(slots=True)
class _Condition:
    record: Record
    kind: str
    tags: frozenset[str]


_ASKED: ContextVar[_Condition | None] = ContextVar("_ASKED", default=None)


def tag(record: Record, kind: str) -> str:
    """What a block's contents are called, secrets with it; all webhook rows of an instance are one."""
    return f'"{REVISION}{_BOOT}.{record.id}.{record.revisions.get(kind, 0)}"'


def check(record: Record, kind: str) -> None:
    """Once for each request, where nothing can come between it and the write. Raises ApiError 412."""
    condition = _ASKED.get()
    if condition is None or condition.record is not record or condition.kind != kind:
        return
    tags, condition.tags = condition.tags, frozenset()  # tasks that this request begins share it, and write for themselves
    if tags and "*" not in tags and tag(record, kind) not in tags:
        raise ApiError(412, texts.CHANGED_MEANWHILE)


@contextmanager
def asked(record: Record, kind: str, tags: frozenset[str]) -> Iterator[None]:
    """What is written in here is written where one of `tags` stands still; none: whatever stands there."""
    token = _ASKED.set(_Condition(record, kind, tags))
    try:
        yield
    finally:
        _ASKED.reset(token)
