"""Two fixed windows of sixty seconds per token."""

from __future__ import annotations

from ryze_tui.backend.limits import CREATE, GLOBAL, Limits

from .fakes import START, VirtualClock


def test_a_hundred_a_minute_and_twenty_creations() -> None:
    limits = Limits(100, VirtualClock())
    verdicts = [limits.count("a", GLOBAL) for _ in range(101)]
    assert [verdict.allowed for verdict in verdicts if verdict] == [True] * 100 + [False]
    assert [verdict.remaining for verdict in verdicts if verdict] == [*range(99, -1, -1), 0]
    creations = [limits.count("a", CREATE) for _ in range(21)]
    assert [verdict.allowed for verdict in creations if verdict] == [True] * 20 + [False]


def test_the_window_is_fixed_and_says_when_it_ends() -> None:
    clock = VirtualClock()
    limits = Limits(2, clock)
    limits.count("a", GLOBAL)
    clock.advance(50)
    limits.count("a", GLOBAL)
    refused = limits.count("a", GLOBAL)
    assert refused is not None
    assert refused.headers() == {
        "X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(START) + 60), "Retry-After": "10",
    }
    clock.advance(9.9)
    assert not limits.count("a", GLOBAL).allowed  # type: ignore[union-attr]
    clock.advance(0.1)
    allowed = limits.count("a", GLOBAL)
    assert allowed is not None and allowed.allowed and allowed.remaining == 1 and "Retry-After" not in allowed.headers()


def test_tokens_do_not_share() -> None:
    limits = Limits(1, VirtualClock())
    assert all(verdict and verdict.allowed for verdict in (limits.count(key, GLOBAL) for key in "abc"))


def test_zero_switches_it_off() -> None:
    assert Limits(0, VirtualClock()).count("a", GLOBAL) is None


def test_a_clock_that_goes_back_locks_nobody_out() -> None:
    clock = VirtualClock()
    limits = Limits(1, clock)
    limits.count("a", GLOBAL)
    clock.time = -3600
    assert limits.count("a", GLOBAL).allowed  # type: ignore[union-attr]


def test_windows_that_are_over_are_forgotten() -> None:
    clock = VirtualClock()
    limits = Limits(1, clock)
    for key in range(10_000):
        limits.count(str(key), GLOBAL)
    clock.advance(61)
    limits.count("new", GLOBAL)
    assert len(limits._windows) == 1
