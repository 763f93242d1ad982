"""Everything that instances hold, read with their own tokens where the server takes those, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from ...api.wire import WIRES
from ..bulk.deeds import Deeds, Means
from ..bulk.plan import CODE, Job
from ..configuring import DEFAULT_LABEL, Configuring, Held
from ..outcome import Outcome

FLYING: Final = 4
"""Instances that are read or written at the same time."""
Blocks = dict[str, Held]
"""Kind -> what is held; of webhooks the rows of every label."""
NOTHING: Final = Held(None, {})


class Holding(Deeds):
    """Reads blocks; the account waits for its turns by itself (Account.be_patient)."""

    word = "apply"

    def __init__(self, means: Means, names: Iterable[str] = ()) -> None:
        super().__init__(means, Job(CODE, tuple(names)))

    def configuring(self, name: str) -> Configuring:
        """With the instance's own token, where there is one."""
        return self._configuring(name)

    async def read(self, name: str, kind: str, label: str = DEFAULT_LABEL) -> Held | Outcome:
        """One block."""
        held = await self._configuring(name).read(kind, name, label)
        if isinstance(held, Outcome) and held.status in (401, 403) and self._token(name):
            self._refused.add(name)
            held = await self._configuring(name).read(kind, name, label)
        return held

    async def blocks(self, name: str) -> Blocks | Outcome:
        """Every block of an instance; an Outcome that says why when one cannot be read."""
        found: Blocks = {}
        for kind in WIRES:
            held = await self.read(name, kind)
            if isinstance(held, Outcome):
                return held
            found[kind] = held
        return found

    async def all(self, names: Iterable[str], told: Callable[[int], None] = lambda _done: None) -> dict[str, Blocks | Outcome]:
        """Of many instances, in their order. `told`: called after each with how many are read."""
        turn, done = asyncio.Semaphore(FLYING), 0

        async def one(name: str) -> Blocks | Outcome:
            nonlocal done
            async with turn:
                found = await self.blocks(name)
            done += 1
            told(done)
            return found

        names = list(names)
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
