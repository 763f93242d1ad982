"""A day and a week of 300 instances: everything breaks in turn, people work on it, and nothing on the screen was ever false."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .scenario import FAULTS, life, others, person
from .server import ACCOUNT
from .world import FULL, PLAIN, World, simulate

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])
DAY = 86_400.0
LIST_TAKES = (0.5, 1.5)
"""Seconds that an answer takes here: 300 items over the internet."""


async def days(world: World, seconds: float, *, mean: float, faults: float, badge: str) -> None:
    """Life for so long; a state changes every `mean` seconds, something breaks about every `faults` seconds."""
    ends, rng = world.now + seconds, world.rng
    while world.now < ends and not world.wrong:
        tasks = [
            asyncio.create_task(life(world, mean=mean)), asyncio.create_task(others(world, mean=600.0)),
            asyncio.create_task(person(world, mean=300.0)),
        ]
        await asyncio.sleep(rng.uniform(0.5, 1.5) * faults)
        await FAULTS[rng.choice(sorted(FAULTS))](world, rng.choice((1.0, 5.0, 20.0, 60.0, 300.0, 1800.0)))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(320 if world.plain else 120)
        world.settled(badge)


@MODES
def test_a_day(extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def story(world: World) -> Any:
        length = DAY if extensions else DAY / 3  # lists are real work: a day of them is long
        faults, badge = (3 * 3600.0, "live") if extensions else (3600.0, "polling")
        return days(world, length, mean=30.0, faults=faults, badge=badge)

    world = simulate(
        monkeypatch, tmp_path, story, count=40 if extensions else 16, quiet=3, seed=3, every=90.0, extensions=extensions,
        latency=LIST_TAKES, sockets=6, pings=18.0,
    )
    assert world.looks > 200


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("extensions", "length"), [(FULL, 7.0), (PLAIN, 1.0)], ids=["stream", "plain"])
def test_days_of_three_hundred(
    extensions: frozenset[str], length: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the account stream a day: lists of 300 are read for ever, and that is real work."""

    def story(world: World) -> Any:
        return days(world, length * DAY, mean=15.0, faults=4 * 3600.0, badge="live" if extensions else "polling")

    world = simulate(
        monkeypatch, tmp_path, story, count=300, quiet=20, seed=7, every=120.0, extensions=extensions,
        latency=LIST_TAKES if extensions else (1.5, 3.0), sockets=20, pings=18.0,
    )
    assert world.looks > 500


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("aligned", "shows_tokens"),
    [
        pytest.param(True, False, id="whole-minutes-no-tokens"),
        pytest.param(False, True, id="own-windows", marks=LONG),
        pytest.param(True, True, id="whole-minutes", marks=LONG),
        pytest.param(False, False, id="own-windows-no-tokens", marks=LONG),
    ],
)
def test_an_hour_of_use_under_the_hosted_limits_sees_no_429(
    aligned: bool, shows_tokens: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """300 instances, 100 requests a minute, a person who presses a key every 6 s on the average."""

    async def story(world: World) -> None:
        tasks = [
            asyncio.create_task(life(world, mean=2.0)), asyncio.create_task(others(world, mean=120.0)),
            asyncio.create_task(person(world, mean=6.0)),
        ]
        for _minute in range(60):
            await asyncio.sleep(60)
            windows = [window.used for (token, _bucket), window in world.server.windows.items() if token == ACCOUNT]
            assert max(windows) <= 100
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(120)
        world.settled("polling")
        assert world.server.connections

    world = simulate(
        monkeypatch, tmp_path, story, count=300, quiet=20, every=20.0, extensions=PLAIN, aligned=aligned,
        shows_tokens=shows_tokens, pings=18.0,
    )
    assert world.server.requests > 500
    assert not any(call.status == 429 for call in world.account.calls)
