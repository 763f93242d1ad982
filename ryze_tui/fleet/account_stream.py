"""The account stream (contract §9): one socket that tells everything, with a snapshot first and resume after a gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from ..api.errors import BadReply, RyzeError
from ..api.events import Event, Frame, Heartbeat, RowChanged, RowDeleted, Snapshot, parse_account_frame
from ..api.instance import ROWS_MOST, Instance, too_many
from ..client.clock import Breath, Clock
from ..client.stream import Dial, Socket, StreamEnded
from ..i18n import _
from .freshness import Coverage
from .model import Changes, FleetModel

HEARTBEAT: Final = 15.0
"""Seconds between heartbeats (contract §9)."""
PROVEN: Final = 20.0
"""Seconds for which one frame proves the stream; then the badge is no longer LIVE."""
DEAD: Final = 40.0
"""Seconds of silence after which the socket is given up."""
_BAD_FRAMES: Final = 20

Told = Callable[[Changes], None]
Heard = Callable[[Event, float, bool], None]
"""(event, monotonic second, live): `live` is False for what is told again after a gap."""


def _position(seq: str) -> tuple[str, int] | None:
    """`EPOCH.SEQ` as (epoch, number); None when it is of another shape."""
    epoch, _dot, number = seq.rpartition(".")
    return (epoch, int(number)) if epoch and number.isascii() and number.isdigit() and len(number) <= 15 else None


class AccountStream:
    """Follows the stream; `life` is one connection. `changed` is called whenever `coverage` may have changed.

    After a resume everything up to the first heartbeat is told again: it is `live` to nobody, and proves nothing.

    `detail(name)` is called for a row of which only a list can tell what is new: a compact row has no token and no addresses.
    """

    def __init__(
        self, dial: Dial, token: str, model: FleetModel, clock: Clock, *,
        told: Told, heard: Heard, detail: Callable[[str], None], changed: Callable[[], None],
    ) -> None:
        self._dial, self._token, self._model, self._clock = dial, token, model, clock
        self._told, self._heard, self._detail, self._changed = told, heard, detail, changed
        self._after = ""
        self._complete = False
        self._proof = 0.0
        self._trouble = ""
        self._based = False
        self._snapshot: set[str] | None = None
        self._began = 0.0
        self._bad = 0

    @property
    def coverage(self) -> Coverage:
        """What the stream proves now."""
        return Coverage(self._complete, self._proof, PROVEN, trouble="" if self._complete else self._trouble)

    async def life(self) -> None:
        """Open the stream and follow it until it ends. Raises RyzeError, always."""
        resume = f"&after={quote(self._after, safe='')}" if self._after else ""
        # Without a filter: compact rows (`instance.row`, `instance.deleted`) come besides `instance.state`.
        try:
            socket = await self._dial(f"/ws?events=instance.state{resume}", self._token)
            self._snapshot, self._bad, self._based = None, 0, bool(resume)
            self._trouble = self._trouble or _("the stream is open, but tells nothing")
            try:
                await self._follow(socket)
            finally:
                self._complete = False
                self._changed()
                await socket.close()
        except RyzeError as error:
            self._trouble = error.message
            raise

    async def _follow(self, socket: Socket) -> None:
        breath = Breath()
        while True:
            frame = await socket.recv(PROVEN)
            if frame is None:
                self._changed()
                frame = await socket.recv(DEAD - PROVEN)
                if frame is None:
                    raise StreamEnded(_("the stream was silent for {n} s").format(n=round(DEAD)))
            self._take(frame)
            await breath()

    def _take(self, raw: bytes | str) -> None:
        """One frame. A frame that cannot be read is skipped; twenty in a row end the connection."""
        now = self._clock.monotonic()
        late = self._complete and now - self._proof > PROVEN
        try:
            frame = parse_account_frame(raw)
        except BadReply:
            self._bad += 1
            if self._bad >= _BAD_FRAMES:
                raise
            return
        self._bad = 0
        if not isinstance(frame, Snapshot) and self._told_already(frame):
            return
        if self._complete:
            self._proof = now
        if late:
            self._changed()
        if isinstance(frame, Event):
            self._event(frame, now)
        elif isinstance(frame, Snapshot):
            self._slice(frame, now)
        elif isinstance(frame, RowChanged):
            self._row(frame.row, now)
        elif isinstance(frame, RowDeleted):
            self._told(self._model.apply_deleted(frame.instance, received_at=now))
        if self._snapshot is None:
            self._after = frame.seq or self._after
        if isinstance(frame, Heartbeat) and self._snapshot is None:
            self._cover(now)

    def _told_already(self, frame: Frame) -> bool:
        """Whether a frame repeats what was told. One that contradicts it ends the connection; the next begins with a snapshot."""
        known, told = _position(self._after), _position(frame.seq)
        if known is None or told is None or self._snapshot is not None:
            return False
        same, behind = told[0] == known[0], told[1] < known[1] + (not isinstance(frame, Heartbeat))
        if same and behind and not isinstance(frame, Heartbeat):
            return True
        if not same or behind:
            self._after = ""
            raise StreamEnded(_("the stream's frames contradict each other"))
        return False

    def _event(self, event: Event, now: float) -> None:
        live = self._complete
        self._told(self._model.apply_event(event, received_at=now, now=self._clock.time()))
        self._heard(event, now, live)

    def _row(self, item: Instance, now: float) -> None:
        known = self._model.rows.get(item.name)
        if known is None and len(self._model.rows) >= ROWS_MOST:
            raise too_many(ROWS_MOST)
        blocks = known.item.blocks if known is not None else None
        self._told(self._model.apply_snapshot([item], received_at=now, now=self._clock.time()))
        if item.name and item.blocks != blocks:
            self._detail(item.name)

    def _slice(self, frame: Snapshot, now: float) -> None:
        if self._snapshot is None:
            # A snapshot that breaks off half-way must begin again: there is nothing to resume after.
            self._snapshot, self._began, self._complete, self._after = set(), now, False, ""
        self._snapshot.update(row.name for row in frame.rows)
        if len(self._snapshot) > ROWS_MOST:
            raise too_many(ROWS_MOST)
        changes = self._model.apply_snapshot(frame.rows, received_at=now, now=self._clock.time())
        if frame.last:
            changes.merge(self._model.end_snapshot(self._snapshot, began_at=self._began))
            self._snapshot, self._based = None, True
            self._told(changes)
            self._cover(now)
        else:
            self._told(changes)

    def _cover(self, now: float) -> None:
        """A heartbeat or the end of a snapshot: nothing before it is missing. Silence proves nothing, nor do older events.

        Nor does a heartbeat of a stream that neither began with a snapshot nor goes on where we left off.
        """
        if self._based and not self._complete:
            self._complete, self._proof, self._trouble = True, now, ""
            self._changed()


