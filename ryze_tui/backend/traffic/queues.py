"""Jobs of one key run one after the other, those of different keys at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


class Queues:
    """`most` jobs may wait in all. A job that fails is logged and holds up nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Hashable, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.count = 0

    def add(self, key: Hashable, job: Job) -> bool:
        """Run it when its turn has come; False when too many wait already. Never waits."""
        if self.count >= self._most:
            return False
        self.count += 1
        if (queue := self._waiting.get(key)) is not None:
            queue.append(job)
            return True
        self._waiting[key] = deque([job])
        task = asyncio.get_running_loop().create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self, seconds: float) -> None:
        """Let what waits finish, and break off what has not by then."""
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=seconds)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _run(self, key: Hashable) -> None:
        queue = self._waiting[key]
        try:
            while queue:
                try:
                    await queue[0]()
                except Exception:
                    log.exception("what came in could not be handled")
                queue.popleft()
                self.count -= 1
        finally:
            self.count -= len(queue)
            del self._waiting[key]
