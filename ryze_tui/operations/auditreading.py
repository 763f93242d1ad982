"""Reading the audit log: the rotated files too, in the order in which they were written; a line that is torn is skipped."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from .audit import OLDER, audit_path, older

_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TEXTS: Final = ("when", "action", "profile", "instance", "result", "message")
WHOLES: Final = frozenset({"bulk", "apply"})
LINE_MOST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; empty means all. `since`: RFC 3339 in UTC with milliseconds, as in the lines; `action`: its first words."""

    instances: frozenset[str] = frozenset()
    since: str = ""
    action: str = ""
    failed: bool = False

    def __call__(self, line: dict[str, Any]) -> bool:
        """Whether it is one of them."""
        return (
            (not self.instances or line["instance"] in self.instances)
            and line["when"] >= self.since
            and (not self.action or self._begins(line["action"]))
            and (not self.failed or line["result"] != "ok")
        )


    def _begins(self, action: str) -> bool:
        """Also where a word says that it was part of something larger: `configure bulk webhook …`."""
        plain = " ".join(word for word in action.split() if word not in WHOLES)
        return any(f"{words.replace(':', ' ')} ".startswith(f"{self.action} ") for words in (action, plain))


def moment(text: str, now: float) -> str:
    """`2h`, `3d`, a date, or date and time (of this machine's zone, unless it names one) as `Wanted.since`. Raises ValueError."""
    if span := _SPAN.fullmatch(text):
        found = datetime.fromtimestamp(now, UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    else:
        found = datetime.fromisoformat(text)
    try:
        return found.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError as error:
        raise ValueError(text) from error


def parsed(data: bytes) -> dict[str, Any] | None:
    """A line with every field, those that earlier versions did not write as null; None for one that is torn."""
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not all(isinstance(line.get(name), str) for name in _TEXTS):
        return None
    changes = line.get("changes")
    return {
        **{name: line[name] for name in _TEXTS},
        "status": line["status"] if isinstance(line.get("status"), int) else None,
        **{name: line[name] if isinstance(line.get(name), str) else None for name in ("program", "user", "from", "request")},
        "uid": line["uid"] if isinstance(line.get("uid"), int) else None,
        "changes": changes if isinstance(changes, dict) and all(isinstance(one, dict) for one in changes.values()) else {},
    }


class Reader:
    """`lines()` gives what is there, and each time after that what is new. `close` it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if path is not None else audit_path()
        self._files: list[BinaryIO] = []
        self._rest = b""
        self._files = self._opened()

    def _opened(self) -> list[BinaryIO]:
        """Every file, the oldest first, none missed by a rotation meanwhile: writers wait that long. Raises OSError."""
        while True:
            with ExitStack() as stack:
                try:
                    newest = stack.enter_context(self._path.open("rb"))
                except FileNotFoundError:
                    return []
                with suppress(OSError):
                    fcntl.flock(newest, fcntl.LOCK_SH)
                if not _same(self._path, newest):
                    continue
                files = []
                for number in range(OLDER, 0, -1):
                    with suppress(FileNotFoundError):
                        files.append(stack.enter_context(older(self._path, number).open("rb")))
                with suppress(OSError):
                    fcntl.flock(newest, fcntl.LOCK_UN)
                stack.pop_all()
                return [*files, newest]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line that was not given yet."""
        if not self._files:
            self._files = self._opened()
        while self._files:
            moved = not _same(self._path, self._files[0])  # asked before its end is read: nothing comes after
            yield from self._read(self._files[0])
            if len(self._files) == 1 and not moved:
                return
            self._files.pop(0).close()
            self._rest = b""
            if not self._files:
                self._files = self._following()

    def _following(self) -> list[BinaryIO]:
        """The newest file was renamed while it was followed: what came after it."""
        try:
            return [self._path.open("rb")]
        except FileNotFoundError:
            return []

    def _read(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        while data := file.readline(LINE_MOST):
            self._rest += data
            if not data.endswith(b"\n"):
                if len(self._rest) > LINE_MOST:
                    self._rest = b""
                continue
            whole, self._rest = self._rest, b""
            if (line := parsed(whole)) is not None:
                yield line

    def close(self) -> None:
        """Let the files go."""
        for file in self._files:
            file.close()


def _same(path: Path, file: BinaryIO) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(file.fileno())
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
