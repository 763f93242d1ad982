"""What an instance does by itself because its settings say so: mark as read, reject calls, show itself as online."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from ..clock import Clock
from ..engine.guard import Guarded
from ..engine.port import Outgoing
from ..errors import ApiError, EngineError
from ..events.live import INCOMING
from ..record import Record, Values
from ..table import Stage
from .told import chat_of, seconds_of, setting, text_of

log = logging.getLogger(__name__)

CALL_SECONDS: Final = 90.0
"""A call that began longer ago rings no more: nobody is told that it was rejected."""

CALLS_MOST: Final = 1000
TASKS_MOST: Final = 1000
"""Duties under way; those beyond are left undone, as they would be in vain on a link that answers nothing."""

_UNREAD: Final = ("@newsletter", "@broadcast")


class Duties:
    """None of them holds up what comes in. `send` writes to somebody; `read` notes that messages were marked as read."""

    def __init__(
        self, engine: Guarded, clock: Clock, *, send: Callable[[Record, Outgoing], Awaitable[Any]],
        read: Callable[[Record, Sequence[str]], None],
    ) -> None:  # fmt: skip
        self._engine, self._clock, self._send, self._read = engine, clock, send, read
        self._calls: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Leave undone what is not done."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def message(self, record: Record, data: Values) -> None:
        """A message came in, and is on the disk."""
        chat = chat_of(data)
        if setting(record, "autoReadMessages") and data.get("direction") == INCOMING and not chat.endswith(_UNREAD):
            self._begin(record, self._mark(record, chat, text_of(data, "sender", "jid"), text_of(data, "id")))

    async def _mark(self, record: Record, chat: str, sender: str, ident: str) -> None:
        await self._engine.mark_read(record.id, chat, sender, [ident])
        self._read(record, [ident])

    def call(self, record: Record, data: Values) -> None:
        """Somebody calls, or stops."""
        call, now = (record.id, text_of(data, "callId")), self._clock.now()
        if data.get("type") != "offer" or not setting(record, "autoRejectCalls") or call in self._calls:
            return
        if now - seconds_of(data, now) > CALL_SECONDS:
            return
        self._calls[call] = None
        while len(self._calls) > CALLS_MOST:
            self._calls.popitem(last=False)
        self._begin(record, self._reject(record, text_of(data, "from"), call[1]))

    async def _reject(self, record: Record, caller: str, call_id: str) -> None:
        await self._engine.reject_call(record.id, caller, call_id)
        if words := setting(record, "callRejectMessage"):
            await self._send(record, Outgoing(caller, words))

    def linked(self, record: Record) -> None:
        """Its link came up: WhatsApp shows it as offline until it says otherwise."""
        record.available = False
        record.changed()
        if setting(record, "keepOnlineStatus"):
            self._begin(record, self.present(record))

    async def present(self, record: Record) -> None:
        """Show the number as its settings say; asked several times at once, the last setting counts. Raises EngineError."""
        while record.stage is Stage.CONNECTED and record.available is not (wanted := bool(setting(record, "keepOnlineStatus"))):
            attempt = record.attempt
            await self._engine.presence(record.id, wanted)
            if record.attempt != attempt:
                return
            record.available = wanted
            record.changed()

    def _begin(self, record: Record, duty: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= TASKS_MOST:
            duty.close()
            log.warning("%s: too much is under way, a duty is left undone", record.name)
            return
        task = asyncio.get_running_loop().create_task(self._done(record, duty))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _done: duty.close())  # one that was cancelled before its first step never got to it

    async def _done(self, record: Record, duty: Coroutine[Any, Any, None]) -> None:
        try:
            await duty
        except (EngineError, ApiError) as error:
            log.warning("%s: what its settings ask for could not be done: %s", record.name, error)
        except Exception:
            log.exception("%s: what its settings ask for could not be done", record.name)
