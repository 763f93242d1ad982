"""What is said after a time in which nobody watched is never younger or older than can be justified."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.console.words import age, lasting
from ryze_tui.fleet import history, triage
from ryze_tui.fleet.history import History
from ryze_tui.fleet.keeping import Kept
from ryze_tui.fleet.model import PAST_MOST, FleetModel, Row

WORD = {"connected": "connected", "disconnected": "disconnected", "loggedout": "logged_out"}
START = 1_790_000_000.0
EPS = 0.01


class Watcher:
    """One run of the program after another; what it knows goes through the file's lines. Monotonic seconds begin anew each."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.model = FleetModel()
        self.now = 0.0

    def begin(self, now: float, *items: Instance) -> None:
        self.model, self.now = FleetModel(), now
        remembered = History()
        for line in self.lines:
            remembered.add(line.encode())
        self.model.recall = remembered.recall
        self.model.apply_list(items, asked_at=0, received_at=0, now=now)
        remembered.forget()

    def event(self, now: float, state: str, **data: object) -> None:
        self.model.apply_event(
            Event("instance.state", "a", {"state": WORD[state], **data}), received_at=now - self.now, now=now
        )

    def end(self, now: float) -> None:
        self.lines = [history.line_of(row, now) for row in self.model.rows.values()]

    @property
    def row(self) -> Row:
        return self.model.rows["a"]


def item(state: str, **more: object) -> Instance:
    return Instance("a", state=state, raw_state=state, number_jid="5511@s.whatsapp.net", **more)  # type: ignore[arg-type]


def watched(state: str = "connected", *, since: float = START, until: float = START + 600) -> Watcher:
    """It changed to `state` while we watched, until `until`."""
    w = Watcher()
    w.begin(since - 60, item("disconnected" if state != "disconnected" else "connected"))
    w.event(since, state, reason="because")
    w.end(until)
    return w


def test_the_same_state_began_at_the_remembered_moment_at_the_earliest_and_now_at_the_latest() -> None:
    w = watched()
    w.begin(START + 7200, item("connected"))
    row = w.row
    assert (row.not_before, row.since, row.since_exact, row.unwatched) == (START, START + 7200, False, START + 600)
    assert (row.reason, row.last_word, row.told_by, row.last_event) == ("because", "connected", "stream", START)
    assert lasting(row, START + 7260) == "≤2 h"
    assert lasting(row, START + 7200 + 86400) == "1 d"
    assert lasting(row, START + 3 * 7200) == "≥4 h"


def test_a_short_gap_costs_nothing_once_both_bounds_read_the_same() -> None:
    w = watched(until=START + 10)
    w.begin(START + 20, item("connected"))
    assert lasting(w.row, START + 2 * 3600 + 25) == "2 h"


def test_another_state_began_while_nobody_watched() -> None:
    w = watched()
    w.begin(START + 7200, item("loggedout"))
    row = w.row
    assert (row.not_before, row.since, row.since_exact, row.unwatched) == (START + 600, START + 7200, False, 0.0)
    assert (row.reason, row.last_word) == ("", "")
    assert row.past[-1][:4] == (START + 600, START + 7200, "connected", "loggedout")


def test_without_an_exact_beginning_nothing_bounds_it_from_below() -> None:
    w = Watcher()
    w.begin(START, item("connected"))
    w.end(START + 3 * 86400)
    w.begin(START + 4 * 86400, item("connected"))
    assert (w.row.since, w.row.not_before, w.row.unwatched) == (START + 4 * 86400, 0.0, START + 3 * 86400)
    assert lasting(w.row, START + 4 * 86400 + 300) == "≥5 m"
    w.end(START + 5 * 86400)
    w.begin(START + 6 * 86400, item("connected"))
    assert w.row.unwatched == START + 3 * 86400  # since then not always


def test_the_servers_own_since_is_believed() -> None:
    w = watched()
    w.begin(START + 7200, item("connected", since="2026-09-21T14:00:00Z", reason="its own"))
    assert (w.row.since_exact, w.row.reason, w.row.unwatched) == (True, "its own", 0.0)


@pytest.mark.parametrize("case", ["other id", "made by us", "clock set back"])
def test_what_is_not_the_same_instance_or_of_the_future_is_not_believed(case: str) -> None:
    w = Watcher()
    w.begin(START, item("disconnected", id="one"))
    w.event(START + 60, "connected")
    w.end(START + 600)
    if case == "made by us":
        remembered = History()
        asyncio.run(remembered.load(Kept(0, [line.encode() for line in w.lines])))
        w.model = FleetModel()
        w.model.recall = remembered.recall
        w.model.apply_created(item("connected", id="one"), received_at=1, now=START + 700)
        assert (w.row.since_exact, w.row.since) == (True, START + 700)
    else:
        w.begin(START + (700 if case == "other id" else 500), item("connected", id="two" if case == "other id" else "one"))
        assert not w.row.since_exact
    assert w.row.past == () and w.row.unwatched == 0 and w.row.not_before == 0


def test_deleted_instances_are_forgotten() -> None:
    w = watched()
    w.begin(START + 1000)
    w.model.apply_list([item("connected")], asked_at=5, received_at=5, now=START + 1005)  # the name again, later
    assert w.row.past == () and w.row.not_before == 0
    w.begin(START + 2000)
    w.end(START + 2001)
    assert w.lines == []


def test_drops_before_the_restart_count_and_the_past_stays_bounded() -> None:
    w = Watcher()
    w.begin(START, item("connected"))
    for n in range(40):
        w.event(START + 60 + n, "disconnected" if n % 2 == 0 else "connected", reason="x" * 1000)
    w.end(START + 120)
    assert len(w.lines[0]) < PAST_MOST * 250
    w.begin(START + 180, item("connected"))
    assert triage.flaps(w.row, START + 200) == PAST_MOST // 2
    assert triage.assess(w.row, START + 200).severity == triage.WARNING
    assert triage.flaps(w.row, START + 4000) == 0


def test_changes_of_last_week_are_kept_and_older_ones_are_not() -> None:
    w = Watcher()
    w.begin(START, item("connected"))
    w.event(START + 60, "disconnected")
    w.event(START + 6 * 86400, "connected")
    w.end(START + 7 * 86400 + 30)
    w.begin(START + 7 * 86400 + 40, item("connected"))
    assert [change.at for change in w.row.past] == [START + 60, START + 6 * 86400]
    w.end(START + 8 * 86400)
    w.begin(START + 8 * 86400 + 10, item("connected"))
    assert [change.at for change in w.row.past] == [START + 6 * 86400]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'["a"]', b'["a",1,2,3,4,5,6,7,8,9,10,11]',
     b'["a","i","connected","x",true,0,0,1,"","list",[0,""],[]]',
     b'["a","i","nonsense",1,true,0,0,1,"","list",[0,""],[]]',
     b'["\\ud800","i","connected",1,true,0,0,1,"","list",[0,""],[]]',
     b'["a","i","connected",1e400,true,0,0,1,"","list",[0,""],[]]',
     b'["a","i",["connected"],1,true,0,0,1,"","list",[0,""],[]]'],
)  # fmt: skip
def test_lines_that_are_none_are_nothing(line: bytes) -> None:
    assert history.memory_of(line) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["connected", "list"]),
    lambda inner: st.lists(inner, max_size=6), max_leaves=12,
)  # fmt: skip


@pytest.mark.long
@given(st.lists(JSON, min_size=12, max_size=12), st.booleans())
@settings(deadline=None, max_examples=200)
def test_any_line_of_json_is_read_or_left_out_and_can_be_recalled(values: list[object], valid: bool) -> None:
    if valid:
        values[0], values[2], values[3], values[7] = "a", "connected", 5.0, 6.0
    found = history.memory_of(json.dumps(values).encode())
    if found is not None:
        model = FleetModel()
        model.recall = lambda row, now: history.recall(row, found[1], now)
        model.apply_list([item("connected")], asked_at=1, received_at=1, now=START)
        triage.assess(model.rows["a"], START)
        history.line_of(model.rows["a"], START)


# -- the property --------------------------------------------------------------------------------------------------------

STEP = st.integers(1, 4000)
SESSIONS = st.lists(st.tuples(STEP, STEP), min_size=1, max_size=5)
CHANGES = st.lists(st.tuples(STEP, st.sampled_from(sorted(WORD))), max_size=14)


def truth(changes: Sequence[tuple[float, str]], now: float) -> tuple[float, str]:
    """(since, state) at a moment; a change to the same state is none."""
    since, state = changes[0]
    for at, to in changes[1:]:
        if at <= now and to != state:
            since, state = at, to
    return since, state


def justified(row: Row, since: float, now: float) -> None:
    """What the row says holds what is true."""
    if row.since_exact:
        assert abs(row.since - since) < EPS
    else:
        assert row.not_before - EPS <= since <= row.since + EPS
    said, true = lasting(row, now), now - since
    least, most = now - row.since, now - row.not_before
    if said.startswith("≥"):
        assert least <= true + EPS and said == f"≥{age(least)}"
    elif said.startswith("≤"):
        assert most >= true - EPS and said == f"≤{age(most)}"
    elif said != "–":
        assert said in (age(true), age(true - EPS), age(true + EPS))


@given(CHANGES, SESSIONS, st.booleans())
@settings(deadline=None, max_examples=300)
def test_what_is_shown_is_never_younger_or_older_than_can_be_justified(
    gaps: list[tuple[int, str]], sessions: list[tuple[int, int]], own_since: bool
) -> None:
    changes, at = [(START - 1000, "connected")], START
    for gap, state in gaps:
        at += gap
        changes.append((at, state))
    w, now = Watcher(), START
    for away, stays in sessions:
        now += away
        end = now + stays
        since, state = truth(changes, now)
        more = {"since": f"{since_text(since)}"} if own_since else {}
        w.begin(now, item(state, **more))
        justified(w.row, since, now)
        for when, _state in changes:
            if now < when <= end and truth(changes, when)[0] == when:
                w.event(when, truth(changes, when)[1])
                justified(w.row, *truth(changes, when)[:1], when)
        justified(w.row, truth(changes, end)[0], end)
        real = sum(
            end - 3600 <= when <= end and truth(changes, when)[0] == when and truth(changes, when - EPS)[1] == "connected"
            for when, _to in changes[1:]
        )
        assert triage.flaps(w.row, end) <= real, (gaps, sessions, own_since, w.row.past)
        w.end(end)
        now = end


def since_text(moment: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()
