"""The pairings of one account: one connect at a time for an instance, each put down in the audit log, and who hears what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..api.errors import RyzeError
from ..api.events import Event
from ..client.address import BadAddress
from ..client.clock import Clock
from ..client.http import RyzeClient, request_id
from ..client.replies import Connecting
from ..fleet.feed import Feed
from ..fleet.model import Changes, FleetModel, Row
from .outcome import Outcome, failed
from .pairing import PairingSession, Ports

Audit = Callable[..., None]


class Pairings:
    """`audit(at, action, name, outcome)` puts a write down. Without a client every connect fails with `problem`."""

    def __init__(
        self, client: RyzeClient | None, feed: Feed | None, model: FleetModel, clock: Clock, audit: Audit, problem: str
    ) -> None:
        self._client, self._feed, self._model, self._clock = client, feed, model, clock
        self._audit, self._problem = audit, problem
        self._sessions: dict[str, list[PairingSession]] = {}
        self._connects: dict[str, asyncio.Task[Connecting]] = {}

    def session(self, name: str, number: str, *, refusal: Callable[[], str], history: int | None = None) -> PairingSession:
        """A pairing that has not begun. `refusal()`: why it must not, or empty. `history`: days to ask for, or None."""

        async def connect(name: str, number: str) -> Connecting:
            return await self._connect(name, number, history)

        ports = Ports(
            self._clock, connect=connect, read=self._read_row, row=self._model.rows.get, refusal=refusal, follow=self._follow,
            leave=self._leave,
        )
        return PairingSession(ports, name, number)

    async def close(self) -> None:
        """Connects under way are given up."""
        for task in self._connects.values():
            task.cancel()
        await asyncio.gather(*self._connects.values(), return_exceptions=True)

    def rows_changed(self, changes: Changes) -> None:
        """Facts changed rows."""
        for name in self._sessions.keys() & changes.rows:
            for session in list(self._sessions[name]):
                session.row_changed(self._model.rows.get(name))

    def heard(self, event: Event, live: bool) -> None:
        """An event came."""
        for session in list(self._sessions.get(event.instance, ())):
            session.heard(event, live)

    async def _connect(self, name: str, number: str, history: int | None) -> Connecting:
        """One connect at a time for an instance; a pairing that was closed meanwhile does not break it off."""
        while (running := self._connects.get(name)) is not None:
            await asyncio.wait({running})
        task = asyncio.create_task(self._send_connect(name, number, history), name=f"connect {name}")
        self._connects[name] = task
        task.add_done_callback(lambda done: self._connected(name, done))
        return await asyncio.shield(task)

    async def _send_connect(self, name: str, number: str, history: int | None) -> Connecting:
        client, feed = self._client, self._feed
        if client is None or feed is None:
            raise BadAddress(self._problem)
        feed.prefer(name)
        at, outcome = self._clock.time(), None
        try:
            reply = await client.connect(name, number, history)
            outcome = Outcome(True, reply.message, 200, name)
        except RyzeError as error:
            outcome = failed(error, name)
            raise
        finally:
            if outcome is None:
                feed.doubt()
            self._audit(at, "connect by code" if number else "connect", name, outcome, request=request_id.get())
        return reply

    def _connected(self, name: str, task: asyncio.Task[Connecting]) -> None:
        self._connects.pop(name, None)
        if not task.cancelled():
            task.exception()  # whoever asked for it may be gone; its failure is in the audit log

    async def _read_row(self, name: str) -> Row | None:
        if self._feed is None:
            raise BadAddress(self._problem)
        await self._feed.read([name])
        return self._model.rows.get(name)

    def _follow(self, session: PairingSession) -> None:
        self._sessions.setdefault(session.name, []).append(session)
        if self._feed is not None:
            self._feed.prefer(session.name)

    def _leave(self, session: PairingSession) -> None:
        sessions = self._sessions.get(session.name, [])
        if session in sessions:
            sessions.remove(session)
        if not sessions:
            self._sessions.pop(session.name, None)
