"""One server and one token: what we know of it, and everything that a person can do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..api import states
from ..api.errors import RyzeError, Unreachable
from ..api.events import INSTANCE_STATE, Event
from ..client.address import BadAddress
from ..client.budget import Budget, Budgets
from ..client.calls import CallLog
from ..client.clock import SYSTEM, Clock, Steady
from ..client.http import RyzeClient
from ..client.replies import Health
from ..client.stream import Dialler
from ..fleet import keeping
from ..fleet.feed import Feed, Watcher
from ..fleet.freshness import REFUSED, Link
from ..fleet.model import Changes, FleetModel, Row
from ..fleet.notes import Notes
from ..i18n import _, n_
from ..redact import register
from . import audit, remedy
from .keeper import Keeper
from .outcome import USAGE, Outcome, Remedy, Unconfirmed, failed
from .permits import ServerInfo, refusal
from .reach import Reach
from .writing import Writing

if TYPE_CHECKING:
    from .bulk.deeds import Means
    from .configuring import Configuring
    from .look import Look
    from .messaging import Messaging
    from .pairing import PairingSession
    from .pairings import Pairings


class Account:
    """Give it `run()` to keep everything true; the rest may be called at any time. Nothing here raises RyzeError."""

    def __init__(
        self, url: str, token: str, *, read_only: bool = False, profile: str = "", keep: bool = False, clock: Clock = SYSTEM,
        sockets: int | None = None, program: str = audit.CONSOLE,
    ) -> None:
        """`keep`: remember the list and its history on disk for the next start (unless `RYZE_NO_CACHE` is set).

        `sockets`: how many instances' own sockets `run` may open at most, those of preferred rows first; None: as many as fit.
        `program`: who writes, as the audit log calls it.
        """
        self.url, self.read_only, self.profile = url, read_only, profile
        self.model = FleetModel()
        self.calls = CallLog()
        self.on_changes: Callable[[Changes], None] | None = None
        self.on_link: Callable[[], None] | None = None
        self.on_event: Callable[[Event, float], None] | None = None
        self._clock = clock = Steady(clock, self._set)
        self._server = ServerInfo()
        self._listeners: list[Callable[[Changes], None]] = []
        self._low: int | None = None
        self._problem = ""
        self._client: RyzeClient | None = None
        self._feed: Feed | None = None
        self._pairings: Pairings | None = None
        self._keeper: Keeper | None = None
        self._reach: Reach | None = None
        self._auditor = audit.Auditor(profile, program)
        self._writing = Writing(self.model, clock, self._auditor, self.may)
        self.notes = Notes(url, token, keep=keep)
        self.budget = Budget(clock)
        register(token)
        try:
            self._open(url, token, keep and keeping.wanted(), sockets)
        except BadAddress as error:
            self._problem = error.message

    def _open(self, url: str, token: str, keep: bool, sockets: int | None) -> None:
        budgets = Budgets(self._clock)
        client = RyzeClient(url, token, calls=self.calls, budgets=budgets, clock=self._clock)
        self.budget = budgets.of(client.token)
        self._client = client
        watcher = Watcher(self._changed, self._heard, self._link_changed, self._healthy)
        self._feed = feed = Feed(client, Dialler(client), self.model, self._clock, watcher, sockets=sockets)
        self._writing.open(client, feed)
        self._reach = Reach(
            client, feed, self.model, self._clock, self._writing.write, self._writing.change, self.confirm_state, self._listen,
            lambda: self.server.extensions,
        )
        if keep:
            self._keeper = Keeper(url, token, self.model, self._clock, feed.proven)
        self.calls.subscribe(lambda call: self._watch_budget())

    # -- what we know --------------------------------------------------------------------------------------------------

    @property
    def link(self) -> Link:
        """How true the rows are, now."""
        if self._feed is None:
            return Link(REFUSED, message=self._problem)
        return self._feed.link()

    @property
    def server(self) -> ServerInfo:
        """What the server is, as far as it said."""
        if self._feed is not None:
            told = self._feed.poller
            simulated = self._server.simulated or told.simulated
            if (told.account_token, simulated) != (self._server.account_token, self._server.simulated):
                self._server = replace(self._server, account_token=told.account_token, simulated=simulated)
        return self._server

    def may(self, action: str) -> str:
        """Why this token or this mode cannot do that; empty when it can."""
        return self._problem or refusal(action, self.server, read_only=self.read_only)

    def now(self) -> float:
        """Unix seconds; rows that our clock dated have moved along where it was set."""
        return self._clock.time()

    def _set(self, seconds: float) -> None:
        self._changed(self.model.shift(seconds))

    # -- keeping it true -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep everything true until cancelled. An address that cannot be used is said by `link`; it then waits for ever."""
        if self._feed is None:
            self._link_changed()
            await asyncio.Event().wait()
            return
        await self.recall()
        async with asyncio.TaskGroup() as group:
            if self._keeper is not None:
                group.create_task(self._keeper.run(), name="keep")
            group.create_task(self._feed.run(), name="feed")

    async def recall(self) -> None:
        """Read what earlier runs remembered, before the first list; `run` does it by itself."""
        if self._keeper is not None and not self.model.loaded:
            await self._keeper.open()

    def hurry(self) -> None:
        """There is no screen whose keys would wait: lists are read without pauses."""
        if self._feed is not None:
            self._feed.poller.hurry = True

    def be_patient(self, keep: int = 0) -> None:
        """Every call waits for its turn within the limits; `keep`: requests a minute that are left to others."""
        if self._client is not None:
            self._client.patience = keep

    async def close(self) -> None:
        """Close every connection; connects under way are given up. What is known is kept for the next start."""
        if self._keeper is not None:
            self._keeper.save_now()
        if self._pairings is not None:
            await self._pairings.close()
        if self._client is not None:
            await self._client.close()

    async def refresh(self, names: Sequence[str] | None = None) -> Outcome:
        """Read the list now (or these names)."""
        if self._feed is None:
            return Outcome(False, self._problem, kind=USAGE)
        try:
            count = await self._feed.read(names)
        except RyzeError as error:
            return failed(error)
        return Outcome(True, n_("{n} instance", "{n} instances", count), 200)

    async def check(self) -> Outcome:
        """Try address and token once: is there a RyzeAPI server, and does it take the token?"""
        if self._feed is None or self._client is None:
            return Outcome(False, self._problem, kind=USAGE)
        try:
            self._healthy(await self._client.health())
        except Unreachable as error:
            return failed(error)
        except RyzeError:
            pass  # a server without /health may still have a list, and the list's error says more
        return await self.refresh()

    async def ask_health(self) -> Outcome:
        """Ask the server what it is; `server` knows it afterwards."""
        if self._client is None:
            return Outcome(False, self._problem, kind=USAGE)
        try:
            self._healthy(await self._client.health())
        except RyzeError as error:
            return failed(error)
        return Outcome(True, "", 200)

    def covers(self, name: str) -> bool:
        """Whether a stream tells this row at this moment: the account's, or the instance's own."""
        return self._feed is not None and self._feed.streamed(name).covered

    def prefer(self, name: str) -> None:
        """Stream this row first."""
        if self._feed is not None:
            self._feed.prefer(name)

    async def confirm_state(self, name: str) -> Row | None:
        """The row, read again unless a stream proves it at this moment; None when it is gone.

        Raises Unconfirmed when it could not be read again: what was known before is then no answer.
        """
        if self._feed is None:
            raise Unconfirmed(self._problem)
        if not self._feed.covers(name):
            self._feed.prefer(name)
            outcome = await self.refresh([name])
            if not outcome.ok:
                raise Unconfirmed(outcome.message, outcome)
        return self.model.rows.get(name)

    # -- what a person can do ------------------------------------------------------------------------------------------

    async def create(self, name: str, token: str = "", blocks: Mapping[str, Any] | None = None) -> Outcome:
        """Make an instance. `blocks`: the flat fields of its blocks (creating.flat); without, its stream is on for its states."""
        pushed = {"websocketEnabled": True, "websocketEvents": [INSTANCE_STATE]}
        body: dict[str, Any] = {"name": name, **(pushed if blocks is None else blocks)}
        if token:
            register(token)
            body["token"] = token

        async def send(client: RyzeClient, feed: Feed) -> str:
            item, message = await client.create(body)
            register(item.token)
            now = self._clock.monotonic()
            feed.told(self.model.apply_created(item, received_at=now, now=self._clock.time()))
            feed.prefer(item.name, created=True)
            if len(self.model.rows) == 1 and not self.server.extensions:
                feed.want(item.name)  # only an item of a list can tell that the numbers are simulated
            return message or _("created")

        from .creating import audited

        return await self._writing.write("create", name, send, changes=audited(body))

    async def reconnect(self, name: str) -> Outcome:
        """Dial again with the saved session."""
        return await self._writing.change("reconnect", name, lambda client: client.reconnect(name), states.CONNECTING)

    async def logout(self, name: str) -> Outcome:
        """Unlink the device; the instance stays."""
        return await self._writing.change("logout", name, lambda client: client.logout(name), states.LOGGEDOUT)

    async def delete(self, name: str) -> Outcome:
        """Remove the instance and all that belongs to it."""

        async def send(client: RyzeClient, feed: Feed) -> str:
            written = await client.delete(name)
            feed.told(self.model.apply_deleted(name, received_at=self._clock.monotonic()))
            return written.message or _("deleted")

        return await self._writing.write("delete", name, send)

    async def stream_on(self, name: str) -> Outcome:
        """Switch the instance's own stream on for its states; what else its filter lets through stays as it is."""
        pushed, changes = True, audit.Changes()

        async def send(client: RyzeClient, feed: Feed) -> str:
            from .streaming import switch_on

            nonlocal pushed
            pushed, words = await switch_on(client, name, changes)
            feed.want(name)  # the list tells what the server holds now
            feed.prefer(name)
            return words

        outcome = await self._writing.write("configure", name, send, detail="websocket", changes=changes)
        return replace(outcome, ok=outcome.ok and pushed)

    @property
    def look(self) -> Look | None:
        """What a probe may look at; None when the address or the token cannot be used at all."""
        return None if self._reach is None else self._reach.look()

    @property
    def configuring(self) -> Configuring | None:
        """Reading and writing blocks; None when the address or the token cannot be used at all."""
        return None if self._reach is None else self._reach.configuring()

    @property
    def means(self) -> Means | None:
        """What a bulk works with; None when the address or the token cannot be used at all."""
        return None if self._reach is None else self._reach.means()

    @property
    def messaging(self) -> Messaging:
        """Sending messages by hand."""
        from .messaging import Messaging

        return Messaging(self._writing.write)

    @property
    def bulk_left(self) -> bool:
        """Whether a bulk of this account may have been left unfinished: a look at the end of one file."""
        return self._reach is not None and self._reach.bulk_left()

    async def simulate(self, name: str, action: str, **body: object) -> Outcome:
        """The virtual phone of a simulated server: `scan`, `enter-code`, `unlink`, `ban`, `drop`, …"""

        async def send(client: RyzeClient, feed: Feed) -> str:
            return (await client.simulate(name, action, dict(body))).message

        return await self._writing.write("simulate", name, send, detail=action)

    async def send_text(self, name: str, number: str, text: str) -> tuple[Outcome, str]:
        """Send a text from this instance; what came of it, and the message's id where the server told one."""
        posted = await self.messaging.send(name, number, text)
        return posted.outcome, posted.sent.id if posted.sent is not None else ""

    def bring_back(self, name: str) -> Remedy:
        """Which way brings it back, and why. Pure: nothing is sent."""
        return remedy.choose(self.model.rows.get(name), self._clock.time())

    def pair(self, name: str, number: str = "", *, history: int | None = None) -> PairingSession:
        """A pairing: by QR, or by code for a number; `history`: days to ask for at first. Nothing is sent before it runs."""
        from .pairings import Pairings

        if self._pairings is None:
            self._pairings = Pairings(self._client, self._feed, self.model, self._clock, self._auditor.put, self._problem)
        return self._pairings.session(name, number, refusal=lambda: self.may("connect"), history=history)

    # -- what happens --------------------------------------------------------------------------------------------------

    def _listen(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _changed(self, changes: Changes) -> None:
        if not changes:
            return
        if self._keeper is not None:
            self._keeper.changed()
        for listener in list(self._listeners):
            listener(changes)
        if self._pairings is not None:
            self._pairings.rows_changed(changes)
        if self.on_changes is not None:
            self.on_changes(changes)

    def _heard(self, event: Event, at: float, live: bool) -> None:
        if self._pairings is not None:
            self._pairings.heard(event, live)
        if self.on_event is not None:
            self.on_event(event, at)

    def _healthy(self, health: Health) -> None:
        self._server = replace(self._server, extensions=health.extensions, engine=health.engine, simulated=health.simulated)
        self._link_changed()

    def _watch_budget(self) -> None:
        """Tell of the budget when it becomes known, and with every request once little is left."""
        left = self.budget.remaining
        shown = None if left is None else min(left, 30)
        if shown != self._low:
            self._low = shown
            self._link_changed()

    def _link_changed(self) -> None:
        if self.on_link is not None:
            self.on_link()
