"""Trying a store out as an upload would use it: put an object, get it, delete it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...i18n import mark
from ...outside.s3 import CONTENT
from .s3 import Client, Failure, Target


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: put, get or delete; `error`: in words, empty when it worked."""

    name: str
    milliseconds: int
    error: str = ""


async def probe(client: Client, where: Target, key: str, monotonic: Callable[[], float]) -> list[Step]:
    """The steps that were made; without a put there is nothing to get.

    A put of which nobody knows what came of it may have left something: that is removed, as well as it can be.
    """
    put, doubtful = await _timed("put", client.put(where, key, CONTENT, {"Content-Type": "text/plain"}), monotonic)
    steps = [put]
    if not put.error:
        steps.append((await _timed("get", _same(client, where, key), monotonic))[0])
    if not put.error or doubtful:
        steps.append((await _timed("delete", client.delete(where, key), monotonic))[0])
    return steps


async def _same(client: Client, where: Target, key: str) -> None:
    if await client.get(where, key) != CONTENT:
        raise Failure("", mark("the store returned something else than was put there"))


async def _timed(name: str, doing: Awaitable[None], monotonic: Callable[[], float]) -> tuple[Step, bool]:
    """The step, and whether it may have been done although it failed."""
    began, words, doubtful = monotonic(), "", False
    try:
        await doing
    except Failure as failure:
        words, doubtful = failure.words, failure.doubtful
    return Step(name, round((monotonic() - began) * 1000), words), doubtful
