"""The reducer: any order of facts ends right; counts always equal the rows; an older list never overwrites a newer event."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ryze_tui.api import states
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.fleet.model import GONE_MOST, PAST_MOST, STALE_MOST, FleetModel, Transition
from ryze_tui.fleet.moments import unix

NAMES = st.sampled_from(["a", "b", "c"])
STATES = st.sampled_from([*states.STATES, states.UNKNOWN])
WORDS = st.sampled_from([*states.EVENT_WORDS, "brand_new_word"])
TIMES = st.integers(0, 40).map(float)


def item(name: str, state: str, **fields: object) -> Instance:
    return Instance(name, state=state, raw_state=state, **fields)  # type: ignore[arg-type]


def event(name: str, word: str, **data: object) -> Event:
    return Event("instance.state", name, {"state": word, **data})


ITEMS = st.dictionaries(NAMES, STATES, max_size=3).map(lambda pairs: [item(name, state) for name, state in pairs.items()])
FACTS = st.one_of(
    st.tuples(st.just("list"), ITEMS, TIMES, st.integers(0, 9)),
    st.tuples(st.just("part"), ITEMS, TIMES, st.integers(0, 9)),
    st.tuples(st.just("event"), NAMES, WORDS, TIMES),
    st.tuples(st.just("snapshot"), ITEMS, TIMES, st.just(0)),
    st.tuples(st.just("created"), NAMES, STATES, TIMES),
    st.tuples(st.just("deleted"), NAMES, STATES, TIMES),
    st.tuples(st.just("written"), NAMES, STATES, TIMES),
)


def apply(model: FleetModel, fact: tuple) -> set[str]:  # type: ignore[type-arg]
    kind, one, two, three = fact
    if kind in ("list", "part"):
        at, items = two + three, [replace(i) for i in one]
        changes = model.apply_list(items, asked_at=two, received_at=at, now=at, complete=kind == "list")
    elif kind == "event":
        changes = model.apply_event(event(one, two), received_at=three, now=three)
    elif kind == "snapshot":
        changes = model.apply_snapshot([replace(i) for i in one], received_at=two, now=two)
        changes.merge(model.end_snapshot({i.name for i in one}, began_at=two))
    elif kind == "created":
        changes = model.apply_created(item(one, two), received_at=three, now=three)
    elif kind == "deleted":
        changes = model.apply_deleted(one, received_at=three)
    else:
        changes = model.apply_written(one, two, asked_at=three, received_at=three, now=three)
    return changes.rows


@given(st.lists(FACTS, max_size=30))
@settings(deadline=None)
def test_counts_always_equal_the_rows_and_every_change_is_told(facts: list) -> None:  # type: ignore[type-arg]
    model = FleetModel()
    for fact in facts:
        before = {name: (row.state, row.phase, row.number, row.item.blocks, row.stale) for name, row in model.rows.items()}
        told = apply(model, fact)
        after = {name: (row.state, row.phase, row.number, row.item.blocks, row.stale) for name, row in model.rows.items()}
        assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= told
        for state in model.counts:
            assert model.counts[state] == sum(row.state == state for row in model.rows.values())


@given(WORDS, STATES, st.floats(0, 10), st.floats(0.001, 10), st.floats(0, 10), st.booleans())
def test_an_older_list_never_overwrites_a_newer_event(
    word: str, old: str, asked: float, later: float, took: float, complete: bool
) -> None:
    model = FleetModel()
    model.apply_list([item("a", old)], asked_at=-1, received_at=-1, now=0)
    heard = asked + later
    model.apply_event(event("a", word), received_at=heard, now=heard)
    state, phase = model.rows["a"].state, model.rows["a"].phase
    for stale in ([item("a", old)], [item("a", states.BANNED)], []):
        model.apply_list(stale, asked_at=asked, received_at=heard + took, now=heard + took, complete=complete)
        assert (model.rows["a"].state, model.rows["a"].phase) == (state, phase)


@given(st.permutations([1.0, 2.0, 3.0]))
def test_of_several_lists_the_one_asked_for_last_wins_in_any_order_of_arrival(order: list[float]) -> None:
    answer = {1.0: states.CONNECTED, 2.0: states.DISCONNECTED, 3.0: states.BANNED}
    model = FleetModel()
    model.apply_list([item("a", states.CONNECTING)], asked_at=0, received_at=0, now=0)
    for arrived, asked in enumerate(order):
        model.apply_list([item("a", answer[asked])], asked_at=asked, received_at=10.0 + arrived, now=0)
    assert model.rows["a"].state == states.BANNED


def test_an_older_list_does_not_bring_back_what_was_deleted() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=1, received_at=1, now=1)
    model.apply_deleted("a", received_at=5)
    model.apply_list([item("a", "connected")], asked_at=4, received_at=6, now=6)
    assert not model.rows
    model.apply_list([item("a", "connected")], asked_at=7, received_at=8, now=8)
    assert "a" in model.rows


def test_an_older_list_does_not_drop_what_was_created_since() -> None:
    model = FleetModel()
    model.apply_created(item("a", "disconnected"), received_at=5, now=5)
    model.apply_list([], asked_at=4, received_at=6, now=6)
    assert "a" in model.rows
    assert model.rows["a"].since_exact
    model.apply_list([], asked_at=7, received_at=8, now=8)
    assert not model.rows


def test_details_of_an_older_list_are_taken_though_its_state_is_not() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connecting")], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "connected", jid="5511:3@s.whatsapp.net"), received_at=5, now=5)
    model.apply_list([item("a", "connecting", profile_name="Acme", token="t")], asked_at=4, received_at=6, now=6)
    row = model.rows["a"]
    assert (row.state, row.item.profile_name, row.item.token, row.number) == ("connected", "Acme", "t", "5511")


def test_the_event_that_our_own_write_led_to_is_not_undone_by_its_answer() -> None:
    model = FleetModel()
    model.apply_list([item("a", "disconnected")], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "connected"), received_at=5, now=5)
    model.apply_written("a", "connecting", asked_at=4, received_at=6, now=6)
    assert model.rows["a"].state == "connected"
    model.apply_written("a", "loggedout", asked_at=7, received_at=8, now=8)
    assert (model.rows["a"].state, model.rows["a"].told_by) == ("loggedout", "you")


def test_a_word_nobody_knows_changes_no_state_and_is_kept() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "brand_new_word"), received_at=5, now=5)
    assert (model.rows["a"].state, model.rows["a"].last_word) == ("connected", "brand_new_word")


def test_keepalive_makes_stale_and_fresh_again() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "keepalive_timeout"), received_at=2, now=2)
    assert (model.rows["a"].state, model.rows["a"].stale) == ("connected", True)
    model.apply_event(event("a", "keepalive_restored"), received_at=3, now=3)
    assert not model.rows["a"].stale


def test_another_state_in_a_list_ends_what_was_stale_about_the_one_before() -> None:
    model = FleetModel()
    model.apply_list([item("a", states.CONNECTED)], asked_at=0, received_at=1, now=1)
    model.apply_event(event("a", "keepalive_timeout"), received_at=10, now=10)
    for at, state in ((20, states.DISCONNECTED), (30, states.CONNECTED)):
        model.apply_list([item("a", state)], asked_at=at, received_at=at, now=at)
        assert (model.rows["a"].state, model.rows["a"].stale) == (state, False)


@pytest.mark.parametrize("told", ["list", "snapshot"])
def test_a_row_does_not_stay_stale_because_the_word_of_its_return_was_lost(told: str) -> None:
    """whatsmeow tells of every keepalive that fails, and dials again after three minutes of them."""
    model = FleetModel()
    model.apply_list([item("a", states.CONNECTED)], asked_at=0, received_at=1, now=1)
    model.apply_event(event("a", "keepalive_timeout"), received_at=10, now=10)
    for at, stale in ((10 + STALE_MOST, True), (11 + STALE_MOST, False)):
        row = item("a", states.CONNECTED)
        if told == "list":
            changes = model.apply_list([row], asked_at=at, received_at=at, now=at)
        else:
            changes = model.apply_snapshot([row], received_at=at, now=at)
        assert model.rows["a"].stale is stale
        assert bool(changes) is not stale


def test_every_event_word_leads_to_the_contracts_state() -> None:
    expected = {
        "connected": "connected", "qr_ready": "connecting", "pair_success": "connecting", "manual_reconnect": "connecting",
        "pair_error": "connecting", "qr_scanned_no_multidevice": "connecting", "disconnected": "disconnected",
        "stream_error": "disconnected", "stream_replaced": "disconnected", "client_outdated": "disconnected",
        "connect_failure": "disconnected", "cat_refresh_error": "disconnected", "logged_out": "loggedout",
        "temp_banned": "banned", "keepalive_timeout": "unknown", "keepalive_restored": "unknown", "else": "unknown",
    }
    for word, state in expected.items():
        model = FleetModel()
        model.apply_list([item("a", "unknown")], asked_at=1, received_at=1, now=1)
        model.apply_event(event("a", word), received_at=2, now=2)
        assert model.rows["a"].state == state, word


def test_a_new_number_takes_the_old_profile_away() -> None:
    model = FleetModel()
    old = item("a", "loggedout", number_jid="55@s.whatsapp.net", profile_name="Old")
    model.apply_list([old], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "connected", jid="66@s.whatsapp.net"), received_at=2, now=2)
    assert (model.rows["a"].number, model.rows["a"].item.profile_name) == ("66", "")


def test_unreadable_items_are_counted_and_cost_nothing_else() -> None:
    model = FleetModel()
    model.apply_list([Instance(""), item("a", "connected")], asked_at=1, received_at=1, now=1)
    assert (model.unreadable, list(model.rows)) == (1, ["a"])


@pytest.mark.parametrize(
    "since", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "\ud800", "2026-01-01T00:00:00", "x" * 9999]
)
def test_times_of_other_centuries_are_none(since: str) -> None:
    assert unix(since) is None
    assert unix("2026-01-01T00:00:00Z") == 1767225600


@pytest.mark.parametrize("stamp", [7, None, {"a": []}, "9999-12-31T23:59:59Z"])
def test_an_event_without_a_usable_time_is_of_now(stamp: object) -> None:
    model = FleetModel()
    model.apply_list([Instance("a", "connected")], asked_at=1.0, received_at=1.0, now=1e9)
    event = Event("instance.state", "a", {"state": "temp_banned", "timestamp": stamp})
    model.apply_event(event, received_at=2.0, now=1e9 + 1)
    assert (model.rows["a"].state, model.rows["a"].since) == ("banned", 1e9 + 1)


def test_the_reason_of_a_state_goes_with_it() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=1, received_at=1, now=1)
    model.apply_event(event("a", "disconnected", reason="stream error 503"), received_at=2, now=2)
    assert model.rows["a"].reason == "stream error 503"
    model.apply_list([item("a", "connected")], asked_at=3, received_at=3, now=3)
    assert model.rows["a"].reason == ""


def test_a_change_that_a_list_shows_began_after_the_row_was_last_true() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=10, received_at=12, now=1012)
    model.apply_list([item("a", "connected")], asked_at=40, received_at=42, now=1042)
    model.apply_list([item("a", "banned")], asked_at=70, received_at=75, now=1075)
    row = model.rows["a"]
    assert (row.not_before, row.since, row.since_exact, row.seen) == (1040, 1075, False, 1070)
    assert row.past == (Transition(1040, 1075, "connected", "banned"),)


def test_the_last_changes_of_a_row_are_kept() -> None:
    model = FleetModel()
    model.apply_list([item("a", "connected")], asked_at=1, received_at=1, now=1)
    for n in range(2, 60):
        model.apply_event(event("a", "disconnected" if n % 2 == 0 else "connected", reason=f"r{n}"), received_at=n, now=n)
    past = model.rows["a"].past
    assert len(past) == PAST_MOST and past[-1] == Transition(59, 59, "disconnected", "connected", "r59", "stream")


@pytest.mark.timeout(20)
def test_fifty_thousand_that_go_at_once_are_forgotten_in_one_pass() -> None:
    model = FleetModel()
    model.apply_list([Instance(f"n{n}", state="connected") for n in range(50_000)], asked_at=0, received_at=1, now=1000)
    assert len(model.end_list(set(), asked_at=2).rows) == 50_000 and not model.rows
    for n in range(100_000):
        model.apply_deleted(f"made-up-{n}", received_at=3)
    assert len(model._gone) <= 3 * GONE_MOST, "names of those that never were do not fill the memory"


def test_a_word_that_repeats_the_state_makes_nothing_stale() -> None:
    model = FleetModel()
    model.apply_list([item("a", states.CONNECTED)], asked_at=0, received_at=1, now=1000)
    for at in (2, 3):
        model.apply_event(event("a", "connected"), received_at=at, now=1000 + at)
        assert not model.rows["a"].stale
