"""One socket per instance, for servers without the account stream: who gets one, when it opens, and what they prove together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from ..api.errors import BadReply, RateLimited, RyzeError, Unreachable
from ..api.events import Event, parse_envelope
from ..client.address import segment
from ..client.clock import Breath, Clock, wait
from ..client.stream import Dial, Socket, StreamEnded
from ..i18n import _
from ..spare import is_shortage
from .evidence import NONE, OWN, Streamed
from .freshness import Coverage
from .lifesigns import PONG, LifeSigns
from .model import Changes, FleetModel
from .reach import Reach
from .scheduler import SOCKETS_A_SECOND, SOCKETS_AT_ONCE, Bucket, Random, backoff, most_important, ping_interval

LONG_LIFE: Final = 60.0
NEWBORN: Final = 5.0
"""Seconds for which an instance that we made ourselves is as we made it, socket or no socket."""
GONE: Final = 1008
"""Close code: the instance was deleted, or its token revoked."""
GONE_PAUSE: Final = 2.0
"""Seconds in which the answer to our own delete, or a list, tells why."""
ABOUT_IT: Final = (400, 401, 403, 404)
"""Refusals that concern one instance: streaming is off, its token changed, it is gone."""
_BAD_FRAMES: Final = 20
_log = logging.getLogger(__name__)


def _where(error: Exception) -> str:
    """What and where, without any text: that may hold a token."""
    places = []
    at = error.__traceback__
    while at is not None:
        places.append(f"{at.tb_frame.f_code.co_name}:{at.tb_lineno}")
        at = at.tb_next
    return f"{type(error).__name__} in {' > '.join(places)}"


@dataclass(slots=True)
class Line:
    """One instance's socket. `read` is True once a list asked after the socket opened closed the gap before it.

    `fresh`: we made the instance a moment ago, so nothing can have been missed before its first socket. `lost`: the last
    attempt did not reach the server.
    """

    name: str
    task: asyncio.Task[None] | None = None
    open: bool = False
    opened_at: float = 0.0
    heard: float = 0.0
    read: bool = False
    fresh: bool = False
    retry_at: float = 0.0
    failures: int = 0
    lost: bool = False
    refused: RyzeError | None = field(default=None, repr=False)


class Sockets:
    """Keeps a socket for every row that can be streamed, as far as descriptors go.

    `token(name)` gives the token to open it with, `pause(name)` the seconds before that token may be used for it;
    `changed()` is called when `coverage` or `gaps` may have changed, `suspect()` when a socket could not be opened at all: that
    says nothing about the server, only about sockets. `read_again(name)`: what was told of it is out of order. `limit()`: how
    many there may be now.
    """

    def __init__(
        self, dial: Dial, model: FleetModel, clock: Clock, reach: Reach, random: Random, *, limit: Callable[[], int],
        token: Callable[[str], str], pause: Callable[[str], float], told: Callable[[Changes], None],
        heard: Callable[[Event, float, bool], None], suspect: Callable[[], None], doubted: Callable[[], None],
        read_again: Callable[[str], None], changed: Callable[[], None],
    ) -> None:
        self._dial, self._model, self._clock, self._reach, self._random, self._limit = dial, model, clock, reach, random, limit
        self._token, self._pause, self._told, self._heard = token, pause, told, heard
        self._suspect, self._doubted, self._read_again, self._changed = suspect, doubted, read_again, changed
        self._lines: dict[str, Line] = {}
        self._first: set[str] = set()
        self._created: set[str] = set()
        self._bucket = Bucket(SOCKETS_A_SECOND, SOCKETS_AT_ONCE)
        self._wake = asyncio.Event()
        self._stale = True
        self._overflow = 0
        self._shut = 0
        self._shut_until = 0.0
        self._opening_since: float | None = None
        self._trouble = ""
        self._signs = LifeSigns(clock, lambda: ping_interval(len(self._lines)))

    # -- what they prove -----------------------------------------------------------------------------------------------

    def covers(self, name: str) -> bool:
        """Whether this row is told by a socket without a gap, or we made it so short a time ago that it needs none yet."""
        line = self._lines.get(name)
        if line is None:
            return name in self._created and self._reach.up
        young = line.fresh and self._reach.up and self._clock.monotonic() - line.heard < NEWBORN
        return young or (line.open and line.read)

    def streamed(self, name: str) -> Streamed:
        """How this row is streamed."""
        line = self._lines.get(name)
        if line is None:
            return Streamed(NONE)
        heard = self._clock.monotonic() - line.heard if line.open else 0.0
        return Streamed(OWN, line.open and line.read, heard, line.refused.message if line.refused is not None else "")

    @property
    def coverage(self) -> Coverage:
        """What the sockets prove now."""
        lines = self._lines.values()
        up = self._reach.up
        complete = bool(lines) and not self._overflow and all((line.open and line.read) or (line.fresh and up) for line in lines)
        proof = min((line.heard for line in lines if line.open or line.fresh), default=0.0)
        rest = len(self._model.rows) > len(self._lines)
        silence = ping_interval(len(self._lines)) + PONG + 5
        return Coverage(complete, proof if complete else 0.0, silence, rest, "" if complete else self._trouble)

    @property
    def gaps(self) -> list[str]:
        """Open sockets whose rows were not read since they opened."""
        return [line.name for line in self._lines.values() if line.open and not line.read]

    @property
    def opening_since(self) -> float | None:
        """Since when sockets are about to open; None when none is. One list after all of them is better than one each."""
        if not any(not line.open and line.refused is None for line in self._lines.values()):
            self._opening_since = None
        elif self._opening_since is None:
            self._opening_since = self._clock.monotonic()
        return self._opening_since

    def was_read(self, names: Iterable[str] | None, asked_at: float, *, recovered: bool = False) -> None:
        """A list was asked for at `asked_at` and read (None: the whole one). `recovered`: those before it had failed."""
        for line in [self._lines[name] for name in names if name in self._lines] if names is not None else self._lines.values():
            if line.open and line.opened_at <= asked_at:
                line.read = True
            if line.refused is not None and not isinstance(line.refused, RateLimited):
                now = self._clock.monotonic()
                line.refused, line.retry_at = None, now if recovered else max(line.retry_at, now + 1.0)
        self._wake.set()

    # -- who gets one --------------------------------------------------------------------------------------------------

    def rows_changed(self, changes: Changes) -> None:
        """Rows came, went or changed: look again only if that may change who is streamed."""
        rows, lines = self._model.rows, self._lines

        def differs(name: str) -> bool:
            row = rows.get(name)
            return row is None or row.item.streaming != (name in lines)

        if changes.order or any(differs(name) for name in changes.rows):
            self._stale = True
            self._wake.set()

    def prefer(self, name: str, *, created: bool = False) -> None:
        """A person works on this row: its socket opens first. `created`: we made it just now, so nothing was missed."""
        self._first.add(name)
        if created:
            self._created.add(name)
        if (line := self._lines.get(name)) is not None and not line.open:
            line.retry_at = 0.0
        self._stale = True
        self._wake.set()

    def _choose(self) -> None:
        self._stale = False
        self._first &= self._model.rows.keys()
        names = most_important(self._model.rows.values(), self._first, self._limit())
        self._overflow = sum(row.item.streaming for row in self._model.rows.values()) - len(names)
        wanted = set(names)
        for name in [name for name in self._lines if name not in wanted]:
            line = self._lines.pop(name)
            if line.task is not None:
                line.task.cancel()
        # The order of the lines is the order in which they open.
        now = self._clock.monotonic()
        self._lines = {name: self._lines.get(name) or Line(name, fresh=name in self._created, heard=now) for name in names}
        self._created.clear()
        self._changed()

    # -- opening -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Open what is due, for ever; closes every socket when cancelled."""
        async with asyncio.TaskGroup() as group:  # without signs of life nobody would know that a socket is dead
            watching = group.create_task(self._signs.run(), name="signs")
            try:
                await self._open_what_is_due()
            finally:
                watching.cancel()
                await self._close_all()

    async def _open_what_is_due(self) -> None:
        while True:
            if self._stale:
                self._choose()
            await self._reach.wait()
            now = self._clock.monotonic()
            line, ready_at = self._next(now)
            if line is not None and ready_at <= now:
                self._bucket.spend(now)
                line.task = asyncio.create_task(self._hold(line), name=f"socket {line.name}")
                await asyncio.sleep(0)  # it pays for itself before the next one is looked at
                continue
            await wait(self._clock, self._wake, ready_at - now if line is not None else None)
            self._wake.clear()

    def _next(self, now: float) -> tuple[Line | None, float]:
        """The line to open next and when; None when there is none. While sockets cannot be opened, one at a time tries."""
        if self._shut and any(line.task is not None and not line.open for line in self._lines.values()):
            return None, 0.0
        ready = max(self._bucket.ready_at(now), self._shut_until)
        best: tuple[Line | None, float] = None, float("inf")
        for line in self._lines.values():
            at = max(line.retry_at, ready)
            if line.task is not None or at > best[1]:
                continue
            if (at := max(at, now + self._pause(line.name))) <= now and not self._shut:
                return line, at
            if best[0] is None or (at, line.retry_at) < (best[1], best[0].retry_at):  # the one that waited longest tries
                best = line, at
        return best

    def reopen(self) -> None:
        """The server was away and is back: sockets may open again at once."""
        self._shut, self._shut_until = 0, 0.0
        for line in self._lines.values():
            if line.lost:
                line.retry_at = 0.0
        self._wake.set()

    async def _close_all(self) -> None:
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lines.clear()
        self._stale = True

    async def _hold(self, line: Line) -> None:
        """One connection of one instance, from opening to its end."""
        error: RyzeError
        try:
            socket = await self._dial(f"/ws/{segment(line.name)}", self._token(line.name))
            try:
                async with self._signs.of(socket, partial(setattr, line, "heard")):
                    await self._follow(line, socket)
            finally:
                await socket.close()
        except RyzeError as ended:
            error = ended
        except Exception as broken:  # noqa: BLE001 - a bug of ours costs this line one connection, never the line
            error = RyzeError(_("an error of this program ended the stream: {kind}").format(kind=type(broken).__name__))
            _log.warning("the socket of an instance ended by a bug: %s", _where(broken))
        self._ended(line, error)

    def _ended(self, line: Line, error: RyzeError) -> None:
        now = self._clock.monotonic()
        self._trouble = error.message
        was_open, long = line.open, line.open and now - line.opened_at >= LONG_LIFE
        line.task, line.open, line.read, line.fresh = None, False, False, False
        if was_open:
            line.failures = 0 if long else line.failures
            line.retry_at = now + backoff(line.failures, self._random, first=0.25)
            line.failures += 1
            if isinstance(error, StreamEnded) and error.code == GONE:
                line.retry_at = max(line.retry_at, now + GONE_PAUSE)
                self._doubted()
        elif isinstance(error, RateLimited):
            line.retry_at = now + error.retry_after
        elif isinstance(error, Unreachable) or (error.status or 0) >= 500:
            line.lost, line.retry_at = True, now + backoff(line.failures, self._random, first=0.25)
            line.failures += 1
            self._stale |= is_shortage(error.__cause__)  # the limit may be another one than it was
            if now >= self._shut_until:  # failures of one moment count once
                self._shut_until = now + backoff(self._shut, self._random, first=0.25)
                self._shut += 1
            self._suspect()
        else:
            # 400 streaming is off, 401 the token changed, 403, 404 it is gone: a list will tell what is true now.
            line.failures += 1
            line.refused, line.retry_at = error, now + backoff(line.failures + 2, self._random)
            self._doubted()
        self._wake.set()
        self._changed()

    async def _follow(self, line: Line, socket: Socket) -> None:
        now = self._clock.monotonic()
        line.open, line.opened_at, line.heard, line.refused = True, now, now, None
        self._works_again(now)
        line.read, line.fresh = line.fresh, False
        line.lost, self._shut, self._shut_until = False, 0, 0.0
        self._wake.set()
        self._changed()
        breath, bad = Breath(), 0
        while True:
            raw = await socket.recv(None)
            bad = 0 if raw is not None and self._take(line, raw) else bad + 1
            if bad >= _BAD_FRAMES:
                raise BadReply(_("the server sends frames that cannot be read"))
            await breath()

    def _works_again(self, now: float) -> None:
        """A socket opened: what kept others from opening, if it was nothing about them, is probably over."""
        for line in self._lines.values():
            if line.refused is not None and line.refused.status not in ABOUT_IT and not isinstance(line.refused, RateLimited):
                line.refused, line.retry_at = None, min(line.retry_at, now)
                self._wake.set()

    def _take(self, line: Line, raw: bytes | str) -> bool:
        """One frame; False when it could not be read. A frame about another instance is nobody's."""
        now = self._clock.monotonic()
        try:
            event = parse_envelope(raw)
        except BadReply:
            return False
        line.heard = now
        if event.instance and event.instance != line.name:
            return True
        event.instance = line.name
        if old := self._model.is_old(event):
            self._model.doubt(event, received_at=now)
            self._read_again(line.name)
        self._told(self._model.apply_event(event, received_at=now, now=self._clock.time()))
        self._heard(event, now, not old)
        return True
