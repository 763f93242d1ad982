"""The lifecycle: the only writer of an instance's state. What may follow what is in table.py."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from ..api import errors as texts
from ..api.events import INSTANCE_STATE
from .blocks import settings_view
from .catalog import Catalog
from .clock import Clock, rfc3339
from .engine.guard import Guarded
from .engine.port import Engine, ProxyUse, Saved, Told
from .errors import ApiError, EngineError, StoreError
from .events.bus import Bus
from .record import Asked, Record
from .revival import Revival
from .store.rows import Store
from .table import DEADLINE, IGNORE, STATE, TRAFFIC, Do, Happening, Operation, Stage, To, decide, follow

log = logging.getLogger(__name__)

STOPPING: Final = "The server is shutting down"
RESTARTED: Final = "the server was restarted"
GONE: Final = "the saved session is gone, pair it again"
UNREAD: Final = "the proxy's password"
UNWRITTEN: Final = "the database could not be written"
HISTORY_DAYS: Final = 90
"""What is asked of a phone when history is wanted and nobody said how much: about what WhatsApp sends by itself."""
_UNPAIRED: Final = frozenset({Stage.NEW, Stage.ASKING, Stage.SCANNING, Stage.LOGGEDOUT})
"""Stages that an instance without a session may have been in."""

_NO_REASON: Final = frozenset({
    Happening.KEEPALIVE_TIMEOUT, Happening.KEEPALIVE_RESTORED, Happening.PAIR_CODE, Happening.PROFILE,
})  # fmt: skip
"""What says nothing about why the state is what it is."""


class Traffic(Protocol):
    """Who handles what people do on links. Never raises."""

    def take(self, record: Record, told: Told) -> None:
        """Something of table.TRAFFIC happened."""

    def linked(self, record: Record) -> None:
        """A link came up."""


Proxies = Callable[[Record], Awaitable[ProxyUse | None]]
"""What an instance dials through at this moment; None: directly. Raises StoreError."""


class Instances:
    """Operations wait for each other per instance; what the engine tells is applied at once, in order."""

    def __init__(
        self, catalog: Catalog, store: Store, bus: Bus, engine: Engine, clock: Clock, traffic: Traffic, proxies: Proxies
    ) -> None:
        self._catalog, self._store, self._bus, self._clock = catalog, store, bus, clock
        self._engine, self._traffic, self._proxies = Guarded(engine, clock), traffic, proxies
        self._reviving: set[asyncio.Task[None]] = set()
        self._revival: Revival | None = None
        self._closed = False

    # -- start and end -------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Bring every saved session back, staggered; an instance whose session is of no use says so. Raises EngineError."""
        saved = await self._engine.open(self.told)
        now = self._clock.now()
        for record in self._catalog.by_id.values():
            self._recall(record, saved.get(record.id), now)
        back = [record for record in self._catalog.by_id.values() if record.paired]
        self._revival = Revival(
            back, self._clock, random.Random(), rate=self._engine.boot_rate, at_once=self._engine.boot_at_once,
            dial=self._revive, busy=lambda record: record.stage is Stage.DIALLING and not record.gone,
        )  # fmt: skip
        for position, record in enumerate(back):
            self._arm(record, self._revival.latest(position))
        self._revival.start()

    def _recall(self, record: Record, saved: Saved | None, now: float) -> None:
        was, record.paired = record.paired, saved is not None and not saved.broken
        if saved is not None and not saved.broken:
            record.jid = saved.jid or record.jid
            self._set(record, Stage.DIALLING, RESTARTED, now)
        elif saved is not None:
            # Not logged out: the phone still shows the device, and with the right key the session is there again.
            self._set(record, Stage.NEW, saved.broken, now)
        elif record.stage is Stage.BANNED:
            self._set(record, Stage.BANNED, record.reason, now)  # its session went with the ban
        elif was or record.stage not in _UNPAIRED:
            self._set(record, Stage.LOGGEDOUT, GONE, now)
        elif record.stage in DEADLINE:
            self._set(record, Stage.NEW, f"{RESTARTED} during the pairing", now)

    def _revive(self, record: Record) -> None:
        if not self._awaits_revival(record):
            return
        if record.proxied:
            task = asyncio.get_running_loop().create_task(self._revive_through_proxy(record))
            self._reviving.add(task)
            task.add_done_callback(self._reviving.discard)
            return
        try:
            self._dial(record, None)
        except ApiError as error:
            log.warning("%s could not be brought back: %s", record.name, error.message)

    def _awaits_revival(self, record: Record) -> bool:
        return record.stage is Stage.DIALLING and record.attempt == 0 and not record.gone and not self._closed

    async def _revive_through_proxy(self, record: Record) -> None:
        try:
            async with self._locked(record):
                proxy = await self._proxies(record)
                if self._awaits_revival(record):  # else somebody was faster
                    self._dial(record, proxy)
        except (ApiError, StoreError) as error:
            log.warning("%s could not be brought back: %s", record.name, error)
            if self._awaits_revival(record):
                self.told(Told(record.id, record.attempt, Happening.CONNECT_FAILURE, {"reason": f"{UNREAD}: {error}"}))

    async def _proxy_of(self, record: Record, operation: str) -> ProxyUse | None:
        """Never None when there is one that cannot be read: that would be a direct connection. Raises ApiError 500."""
        try:
            return await self._proxies(record)
        except StoreError as error:
            raise ApiError(500, f"Failed to {operation}: {UNREAD}: {error}") from error

    def adopt(self, records: Iterable[Record]) -> None:
        """Records that were added with their stage already right (the simulator's first fill)."""
        for record in records:
            record.attempt = 1
            self._arm(record)

    async def close(self) -> None:
        """Nobody waits any more; sessions stay."""
        self._closed = True
        if self._revival is not None:
            self._revival.stop()
        for record in self._catalog.by_id.values():
            self._refuse(record, ApiError(503, STOPPING))
            self._settle(record)
            if record.deadline is not None:
                record.deadline.cancel()
        await self._engine.close()

    # -- operations ----------------------------------------------------------------------------------------------------

    async def connect(self, record: Record, number: str = "", history: int | None = None) -> str | None:
        """Pair by QR, or by code when `number` is given; returns the QR text or the code, None when it is connected.

        A pairing that is pending is replaced and its caller gets a 409 (contract §8 #14). Raises ApiError 404, 409, 500.
        It answers within the minute of contract §3, whatever it waited for before the pairing could begin.
        """
        began = self._clock.monotonic()
        while True:
            async with self._locked(record):
                proxy = await self._proxy_of(record, "connect")
                do = decide(Operation.CONNECT, record.stage, record.paired)
                if do is Do.ALREADY:
                    return None
                if do is Do.PAIR:
                    answer = self._pair(record, number, history, proxy, waited=self._clock.monotonic() - began)
                    break
                if record.settled is None:
                    record.settled = asyncio.get_running_loop().create_future()
                settled = record.settled
            await asyncio.shield(settled)
        return await answer

    async def reconnect(self, record: Record) -> None:
        """Dial with the saved session; the result is told by events. Raises ApiError 400, 404, 500."""
        async with self._locked(record):
            proxy = await self._proxy_of(record, "reconnect")
            if decide(Operation.RECONNECT, record.stage, record.paired) is Do.NO_SESSION:
                raise ApiError(400, texts.NO_SESSION)
            self._dial(record, proxy)

    async def logout(self, record: Record) -> None:
        """Unlink and wipe the session; on the disk when it returns. Raises ApiError 404, 500."""
        async with self._locked(record):
            if decide(Operation.LOGOUT, record.stage, record.paired) is Do.ALREADY:
                return
            try:
                await self._unlink(record, ApiError(409, "The instance was logged out meanwhile"))
            except StoreError as error:
                self._stranded(record)
                raise ApiError(500, "Failed to logout instance") from error
            self._become(record, Stage.LOGGEDOUT, Happening.LOGGED_OUT, "logged out through the API")
            try:
                await self._store.log_out(record)
            except StoreError as error:
                self._stranded(record)  # so that asking again does it again
                raise ApiError(500, "Failed to logout instance") from error

    async def delete(self, record: Record) -> None:
        """Log out if there is a session, remove everything. Raises ApiError 404, 500."""
        async with self._locked(record):
            try:
                await self._unlink(record, ApiError(404, texts.INSTANCE_NOT_FOUND))
                await self._catalog.remove(record)
            except StoreError as error:
                self._stranded(record)
                raise ApiError(500, f"Failed to delete instance: {error}") from error
            self._settle(record)

    @asynccontextmanager
    async def _locked(self, record: Record) -> AsyncIterator[None]:
        if record.lock is None:
            record.lock = asyncio.Lock()
        async with record.lock:
            if self._closed:
                raise ApiError(503, STOPPING)
            if record.gone:
                raise ApiError(404, texts.INSTANCE_NOT_FOUND)
            yield

    def _pair(
        self, record: Record, number: str, history: int | None, proxy: ProxyUse | None, *, waited: float = 0.0
    ) -> asyncio.Future[str]:
        if waited >= DEADLINE[Stage.ASKING][0]:  # nobody would be there to see the code
            raise ApiError(500, texts.QR_TIMEOUT)
        self._refuse(record, ApiError(409, "Replaced by a newer connect"))
        record.attempt += 1
        asked = record.asked = Asked(bool(number), asyncio.get_running_loop().create_future())
        if self._set(record, Stage.ASKING, "", self._clock.now(), renew=True):
            self._bus.row(record)
        self._arm(record, -waited)
        try:
            self._engine.pair(record.id, record.attempt, number, _history(record, history), proxy)
        except EngineError as error:
            asked.refuse(ApiError(500, f"Failed to connect: {error}"))
            self.told(Told(record.id, record.attempt, Happening.CONNECT_FAILURE, {"reason": str(error)}))
        return asked.answer

    def _dial(self, record: Record, proxy: ProxyUse | None) -> None:
        self._refuse(record, ApiError(409, "Replaced by a reconnect"))
        record.attempt += 1
        self._become(record, Stage.DIALLING, Happening.DIALLING, "")
        try:
            self._engine.dial(record.id, record.attempt, proxy)
        except EngineError as error:
            self.told(Told(record.id, record.attempt, Happening.CONNECT_FAILURE, {"reason": str(error)}))
            raise ApiError(500, f"Failed to reconnect: {error}") from error

    async def _unlink(self, record: Record, refusal: ApiError) -> None:
        """Drop the link and the session; without WhatsApp if it must be. Raises StoreError."""
        self._refuse(record, refusal)
        record.attempt += 1
        if record.deadline is not None:
            record.deadline.cancel()
        if not record.paired:
            self._engine.stop(record.id)
            return
        try:
            await self._engine.logout(record.id)
        except EngineError as error:
            log.warning("%s was logged out here only, WhatsApp did not answer: %s", record.name, error)
            self._engine.stop(record.id)
        record.paired = False

    def _stranded(self, record: Record) -> None:
        """The link was dropped for an operation that then failed."""
        stage = Stage.IDLE if record.paired else Stage.NEW
        self._become(record, stage, Happening.DISCONNECTED, UNWRITTEN)

    # -- what the engine tells -----------------------------------------------------------------------------------------

    def told(self, told: Told) -> None:
        """Apply what the engine tells; what an older link tells, or what cannot be in this stage, changes nothing."""
        record = self._catalog.by_id.get(told.instance)
        if record is None or record.gone or told.attempt != record.attempt or self._closed:
            return
        to = follow(told.what, record.stage, record.paired)
        if to == IGNORE:
            return
        if told.what in TRAFFIC:
            self._traffic.take(record, told)
            return
        self._learn(record, told)
        self._apply(record, told, follow(told.what, record.stage, record.paired))

    def _learn(self, record: Record, told: Told) -> None:
        if told.what is Happening.PAIR_SUCCESS:
            record.paired = True
        elif told.what is Happening.LOGGED_OUT:
            record.paired = False
        if told.what in (Happening.PROFILE, Happening.LOGGED_OUT) and told.picture_url != record.picture_url:
            record.picture_url = told.picture_url
            record.changed()
        record.jid = told.jid or record.jid
        asked = record.asked
        if asked is not None and told.what is Happening.PAIR_CODE and asked.by_code:
            asked.resolve(told.code)
        elif asked is not None and told.what is Happening.QR_READY and not asked.by_code and told.data.get("codes"):
            asked.resolve(told.data["codes"][0])

    def _apply(self, record: Record, told: Told, to: To) -> None:
        now, told_profile = self._clock.now(), (told.profile_name, told.business_name)
        profile_changed = any(told_profile) and told_profile != (record.profile_name, record.business_name)
        if profile_changed:
            record.profile_name, record.business_name = told_profile
            record.changed()
        reason = record.reason if told.what in _NO_REASON else told.reason
        changed = self._set(record, to.stage or record.stage, reason, now, renew=to.renew)
        if to.tell:
            self._announce(record, told.what, told.data | ({"jid": told.jid} if told.jid else {}), now)
        if profile_changed or (changed and not to.tell):
            self._bus.row(record)
        if told.what is Happening.CONNECTED:
            self._traffic.linked(record)

    def _become(self, record: Record, stage: Stage, word: Happening, reason: str) -> None:
        """A state that an operation or a deadline brings about."""
        now = self._clock.now()
        self._set(record, stage, reason, now, renew=True)
        self._announce(record, word, {"reason": reason} if reason else {}, now)

    def _announce(self, record: Record, word: Happening, data: dict[str, Any], now: float) -> None:
        about = {"state": str(word), "timestamp": rfc3339(now), "instance": record.name}
        self._bus.publish(record, INSTANCE_STATE, about | data)

    def _set(self, record: Record, stage: Stage, reason: str, now: float, *, renew: bool = False) -> bool:
        """Write the state; True when something that a compact row shows changed."""
        self._catalog.before_dating()
        before, moved = (record.state, record.reason), stage is not record.stage
        if moved or renew:
            record.stage = stage
            self._arm(record)
        if STATE[stage] != before[0]:
            record.since = now
        record.reason = reason
        record.updated_at = now
        record.changed()
        self._store.touch(record)
        if stage is not Stage.ASKING and stage is not Stage.SCANNING:
            self._refuse(record, ApiError(500, f"Failed to connect: {reason or 'the pairing ended'}"))
        if stage is not Stage.LINKING:
            self._settle(record)
        return (record.state, record.reason) != before

    # -- deadlines and those who wait ----------------------------------------------------------------------------------

    def _arm(self, record: Record, extra: float = 0.0) -> None:
        if record.deadline is not None:
            record.deadline.cancel()
            record.deadline = None
        if record.stage in DEADLINE:
            record.deadline = self._clock.call_later(DEADLINE[record.stage][0] + extra, self._expired, record)

    def _expired(self, record: Record) -> None:
        record.deadline = None
        if record.gone or self._closed or record.stage not in DEADLINE:
            return
        reason = DEADLINE[record.stage][1]
        stage = follow(Happening.DEADLINE, record.stage, record.paired).stage or record.stage
        if record.stage in (Stage.ASKING, Stage.SCANNING):
            record.attempt += 1
            self._engine.stop(record.id)
            self._refuse(record, ApiError(500, texts.QR_TIMEOUT))
        self._become(record, stage, Happening.DISCONNECTED, reason)

    def _refuse(self, record: Record, error: ApiError) -> None:
        if record.asked is not None:
            asked, record.asked = record.asked, None
            asked.refuse(error)

    def _settle(self, record: Record) -> None:
        if record.settled is not None:
            settled, record.settled = record.settled, None
            if not settled.done():
                settled.set_result(None)


def _history(record: Record, asked: int | None) -> int | None:
    """Days of history that a pairing is to bring: what was asked for counts before the setting, and only a first pairing does."""
    if record.paired:
        return None
    if asked is not None:
        return asked
    return None if settings_view(record.blocks.get("settings"))["disableHistorySync"] else HISTORY_DAYS
