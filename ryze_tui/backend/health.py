"""What /health looks at: can the database be written, is there room, does the engine live, do deliveries go, does the loop.

Looking is cheap and rare: what touches the disk is done at most every few seconds, by one request for all, and no request
waits long for it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from .clock import Clock, Timer
from .errors import StoreError
from .events.outbox import Outbox
from .store.database import Database

OK: Final = "ok"
UNUSABLE: Final = frozenset({"db", "engine"})
"""Checks whose failure makes the server degraded; the others warn of what may come, or concern deliveries only."""

EVERY: Final = 3.0
"""Seconds between two looks at the disk."""
PATIENCE: Final = 2.0
FREE_BYTES: Final = 64 * 2**20
STUCK_SECONDS: Final = 60.0
"""Deliveries wait and none was attempted for so long, while an attempt ends within ten seconds."""
LAG_SECONDS: Final = 1.0


class Alive(Protocol):
    """What is asked of an engine. One without a `trouble` lives in this process and with it."""

    @property
    def name(self) -> str:
        """What /health calls it."""


class Lag:
    """How late the loop is: a tick a second that says how long everything else held it up. Seconds, of the last minute."""

    TICK: Final = 1.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late: deque[float] = deque([0.0], maxlen=60)
        self._due = 0.0
        self._timer: Timer | None = None

    def start(self) -> None:
        """From now on, until `stop`."""
        self._due = self._clock.monotonic() + self.TICK
        self._timer = self._clock.call_later(self.TICK, self._tick)

    def stop(self) -> None:
        """No more ticks."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._late.append(max(0.0, self._clock.monotonic() - self._due))
        self.start()

    @property
    def worst(self) -> float:
        """The longest of the last minute."""
        return max(self._late)

    @property
    def now(self) -> float:
        """The last tick's, and that of the one that is due."""
        return max(self._late[-1], self._clock.monotonic() - self._due if self._timer is not None else 0.0)


class Health:
    """`checks` answers; `disk`: bytes that are free in a directory."""

    def __init__(
        self, database: Database, outbox: Outbox, engine: Alive, data_dir: Path, clock: Clock, *,
        disk: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.lag = Lag(clock)
        self._database, self._outbox, self._engine, self._clock = database, outbox, engine, clock
        self._data_dir, self._disk = data_dir, disk
        self._looked = float("-inf")
        self._found = {"db": OK, "disk": OK}
        self._looking: asyncio.Task[None] | None = None

    async def checks(self) -> dict[str, str]:
        """Each `ok`, or `fail: <reason>` without a path, a name or a secret in it."""
        if self._looking is None and self._clock.monotonic() - self._looked >= EVERY:
            self._looking = asyncio.get_running_loop().create_task(self._look())
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=PATIENCE)
        found = dict(self._found)
        if self._looking is not None:
            found["db"] = f"fail: no answer within {PATIENCE:g} s"
        if self._database.failure:
            found["db"] = f"fail: {self._database.failure}"
            self._database.touch()  # what could not be written is tried again
        trouble = str(getattr(self._engine, "trouble", ""))
        return found | {"engine": f"fail: {trouble}" if trouble else OK, "outbox": self._deliveries(), "loop": self._loop()}

    async def close(self) -> None:
        """Look no more."""
        self.lag.stop()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> None:
        try:
            self._found["db"] = await self._database.check()
            free = await asyncio.to_thread(self._disk, self._data_dir)
            self._found["disk"] = OK if free >= FREE_BYTES else f"fail: only {free // 2**20} MB are free"
        except OSError as error:
            self._found["disk"] = f"fail: {error.strerror}"
        except StoreError as error:
            self._found["db"] = f"fail: {error}"
        finally:
            self._looked, self._looking = self._clock.monotonic(), None

    def _deliveries(self) -> str:
        stuck = self._outbox.idle_for()
        return OK if stuck < STUCK_SECONDS else f"fail: deliveries wait and none was attempted for {stuck:.0f} s"

    def _loop(self) -> str:
        late = self.lag.now
        return OK if late < LAG_SECONDS else f"fail: {late:.1f} s behind"
