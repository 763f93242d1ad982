"""Any faults in any order, at seeded random moments: the screen is honest all the time and right again after each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ryze_tui.fleet.account_stream import DEAD
from ryze_tui.fleet.scheduler import ping_interval
from ryze_tui.fleet.sockets import PONG

from .scenario import FAULTS, life, others, person
from .world import FULL, PLAIN, World, simulate

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])


async def through(world: World, steps: list[tuple[str, float]], *badges: str) -> None:
    """Life goes on while one fault after the other happens; after each the world stands still and is looked at."""
    await asyncio.sleep(30)
    for fault, seconds in steps:
        tasks = [
            asyncio.create_task(life(world, mean=2.0)), asyncio.create_task(others(world, mean=40.0)),
            asyncio.create_task(person(world, mean=20.0)),
        ]
        await asyncio.sleep(20)
        await FAULTS[fault](world, seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A list that took long is asked for less often, at least every five minutes.
        await asyncio.sleep(320 if world.plain and world.feed.poller.took > 2.0 else 120)
        world.settled(*(badges or ("live",)))
        if world.wrong:
            return


@MODES
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(fault: str, extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def story(world: World) -> Any:
        return through(world, [(fault, 45.0)])

    simulate(monkeypatch, tmp_path, story, extensions=extensions, quiet=0 if extensions else 5, every=1.0)


@MODES
def test_half_open_sockets_are_found_replaced_and_read_behind(
    extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(world: World) -> None:
        server = world.server
        await asyncio.sleep(60)
        dead = set(server.connections)
        for connection in dead:
            connection.freeze()
        for name in list(server.instances)[:10]:
            server.happens(name, "temp_banned")
        await asyncio.sleep(DEAD if extensions else ping_interval(40) + PONG)
        await asyncio.sleep(8)  # forty sockets open at eight a second, and one list is read behind them
        assert not dead & server.connections
        assert {connection.name for connection in server.connections} == ({None} if extensions else server.instances.keys())
        await asyncio.sleep(15)
        world.settled("live")

    simulate(monkeypatch, tmp_path, story, count=40, extensions=extensions, every=0.5, pings=0.0 if not extensions else 25.0)


SECONDS = st.sampled_from([0.5, 3.0, 17.0, 33.0, 70.0, 200.0])
STEPS = st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), SECONDS), min_size=1, max_size=3)
ODD = st.fixed_dictionaries({
    "extensions": st.sampled_from([FULL, PLAIN]), "quiet": st.sampled_from([0, 0, 7]),
    "pings": st.sampled_from([25.0, 54.0, 0.0]), "aligned": st.booleans(), "skew": st.sampled_from([0.0, -3600.0, 90.0]),
    "dated": st.booleans(), "shows_tokens": st.booleans(),
    "sockets": st.sampled_from([200, 200, 12]), "ring_size": st.sampled_from([50_000, 10]),
    "latency": st.sampled_from([(0.02, 0.4), (0.5, 6.0)]),
})


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, odd=ODD, seed=st.integers(0, 10_000))
def test_any_faults_on_any_server(steps: list[tuple[str, float]], odd: dict[str, Any], seed: int, tmp_path: Path) -> None:
    few = not odd["extensions"] and odd["sockets"] < 20
    with pytest.MonkeyPatch.context() as patch:
        badge = "polling" if few else "live"
        simulate(patch, tmp_path, lambda world: through(world, steps, badge), count=30, seed=seed, every=2.0, **odd)
