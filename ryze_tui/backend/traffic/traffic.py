"""What comes in and what is sent, in order per chat: settings, media, the disk, those who listen, the bridge.

A message and its webhook deliveries are one commit. Only after it, and after the bridge has the message on the disk, the engine
is told that it was accepted: what is lost by a kill in between was never acknowledged, so WhatsApp sends it again. An engine
that cannot hold its acknowledgement back loses what had not been committed: the events of a few milliseconds, and messages
whose media were being fetched. A message that comes again is known by its id: it is neither counted nor published twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final

from ...api import errors as texts
from ..clock import Clock
from ..engine.guard import Guarded
from ..engine.port import Engine, Outgoing, Sent, Told
from ..errors import ApiError, EngineError, StoreError
from ..events import live
from ..events.bus import Bus
from ..events.delivery import order_key
from ..events.layouts import MESSAGE
from ..events.outbox import Outbox
from ..record import Record, Values
from ..store.database import Database, Statement
from ..store.messages import MessageRow, MessageRows
from ..store.outbox import Delivery
from ..table import Happening, Stage
from .duties import Duties
from .fetching import Fetched, Fetching, with_base64
from .queues import Queues
from .seams import Bridge, MediaStore
from .told import is_dropped, row_of, text_of

log = logging.getLogger(__name__)

WAITING_MOST: Final = 20_000
"""Events that may wait for the disk or for media, over all instances; those beyond are not accepted."""

CLOSE_SECONDS: Final = 3.0


class _Written(Enum):
    """What became of a commit."""

    NEW = auto()
    KNOWN = auto()  # the message was there already
    NOT = auto()  # the disk refuses


@dataclass(slots=True)
class _Echo:
    """A message of our own that is on the disk, to be told when its turn in the chat has come."""

    data: Values
    deliveries: list[Delivery]
    kept: bool


class Traffic:
    """`media_store` and `bridge` are set once there are some. Nothing of it raises into the lifecycle or an engine."""

    def __init__(self, database: Database, bus: Bus, outbox: Outbox, engine: Engine, clock: Clock) -> None:
        self._database, self._bus, self._outbox, self._clock = database, bus, outbox, clock
        self._engine = Guarded(engine, clock)
        self._rows = MessageRows(database)
        self._queues = Queues(WAITING_MOST)
        self._fetching = Fetching(self._engine, bus)
        self._duties = Duties(self._engine, clock, send=self.send, read=self._read)
        self._closed = False
        self.bridge: Bridge | None = None

    @property
    def media_store(self) -> MediaStore | None:
        """Where media that come in are kept."""
        return self._fetching.store

    @media_store.setter
    def media_store(self, store: MediaStore | None) -> None:
        self._fetching.store = store

    async def close(self) -> None:
        """Finish what is under way, if that does not take long; what is broken off, or comes now, is not accepted."""
        self._closed = True
        await self._queues.close(CLOSE_SECONDS)
        await self._duties.close()

    # -- what comes in -------------------------------------------------------------------------------------------------

    def take(self, record: Record, told: Told) -> None:
        """Something of table.TRAFFIC happened. Never waits, never raises."""
        if self._closed:
            return  # WhatsApp has it, and delivers it again
        if is_dropped(record, told):
            _accept(told)
        elif not self._queues.add((record.id, order_key(told.what, told.data)), partial(self._handle, record, told)):
            log.warning("%s: too much waits for the disk, an event was not taken", record.name)

    def linked(self, record: Record) -> None:
        """A link came up."""
        self._duties.linked(record)

    async def present(self, record: Record) -> None:
        """The setting may have changed: show the number as online, or not. A link that does not answer is for the log."""
        try:
            await self._duties.present(record)
        except EngineError as error:
            log.warning("%s: its presence could not be told: %s", record.name, error)

    async def _handle(self, record: Record, told: Told) -> None:
        if record.gone:
            _accept(told)
            return
        if told.what is Happening.MESSAGE:
            taken = await self._message(record, told)
        else:
            taken = await self._event(record, told)
        if taken:
            _accept(told)

    async def _event(self, record: Record, told: Told) -> bool:
        """Anything but a message; whether it is on the disk."""
        name, data = str(told.what), told.data
        statements: list[Statement] = []
        if told.what is Happening.RECEIPT:
            ids = [one for one in data.get("messageIds") or () if isinstance(one, str)]
            statements = self._rows.receipt(record.id, text_of(data, "status"), ids)
        deliveries = self._outbox.deliveries(record, name, data)
        written = await self._write(record, [*statements, *self._outbox.statements(deliveries)])
        self._publish(record, name, data, deliveries, kept=written)
        if told.what is Happening.CALL:
            self._duties.call(record, data)
        return written

    async def _message(self, record: Record, told: Told) -> bool:
        """A message; whether everything that follows from it is on the disk.

        History is counted and known, and told to nobody: those who listen want what happens, not what happened, and thousands
        of old messages would bury it (the contract has no event for it, and no route to ask for them).
        """
        row = row_of(record, told.data, self._clock.now())
        if told.history:
            return await self._commit(record, row, []) is not _Written.NOT
        bridge = self.bridge if self.bridge is not None and self.bridge.wants(record, told.data) else None
        again = told.media is not None and await self._known(row)
        async with self._fetching.of(record, told.data, told.media, bridged=bridge is not None, again=again) as fetched:
            written = _Written.KNOWN if again else await self._new(record, row, fetched)
            if bridge is not None and not record.gone:
                # Of a message that is known as well: it may have been killed between the commit and this.
                await bridge.accept(record, fetched.data, fetched.content)
        if written is _Written.NEW:
            self._duties.message(record, told.data)
        return written is not _Written.NOT

    async def _new(self, record: Record, row: MessageRow, fetched: Fetched) -> _Written:
        deliveries = self._outbox.deliveries(record, MESSAGE, fetched.data)
        written = await self._commit(record, row, deliveries)
        if written is not _Written.KNOWN:
            self._publish(record, MESSAGE, fetched.data, deliveries, kept=written is _Written.NEW)
        return written

    # -- what is sent --------------------------------------------------------------------------------------------------

    async def send(self, record: Record, outgoing: Outgoing, *, source: str = "api", bridged: bool = True) -> Values:
        """Send a message; it is counted and its deliveries are on the disk when this returns, the answer's `data` (contract §6b).

        `bridged`: whether the bridge is told, which has its own messages already. Raises ApiError 400 when it is not connected,
        500, 503.
        """
        if record.stage is not Stage.CONNECTED:
            raise ApiError(400, texts.NOT_CONNECTED)
        echo: asyncio.Future[_Echo | None] = asyncio.get_running_loop().create_future()
        # Its place in the chat is taken now: receipts may come before the engine has returned.
        if not self._queues.add((record.id, f"chat:{outgoing.to}"), partial(self._tell_own, record, echo)):
            raise ApiError(503, "Too many messages wait for the disk")
        try:
            sent = await self._engine.send(record.id, outgoing)
            made = await self._own(record, outgoing, sent, source, bridged=bridged)
            if not echo.done():  # else the server ends: it is on the disk, and is told after the next start
                echo.set_result(made)
        except EngineError as error:
            raise ApiError(500, f"Failed to send message: {error}") from error
        finally:
            if not echo.done():
                echo.set_result(None)
        data = made.data
        return {
            "messageId": sent.message_id, "timestamp": data["timestamp"], "direction": live.OUTGOING, "chat": data["chat"],
            "sender": data["sender"], "messageType": data["message"]["type"], "source": source,
        }  # fmt: skip

    async def _own(self, record: Record, outgoing: Outgoing, sent: Sent, source: str, *, bridged: bool) -> _Echo:
        """WhatsApp has it: to the disk with it."""
        content, media = outgoing.media, None
        if content is not None:
            media = live.media(
                outgoing.kind, outgoing.mimetype, outgoing.file_name, len(content), outgoing.text, is_voice=outgoing.is_voice,
            )
        data = live.message(
            sent.message_id, live.OUTGOING, sent.timestamp, chat=live.chat(outgoing.to, sent.chat_name),
            sender=live.person(record.jid, record.profile_name), recipient=live.person(outgoing.to), text=outgoing.text,
            media=media, source=source, reply_to=outgoing.reply_to, mentions=outgoing.mentions,
        )
        if content is not None and self._fetching.base64_wanted(record):
            data = with_base64(data, content)
        deliveries = self._outbox.deliveries(record, MESSAGE, data)
        written = await self._commit(record, row_of(record, data, sent.timestamp), deliveries)
        if bridged:
            await self._bridge_own(record, data, content)
        return _Echo(data, [] if written is _Written.KNOWN else deliveries, kept=written is _Written.NEW)

    async def _bridge_own(self, record: Record, data: Values, content: bytes | None) -> None:
        """It was sent, whatever becomes of this."""
        try:
            if self.bridge is not None and self.bridge.wants(record, data):
                await self.bridge.accept(record, data, content)
        except Exception as error:  # noqa: BLE001
            log.error("a message that %s sent did not get to the bridge (%s)", record.name, type(error).__name__)

    async def _tell_own(self, record: Record, echo: asyncio.Future[_Echo | None]) -> None:
        if (made := await echo) is not None and not record.gone:
            self._publish(record, MESSAGE, made.data, made.deliveries, kept=made.kept)

    # -- counting ------------------------------------------------------------------------------------------------------

    async def metrics(self, records: Sequence[Record]) -> Values:
        """The counters of these instances together (contract §2.11). Raises StoreError."""
        names = ",".join(record.name for record in records)
        return {"instance": names} | await self._rows.metrics([record.id for record in records], self._clock.now())

    def _read(self, record: Record, ids: Sequence[str]) -> None:
        self._database.write(self._rows.receipt(record.id, "read_self", ids)).add_done_callback(_noted)

    # -- the disk ------------------------------------------------------------------------------------------------------

    def _publish(self, record: Record, name: str, data: Values, deliveries: list[Delivery], *, kept: bool) -> None:
        """To those who listen, and on its way to webhooks; a disk that refuses keeps nobody from hearing it."""
        self._bus.tell(record, name, data)
        self._outbox.enter(deliveries, kept=kept)

    async def _commit(self, record: Record, row: MessageRow, deliveries: list[Delivery]) -> _Written:
        unit = [*self._rows.insertion(row), *self._outbox.statements(deliveries)]
        try:
            await self._database.write(unit)
        except StoreError as error:
            if await self._known(row):
                return _Written.KNOWN
            if not record.gone:
                log.error("a message of %s could not be written: %s", record.name, error)
            return _Written.NOT
        return _Written.NEW

    async def _known(self, row: MessageRow) -> bool:
        try:
            return await self._rows.known(row)
        except StoreError:
            return False

    async def _write(self, record: Record, unit: list[Statement]) -> bool:
        if not unit:
            return True
        try:
            await self._database.write(unit)
        except StoreError as error:
            log.error("an event of %s could not be written: %s", record.name, error)
            return False
        return True


def _accept(told: Told) -> None:
    if told.accepted is not None:
        told.accepted()


def _noted(writing: asyncio.Future[None]) -> None:
    if not writing.cancelled() and (error := writing.exception()) is not None:
        log.error("that messages were read could not be written: %s", error)
