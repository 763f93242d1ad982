"""Stand-ins for time, disk, engine and sockets; each records what it was asked."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from ryze_tui.backend.blocks import Written
from ryze_tui.backend.catalog import Catalog
from ryze_tui.backend.configure import Configure
from ryze_tui.backend.engine.port import ProxyUse, Saved, Tell, Told
from ryze_tui.backend.errors import EngineError, StoreError
from ryze_tui.backend.events.bus import Bus, Frames
from ryze_tui.backend.instances import Instances
from ryze_tui.backend.record import Record
from ryze_tui.backend.secrets import KeyRing
from ryze_tui.backend.store.rows import AccountRow
from ryze_tui.backend.table import Happening, Stage

ACCOUNT = "account-1"
START = 1_800_000_000.0


class VirtualTimer:
    def __init__(self) -> None:
        self.live = True

    def cancel(self) -> None:
        self.live = False


class VirtualClock:
    """Time moves only when a test says so; what is due runs in order."""

    def __init__(self) -> None:
        self.time = 0.0
        self._due: list[tuple[float, int, VirtualTimer, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> float:
        return round(START + self.time, 3)

    def monotonic(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> VirtualTimer:
        timer = VirtualTimer()
        heapq.heappush(self._due, (self.time + max(delay, 0), next(self._order), timer, lambda: callback(*args)))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while self._due and self._due[0][0] <= end + 1e-9:
            when, _, timer, callback = heapq.heappop(self._due)
            self.time = max(self.time, when)
            if timer.live:
                callback()
        self.time = end

    @property
    def waiting(self) -> int:
        return sum(timer.live for _, _, timer, _ in self._due)


class FakeStore:
    """What the catalog and the lifecycle want of a Store; `broken` makes every write fail."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.saved: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {}
        self.secrets: dict[tuple[str, str, str], dict[str, str]] = {}
        self.broken = self.unreadable = ""

    def _check(self) -> None:
        if self.broken:
            raise StoreError(self.broken)

    async def accounts(self) -> list[AccountRow]:
        return [AccountRow(ACCOUNT, "default", "0" * 64, START)]

    async def revoked_tokens(self) -> set[str]:
        return set()

    async def load(self) -> list[Record]:
        return list(self.records.values())

    async def create(self, record: Record, blocks: Sequence[Written]) -> None:
        self._check()
        self.records[record.id] = record

    async def delete(self, record: Record) -> None:
        self._check()
        del self.records[record.id]

    async def log_out(self, record: Record) -> None:
        self._check()
        self.kept.pop(record.id, None)
        self.saved.append((record.name, str(record.stage)))

    async def save_block(self, record: Record, block: Written) -> None:
        self._check()
        self.secrets[record.id, block.kind, block.label] = block.secrets

    async def block_secrets(self, record: Record, kind: str, label: str = "") -> dict[str, str]:
        if self.unreadable:
            raise StoreError(self.unreadable)
        return dict(self.secrets.get((record.id, kind, label), {}))

    def touch(self, record: Record) -> None:
        pass

    async def sessions(self) -> dict[str, str | None]:
        return dict(self.kept)

    async def save_session(self, instance_id: str, data: str) -> None:
        self._check()
        self.kept[instance_id] = data

    async def delete_session(self, instance_id: str) -> None:
        self._check()
        self.kept.pop(instance_id, None)


class FakeEngine:
    """Records commands; a test tells what happens. `refuses`: the text with which the next command fails."""

    name, label, boot_rate, boot_at_once = "fake", "", 50.0, 1000

    def __init__(self, saved: set[str] | None = None) -> None:
        self.saved = saved or set()
        self.broken: dict[str, Saved] = {}
        self.commands: list[tuple[str, ...]] = []
        self.proxies: list[ProxyUse | None] = []
        self.refuses = ""
        self.unlink_fails = ""
        self.session_write_fails = False

    def _do(self, *command: str) -> None:
        self.commands.append(command)
        if self.refuses:
            raise EngineError(self.refuses)

    async def open(self, tell: Tell) -> dict[str, Saved]:
        self.tell = tell
        return dict.fromkeys(self.saved, Saved()) | self.broken

    def pair(self, instance: str, attempt: int, number: str, history: int | None, proxy: ProxyUse | None) -> None:
        self.proxies.append(proxy)
        self._do("pair", number)

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        self.proxies.append(proxy)
        self._do("dial", instance)

    async def front(self) -> tuple[str, int]:
        return "127.0.0.1", 9

    async def greet(self, streams: Any) -> None:
        raise EngineError("there is no front")

    def stop(self, instance: str) -> None:
        self.commands.append(("stop",))

    async def logout(self, instance: str) -> None:
        self.commands.append(("logout",))
        if self.session_write_fails:
            raise StoreError("disk full")
        if self.unlink_fails:
            raise EngineError(self.unlink_fails)

    async def close(self) -> None:
        self.commands.append(("close",))


class Hearer:
    """A socket that keeps what it hears."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def push(self, frame: str | Frames) -> None:
        self.frames += [json.loads(text) for text in ([frame] if isinstance(frame, str) else frame())]

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def words(self) -> list[str]:
        """Event names, with the state's word for state events."""
        return [frame["data"]["state"] if frame["event"] == "instance.state" else frame["event"] for frame in self.frames]


class Passing:
    """Traffic that is published as it comes, and accepted at once."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.linked_records: list[Record] = []

    def take(self, record: Record, told: Told) -> None:
        self.bus.publish(record, told.what, told.data)
        if told.accepted is not None:
            told.accepted()

    def linked(self, record: Record) -> None:
        self.linked_records.append(record)


class World:
    """A lifecycle on fakes with one account; `hearer` follows its account stream."""

    def __init__(self, *, quota: int = 0, short_tokens: bool = True, engine: Any = None) -> None:
        self.clock, self.store = VirtualClock(), FakeStore()
        self.ring = KeyRing([b"k" * 32])
        self.engine: Any = engine or FakeEngine()
        self.bus = Bus(epoch="e", ring_size=1000, extensions=True)
        store: Any = self.store
        self.catalog = Catalog(store, self.ring, self.bus, self.clock, quota=quota, short_tokens=short_tokens)
        self.configure = Configure(store, self.catalog, self.ring, signed=False)
        self.instances = Instances(
            self.catalog, store, self.bus, self.engine, self.clock, Passing(self.bus), self.configure.proxy_use,
        )
        self.hearer = Hearer()

    async def open(self) -> World:
        await self.catalog.open()
        await self.instances.open()
        self.bus.follow_account(ACCOUNT, self.hearer, events=None, after="", records=[])
        self.hearer.frames.clear()
        return self

    async def at(self, stage: Stage, *, session: bool | None = None) -> Record:
        """A new instance in this stage, brought there by fiat."""
        record = await self.catalog.create(ACCOUNT, "sales", "", [])
        record.stage = stage
        record.paired = stage not in (Stage.NEW, Stage.LOGGEDOUT, Stage.ASKING, Stage.SCANNING) if session is None else session
        record.attempt = 1
        record.changed()
        self.instances.adopt([record])
        self.hearer.frames.clear()
        return record

    def happens(self, record: Record, what: Happening, data: dict[str, Any] | None = None, **more: Any) -> None:
        attempt = more.pop("attempt", record.attempt)
        self.instances.told(Told(record.id, attempt, what, data or {}, **more))
