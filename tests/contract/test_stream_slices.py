"""A snapshot in three slices through a real socket while everything changes: nothing lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from .harness import Api, running

COUNT = 1100
FILLED = COUNT - 8
"""How many of them are connected when nothing happens."""


async def connected(api: Api) -> int:
    records = api.backend.catalog.by_id.values()
    return Counter(record.state for record in records)["connected"]


async def test_slices_in_the_middle_of_a_storm(tmp_path: Path) -> None:
    async with running(tmp_path, simulator_instances=COUNT) as api:
        await api.ok("POST", "/simulator/storm", {"rate": 1500, "seconds": 1})
        async with asyncio.timeout(60):
            while await connected(api) > FILLED - 50:
                await asyncio.sleep(0.005)
            async with api.socket("/ws?events=instance.state") as frames:
                while await connected(api) < FILLED:
                    await asyncio.sleep(0.02)
                await api.new("the-end")
                heard = await frames.until(lambda frame: frame["event"] == "instance.row")
    snapshot = [frame for frame in heard if frame["event"] == "snapshot"]
    slices = [(len(frame["data"]["rows"]), frame["data"]["last"]) for frame in snapshot]
    assert slices == [(500, False), (500, False), (100, True)]
    rows = {row["name"]: row["state"] for frame in snapshot for row in frame["data"]["rows"]}
    assert len(rows) == COUNT and list(rows.values()).count("connected") < FILLED, "it was in the middle"
    assert [frame["event"] for frame in heard[:4]] == ["snapshot", "snapshot", "snapshot", "heartbeat"]
    assert {frame["seq"] for frame in heard[:4]} == {heard[0]["seq"]}
    numbers = [int(frame["seq"].partition(".")[2]) for frame in heard[3:]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for frame in heard[4:-1]:
        assert rows[frame["instance"]] != frame["data"]["state"], "each is a change"
        rows[frame["instance"]] = frame["data"]["state"]
    assert Counter(rows.values())["connected"] == FILLED
