"""Files that outlive the program: a header, one JSON line a row, and a last line that proves the file to be whole.

Whose rows they are is in the file's name only: a fingerprint of server and token, so that one account never sees the rows of
another. It is a hash, keyed with 32 random bytes that lie in the state directory and cut to 64 bits: nothing leads back from it,
and whoever gets hold of the cache alone cannot even test a guess. Whoever has both directories of a person could test guesses,
as against the server itself, but has the configuration with the very tokens within reach too.

A file that is corrupt, cut off, too large, a link, of another version or not ours is as good as none. No row ever holds a token,
an address or anything else that the list does not show. `RYZE_NO_CACHE=1` in the environment: nothing is read or written.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..redact import mask

_log = logging.getLogger(__name__)

VERSION: Final = 1
SUFFIX: Final = ".jsonl"
FILES_MOST: Final = 32
"""Accounts that are remembered; the one not used for longest is forgotten first."""
_LARGEST: Final = 1 << 30
_HEAD: Final = 200
_KEY_BYTES: Final = 32
_NAME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds. `seen`: Unix second as of which all of it was true; `lines`: one JSON array each, not read yet."""

    seen: float
    lines: Sequence[bytes]


def wanted() -> bool:
    """Whether anything may be kept at all."""
    return os.environ.get("RYZE_NO_CACHE", "") in ("", "0")


def fingerprint(url: str, token: str, *, make: bool = False) -> str:
    """The name of an account's files; empty when there is no key (and then no file), unless it is to be made."""
    from hashlib import blake2b

    key = _key(make)
    whose = f"{url.rstrip('/')}\0{token}".encode(errors="surrogatepass")
    return blake2b(whose, key=key, digest_size=_NAME_BYTES).hexdigest() if key else ""


def _key(make: bool) -> bytes:
    path = paths.state_dir() / "fingerprint.key"
    key = _bytes(path, _KEY_BYTES)
    if key is not None and len(key) == _KEY_BYTES:
        return key
    if not make:
        return b""
    key = os.urandom(_KEY_BYTES)
    try:
        paths.private_dir(path.parent)
        path.unlink(missing_ok=True)  # a link, or half a key
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
    except FileExistsError:  # another console of ours was quicker
        return _key(False)
    except OSError as error:
        _log.info("nothing is remembered: %s cannot be written: %s", path, error.strerror)
        return b""
    return key


def _bytes(path: Path, most: int, *, head: int | None = None) -> bytes | None:
    """A plain file of ours, not larger than `most` bytes (its first `head`); None when that is not what has this name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_size > most:
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(most if head is None else head)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read(path: Path, kind: str, *, most: int, rows: int) -> Kept | None:
    """The file, of at most `most` bytes and `rows` rows; None when it is not what it should be."""
    data = _bytes(path, most)
    lines = data.split(b"\n") if data else []
    if len(lines) < 3 or lines.pop() != b"":
        return None
    head, end = parsed(lines[0]), parsed(lines[-1])
    if not isinstance(head, dict) or (head.get("kind"), head.get("version")) != (kind, VERSION):
        return None
    seen = second(head.get("seen"))
    if not isinstance(end, dict) or end.get("rows") != len(lines) - 2 or len(lines) - 2 > rows or not seen:
        return None
    return Kept(seen, lines[1:-1])


def parsed(line: bytes) -> Any:
    """A line of JSON; None when it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def second(value: object) -> float:
    """A Unix second of these centuries; else 0."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 7e9 else 0.0


def text(value: object, most: int = 500) -> str:
    """A text, cut; what is none is empty. What must not reach a terminal is taken out where it is drawn, as everywhere."""
    return value[:most] if isinstance(value, str) else ""


@lru_cache(maxsize=256)
def masked(text: str) -> str:
    """A server's words without what is known to be secret now. Whoever begins to write a file clears what was masked before."""
    return mask(text) if text else ""


def write(path: Path, kind: str, *, seen: float, lines: Iterable[str]) -> None:
    """Replace the file at once (0600, on the disk before it has its name); not by older news. Raises OSError."""
    body = list(lines)
    head = json.dumps({"kind": kind, "version": VERSION, "seen": round(seen, 3)})
    if _newer(path, kind, seen):
        return  # another console of the same account, which still hears of its server
    paths.write_private(path, "\n".join([head, *body, json.dumps({"rows": len(body)}), ""]))
    _forget_oldest(path.parent)


def _newer(path: Path, kind: str, seen: float) -> bool:
    head = parsed((_bytes(path, _LARGEST, head=_HEAD) or b"").partition(b"\n")[0])
    ours = isinstance(head, dict) and (head.get("kind"), head.get("version")) == (kind, VERSION)
    return ours and seen < second(head.get("seen")) <= time.time()


def _forget_oldest(folder: Path) -> None:
    with os.scandir(folder) as entries:
        files = [(one.stat(follow_symlinks=False).st_mtime, one.path) for one in entries if one.name.endswith(SUFFIX)]
    for _at, path in sorted(files, reverse=True)[FILES_MOST:]:
        Path(path).unlink(missing_ok=True)
