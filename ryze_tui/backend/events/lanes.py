"""Which delivery goes next: pure bookkeeping, no I/O. First attempts keep their order per lane; everybody gets a turn."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..store.outbox import Delivery

PER_WEBHOOK: Final = 8
PER_HOST: Final = 4
IN_FLIGHT: Final = 64
RETRIES: Final = PER_WEBHOOK // 2
"""Places of a webhook that retries may take while first attempts wait."""

Where = tuple[str, str]
"""Instance id and label."""


@dataclass(slots=True)
class _Hook:
    """One webhook. `lanes`: what waits, in order; `ready`: lanes whose head may go, in the order in which they became so."""

    where: Where
    lanes: dict[str, deque[Delivery]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    ready: deque[str] = field(default_factory=deque)
    again: deque[Delivery] = field(default_factory=deque)
    in_flight: int = 0
    retrying: int = 0

    def take(self) -> Delivery | None:
        """The next one, if any may go."""
        if self.again and (self.retrying < RETRIES or not self.ready):
            self.retrying += 1
            return self.again.popleft()
        if not self.ready:
            return None
        lane = self.ready.popleft()
        self.busy.add(lane)
        return self.lanes[lane].popleft()


class Lanes:
    """`host_of` says which host a webhook is at now; webhooks of one host share its places."""

    def __init__(self, host_of: Callable[[Where], str]) -> None:
        self._host_of = host_of
        self._hooks: dict[Where, _Hook] = {}
        self._turn: deque[_Hook] = deque()
        self._hosts: Counter[str] = Counter()
        self._out: dict[str, tuple[_Hook, str, bool]] = {}
        self.waiting = 0

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._out)

    def add(self, delivery: Delivery) -> None:
        """A first attempt, behind those of its lane; or a retry, whose time has come."""
        where = (delivery.instance_id, delivery.label)
        if (hook := self._hooks.get(where)) is None:
            hook = self._hooks[where] = _Hook(where)
            self._turn.append(hook)
        self.waiting += 1
        if delivery.attempts:
            hook.again.append(delivery)
            return
        lane = hook.lanes.setdefault(delivery.lane, deque())
        lane.append(delivery)
        if len(lane) == 1 and delivery.lane not in hook.busy:
            hook.ready.append(delivery.lane)

    def next(self) -> Delivery | None:
        """The next delivery to attempt; None when nothing may go now."""
        if len(self._out) >= IN_FLIGHT:
            return None
        for _hook in range(len(self._turn)):
            hook = self._turn[0]
            self._turn.rotate(-1)
            if hook.in_flight >= PER_WEBHOOK:
                continue
            host = self._host_of(hook.where)
            if host and self._hosts[host] >= PER_HOST:
                continue
            delivery = hook.take()
            if delivery is not None:
                first = delivery.attempts == 0
                self._out[delivery.id] = (hook, host, first)
                hook.in_flight += 1
                self._hosts[host] += 1
                self.waiting -= 1
                return delivery
        return None

    def done(self, delivery: Delivery) -> None:
        """The attempt is over, however it ended: its places are free, and the next of its lane may go."""
        hook, host, first = self._out.pop(delivery.id)
        hook.in_flight -= 1
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        if not first:
            hook.retrying -= 1
        else:
            hook.busy.discard(delivery.lane)
            if hook.lanes.get(delivery.lane):
                hook.ready.append(delivery.lane)
            else:
                hook.lanes.pop(delivery.lane, None)
        if not hook.in_flight and not hook.lanes and not hook.again:
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
        if not hook.in_flight:
            self._forget(hook)
        return dropped

    def _forget(self, hook: _Hook) -> None:
        del self._hooks[hook.where]
        self._turn.remove(hook)
