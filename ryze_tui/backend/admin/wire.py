"""What the command line and a running server say to each other about accounts. Both import this; it imports next to nothing.

One request a connection: a line of JSON, `{"do": "add", "name": "acme", "quota": 5}`. The answers are lines too: any number of
`{"progress": 40, "of": 200}`, then one `{"ok": {...}}` or `{"error": CODE, ...}` whose words the command line finds.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SOCKET_FILE: Final = "admin.sock"
MAX_REQUEST: Final = 4096
"""Bytes of a request with its newline."""

NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,64}"
MAX_QUOTA: Final = 1_000_000

# What can be asked for.
LIST: Final = "list"
ADD: Final = "add"
ROTATE: Final = "rotate"
REMOVE: Final = "remove"
SET: Final = "set"

# What can go wrong.
BAD_REQUEST: Final = "bad-request"
BUSY: Final = "busy"
NOT_ALLOWED: Final = "not-allowed"
EXISTS: Final = "exists"
NOT_FOUND: Final = "not-found"
LAST: Final = "last"
BEING_REMOVED: Final = "being-removed"
LEFT_OVER: Final = "left-over"
STOPPING: Final = "stopping"
FAILED: Final = "failed"

_PEER: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
_LONGEST: Final = 107
"""Bytes of a path that fits into sockaddr_un."""


class Malformed(ValueError):
    """A line that is no request."""


@dataclass(slots=True, frozen=True)
class Request:
    """`quota` None: as the server was started with; 0: any number."""

    do: str
    name: str = ""
    quota: int | None = None


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The message of a line. Raises Malformed."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(message, dict):
        raise Malformed("not an object")
    return message


def read_request(line: bytes) -> Request:
    """What is asked for, checked. Raises Malformed."""
    import re  # here: the command line has no use for it

    message = decode(line)
    do, name, quota = message.get("do"), message.get("name", ""), message.get("quota")
    if do not in (LIST, ADD, ROTATE, REMOVE, SET):
        raise Malformed("no such command")
    if not isinstance(name, str) or (do != LIST and not re.fullmatch(NAME_PATTERN, name)):
        raise Malformed("no name of an account")
    if quota is not None and (type(quota) is not int or not 0 <= quota <= MAX_QUOTA):
        raise Malformed("no quota")
    return Request(do, name, quota)


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end, as the kernel knows it; None where it does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _pid, uid, _gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return int(uid)


@contextmanager
def address(path: Path) -> Iterator[str]:
    """What to bind or to connect to: the path, or a short name for it where it is too long for a Unix socket. Raises OSError."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
