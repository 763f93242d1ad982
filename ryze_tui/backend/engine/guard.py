"""An engine that cannot hurt: whatever goes wrong inside is an EngineError, and nothing waits for it for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from ..clock import Clock
from ..errors import BackendError, EngineError, StoreError
from .port import Engine, Media, Outgoing, ProxyUse, Saved, Sent, Tell

log = logging.getLogger(__name__)

T = TypeVar("T")

OPEN_SECONDS: Final = 60.0
"""How long a start waits for the engine to get ready; no session is dialled in that time."""

UNLINK_SECONDS: Final = 10.0
"""How long a logout waits for WhatsApp before it goes on without."""

SEND_SECONDS: Final = 90.0
"""A message with media is uploaded first."""

DOWNLOAD_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 15.0
"""For what WhatsApp answers at once: receipts, presence, the end of a call."""

CLOSE_SECONDS: Final = 3.0
"""How long a stop waits for the links to be dropped; less than what uvicorn gives to requests."""


class Guarded:
    """The engine as the lifecycle sees it (see port.py)."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._left: set[asyncio.Task[Any]] = set()

    @property
    def boot_rate(self) -> float:
        """Saved sessions dialled per second at the start."""
        return self._engine.boot_rate

    @property
    def boot_at_once(self) -> int:
        """How many of them may be on their way at the same time."""
        return self._engine.boot_at_once

    async def open(self, tell: Tell) -> dict[str, Saved]:
        """Every session that is kept, also those that are no use; within `OPEN_SECONDS`. Raises EngineError, StoreError."""
        late = f"it did not get ready within {OPEN_SECONDS:g} s; its own log may say why"
        try:
            return await self._bounded(self._engine.open(tell), OPEN_SECONDS, late)
        except BackendError:
            raise
        except Exception as error:
            log.exception("the engine could not be opened")
            raise EngineError(_words(error)) from None

    def pair(self, instance: str, attempt: int, number: str, history: int | None, proxy: ProxyUse | None) -> None:
        """Raises EngineError."""
        try:
            self._engine.pair(instance, attempt, number, history, proxy)
        except EngineError:
            raise
        except Exception as error:
            log.exception("the engine failed at a pairing")
            raise EngineError(_words(error)) from None

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        """Raises EngineError."""
        try:
            self._engine.dial(instance, attempt, proxy)
        except EngineError:
            raise
        except Exception as error:
            log.exception("the engine failed at a dial")
            raise EngineError(_words(error)) from None

    def stop(self, instance: str) -> None:
        """Never raises: a link that cannot be dropped is dropped by its attempt number."""
        try:
            self._engine.stop(instance)
        except Exception:
            log.exception("a link could not be dropped")

    async def logout(self, instance: str) -> None:
        """Ends within `UNLINK_SECONDS`. Raises EngineError, StoreError."""
        try:
            await self._bounded(self._engine.logout(instance), UNLINK_SECONDS, "WhatsApp did not answer in time")
        except (EngineError, StoreError):
            raise
        except Exception as error:
            log.exception("the engine failed at a logout")
            raise EngineError(_words(error)) from None

    async def send(self, instance: str, outgoing: Outgoing) -> Sent:
        """Raises EngineError."""
        return await self._asked(self._engine.send(instance, outgoing), SEND_SECONDS, "a message")

    async def mark_read(self, instance: str, chat: str, sender: str, ids: Sequence[str]) -> None:
        """Raises EngineError."""
        await self._asked(self._engine.mark_read(instance, chat, sender, ids), ANSWER_SECONDS, "a read receipt")

    async def reject_call(self, instance: str, caller: str, call_id: str) -> None:
        """Raises EngineError."""
        await self._asked(self._engine.reject_call(instance, caller, call_id), ANSWER_SECONDS, "the end of a call")

    async def presence(self, instance: str, available: bool) -> None:
        """Raises EngineError."""
        await self._asked(self._engine.presence(instance, available), ANSWER_SECONDS, "a presence")

    async def download(self, instance: str, media: Media) -> bytes:
        """Raises EngineError."""
        return await self._asked(self._engine.download(instance, media), DOWNLOAD_SECONDS, "a download")

    async def _asked(self, work: Coroutine[Any, Any, T], seconds: float, what: str) -> T:
        """Something that WhatsApp answers. Raises EngineError."""
        try:
            return await self._bounded(work, seconds, "WhatsApp did not answer in time")
        except EngineError:
            raise
        except Exception as error:
            log.exception("the engine failed at %s", what)
            raise EngineError(_words(error)) from None

    async def close(self) -> None:
        """Never raises, and ends within `CLOSE_SECONDS`."""
        try:
            await self._bounded(self._engine.close(), CLOSE_SECONDS, "the links were not dropped in time")
        except Exception as error:
            log.exception("the engine could not be closed: %s", _words(error))

    async def _bounded(self, work: Coroutine[Any, Any, T], seconds: float, late: str) -> T:
        """Wait for `work` no longer than that, even when it does not let itself be cancelled."""
        loop = asyncio.get_running_loop()
        task, over = loop.create_task(work), loop.create_future()
        timer = self._clock.call_later(seconds, _end, over)
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            over.cancel()
            if not task.done():
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._gone)
        if not task.done():
            raise EngineError(late)
        return task.result()

    def _gone(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("the engine ended late: %s", _words(error))


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _words(error: BaseException) -> str:
    """Its own text may hold anything, a proxy's password for one."""
    return f"the engine failed ({type(error).__name__})"
