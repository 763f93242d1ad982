"""Events as they come, frame by frame, from streams of an account; the file they are recorded to, and what is played of it."""

from __future__ import annotations

import asyncio
import json
import os
import random as _random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..api.errors import RateLimited, Refused, RyzeError
from ..api.events import HEARTBEAT, SNAPSHOT
from ..api.nesting import flat
from ..client.clock import SYSTEM, Clock
from ..fleet.scheduler import backoff
from ..i18n import _
from ..redact import masked

if TYPE_CHECKING:
    from ..client.stream import Socket

SILENCE: Final = 30.0
"""Seconds without a frame after which the other end is asked for a sign of life."""
PONG: Final = 15.0
NOT_RECORDED: Final = frozenset({SNAPSHOT, HEARTBEAT})
"""Frames of the account's stream that tell no event."""

Dial = Callable[[str], Awaitable["Socket"]]
"""Opens a stream; takes the position to go on after, which only the account's stream knows. Raises RyzeError."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One event. `at`: Unix seconds; `after`: seconds since the recording began; `frame`: as the server sent it."""

    at: float
    after: float
    instance: str
    event: str
    frame: dict[str, Any]

    def line(self, *, reveal: bool = False) -> dict[str, Any]:
        """As it is written down and printed: cli/schemas/events.json. Without `reveal` secrets are masked."""
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        frame = self.frame if reveal else masked(self.frame)
        return {"at": at, "after": round(self.after, 3), "instance": self.instance, "event": self.event, "frame": frame}


class Tape:
    """Follows one stream for ever. `take` gets each event; `told` what is wrong with the stream, empty when it is open again;
    `lost` is called when it goes on, but not where it was: what happened in between is missing.
    """

    def __init__(
        self, dial: Dial, *, take: Callable[[Taken], None], told: Callable[[str], None], lost: Callable[[], None], began: float,
        clock: Clock = SYSTEM, random: Callable[[], float] = _random.random,
    ) -> None:
        """`began`: the monotonic second of the recording, of which several tapes are part."""
        self._dial, self._take, self._told, self._lost = dial, take, told, lost
        self._began, self._clock, self._random = began, clock, random
        self._after = ""
        self._resumes = False
        self._opened = False

    async def run(self) -> None:
        """Until cancelled. Raises RyzeError: what cannot be opened at all, and refusals that trying again does not mend."""
        failures = 0
        while True:
            try:
                socket = await self._dial(self._after)
                self._resumes = self._opened and bool(self._after)
                if failures:
                    self._told("")
                if self._opened and not self._resumes:
                    self._lost()
                failures, self._opened = 0, True
                try:
                    await self._read(socket)
                finally:
                    await socket.close()
            except RyzeError as error:
                if not self._worth_another(error):
                    raise
                self._told(error.message)
                failures += 1
                pause = error.retry_after if isinstance(error, RateLimited) else backoff(failures, self._random)
                await self._clock.sleep(pause)

    def _worth_another(self, error: RyzeError) -> bool:
        if isinstance(error, RateLimited):
            return True
        final = isinstance(error, Refused) and error.status is not None and 400 <= error.status < 500
        return self._opened and not final

    async def _read(self, socket: Socket) -> None:
        while True:
            raw = await socket.recv(SILENCE)
            if raw is None:
                await socket.ping(PONG)
            else:
                self._frame(raw)

    def _frame(self, raw: str | bytes) -> None:
        try:
            frame = flat(json.loads(raw), raw)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict) or not isinstance(name := frame.get("event"), str):
            self._told(_("a frame came that is no event; it is left out"))
            return
        if isinstance(seq := frame.get("seq"), str):
            self._after = seq
        if name == SNAPSHOT and self._resumes:  # the server does not know that position any more
            self._resumes = False
            self._lost()
        if name not in NOT_RECORDED:
            now = self._clock.monotonic()
            self._take(Taken(self._clock.time(), now - self._began, instance_of(frame), name, frame))


def instance_of(frame: dict[str, Any]) -> str:
    """Whose event it is; empty when it does not say."""
    for holder in (frame.get("instanceData"), frame, frame.get("data")):
        name = holder.get("instance") if isinstance(holder, dict) else None
        if isinstance(name, str):
            return name
    return ""


# -- the file ----------------------------------------------------------------------------------------------------------


class Recording:
    """A file of lines of JSON, new and 0600. Entering it makes it (OSError says why not: FileExistsError too)."""

    def __init__(self, path: Path) -> None:
        self._path, self._empty = path, True
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def write(self, line: dict[str, Any]) -> None:
        """One line, whole, at once. Raises OSError."""
        self._empty = False
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """It is complete; a file that nothing came into is not left behind."""
        os.close(self._descriptor)
        if self._empty:
            self._path.unlink(missing_ok=True)


# -- playing it back ---------------------------------------------------------------------------------------------------


class BadTape(Exception):
    """A file cannot be played; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class Played:
    """One line to be posted. `number`: of the line in the file; `after`: seconds since the first; `envelope`: contract §5.1."""

    number: int
    after: float
    instance: str
    event: str
    envelope: dict[str, Any]


def played(lines: Sequence[str], *, own: Sequence[str]) -> tuple[list[Played], int]:
    """What is to be posted, and how many lines tell of rows and not of events (`own`). Raises BadTape."""
    found, left = [], 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        after, instance, frame = _read_line(number, text)
        event = frame["event"]
        if event in own or event in NOT_RECORDED:
            left += 1
            continue
        about = frame.get("instanceData")
        # A frame of the account's stream tells less than a webhook gets.
        envelope = {
            "event": event, "data": frame["data"],
            "instanceData": about if isinstance(about, dict) else {"baseUrl": "", "instance": instance, "token": ""},
        }  # fmt: skip
        found.append(Played(number, after, instance, event, envelope))
    return found, left


def _read_line(number: int, text: str) -> tuple[float, str, dict[str, Any]]:
    def bad(why: str) -> BadTape:
        return BadTape(_("line {n}: {why}; nothing was sent.").format(n=number, why=why))

    try:
        line = flat(json.loads(text), text)
    except (ValueError, RecursionError):
        raise bad(_("this is no JSON")) from None
    frame = line.get("frame") if isinstance(line, dict) else None
    if not isinstance(frame, dict) or not isinstance(frame.get("event"), str) or not isinstance(frame.get("data"), dict):
        raise bad(_("this is no recorded event: it has no frame with event and data"))
    after = line.get("after")
    if isinstance(after, bool) or not isinstance(after, (int, float)) or not 0 <= after < 1e9:
        raise bad(_("after must be a number of seconds"))
    return float(after), instance_of(frame), frame


async def gaps(lines: Sequence[Played], speed: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
               now: Callable[[], float] = SYSTEM.monotonic) -> Any:  # fmt: skip
    """Each line when its time has come: as far behind the first one as it was recorded, divided by `speed`."""
    began = now()
    for line in lines:
        due = began + (line.after - lines[0].after) / speed
        if (pause := due - now()) > 0:
            await sleep(pause)
        yield line
