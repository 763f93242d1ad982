"""Reads what the terminal sends, in a thread that sleeps until something comes.

Textual's thread looks ten times a second for as long as the program runs (measured: 18 wake-ups a second with 203 sockets, 8 with
this one), needs a tenth of a second to end, and dies, and the program with it, of a byte that is no UTF-8: a terminal set to
Latin-1, an old mouse report, noise on a serial line.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from typing import Final

from textual import events
from textual.constants import ESCAPE_DELAY
from textual.message import Message

from .compat import XTermParser

PIECE: Final = 4096
"""Bytes read at once."""
TICK: Final = 0.02
"""Seconds between two looks at whether an Escape has stayed alone, which makes it a key."""
SETTLED: Final = ESCAPE_DELAY + 10 * TICK
"""Seconds without input after which the parser waits for nothing that time alone could bring."""


INTRODUCERS: Final = frozenset("[]OP_^X\\")
"""What follows Escape in a sequence that goes on, or ends one."""
RUBOUTS: Final = frozenset("\x08\x7f")
"""Alt and backspace, which deletes a word."""
WORD_MOVES: Final = {"alt+b": "ctrl+left", "alt+f": "ctrl+right"}
"""What Option and an arrow send on a Mac, in a field; anywhere else Escape and a letter."""


class Parser(XTermParser):
    """Escape and what was typed right behind it are two keys, also when a slow line or a busy machine brings them together.

    Textual takes a digit for what Option and a digit give on a Mac, forgets Escape before other signs, and calls letters Alt.
    Alt itself is read where the terminal speaks the kitty protocol, which has no such doubt.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        sign = sequence.removeprefix("\x1b")
        together = len(sign) == 1 and (alt or (len(sequence) == 2 and sign not in INTRODUCERS))
        if not together or sign in RUBOUTS:
            yield from super()._sequence_to_key_events(sequence, alt)
        elif f"alt+{sign}" in WORD_MOVES:
            yield events.Key(f"alt+{sign}", sign)
        else:
            yield events.Key("escape", "\x1b")
            yield from super()._sequence_to_key_events(sign)


class Bell(threading.Event):
    """An event that also ends a wait for a descriptor. Made once for each program; its two descriptors are never closed."""

    def __init__(self) -> None:
        super().__init__()
        self._hears, self._rings = os.pipe()
        for end in (self._hears, self._rings):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """Readable while the event is set."""
        return self._hears

    def set(self) -> None:
        """Set it, and wake whoever waits for its descriptor."""
        super().set()
        with contextlib.suppress(BlockingIOError):  # rung often enough
            os.write(self._rings, b"\0")

    def clear(self) -> None:
        """Make it unset, and its descriptor silent."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._hears, PIECE):
                pass
        super().clear()


def listen(terminal: int, told: Bell, take: Callable[[Message], object], *, debug: bool = False) -> bool:
    """Hand on what the terminal sends as Textual's messages, until `told` is set; False when the terminal is gone."""
    parser, decode = Parser(debug), getincrementaldecoder("utf-8")("replace").decode
    last = time.monotonic()
    while not told.is_set():
        settled = time.monotonic() - last > SETTLED
        for message in parser.tick():  # before the wait: a thread whose turn came late must not sleep on an Escape
            take(message)
        ready, _, _ = select.select([terminal, told.fileno()], [], [], None if settled else TICK)
        if terminal in ready:
            try:
                data = os.read(terminal, PIECE)
            except BlockingIOError:  # another program that shares the terminal was faster
                continue
            except OSError:
                return False
            if not data:
                return False
            last = time.monotonic()
            for message in parser.feed(decode(data)):
                take(message)
    return True
