"""Which item goes next: pure bookkeeping. Order per lane, also through retries; nothing of one gate holds up another's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ...store.chatwoot import Item

PER_GATE: Final = 4
IN_FLIGHT: Final = 32

Where = tuple[str, bool]
"""Instance id, and whether it is the way back: replies go on while Chatwoot is away."""


@dataclass(slots=True)
class Gate:
    """One direction of one instance. `until`: monotonic seconds before which nothing is tried; `failures`: in a row."""

    lanes: dict[str, deque[Item]] = field(default_factory=dict)
    ready: deque[str] = field(default_factory=deque)
    busy: set[str] = field(default_factory=set)
    failures: int = 0
    until: float = 0.0
    succeeded: int = 0
    """How many items went through so far."""

    def may(self, now: float) -> bool:
        """Whether one of its items may go; while Chatwoot is away they knock one at a time."""
        return bool(self.ready) and now >= self.until and len(self.busy) < (1 if self.failures else PER_GATE)


class Lanes:
    """`add`, `next`, then exactly one of `done` and `again` for each item that was taken."""

    def __init__(self) -> None:
        self.gates: dict[Where, Gate] = {}
        self._turn: deque[Where] = deque()
        self._in_flight = 0

    def gate(self, where: Where) -> Gate:
        """The gate of an instance, made when it is first asked for."""
        if where not in self.gates:
            self.gates[where] = Gate()
            self._turn.append(where)
        return self.gates[where]

    def add(self, where: Where, item: Item) -> None:
        """Behind those of its lane."""
        gate = self.gate(where)
        if (lane := gate.lanes.get(item.lane)) is None:
            lane = gate.lanes[item.lane] = deque()
            gate.ready.append(item.lane)
        lane.append(item)

    def next(self, now: float) -> tuple[Where, Item] | None:
        """The next item to try; None when nothing may go now."""
        if self._in_flight >= IN_FLIGHT:
            return None
        for _gate in range(len(self._turn)):
            where = self._turn[0]
            self._turn.rotate(-1)
            gate = self.gates[where]
            if gate.may(now):
                lane = gate.ready.popleft()
                gate.busy.add(lane)
                self._in_flight += 1
                return where, gate.lanes[lane][0]
        return None

    def done(self, where: Where, item: Item) -> None:
        """It is over: the next of its lane may go."""
        gate = self._back(where, item)
        lane = gate.lanes.get(item.lane)
        if lane and lane[0] is item:
            lane.popleft()
        if lane:
            gate.ready.append(item.lane)
        else:
            gate.lanes.pop(item.lane, None)

    def again(self, where: Where, item: Item, *, ready: bool) -> None:
        """It will be tried again and its lane waits for it: until `ready`, or only until its gate opens."""
        self._back(where, item)
        if ready:
            self.ready(where, item)

    def ready(self, where: Where, item: Item) -> None:
        """The wait of a lane is over."""
        gate = self.gates.get(where)
        if gate is not None and item.lane in gate.lanes and item.lane not in gate.ready and item.lane not in gate.busy:
            gate.ready.append(item.lane)

    def drop(self, instance_id: str) -> None:
        """Nothing of this instance waits any more; what is under way ends by itself."""
        for where in list(self._of(instance_id)):
            gate = self.gates[where]
            gate.lanes.clear()
            gate.ready.clear()
            gate.failures, gate.until = 0, 0.0
            if not gate.busy:
                del self.gates[where]
                self._turn.remove(where)

    def open(self, instance_id: str) -> None:
        """Whatever kept the instance waiting is over."""
        for where in self._of(instance_id):
            gate = self.gates[where]
            gate.failures, gate.until = 0, 0.0
            gate.ready.extend(lane for lane in gate.lanes if lane not in gate.ready and lane not in gate.busy)

    def _of(self, instance_id: str) -> Iterator[Where]:
        return (where for where in ((instance_id, False), (instance_id, True)) if where in self.gates)

    def _back(self, where: Where, item: Item) -> Gate:
        gate = self.gates[where]
        gate.busy.discard(item.lane)
        self._in_flight -= 1
        return gate
