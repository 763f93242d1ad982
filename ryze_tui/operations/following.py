"""Waits for one instance to be in some state: by the account stream where there is one, else by asking now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..api.events import ACCOUNT_STREAM
from ..client.budget import KEPT_FOR_PERSON
from ..client.clock import SYSTEM, Clock, wait
from ..i18n import _
from .outcome import NOT_ALLOWED, NOT_FOUND, RATE_LIMITED, USAGE, Outcome

if TYPE_CHECKING:
    from ..fleet.model import Changes, Row
    from .account import Account

OFTEN: Final = 1.0
SELDOM: Final = 5.0
"""Seconds between two questions, at first and after a minute: 12 of the 100 requests a minute that a token has."""
_FATAL: Final = frozenset({NOT_ALLOWED, USAGE})


class Stopped(Exception):
    """Waiting is in vain. `outcome`: why; NOT_FOUND when the instance is not there (any more)."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Waiting:
    """`first`: the state at the first look. `waited`: seconds so far, of `until`."""

    def __init__(self, account: Account, name: str, clock: Clock = SYSTEM) -> None:
        self._account, self._name, self._clock = account, name, clock
        self._news = asyncio.Event()
        self._began = clock.monotonic()
        self.first = ""

    @property
    def waited(self) -> float:
        """Seconds since the beginning."""
        return self._clock.monotonic() - self._began

    async def until(self, wanted: Callable[[Row], bool]) -> Row:
        """The row, once it is `wanted`. Raises Stopped; a server that was there and goes away is waited for."""
        await self._account.recall()
        await self._first()
        row = self._row()
        self.first = row.state
        if wanted(row):
            return row
        self._account.on_changes = self._changed
        await self._account.ask_health()
        pushed = ACCOUNT_STREAM in self._account.server.extensions
        feed = asyncio.create_task(self._account.run(), name="feed") if pushed else None
        try:
            while not wanted(row := self._row()):
                await self._next(feed)
            return row
        finally:
            if feed is not None:
                feed.cancel()
                await asyncio.gather(feed, return_exceptions=True)

    async def _next(self, feed: asyncio.Task[None] | None) -> None:
        """Until there may be news."""
        pause = min(SELDOM, max(OFTEN, self.waited / 12))
        if await wait(self._clock, self._news, pause):
            self._news.clear()
        elif not self._account.covers(self._name) and not self._account.budget.wait(keep=KEPT_FOR_PERSON):
            await self._read()
        if feed is not None and feed.done():
            feed.result()

    def _row(self) -> Row:
        row = self._account.model.rows.get(self._name)
        if row is None:
            words = _("there is no such instance")
            raise Stopped(Outcome(False, words, 404, self._name, kind=NOT_FOUND))
        return row

    async def _first(self) -> None:
        """The first look; a server that has had too many requests is waited for like one that goes away later."""
        while not (outcome := await self._account.refresh([self._name])).ok:
            if outcome.kind != RATE_LIMITED:
                raise Stopped(outcome)
            await self._clock.sleep(max(outcome.retry_after, OFTEN))

    async def _read(self) -> None:
        outcome = await self._account.refresh([self._name])
        if not outcome.ok and outcome.kind in _FATAL:
            raise Stopped(outcome)

    def _changed(self, changes: Changes) -> None:
        if self._name in changes.rows:
            self._news.set()
