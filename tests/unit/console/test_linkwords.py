"""What is said about the link: since when, why, what happens next; in words, and never a clock that ticks."""

from __future__ import annotations

import time

import pytest
from ryze_tui.console.panes.linkwords import badge, sentence
from ryze_tui.fleet.freshness import Link

WALL = 1_790_000_000.0
NOW = 500.0


def clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (Link("offline", age=34.4, retry_at=NOW + 0.5), "✖ OFFLINE 34 s, retrying"),
        (Link("offline", age=134, retry_at=NOW + 8), "✖ OFFLINE retry in 8 s"),
        (Link("stale", age=34.4), "◔ STALE 34 s"),
        (Link("stale", age=134), "◔ STALE 2 m"),
        (Link("live"), "● LIVE"),
    ],
)
def test_the_badge(link: Link, words: str) -> None:
    assert badge(link, NOW)[0] == words


def test_old_rows_are_dated_and_the_reason_is_said() -> None:
    at = clock(WALL - 34)
    refuses = Link("offline", age=34, retry_at=NOW + 0.4, message="x:1 refuses connections; is the server running?")
    assert sentence(refuses, WALL, NOW) == f"As of {at}: x:1 refuses connections; is the server running?"
    slow = Link("stale", age=34, retry_at=NOW + 118, message="Rate limit exceeded.")
    assert sentence(slow, WALL, NOW) == f"As of {at}: Rate limit exceeded. Asked again at {clock(WALL + 118)}."
    assert sentence(Link("stale", age=34), WALL, NOW) == f"As of {at}: nothing new came since."
    assert "--token-file" in sentence(Link("refused", message="Invalid token"), WALL, NOW)


def test_what_is_wrong_beside_rows_that_are_right() -> None:
    assert sentence(Link("live", message="not JSON"), WALL, NOW).startswith("List not read: not JSON. What others")
    assert sentence(Link("polling", message="it broke off"), WALL, NOW) == "No stream: it broke off. The list is read instead."
    assert sentence(Link("live"), WALL, NOW) == sentence(Link("polling"), WALL, NOW) == sentence(Link(), WALL, NOW) == ""


def test_it_does_not_tick_and_is_harmless() -> None:
    link = Link("stale", since=100, age=400, retry_at=600, message="a\x1b[2J\u202eb")
    later = Link("stale", since=100, age=410, retry_at=600, message="a\x1b[2J\u202eb")
    assert sentence(link, WALL, NOW) == sentence(later, WALL + 10, NOW + 10)
    assert not {"\x1b", "\u202e"} & set(sentence(link, WALL, NOW))
