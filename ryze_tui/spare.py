"""Descriptors kept aside for imports: without one, a key that imports its screen would end the program."""

from __future__ import annotations

import errno
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence

from .i18n import _

COUNT = 4
"""An import takes one at a time; the others are for those that something else was faster to take."""
QUIET = 60.0
"""Seconds in which it is not said again."""


def is_shortage(error: BaseException | None) -> bool:
    """Whether it says that the process, or the machine, has no descriptors left."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def in_words() -> str:
    """What that means, and what mends it while the program runs."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = f"prlimit --pid {os.getpid()} --nofile=1024"
    words = _("this program may open no more files and connections (its limit is {limit}; `{command}` raises it)")
    return words.format(limit=soft, command=command)


class Spare:
    """`COUNT` descriptors, taken early so that their numbers are low: a limit that is lowered later goes by numbers.

    It finds no module itself, but is asked before those that do.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self._said_at = -QUIET
        self._later: Callable[[Callable[[], None]], object] | None = None
        self._said: Callable[[], object] | None = None

    def take(self) -> None:
        """Hold as many as there are to have, up to COUNT."""
        try:
            while len(self._held) < COUNT:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return

    def watch(self, later: Callable[[Callable[[], None]], object], said: Callable[[], object]) -> None:
        """From now on each import finds one free. `later(taken back)`: once the import is over; `said()`: none were left."""
        self._later, self._said = later, said
        sys.meta_path.insert(0, self)

    def release(self) -> None:
        """Hold none any more: what is imported from now on has them."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        while self._held:
            os.close(self._held.pop())

    def lend(self) -> None:
        """See to it that one is free for whatever is done next."""
        self.take()  # what was lent before may be back only now
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            self._give()

    def _give(self) -> None:
        if self._held:
            lowest = min(self._held)
            self._held.remove(lowest)
            os.close(lowest)
            if self._later is not None:
                self._later(self.take)
        if self._said is not None and time.monotonic() - self._said_at >= QUIET:
            self._said_at = time.monotonic()
            self._said()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        """Called by every import of something new, before the file is looked for."""
        self.lend()


spare = Spare()
"""The program's one: a descriptor is the whole process's."""
