"""Hours of breaking lines in virtual time: what the core of the console keeps in mind does not grow by an object an hour."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from .scenario import FAULTS, life, person
from .world import FULL, PLAIN, World, simulate

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
HOURS: Final = max(8, int(float(os.environ.get("RYZE_SOAK", "0")) * 4))
WARM: Final = 3
BOUNDED: Final = ("Call", "Transition", "Item", "Said")
"""Kept on purpose up to a number: the log of calls, what happened to an instance."""


def ours() -> Counter[str]:
    """Objects of the console's core that are alive, by type."""
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    return Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("ryze_tui."))


@pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])
def test_hours_of_broken_lines(extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[Counter[str], int, int, int]] = []

    async def story(world: World) -> None:
        for _hour in range(HOURS):
            began = world.now
            works: tuple[Any, ...] = (life(world, mean=5.0), person(world, mean=120.0))
            tasks = [asyncio.create_task(work) for work in works]
            while world.now - began < 3000:
                world.server.trouble.append(world.now)  # every gap is followed by a list: more of them than on a good day
                await FAULTS[world.rng.choice(("broken", "half_open", "outage", "storm", "ring_lost", "torn"))](world, 20.0)
                world.server.trouble.append(world.now)
                await asyncio.sleep(world.rng.uniform(10, 60))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(600)
            for name in [name for name in world.server.instances if name.startswith("mine-")]:
                world.server.delete(name)
            await asyncio.sleep(400)
            loop: Any = asyncio.get_running_loop()
            timers = sum(not timer.cancelled() for timer in loop._scheduled)
            seen.append((ours(), len(asyncio.all_tasks()), timers, len(world.server.connections)))

    simulate(
        monkeypatch, tmp_path, story, count=30, quiet=3, seed=11, every=90.0, extensions=extensions, sockets=12, pings=18.0
    )
    (first, tasks, timers, sockets), (last, tasks_, timers_, sockets_) = seen[WARM - 1], seen[-1]
    print(f"{HOURS} hours: {sum(first.values())} -> {sum(last.values())} objects, {tasks} -> {tasks_} tasks, "
          f"{timers} -> {timers_} timers, {sockets} -> {sockets_} sockets")  # fmt: skip
    more = {kind: (first[kind], count) for kind, count in last.items() if count > first[kind] * 1.2 + 12 and kind not in BOUNDED}
    assert not more
    assert tasks_ <= tasks + 3 and timers_ <= timers + 5 and sockets_ <= sockets + 3
