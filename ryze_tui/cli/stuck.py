"""An output that nobody reads keeps no command from ending: after a signal, a write that is stuck is let go."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TextIO

_fd: int | None = None
"""What is written to at this moment."""
_count = 0
_seen = -1
signalled = False
"""Whether this command was told to end."""


@contextlib.contextmanager
def writing(stream: TextIO | None) -> Iterator[None]:
    """Around each write that a full pipe can hold up."""
    global _fd, _count
    try:
        _fd, _count = (stream.fileno() if stream is not None else None), _count + 1
    except (OSError, ValueError):  # a stream of a test
        _fd = None
    try:
        yield
    finally:
        _fd = None


def ending(*_signal: object) -> None:
    """A signal said to end: from now on it is looked once a second whether a write makes no progress."""
    global signalled
    signalled = True
    signal.signal(signal.SIGALRM, _look)
    # Before Python takes the handlers away: what is left of it then may take seconds, and the next tick would end it with 142.
    atexit.unregister(_rest)
    atexit.register(_rest)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)


def _rest() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


def _look(*_signal: object) -> None:
    """The same write as a second ago: the system tries it again after this, and then it goes nowhere."""
    global _seen
    if _fd is not None and _seen == _count:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _fd)
        os.close(nowhere)
    _seen = _count if _fd is not None else -1


def flush() -> None:
    """What was printed and not written yet."""
    if sys.stdout is not None:
        with writing(sys.stdout):
            sys.stdout.flush()


@contextlib.contextmanager
def noticed(*numbers: signal.Signals) -> Iterator[None]:
    """While a loop runs that handles these: its handlers are not reached while a write is stuck, `ending` is."""
    for number in numbers:
        signal.signal(number, ending)  # beside the loop's own, which hears of it as well
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: object) -> None:
        ending()
        if callable(before):
            before(number, frame)  # type: ignore[arg-type]

    if callable(before):
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        if callable(before):
            signal.signal(signal.SIGINT, before)
