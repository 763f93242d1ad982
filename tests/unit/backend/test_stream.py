"""The account stream as a property: whatever happens between the slices, a client ends up with exactly what is true."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.api import states
from ryze_tui.backend.events import bus as module
from ryze_tui.backend.events.bus import Bus, Frames
from ryze_tui.backend.record import Record
from ryze_tui.backend.table import Stage

from .fakes import ACCOUNT, START

NAMES = [f"n-{index:02}" for index in range(9)]
WORDS = {
    Stage.CONNECTED: "connected", Stage.IDLE: "disconnected", Stage.DIALLING: "manual_reconnect", Stage.BANNED: "temp_banned",
}


@pytest.fixture(autouse=True, scope="module")
def small_slices() -> Iterator[None]:
    before, module.SLICE = module.SLICE, 2
    yield
    module.SLICE = before


@dataclass(eq=False)
class Client:
    """A socket that sends late, and behind it a client that does what the contract says (§9)."""

    queue: deque[str | Frames] = field(default_factory=deque)
    rows: dict[str, str] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    after: str = ""
    begun: dict[str, str] | None = None

    def push(self, frame: str | Frames) -> None:
        self.queue.append(frame)

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("nobody closes it")

    def drop(self) -> None:
        """The connection breaks: what was not read is lost, and half a snapshot is none."""
        self.queue.clear()
        self.begun = None

    def read(self) -> None:
        """The server sends, and the client reads, one entry of the queue."""
        entry = self.queue.popleft()
        for text in [entry] if isinstance(entry, str) else entry():
            self._apply(json.loads(text))

    def _apply(self, frame: dict[str, Any]) -> None:
        event, name = frame["event"], frame["instance"]
        if event == "snapshot":
            assert len(frame["data"]["rows"]) <= module.SLICE
            self.begun = (self.begun or {}) | {row["name"]: row["state"] for row in frame["data"]["rows"]}
            if not frame["data"]["last"]:
                return
            self.rows, self.begun, self.numbers = self.begun, None, []
        else:
            assert self.begun is None, "nothing comes between the slices"
            if event == "instance.row":
                self.rows[name] = frame["data"]["state"]
            elif event == "instance.deleted":
                del self.rows[name]
            elif event == "instance.state":
                assert name in self.rows, "never before its row"
                self.rows[name] = states.from_event(frame["data"]["state"]).state or self.rows[name]
        self.after = frame["seq"]
        self.numbers.append(int(frame["seq"].partition(".")[2]))


STEPS = st.lists(st.one_of(
    st.tuples(st.just("change"), st.sampled_from(NAMES), st.sampled_from(list(WORDS))),
    st.tuples(st.just("toggle"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("read"), st.none(), st.none()),
    st.tuples(st.just("drop"), st.none(), st.none()),
), max_size=60)  # fmt: skip


@settings(max_examples=120, derandomize=True, deadline=None)
@given(there=st.sets(st.sampled_from(NAMES)), steps=STEPS, ring=st.integers(1, 12), filtered=st.booleans())
def test_nothing_is_lost_doubled_or_out_of_order(there: set[str], steps: list[Any], ring: int, filtered: bool) -> None:
    wire = Bus(epoch="e", ring_size=ring, extensions=True)
    truth = {name: _record(name) for name in there}
    client = Client()

    def follow() -> None:
        wanted = frozenset({"instance.state"}) if filtered else None
        records = [truth[name] for name in sorted(truth)]
        wire.follow_account(ACCOUNT, client, events=wanted, after=client.after, records=records)

    follow()
    for what, name, stage in steps:
        if what == "read" and client.queue:
            client.read()
        elif what == "drop":
            wire.leave_account(ACCOUNT, client)
            client.drop()
            client.numbers = client.numbers[-1:]
            follow()
        elif what == "toggle" and name in truth:
            wire.deleted(truth.pop(name))
        elif what == "toggle":
            truth[name] = _record(name)
            wire.row(truth[name])
        elif what == "change" and name in truth:
            truth[name].stage = stage
            truth[name].changed()
            wire.publish(truth[name], "instance.state", {"state": WORDS[stage]})
    while client.queue:
        client.read()
    assert client.rows == {name: record.state for name, record in truth.items()}
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(client.numbers)), client.numbers


def _record(name: str) -> Record:
    return Record(id=f"id-{name}", account=ACCOUNT, name=name, token="t", created_at=START, updated_at=START, since=START)
