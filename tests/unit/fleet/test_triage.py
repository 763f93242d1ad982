"""Every state and every event word has a reason and a next step, and connecting ages into a warning."""

from __future__ import annotations

import pytest
from ryze_tui.api import states
from ryze_tui.api.events import Event
from ryze_tui.api.instance import Instance
from ryze_tui.fleet import triage
from ryze_tui.fleet.model import FleetModel, Row
from ryze_tui.operations import remedy


def row(state: str = "connected", *words: str, number: str = "5511", reason: str = "", told_by: str = "list") -> Row:
    model = FleetModel()
    jid = f"{number}@s.whatsapp.net" if number else ""
    model.apply_list([Instance("a", state=state, number_jid=jid, reason=reason)], asked_at=1, received_at=1, now=1000)
    for n, word in enumerate(words):
        model.apply_event(Event("instance.state", "a", {"state": word}), received_at=2.0 + n, now=1000)
    model.rows["a"].told_by = told_by
    return model.rows["a"]


def test_the_wireframes_words() -> None:
    told = triage.assess(row("connected", "logged_out", told_by="stream"), 1000)
    assert (told.reason, told.next_key, told.next_step) == ("The phone unlinked this device.", "c", "connect with a new QR")
    assert (told.told_by, told.severity) == ("stream", triage.TROUBLE)


@pytest.mark.parametrize("word", [*states.EVENT_WORDS, "brand_new_word"])
@pytest.mark.parametrize("state", [*states.STATES, states.UNKNOWN])
def test_every_word_in_every_state_is_judged(state: str, word: str) -> None:
    after = row(state, word)
    told = triage.assess(after, 1000)
    assert told.severity == triage.severity(after, 1000)
    assert triage.needs_attention(after, 1000) == (told.severity >= triage.WARNING)
    if after.state == "connected" and not after.stale:
        assert (told.severity, told.reason) == (triage.FINE, "")
    else:
        assert told.reason
    if told.severity >= triage.TROUBLE:
        assert told.next_step


@pytest.mark.parametrize(
    ("state", "key"), [("disconnected", "r"), ("loggedout", "c"), ("banned", ""), ("connected", ""), ("unknown", "R")]
)
def test_next_keys(state: str, key: str) -> None:
    assert triage.assess(row(state), 1000).next_key == key


def test_never_paired() -> None:
    told = triage.assess(row("disconnected", number=""), 1000)
    assert (told.severity, told.next_key) == (triage.WARNING, "c")


def test_connecting_ages_into_a_warning() -> None:
    waiting = row("disconnected", "qr_ready")
    assert triage.assess(waiting, 1000 + 179).severity == triage.MOVING
    assert triage.assess(waiting, 1000 + 181).severity == triage.WARNING
    silent = row("connecting")
    assert not triage.needs_attention(silent, 1000 + 119)
    assert triage.needs_attention(silent, 1000 + 121)


def test_the_servers_own_reason_is_added_once() -> None:
    assert triage.assess(row("banned", reason="spam reports"), 1000).reason == "WhatsApp banned this number. (spam reports)"
    assert triage.assess(row("connected", reason="note"), 1000).reason == "note"
    assert triage.assess(row("banned", reason="whatsapp banned this number"), 1000).reason == "WhatsApp banned this number."


def test_logged_out_by_ourselves_is_said_so() -> None:
    assert triage.assess(row("loggedout", told_by="you"), 1000).reason == "You logged it out."


def banned(expire: object) -> Row:
    model = FleetModel()
    model.apply_list([Instance("a", state="connected", number_jid="5511@s.whatsapp.net")], asked_at=1, received_at=1, now=1000)
    event = Event("instance.state", "a", {"state": "temp_banned", "expire": expire})
    model.apply_event(event, received_at=2, now=1000)
    return model.rows["a"]


def test_a_ban_that_is_told_to_end_ends() -> None:
    row = banned(3600)
    assert (row.until, triage.assess(row, 1000 + 3599).severity) == (4600, triage.CRITICAL)
    assert triage.assess(row, 4600).next_key == "b"
    assert (remedy.choose(row, 4599).action, remedy.choose(row, 4600).action) == ("wait", "reconnect")


@pytest.mark.parametrize("expire", [None, True, "soon", -1, 0, 1e300, float("nan")])
def test_an_end_that_cannot_be_believed_is_none(expire: object) -> None:
    row = banned(expire)
    assert row.until == 0
    assert triage.severity(row, 1e12) == triage.CRITICAL
    assert remedy.choose(row, 1e12).action == "wait"
