"""Trying a store out as an upload would use it: put an object, get it, delete it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from .s3 import Client, Failure, Target

CONTENT: Final = b"ryze-tui looks whether media can be stored here; this file may be deleted.\n"


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: put, get or delete; `error`: in words, empty when it worked."""

    name: str
    milliseconds: int
    error: str = ""


async def probe(client: Client, where: Target, key: str, monotonic: Callable[[], float]) -> list[Step]:
    """The steps that were made; without a put there is nothing to get."""
    steps = [await _timed("put", client.put(where, key, CONTENT, {"Content-Type": "text/plain"}), monotonic)]
    if not steps[0].error:
        steps.append(await _timed("get", _same(client, where, key), monotonic))
        steps.append(await _timed("delete", client.delete(where, key), monotonic))
    return steps


async def _same(client: Client, where: Target, key: str) -> None:
    if await client.get(where, key) != CONTENT:
        raise Failure("", "the store returned something else than was put there")


async def _timed(name: str, doing: Awaitable[None], monotonic: Callable[[], float]) -> Step:
    began = monotonic()
    try:
        await doing
    except Failure as failure:
        return Step(name, round((monotonic() - began) * 1000), failure.words)
    return Step(name, round((monotonic() - began) * 1000))
