"""What `watch` and `events` share: work in the background tells of things as they come, until something ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .exits import Failure


class Following:
    """Ends once: by `end`, by an error of what runs, or since nobody takes the output any more. Make it within a loop."""

    def __init__(self) -> None:
        self._over: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()

    def end(self, failure: Failure | None = None) -> None:
        """It is over; only the first reason counts."""
        if not self._over.done():
            self._over.set_result(failure)

    def guarded(self, told: Callable[..., None]) -> Callable[..., None]:
        """A callback that writes: a closed output ends the command, not a callback somewhere in the background."""

        def call(*arguments: Any) -> None:
            try:
                told(*arguments)
            except OSError as error:
                self._fail(error)

        return call

    async def run(self, *background: Coroutine[Any, Any, None]) -> Failure | None:
        """Until it is over; the first of `background` that returns ends it too. Raises what they raise, and OSError."""
        tasks = [asyncio.create_task(one) for one in background]
        try:
            for task in tasks:
                task.add_done_callback(self._ended)
            return await self._over
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._fail(error)
        else:
            self.end()

    def _fail(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)
