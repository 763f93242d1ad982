"""Whether the server is there, and what it can do: its health, knocks while it is away, gateways that answer in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..api.errors import NoAnswer, RyzeError, Unreachable
from ..client.clock import Clock
from ..client.http import RyzeClient
from ..client.replies import GATEWAY, Health
from .agenda import Agenda
from .freshness import Freshness
from .reach import Reach
from .scheduler import Random, backoff

HEALTH_RETRY: Final = 15.0
"""Seconds before `/health` is asked again when its answer said nothing about the server."""


@dataclass(slots=True)
class Hearer:
    """Who is told. `health`: what it can do; `back`: it answers again, and was lost at that monotonic second.

    `changed`: what is proven may have changed; `wake`: something is due earlier; `doubt`: only a list knows.
    """

    health: Callable[[Health], None]
    back: Callable[[float], None]
    changed: Callable[[], None]
    wake: Callable[[], None]
    doubt: Callable[[], None]


class Presence:
    """`extensions`: None until something was said of them; `known` is set then. `due`: when `/health` is to be asked, or None."""

    def __init__(
        self, client: RyzeClient, clock: Clock, random: Random, agenda: Agenda, freshness: Freshness, hearer: Hearer
    ) -> None:
        self._client, self._clock, self._random, self._hearer = client, clock, random, hearer
        self._agenda, self._freshness = agenda, freshness
        self.reach = Reach(clock, random)
        self.extensions: frozenset[str] | None = None
        self.known = asyncio.Event()
        self.due: float | None = None
        self._lost_at = 0.0
        self._has_health = self._gateway = False
        self._vague = 0

    async def knock(self) -> bool:
        """The server was away: see whether it takes connections again, and only then ask it something.

        True when it still counts as away, although only its health may be broken: then a list is to be tried.
        """
        try:
            await self._client.knock()
        except Unreachable as error:
            self.lost(error)
            return False
        await self.ask()
        asked = self._agenda.asked or 0.0
        return self._gateway and not self.reach.up and self._clock.monotonic() - asked >= HEALTH_RETRY

    async def ask(self) -> None:
        """Ask what the server can do; until then there is nothing to follow."""
        self.due, asked_at = None, self._clock.monotonic()
        try:
            health = await self._client.health()
        except RyzeError as error:
            # A gateway speaks for a server that is gone, or for one that never had this path: the list knows.
            self._gateway = error.status in GATEWAY and self._has_health
            if isinstance(error, Unreachable) or (self._gateway and (self._agenda.failures or not self.reach.up)):
                self.lost(error, opened=True, asked_at=asked_at)
                return
            self._answered_otherwise(error)
        else:
            self._vague, self._has_health, self._gateway = 0, True, False
            self.found()
            self._tell(health)
        self._hearer.changed()

    def _answered_otherwise(self, error: RyzeError) -> None:
        """It answered, but not as the contract says: then it has none of our extensions, unless it had some a moment ago.

        A gateway may have answered in its place, so that it is asked again; only a 404 is the server's own word.
        """
        if self._gateway:
            self._hearer.doubt()
        if error.status == 404:
            self._has_health = False
        else:
            pause = backoff(self._vague, self._random, first=HEALTH_RETRY, most=20 * HEALTH_RETRY)
            self.due, self._vague = self._clock.monotonic() + pause, self._vague + 1
        self.found()
        if self.extensions is None or error.status == 404:
            self._tell(Health("", "", frozenset(), ""))

    def _tell(self, health: Health) -> None:
        self.extensions = health.extensions
        self.known.set()
        self._hearer.health(health)

    def found(self) -> None:
        """The server answered something."""
        if not self.reach.up:
            self._hearer.back(self._lost_at)
        self.reach.found()
        self._freshness.recovered(self._lost_at)

    def lost(self, error: RyzeError, *, opened: bool = False, asked_at: float | None = None) -> None:
        """No answer came, which means that it is not there (see `Reach.lost`)."""
        if self.reach.up:
            self._lost_at = self._clock.monotonic()
        self._freshness.lost(error, self.reach.lost(opened=opened, asked_at=asked_at))
        self._hearer.changed()

    def list_failed(self, error: RyzeError) -> bool:
        """What a list that could not be read says of the server; False when it is not there at all."""
        broken = isinstance(error, NoAnswer)
        if (isinstance(error, Unreachable) and not broken) or (self._gateway and error.status in GATEWAY):
            self.lost(error, opened=self._gateway)
            return False
        if broken or (error.status or 0) >= 500:
            self.suspect()  # is it only the list, or the whole server?
        else:
            self.found()
        return True

    def suspect(self) -> None:
        """A socket could not be opened, or a list not be read: whether the server is away at all is for `/health` to say."""
        self.due = self._clock.monotonic()
        self._hearer.wake()
