"""What an answer of a receiver leads to, where events go, and how they are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.backend.events.delivery import (
    DEAD,
    DELIVERED,
    JITTER,
    LONGEST_WAIT,
    PENDING,
    WAITS,
    Fate,
    fate,
    headers,
    order_key,
    signature,
    target,
)  # fmt: skip

MIDDLE = lambda: 0.5  # noqa: E731


def fates(status: int | None) -> list[Fate]:
    """Every attempt's, until it ends."""
    found = []
    for attempt in range(1, 20):
        found.append(fate(status, attempt, MIDDLE))
        if found[-1].state != PENDING:
            return found
    raise AssertionError("it never ends")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert fates(status) == [Fate(DELIVERED)]


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 599])
def test_what_may_pass_is_tried_six_times(status: int | None) -> None:
    assert [one.wait for one in fates(status)] == [*WAITS, 0.0]
    assert fates(status)[-1] == Fate(DEAD)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422])
def test_what_will_not_change_is_tried_twice(status: int) -> None:
    assert fates(status) == [Fate(PENDING, WAITS[0]), Fate(DEAD)]


def test_gone_pauses_the_row() -> None:
    assert fates(410) == [Fate(DEAD, pause=True)]


@given(st.none() | st.integers(100, 599), st.integers(1, 50), st.floats(0, 1, exclude_max=True), st.text())
def test_waits_are_bounded_whatever_a_receiver_says(status: int | None, attempt: int, random: float, retry_after: str) -> None:
    found = fate(status, attempt, lambda: random, retry_after=retry_after)
    assert (found.wait > 0) == (found.state == PENDING)
    if found.state == PENDING:
        assert WAITS[attempt - 1] * (1 - JITTER) <= found.wait <= max(WAITS[attempt - 1] * (1 + JITTER), LONGEST_WAIT)


def test_retry_after_is_respected_within_an_hour() -> None:
    assert fate(503, 1, MIDDLE, retry_after="120").wait == 120
    assert fate(429, 1, MIDDLE, retry_after="999999").wait == LONGEST_WAIT
    assert fate(429, 1, MIDDLE, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").wait == 1


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://app/wh", "https://app/wh/call.update"), ("https://app/wh/", "https://app/wh/call.update"),
        ("https://app", "https://app/call.update"), ("https://app/wh?key=a%20b", "https://app/wh/call.update?key=a%20b"),
    ],
)  # fmt: skip
def test_by_event_stands_before_the_query(url: str, result: str) -> None:
    assert target(url, "call.update", by_events=True) == result
    assert target(url, "call.update", by_events=False) == url


def test_signed_as_standard_webhooks_does() -> None:
    expected = hmac.new(b"key", b"msg_1.1700000000.{}", hashlib.sha256).digest()
    assert signature(b"key", "msg_1", 1700000000, b"{}") == "v1," + base64.b64encode(expected).decode()
    assert "webhook-id" not in headers("msg_1", 1, b"{}", authorization="", secret=None)
    sent = headers("msg_1", 1, b"{}", authorization="Bearer x", secret=b"key")
    assert (sent["Authorization"], sent["webhook-id"], sent["webhook-timestamp"]) == ("Bearer x", "msg_1", "1")


def test_order_is_kept_per_chat() -> None:
    assert order_key("message.exchange", {"chat": {"jid": "a@g.us"}}) == "chat:a@g.us"
    assert order_key("message.exchange", {"message": {"chat": {"jid": "a@g.us"}}}) == "chat:a@g.us"
    assert order_key("group.flow", {"groupJid": "a@g.us"}) == "chat:a@g.us"
    assert order_key("instance.state", {"state": "connected"}) == "event:instance.state"
