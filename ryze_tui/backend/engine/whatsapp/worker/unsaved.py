"""Messages that WhatsApp believes delivered, on the disk until the server has them there: who is killed meanwhile loses none.

The library acknowledges by itself, as a message comes; the server says later that it is safe (the frame Taken). What is still
here when a session comes up is told again. Against a kill, not against a power cut: nothing here waits for the disk itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

Data = dict[str, Any]
MOST: Final = 20_000
"""Messages that are held; what comes beyond is told and not kept."""
COMPACT_BYTES: Final = 4 << 20
LINE_MOST: Final = 4 << 20


class Unsaved:
    """Of one session. Never raises: a disk that refuses costs only this safety."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._size = self._last = 0
        self.waiting: dict[int, Data] = {}
        """Number -> message, in the order in which they came."""

    def open(self) -> None:
        """Take up what is left of the last time; a line that was being written is none."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self._path, flags, 0o600)
            with open(self._file, "rb", closefd=False) as file:
                while line := file.readline(LINE_MOST):
                    with contextlib.suppress(ValueError):
                        if isinstance(data := json.loads(line), dict):
                            self._keep(data)
            self._rewrite()
        except OSError as error:
            self._failed(error)

    def add(self, data: Data) -> Data:
        """It came; the same with its number, by which it is taken."""
        if len(self.waiting) >= MOST:
            return data
        kept = self._keep(data)
        self._write(kept)
        return kept

    def taken(self, number: int) -> None:
        """The server has it on its disk."""
        if self.waiting.pop(number, None) is not None and (not self.waiting or self._size > COMPACT_BYTES):
            self._rewrite()

    def close(self) -> None:
        """Let the file go; what is in it stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _keep(self, data: Data) -> Data:
        self._last += 1
        kept = self.waiting[self._last] = data | {"unsaved": self._last}
        return kept

    def _rewrite(self) -> None:
        """Only what waits is in the file. Killed in here, all of it is: in the worst case it is told twice."""
        if self._file < 0:
            return
        try:
            if self.waiting:
                beside = self._path.with_name(f"{self._path.name}.new")
                with contextlib.suppress(FileNotFoundError):
                    beside.unlink()
                file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
                old, self._file = self._file, file
                os.close(old)
                self._size = 0
                for data in self.waiting.values():
                    self._write(data)
                beside.replace(self._path)
            else:
                os.ftruncate(self._file, 0)
                self._size = 0
        except OSError as error:
            self._failed(error)

    def _write(self, data: Data) -> None:
        if self._file < 0:
            return
        try:
            line = json.dumps(data, separators=(",", ":")).encode() + b"\n"
            if len(line) <= LINE_MOST:
                self._size += os.write(self._file, line)
        except (OSError, ValueError, TypeError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        sys.stderr.write(f"messages cannot be kept until the server has them: {type(error).__name__}\n")
        self.close()
