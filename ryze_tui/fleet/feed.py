"""Keeps the model true for ever: the first list, the streams, polling for the rest, re-reads after gaps, retries."""

from __future__ import annotations

import asyncio
import random as _random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..api.errors import NoAnswer, RateLimited, RyzeError, TokenRefused, Unreachable
from ..api.events import ACCOUNT_STREAM, Event
from ..api.instance import Instance
from ..api.states import CONNECTED
from ..client.budget import KEPT_FOR_PERSON
from ..client.clock import Clock, wait
from ..client.http import RyzeClient
from ..client.replies import Health
from ..client.stream import Dial, StreamEnded
from ..redact import register
from .account_stream import AccountStream
from .agenda import Agenda
from .evidence import ACCOUNT, Streamed
from .freshness import Coverage, Freshness, Link
from .model import Changes, FleetModel
from .poller import Poller
from .presence import Hearer, Presence
from .scheduler import Random, backoff, poll_interval, socket_limit
from .sockets import Sockets

GRACE = 3.0
"""Seconds that the account stream has to come back before lists are read in its place."""
PAINT = 0.03
"""Seconds that a screen has to show the first list before the sockets' library is imported (it holds up everything for 20 ms)."""
GAP_MOST = 15.0
"""Seconds that a gap may wait for further sockets to open, so that one list closes them all."""
SOON = 3.0
"""Seconds: an attempt that is so near is not worth a word, and every knock would be one."""


@dataclass(slots=True)
class Watcher:
    """Who is told. `changes`: facts changed rows; `event`: (event, monotonic second, live); `link`: the badge changed."""

    changes: Callable[[Changes], None]
    event: Callable[[Event, float, bool], None]
    link: Callable[[], None]
    health: Callable[[Health], None]


class Feed:
    """Everything that keeps one account's rows true. `run` until cancelled."""

    def __init__(
        self, client: RyzeClient, dial: Dial, model: FleetModel, clock: Clock, watcher: Watcher, *,
        random: Random = _random.random, sockets: int | None = None,
    ) -> None:
        self._client, self._model, self._clock, self._watcher, self._random = client, model, clock, watcher, random
        self.poller = Poller(client, model, clock, told=self.told)
        self.freshness = Freshness(clock.monotonic())
        self._agenda = Agenda(random)
        hearer = Hearer(watcher.health, self._returned, changed=self._covered, wake=lambda: self._wake.set(), doubt=self.doubt)
        self._presence = Presence(client, clock, random, self._agenda, self.freshness, hearer)
        self.reach = self._presence.reach
        self._stream = AccountStream(
            dial, client.token, model, clock, told=self.told, heard=watcher.event, detail=self.want, changed=self._covered
        )
        self._sockets = Sockets(
            dial, model, clock, self.reach, random, limit=socket_limit if sockets is None else lambda: sockets,
            token=self.token_of, pause=self._pause, told=self.told, heard=watcher.event, suspect=self._presence.suspect,
            doubted=self.doubt, read_again=self.want, changed=self._covered,
        )
        self._plain: bool | None = None
        self._wake = asyncio.Event()
        self._listed = asyncio.Event()
        self._watch = asyncio.Event()
        self._wished: set[str] = set()
        self._uncovered_since = clock.monotonic()
        self._back = asyncio.Event()
        self._shown: tuple[str, str, float] = ("", "", 0.0)

    # -- what others ask -----------------------------------------------------------------------------------------------

    def link(self) -> Link:
        """The badge now."""
        self._judge()
        return self.freshness.link(self._clock.monotonic())

    def proven(self) -> float | None:
        """The monotonic second as of which the whole list is proven; None before the first one."""
        self._judge()
        return self.freshness.whole()

    def covers(self, name: str) -> bool:
        """Whether this row is proven by a stream at this moment."""
        if self.link().kind != "live":
            return False
        return self._plain is False or self._sockets.covers(name)

    def streamed(self, name: str) -> Streamed:
        """How this row is streamed, for those who want to see it."""
        if self._plain is not False:
            return self._sockets.streamed(name)
        coverage, now = self._stream.coverage, self._clock.monotonic()
        return Streamed(ACCOUNT, self.covers(name), now - coverage.proof if coverage.proof else 0.0)

    def looked(self, name: str, item: Instance | None, asked_at: float) -> None:
        """Somebody read this one row from the list: a fact like any other (None: it was not in it)."""
        now = self._clock.monotonic()
        if item is None:
            self.told(self._model.drop_absent([name], set(), asked_at=asked_at))
        else:
            register(item.token, passing=True)
            self.told(
                self._model.apply_list([item], asked_at=asked_at, received_at=now, now=self._clock.time(), complete=False)
            )

    def prefer(self, name: str, *, created: bool = False) -> None:
        """A person works on this row: stream it first."""
        if self._plain is not False:
            self._sockets.prefer(name, created=created)
        if created:
            self._agenda.known(name)

    def want(self, name: str) -> None:
        """Something only a list tells about this row is missing; it is read soon, together with others."""
        self._agenda.want(name, self._clock.monotonic())
        self._wake.set()

    def doubt(self) -> None:
        """Something contradicts what we know: read the whole list soon."""
        self._agenda.doubt(self._clock.monotonic())
        self._wake.set()

    async def read(self, names: Sequence[str] | None = None) -> int:
        """Read a list now, whatever the schedule says; returns how many items it held. Raises RyzeError."""
        now = self._clock.monotonic()
        if names is None:
            self._agenda.spend(now)
            self._agenda.asked = now
        try:
            asked_at, count = await self.poller.read(names)
        except RyzeError as error:
            self._failed(error)
            raise
        self._presence.found()
        asked_for = None if names is None else list(names)
        recovered = self._agenda.was_read(asked_for, asked_at, now)
        if self._plain is not False:
            self._sockets.was_read(asked_for, asked_at, recovered=recovered)
        if names is None:
            if self._coverage().complete:
                self._agenda.caught_up()
            self.freshness.listed(asked_at)
        for name in self.poller.doubtful:
            self.want(name)
        self._covered()
        return count

    # -- running -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._first_health(), name="health")
            group.create_task(self._poll(), name="poll")
            group.create_task(self._follow(), name="follow")
            group.create_task(self._watch_time(), name="watch")

    async def _first_health(self) -> None:
        """After the first list was read or failed: what is visible comes before what keeps it true."""
        await self._listed.wait()
        await self._clock.sleep(PAINT)
        while self._presence.extensions is None:
            await self._presence.ask()
            await self.reach.wait()  # it was away; a person's own call may be the first to find it back

    def _returned(self, lost_at: float) -> None:
        """It was away and answers again: the account stream's first frames tell what happened meanwhile, or a list at once."""
        now = self._uncovered_since = self._clock.monotonic()
        self._agenda.back(now, lost_at, told=self._plain is False)
        self._sockets.reopen()
        self._back.set()

    async def _poll(self) -> None:
        """Read lists when they are due; while the server is away, only see whether it is back."""
        while True:
            now = self._clock.monotonic()
            if not self.reach.up:
                woken = await wait(self._clock, self._wake, self.reach.retry_at - now)
                if not woken and await self._presence.knock():
                    await self._read_due(None)
                self._wake.clear()
                continue
            if self._presence.due is not None and self._presence.due <= now:
                await self._presence.ask()
                continue
            due, names = self._due(now)
            if (wake_at := min(due, self._presence.due or due)) > now:
                await wait(self._clock, self._wake, wake_at - now)
                self._wake.clear()
                continue
            if names is not None:
                self._agenda.spend(now)
            await self._read_due(names)

    async def _read_due(self, names: list[str] | None) -> None:
        """A list whose time has come."""
        try:
            await self.read(names)
        except RyzeError:
            pass  # `read` has noted it, and `_due` waits accordingly
        else:
            if self._presence.due is not None and self._presence.extensions is not None:
                await self._presence.ask()  # it speaks again: perhaps of its health too
        finally:
            self._listed.set()

    def _due(self, now: float) -> tuple[float, list[str] | None]:
        """When the next list is to be read, and of which names (None: all)."""
        spare = now + self._client.budgets.of(self._client.token).wait(keep=KEPT_FOR_PERSON)
        return self._agenda.due(now, self._usual(now), spare)

    def _usual(self, now: float) -> float:
        """When the next list is due if nothing happens."""
        asked = self._agenda.asked
        if asked is None:
            return now
        if self._plain is False:
            # While the stream proves the rows no list is needed; one that has fallen silent is looked behind.
            coverage = self._stream.coverage
            since = coverage.proof + coverage.silence if coverage.complete else self._uncovered_since + GRACE
            return max(asked + self._interval(), since)
        due = min(asked + self._interval(), self._gap_due(now))
        if (opening := self._sockets.opening_since) is not None:
            due = max(due, max(opening, asked) + GAP_MOST)
        return due

    def _gap_due(self, now: float) -> float:
        """Rows whose sockets opened after the last list was asked for."""
        return now if self._sockets.gaps else float("inf")

    def _interval(self) -> float:
        coverage = self._coverage()
        proven = coverage.complete and self._clock.monotonic() - coverage.proof <= coverage.silence
        return poll_interval(uncovered=coverage.rest or not proven, took=self.poller.took)

    async def _follow(self) -> None:
        """Follow the account stream where there is one, else a socket per instance."""
        failures = 0
        await self._presence.known.wait()
        while True:
            await self.reach.wait()
            if not self._has_account_stream():
                await self._follow_sockets()
                continue
            self._plain = False
            began = self._clock.monotonic()
            try:
                await self._stream.life()
            except RyzeError as error:
                long = self._clock.monotonic() - began > 60.0
                failures = 0 if long else failures
                await self._stream_ended(error, failures)
                failures += 1

    def _has_account_stream(self) -> bool:
        return ACCOUNT_STREAM in (self._presence.extensions or ()) and self.poller.account_token is not False

    async def _follow_sockets(self) -> None:
        """Until the server turns out to have the account stream (it was restarted, or asked again after an outage)."""
        self._plain = True
        self._covered()
        running = asyncio.create_task(self._sockets.run(), name="sockets")
        try:
            while not self._has_account_stream():
                changed = asyncio.create_task(self._presence.known.wait())
                self._presence.known.clear()
                await asyncio.wait({running, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if running.done():
                    running.result()
        finally:
            self._presence.known.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _stream_ended(self, error: RyzeError, failures: int) -> None:
        """Decide what the end of the account stream means, and wait as long as it asks for."""
        self._uncovered_since = self._clock.monotonic()
        pause = backoff(failures, self._random, first=0.25)
        if isinstance(error, Unreachable) and not isinstance(error, StreamEnded):
            self._presence.suspect()
            if isinstance(error, NoAnswer):
                self.doubt()
                pause = max(pause, 1.0)
        elif isinstance(error, TokenRefused) or error.status == 404:
            # A TokenInstance is refused here and nowhere else; a revoked token everywhere: the list tells which.
            self.doubt()
            if error.status == 404:
                await self._presence.ask()
            pause = max(pause, 1.0)
        elif isinstance(error, RateLimited):
            pause = max(pause, error.retry_after)
        self._back.clear()
        self._covered()
        await wait(self._clock, self._back, pause)

    # -- what happened -------------------------------------------------------------------------------------------------

    def token_of(self, name: str) -> str:
        """What an instance's own stream is opened with; ours where the server does not show its token."""
        row = self._model.rows.get(name)
        return (row.item.token if row is not None else "") or self._client.token

    def told(self, changes: Changes) -> None:
        """Facts changed rows: what a stream or a list said, or what came of our own doing."""
        if not changes:
            return
        for name in changes.rows:
            row = self._model.rows.get(name)
            # A number that has just been linked has a profile that only a list tells.
            if row is None or row.state != CONNECTED:
                self._wished.discard(name)
            elif row.last_word == "connected" and not row.item.profile_name and name not in self._wished:
                self._wished.add(name)
                self.want(name)
        if self._plain is not False:
            self._sockets.rows_changed(changes)
        self._watcher.changes(changes)

    def _pause(self, name: str) -> float:
        """Seconds before this row's socket may be paid for: a server that shows no tokens makes the account's pay for all."""
        token = self.token_of(name)
        return self._client.budgets.of(token).wait(keep=KEPT_FOR_PERSON) if token == self._client.token else 0.0

    def _coverage(self) -> Coverage:
        if self._plain is None:
            return Coverage()
        return self._sockets.coverage if self._plain else self._stream.coverage

    def _judge(self) -> None:
        self.freshness.coverage, self.freshness.good_for = self._coverage(), 1.5 * self._interval() + 5

    def _failed(self, error: RyzeError) -> None:
        """A list could not be read."""
        if self._presence.list_failed(error):
            self.freshness.failed(error, self._agenda.failed(error, self._clock.monotonic()))
            self._covered()

    def _covered(self) -> None:
        """What is proven may have changed."""
        self._wake.set()
        self._watch.set()
        self._announce()

    def _announce(self) -> None:
        link = self.link()
        soon = link.retry_at <= self._clock.monotonic() + SOON
        shown = (link.kind, link.message, 0.0 if soon else link.retry_at)
        if shown != self._shown:
            self._shown = shown
            self._watcher.link()

    async def _watch_time(self) -> None:
        """Proofs age by themselves: announce it when the badge changes with no one saying a word."""
        while True:
            now = self._clock.monotonic()
            self._judge()
            change = self.freshness.next_change(now)
            if not await wait(self._clock, self._watch, None if change is None else max(change - now, 0) + 0.05):
                self._announce()
            self._watch.clear()
