"""A program that reconnects instances in bulk, or goes on with what an earlier one left; killed by tests at any moment."""

from __future__ import annotations

import asyncio
import os
import sys

from ryze_tui.operations.account import Account
from ryze_tui.operations.bulk.desk import Desk
from ryze_tui.operations.bulk.plan import ENDED, FAILED, Job, Pace


async def main(url: str, names: list[str]) -> int:
    account = Account(url, os.environ["RYZE_TOKEN"])
    running = asyncio.create_task(account.run())
    while not account.model.loaded:
        await asyncio.sleep(0.01)
    assert account.means is not None
    desk = Desk(account.means)
    pace = Pace(starts=30.0, flying=5)
    job = Job("reconnect", tuple(names))
    bulk = desk.resume(pace=pace) if desk.unfinished() is not None else desk.start(job, desk.plan(job), pace=pace)
    await bulk.run()
    print(bulk.counts, [entry for entry in bulk.entries if entry.state == FAILED])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await account.close()
    return 0 if all(entry.state in ENDED and entry.state != FAILED for entry in bulk.entries) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))
