"""Any faults in any order, at seeded random moments: the screen is honest all the time and right again after each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .scenario import FAULTS, life, others, person, suffer
from .world import FULL, PLAIN, World, simulate

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])


async def through(world: World, steps: list[tuple[str, float]]) -> None:
    """Life goes on while one fault after the other happens; after each the world stands still and is looked at."""
    await asyncio.sleep(15)
    for fault, seconds in steps:
        tasks = [
            asyncio.create_task(life(world, mean=2.0)), asyncio.create_task(others(world, mean=60.0)),
            asyncio.create_task(person(world, mean=30.0)),
        ]
        await asyncio.sleep(20)
        await FAULTS[fault](world, seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        world.connects = world.server.connects
        await asyncio.sleep(120)
        world.settled("live")
        if world.wrong:
            return


@MODES
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(fault: str, extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    simulate(monkeypatch, tmp_path, lambda world: through(world, [(fault, 45.0)]), extensions=extensions, every=1.0)
