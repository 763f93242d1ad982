"""A day and a week of 300 instances: everything breaks in turn, people work on it, and nothing on the screen was ever false."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .scenario import FAULTS, life, others, person
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
        return days(world, DAY, mean=20.0, faults=3 * 3600.0, badge="live")

    world = simulate(
        monkeypatch, tmp_path, story, count=60, seed=3, every=60.0, extensions=extensions, latency=LIST_TAKES, sockets=120
    )
    assert world.looks > 1000


@pytest.mark.long
@pytest.mark.timeout(900)
@MODES
def test_a_week_of_three_hundred(extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def story(world: World) -> Any:
        return days(world, 7 * DAY, mean=15.0, faults=4 * 3600.0, badge="live" if extensions else "polling")

    world = simulate(
        monkeypatch, tmp_path, story, count=300, quiet=20, seed=7, every=120.0, extensions=extensions, latency=LIST_TAKES, sockets=100
    )
    assert world.looks > 4000
