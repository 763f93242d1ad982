"""A wall clock that a test sets, for every Python process below it: `time.time` reads an offset from a file."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Final

_HOOK: Final = """
import mmap, struct, time
from pathlib import Path
with open(Path(__file__).with_name("offset"), "r+b") as _file:
    _offset = mmap.mmap(_file.fileno(), 8)
_time, _localtime = time.time, time.localtime
time.time = lambda: _time() + struct.unpack("d", _offset[:8])[0]
class _Local:  # no function, which a class that keeps it would bind
    def __call__(self, moment=None):
        return _localtime(time.time() if moment is None else moment)
time.localtime = _Local()
"""


class Wall:
    """The directory goes into PYTHONPATH. `set` is heard at once."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.path = home
        (home / "sitecustomize.py").write_text(_HOOK)
        self.set(0)

    def set(self, seconds: float) -> None:
        """So many seconds ahead of the real one, or behind."""
        with open(self.path / "offset", "r+b" if (self.path / "offset").exists() else "wb") as file:
            file.write(struct.pack("d", seconds))
        self.offset = seconds

    def time(self) -> float:
        """What the processes see."""
        return time.time() + self.offset

    @property
    def environment(self) -> dict[str, str]:
        """What they are started with."""
        return {"PYTHONPATH": os.pathsep.join([str(self.path), *filter(None, [os.environ.get("PYTHONPATH")])])}
