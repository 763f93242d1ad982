"""What server and worker say to each other over their socket: typed frames, each a length, JSON, and maybe bytes behind it.

Both sides take nothing on trust: a frame of an unknown kind, with a field too many, too few or of another type, or beyond the
limits, is a BadFrame, and whoever sent it is done with.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, TypeAlias

JSON_MOST: Final = 4 * 1024 * 1024
BLOB_MOST: Final = 128 * 1024 * 1024
"""Larger than any media that the server takes."""

_HEAD: Final = struct.Struct(">II")
HEAD_BYTES: Final = _HEAD.size


class BadFrame(Exception):
    """What came is no frame; the text says why and holds nothing of it."""


# -- from the server ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Pair:
    """Begin a pairing in the file at `path`: by code for `number`, else by QR. `history`: days, -1 = none; `proxy`: a URL."""

    kind: ClassVar = "pair"
    link: str
    attempt: int
    path: str
    number: str = field(repr=False)
    history: int
    proxy: str = field(repr=False)


@dataclass(slots=True, frozen=True)
class Dial:
    """Bring up the session in the file at `path`, in place of whatever this link did before."""

    kind: ClassVar = "dial"
    link: str
    attempt: int
    path: str
    history: int
    proxy: str = field(repr=False)


@dataclass(slots=True, frozen=True)
class Drop:
    """Let go of a link."""

    kind: ClassVar = "drop"
    link: str


@dataclass(slots=True, frozen=True)
class Taken:
    """A message of a link, by the number that the worker gave it, is on the server's disk."""

    kind: ClassVar = "taken"
    link: str
    attempt: int
    number: int


@dataclass(slots=True, frozen=True)
class Ask:
    """What a link is asked and answers; `what`: send, mark_read, reject_call, presence, download or logout."""

    kind: ClassVar = "ask"
    number: int
    link: str
    what: str
    about: dict[str, Any] = field(repr=False)
    blob: bytes = field(default=b"", repr=False)


@dataclass(slots=True, frozen=True)
class Ping:
    """Are you there?"""

    kind: ClassVar = "ping"
    number: int


# -- from the worker ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Ready:
    """neonize is loaded. `port`: where the worker's end of proxies listens on loopback."""

    kind: ClassVar = "ready"
    version: str
    port: int


@dataclass(slots=True, frozen=True)
class Refused:
    """The worker cannot work, and goes. `why`: words with advice."""

    kind: ClassVar = "refused"
    why: str


@dataclass(slots=True, frozen=True)
class Pong:
    """Yes."""

    kind: ClassVar = "pong"
    number: int


@dataclass(slots=True, frozen=True)
class Event:
    """Something happened to a link (see translate.py for every `what`)."""

    kind: ClassVar = "event"
    link: str
    attempt: int
    what: str
    data: dict[str, Any] = field(repr=False)


@dataclass(slots=True, frozen=True)
class Answer:
    """What came of an Ask; `error` is empty when it went well."""

    kind: ClassVar = "answer"
    number: int
    error: str
    data: dict[str, Any] = field(repr=False)
    blob: bytes = field(default=b"", repr=False)


Frame: TypeAlias = Pair | Dial | Drop | Taken | Ask | Ping | Ready | Refused | Pong | Event | Answer
FROM_SERVER: Final = (Pair, Dial, Drop, Taken, Ask, Ping)
FROM_WORKER: Final = (Ready, Refused, Pong, Event, Answer)
_TYPES: Final[dict[str, type]] = {"str": str, "int": int, "dict[str, Any]": dict, "bytes": bytes}


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. Raises BadFrame when it is too large."""
    about = {one.name: getattr(frame, one.name) for one in fields(frame) if one.type != "bytes"}
    blob = getattr(frame, "blob", b"")
    try:
        text = json.dumps({"kind": frame.kind, **about}, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise BadFrame(f"a {frame.kind} frame cannot be written ({type(error).__name__})") from None
    if len(text) > JSON_MOST or len(blob) > BLOB_MOST:
        raise BadFrame(f"a {frame.kind} frame is too large")
    return _HEAD.pack(len(text), len(blob)) + text + blob


def lengths(head: bytes) -> tuple[int, int]:
    """The head of a frame -> how much JSON and how many bytes follow. Raises BadFrame."""
    text, blob = _HEAD.unpack(head)
    if not 2 <= text <= JSON_MOST or blob > BLOB_MOST:
        raise BadFrame(f"a frame of {text} and {blob} bytes")
    return text, blob


def decode(text: bytes, blob: bytes, allowed: tuple[type[Any], ...]) -> Frame:
    """What follows a head -> a frame of one of the allowed kinds. Raises BadFrame."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("no JSON") from None
    kind = about.pop("kind", None) if isinstance(about, dict) else None
    made = next((one for one in allowed if one.kind == kind), None)
    if made is None:
        raise BadFrame("a frame of an unknown kind")
    declared = {one.name: one for one in fields(made)}
    if "blob" in declared:
        about["blob"] = blob
    elif blob:
        raise BadFrame(f"a {made.kind} frame with bytes behind it")
    if about.keys() != declared.keys():
        raise BadFrame(f"a {made.kind} frame with other fields")
    for name, value in about.items():
        if type(value) is not _TYPES[str(declared[name].type)]:
            raise BadFrame(f"a {made.kind} frame whose {name} is of another type")
    frame: Frame = made(**about)
    return frame


async def read(exactly: Callable[[int], Awaitable[bytes]], allowed: tuple[type[Any], ...]) -> Frame:
    """The next frame. `exactly(n)` brings n bytes (asyncio's readexactly). Raises BadFrame, and what `exactly` raises."""
    text, blob = lengths(await exactly(HEAD_BYTES))
    return decode(await exactly(text), await exactly(blob) if blob else b"", allowed)
