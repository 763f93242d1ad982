"""Which delivery goes next: pure bookkeeping, no I/O. First attempts keep their order per lane; everybody gets a turn.

Hosts take turns, and the webhooks of a host among themselves, so that the next one is found in a step or two however many
webhooks wait. Hosts that answer slowly have places of their own: a hundred dead receivers hold up none that answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..store.outbox import Delivery

PER_WEBHOOK: Final = 8
PER_HOST: Final = 4
IN_FLIGHT: Final = 128
"""Attempts under way at hosts that are not slow."""
SLOW_IN_FLIGHT: Final = 64
"""Attempts under way at hosts that are."""
SLOW_SECONDS: Final = 3.0
"""A host whose last attempt took this long is slow, until one takes less."""
SLOW_KNOWN: Final = 10_000
RETRIES: Final = PER_HOST // 2
"""Places of a webhook that retries may take while first attempts wait: fewer than its host has."""

Where = tuple[str, str]
"""Instance id and label."""


@dataclass(slots=True, eq=False)
class _Host:
    """A host's places. `turn`: its webhooks of which something may go; `line`: the slow one or not; None: it stands in none."""

    name: str
    turn: deque[_Hook] = field(default_factory=deque)
    in_flight: int = 0
    line: bool | None = None

    @property
    def may(self) -> bool:
        """It has a place for something that waits. Those without a name are no host: they end without being dialled."""
        return bool(self.turn) and (not self.name or self.in_flight < PER_HOST)


@dataclass(slots=True, eq=False)
class _Hook:
    """One webhook. `lanes`: what waits, in order; `ready`: lanes whose head may go, in the order in which they became so."""

    where: Where
    host: _Host
    lanes: dict[str, deque[Delivery]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    ready: deque[str] = field(default_factory=deque)
    again: deque[Delivery] = field(default_factory=deque)
    in_flight: int = 0
    retrying: int = 0
    queued: bool = False

    @property
    def may(self) -> bool:
        """Something waits and could go."""
        return bool(self.ready or self.again) and self.in_flight < PER_WEBHOOK

    def take(self) -> Delivery:
        """The next one; only while it `may`."""
        if self.again and (self.retrying < RETRIES or not self.ready):
            self.retrying += 1
            return self.again.popleft()
        lane = self.ready.popleft()
        self.busy.add(lane)
        return self.lanes[lane].popleft()


@dataclass(slots=True, frozen=True)
class _Out:
    """An attempt under way; `slow`: at a place for slow hosts."""

    hook: _Hook
    host: _Host
    first: bool
    slow: bool


class Lanes:
    """`host_of` says which host a webhook is at now; webhooks of one host share its places."""

    def __init__(self, host_of: Callable[[Where], str]) -> None:
        self._host_of = host_of
        self._hooks: dict[Where, _Hook] = {}
        self._hosts: dict[str, _Host] = {}
        self._slow: dict[str, None] = {}
        self._turns: dict[bool, deque[_Host]] = {False: deque(), True: deque()}
        self._places = {False: IN_FLIGHT, True: SLOW_IN_FLIGHT}
        self._out: dict[str, _Out] = {}
        self.waiting = 0

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._out)

    def add(self, delivery: Delivery) -> None:
        """A first attempt, behind those of its lane; or a retry, whose time has come."""
        where = (delivery.instance_id, delivery.label)
        if (hook := self._hooks.get(where)) is None:
            hook = self._hooks[where] = _Hook(where, self._host(self._host_of(where)))
        self.waiting += 1
        if delivery.attempts:
            hook.again.append(delivery)
        else:
            lane = hook.lanes.setdefault(delivery.lane, deque())
            lane.append(delivery)
            if len(lane) == 1 and delivery.lane not in hook.busy:
                hook.ready.append(delivery.lane)
        if hook.queued and self._host_of(where) != hook.host.name:
            hook.host.turn.remove(hook)
            hook.queued = False
        self._offer(hook)

    def next(self) -> Delivery | None:
        """The next delivery to attempt; None when nothing may go now."""
        for slow, turn in self._turns.items():
            while turn and self._places[slow]:
                host = turn.popleft()
                if host.line is not slow:
                    continue  # it has gone over to the other line
                host.line = None
                if (delivery := self._of_host(host, slow)) is not None:
                    return delivery
        return None

    def _of_host(self, host: _Host, slow: bool) -> Delivery | None:
        """One of a host whose turn it is; None when it has none after all."""
        if not host.may:
            self._leave(host)
            return None
        hook = host.turn.popleft()
        hook.queued = False
        if not hook.may or self._host_of(hook.where) != host.name:
            self._offer(hook)
            self._stand(host)
            return None
        delivery = hook.take()
        self._out[delivery.id] = _Out(hook, host, delivery.attempts == 0, slow)
        self._places[slow] -= 1
        hook.in_flight += 1
        host.in_flight += 1
        self.waiting -= 1
        self._offer(hook)
        self._stand(host)
        return delivery

    def done(self, delivery: Delivery, seconds: float = 0.0) -> None:
        """The attempt is over, however it ended, and took so long: its places are free, and the next of its lane may go."""
        out = self._out.pop(delivery.id)
        hook, host = out.hook, out.host
        hook.in_flight -= 1
        host.in_flight -= 1
        self._places[out.slow] += 1
        self._pace(host, seconds >= SLOW_SECONDS)
        if not out.first:
            hook.retrying -= 1
        else:
            hook.busy.discard(delivery.lane)
            if hook.lanes.get(delivery.lane):
                hook.ready.append(delivery.lane)
            else:
                hook.lanes.pop(delivery.lane, None)
        self._offer(hook)
        self._stand(host)
        self._forget(hook)

    def drop(self, where: Where) -> list[Delivery]:
        """Nothing that waits for this webhook goes any more; what is under way ends by itself."""
        hook = self._hooks.get(where)
        if hook is None:
            return []
        dropped = [*hook.again, *(one for lane in hook.lanes.values() for one in lane)]
        hook.again.clear()
        hook.ready.clear()
        hook.lanes.clear()
        self.waiting -= len(dropped)
        self._forget(hook)
        return dropped

    def oldest(self) -> float:
        """When the oldest first attempt that waits was created, in Unix seconds; 0 when none waits."""
        return min((lane[0].created_at for hook in self._hooks.values() for lane in hook.lanes.values() if lane), default=0.0)

    # -- whose turn it is ----------------------------------------------------------------------------------------------

    def _host(self, name: str) -> _Host:
        if (host := self._hosts.get(name)) is None:
            host = self._hosts[name] = _Host(name)
        return host

    def _offer(self, hook: _Hook) -> None:
        """It takes its place in the turn of its host, which may be another one since its webhook was rewritten."""
        if hook.queued or not hook.may:
            return
        left, hook.host = hook.host, self._host(self._host_of(hook.where))
        if left is not hook.host:
            self._leave(left)
        hook.queued = True
        hook.host.turn.append(hook)
        self._stand(hook.host)

    def _stand(self, host: _Host) -> None:
        """It stands in line while it may have a turn, and is forgotten when there is nothing of it left."""
        if host.line is None and host.may:
            host.line = host.name in self._slow
            self._turns[host.line].append(host)
        self._leave(host)

    def _leave(self, host: _Host) -> None:
        if host.line is None and not host.in_flight and not host.turn and self._hosts.get(host.name) is host:
            del self._hosts[host.name]

    def _pace(self, host: _Host, slow: bool) -> None:
        """It goes over to the line that is its own now."""
        if slow is (host.name in self._slow):
            return
        if slow:
            self._slow[host.name] = None
            if len(self._slow) > SLOW_KNOWN:
                del self._slow[next(iter(self._slow))]
        else:
            del self._slow[host.name]
        if host.line is not None:
            host.line = None
            self._stand(host)

    def _forget(self, hook: _Hook) -> None:
        if not hook.in_flight and not hook.lanes and not hook.again and self._hooks.get(hook.where) is hook:
            del self._hooks[hook.where]
