"""The real Account over the simulated server, and what is true at every moment of it: `World.judge` says what is not."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.events import ACCOUNT_STREAM
from ryze_tui.fleet import feed as feeding
from ryze_tui.fleet.account_stream import PROVEN
from ryze_tui.fleet.model import Changes
from ryze_tui.fleet.scheduler import ping_interval
from ryze_tui.fleet.sockets import PONG
from ryze_tui.operations import account as module
from ryze_tui.operations.account import Account

from tests.fakes.virtual import VirtualClock, VirtualLoop, run

from .server import ACCOUNT, PERSON, Server
from .wire import client_of, dialler_of

FULL, PLAIN = frozenset({ACCOUNT_STREAM}), frozenset[str]()
KEPT = 70
MOST_IN_TROUBLE = 12
"""Lists a minute while the server misbehaves or has just come back: retries at 1, 2, 4 … 30 s, and six to catch up."""
"""Background requests that a window of the account's token may see: 30 are the person's."""
SLACK = 1.0
"""Seconds within which a row is right while its stream works."""


class World:
    """`wrong`: every broken promise, in words. `screen`: what a screen shows that redraws only what it is told of."""

    def __init__(self, patch: pytest.MonkeyPatch, home: Path, seed: int, *, sockets: int = 200, **options: Any) -> None:
        patch.setenv("XDG_STATE_HOME", str(home))
        self.clock = VirtualClock()
        self.rng = random.Random(seed)
        random.seed(seed)
        self.server = Server(random.Random(seed + 1), self.clock, **options)
        patch.setattr(module, "RyzeClient", client_of(self.server))
        patch.setattr(module, "Dialler", dialler_of(self.server))
        patch.setattr(feeding, "socket_limit", lambda: sockets)
        self.account = Account("http://127.0.0.1:1", ACCOUNT, clock=self.clock)
        self.account.on_changes = self._changed
        self.account.on_link = self._link
        assert self.account._feed is not None and self.account._client is not None
        self.feed, self.client, self.model = self.account._feed, self.account._client, self.account.model
        self.plain = ACCOUNT_STREAM not in self.server.extensions
        self.screen: dict[str, str] = {}
        self.shown = "connecting"
        self.wrong: list[str] = []
        self.kinds: Counter[str] = Counter()
        self.began = self.now
        self.trouble = self.now
        self.looks = 0
        self._steps = 0
        self._counted = self.now

    @property
    def now(self) -> float:
        return float(self.clock.monotonic())

    # -- as the console ------------------------------------------------------------------------------------------------

    def _changed(self, changes: Changes) -> None:
        for name in changes.rows:
            row = self.model.rows.get(name)
            if row is None:
                self.screen.pop(name, None)
            else:
                self.screen[name] = row.state

    def _link(self) -> None:
        self.shown = self.account.link.kind

    async def person(self, work: Awaitable[Any]) -> Any:
        """Somebody pressed a key."""

        async def act() -> Any:
            PERSON.set(True)
            return await work

        return await asyncio.create_task(act())

    # -- what is promised ----------------------------------------------------------------------------------------------

    def say(self, words: str) -> None:
        if len(self.wrong) < 50:
            self.wrong.append(f"{self.now - self.began:.1f} s: {words}")

    def look(self) -> None:
        """Compare what is known with the truth, now."""
        self.looks += 1
        link = self.account.link
        self.kinds[link.kind] += 1
        self._rows(link.since)
        if link.kind == "live":
            self._proven()
        if self.shown != link.kind:
            asyncio.get_running_loop().call_later(0.1, self._look_at_badge, self.shown)

    def _look_at_badge(self, shown: str) -> None:
        kind = self.account.link.kind
        if self.shown == shown != kind:
            self.say(f"the badge shows {shown} but is {kind}")

    def _rows(self, since: float) -> None:
        """What the badge dates: nothing on the screen was false at that moment already."""
        server, now, rows = self.server, self.now, self.model.rows
        listed = self.feed.freshness._listed
        known = since if not self.plain else (listed or self.began)
        for name, truth in server.instances.items():
            row = rows.get(name)
            if row is None:
                if self.model.loaded and None not in server.states_since(name, known - SLACK):
                    self.say(f"{name} exists, is not shown, and the badge says {self.account.link}")
                continue
            if row.state != truth.state:
                self._doubted(name, row.state, since)
            if self.screen.get(name) != row.state:
                self.say(f"{name} is {row.state} and nothing told the screen")
        for name in rows.keys() - server.instances.keys():
            moment = known if not self.feed.covers(name) or not self.plain else now - 30.0
            if rows[name].state is not None and not server.states_since(name, moment - SLACK) - {None}:
                self.say(f"{name} was deleted before {moment - self.began:.1f} s and is still shown")
        for name in self.screen.keys() - rows.keys():
            self.say(f"{name} is gone and nothing told the screen")

    def _doubted(self, name: str, state: str, since: float) -> None:
        server, now = self.server, self.now
        if self.plain and server.untold.get(name, 0.0) > (self.feed.freshness._listed or 0.0):
            return  # an open socket hears nothing of a row whose streaming was switched off (contract §2.13): only a list tells
        at = since
        if self.feed.covers(name) and self._healthy(name):
            at = max(since, now)
        if state not in server.states_since(name, at - SLACK):
            covers, link = self.feed.covers(name), self.account.link
            truth = server.instances[name].state
            self.say(f"{name} is {truth}, not {state} ({link.kind}, proven {link.age:.1f} s ago, covered {covers})")

    def _healthy(self, name: str) -> bool:
        wanted = name if self.plain else None
        found = [connection for connection in self.server.connections if connection.name == wanted]
        return bool(found) and found[-1].healthy

    def _proven(self) -> None:
        """LIVE: something arrived on every socket within its bound."""
        server, now = self.server, self.now
        if not self.plain:
            heard = server.latest[None].arrived
            if now - heard > PROVEN + 0.2:
                self.say(f"LIVE, {now - heard:.1f} s after the last frame")
            return
        lines = self.feed._sockets._lines
        bound = ping_interval(len(lines)) + PONG + 5.2
        for name, line in lines.items():
            if line.fresh and not line.open:
                continue
            if name in server.instances and (name not in server.latest or now - server.latest[name].heard > bound):
                self.say(f"LIVE, more than {bound:.0f} s after {name}'s socket was heard")

    def judge(self) -> None:
        """Limits, pace and growth: what holds over any time."""
        server = self.server
        for words in server.faults:
            self.say(words)
        server.faults.clear()
        if server.refused:
            self.say(f"{server.refused} requests were too many")
        if server.most_background > KEPT:
            self.say(f"{server.most_background} requests that nobody asked for in one window")
        server.refused = server.most_background = 0
        times = [at for at, person, _whole in server.lists if not person]
        for earlier, later in zip(times, times[4:], strict=False):
            if later - earlier < 59.99 and not any(earlier - 120 <= at <= later for at in server.trouble):
                self.say("more than four lists within a minute, and nothing was wrong")
        if any(later - earlier < 59.99 for earlier, later in zip(times, times[MOST_IN_TROUBLE:], strict=False)):
            self.say("more lists within a minute than even trouble excuses")
        server.lists, server.trouble = server.lists[-MOST_IN_TROUBLE:], server.trouble[-500:]
        if server.connects:
            self.say(f"{server.connects} connects that nobody asked for")
        self._growth()

    def _growth(self) -> None:
        rows, sockets, feed = len(self.model.rows), self.feed._sockets, self.feed
        tasks = len(asyncio.all_tasks())
        if tasks > 60 + (3 * len(sockets._lines)):
            self.say(f"{tasks} tasks")
        for what, size in (("wishes", len(feed._agenda._wishes)),
                           ("wished", len(feed._wished)), ("preferred", len(sockets._first)),
                           ("lines", len(sockets._lines)), ("created", len(sockets._created)), ("screen", len(self.screen))):
            if size > rows:
                self.say(f"{size} {what} for {rows} rows")
        if (gone := len(self.model._gone)) > 100 + 2 * rows:
            self.say(f"{gone} names of instances that are gone")
        if (kept := len(self.client.budgets._all)) > 300 + 2 * rows:
            self.say(f"{kept} budgets for {rows} rows")
        loop: Any = asyncio.get_running_loop()
        minutes = max((self.now - self._counted) / 60, 1 / 60)
        steps = (loop._virtual.steps - self._steps) / minutes
        if steps > 3000 + 60 * rows:
            self.say(f"{steps:.0f} steps of the loop a minute")
        self._steps, self._counted = loop._virtual.steps, self.now

    def settled(self, *expected: str) -> None:
        """Nothing has been wrong for a while: the badge must be one of these and every row exactly right."""
        kind = self.account.link.kind
        if kind not in expected:
            self.say(f"{kind} ({self.account.link.message}) when everything is well again; sockets: {self._lines()}")
        truth = {name: truth.state for name, truth in self.server.instances.items()}
        known = {name: row.state for name, row in self.model.rows.items()}
        if truth != known:
            wrong = sorted(set(truth.items()) ^ set(known.items()))[:6]
            self.say(f"settled, but not true: {wrong}")

    def _lines(self) -> str:
        lines = self.feed._sockets._lines.values()
        return f"{sum(line.open for line in lines)} open, {sum(line.read for line in lines)} read, {len(lines)} in all"


async def _watch(world: World, every: float) -> None:
    while True:
        await asyncio.sleep(world.rng.uniform(0.2, 2 * every))
        world.look()


async def _judge(world: World) -> None:
    while True:
        await asyncio.sleep(60)
        world.judge()


def simulate(
    patch: pytest.MonkeyPatch, home: Path, story: Callable[[World], Awaitable[None]], *, count: int = 40, seed: int = 1,
    quiet: int = 0, every: float = 5.0, **options: Any,
) -> World:
    """Run a story on a virtual loop; `quiet`: instances that are not streamed; fails with every promise that was broken."""
    made: list[World] = []

    async def body() -> None:
        world = World(patch, home, seed, **options)
        made.append(world)
        world.server.add(count - quiet)
        world.server.add(quiet, streaming=False)
        works = (world.account.run(), _watch(world, every), _judge(world))
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(work) for work in works]
        teller = asyncio.create_task(story(world))
        await asyncio.wait({teller, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        world.judge()
        for task in (teller, *tasks):
            task.cancel()
        for result in await asyncio.gather(teller, *tasks, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
        await world.account.close()
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.sleep(10)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            world.say(f"tasks left behind: {left[:5]}")

    run(body())
    assert not made[0].wrong, "\n".join(made[0].wrong)
    return made[0]


__all__ = ["FULL", "PLAIN", "VirtualLoop", "World", "simulate"]
