"""A slow line between a program's terminal and whoever looks at it: so many bytes a second, and a delay in each direction."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections import deque
from typing import Any, Final

from ..e2e.driver import Console

BYTES: Final = 16_000
"""128 kbit/s."""
DELAY: Final = 0.1
"""Seconds each way: a round trip of 200 ms."""
PIECE: Final = 256
FRAME: Final = b"\x1b[?2026h"


class SlowConsole(Console):
    """A console at the far end of such a line. `frames`: how many came; `line.held` holds them back."""

    def __init__(self, *arguments: Any, rate: int = BYTES, delay: float = DELAY, **more: Any) -> None:
        self.frames = 0
        super().__init__(*arguments, **more)
        self.line = SlowLine(self._master, rate, delay)
        self._line = self.line.near

    def _take(self, data: bytes) -> None:
        self.frames += data.count(FRAME)
        super()._take(data)

    def wait_exit(self, timeout: float = 10.0) -> int:
        """The exit code, once all that the program wrote has come through."""
        code = super().wait_exit(timeout)
        self.drain()
        return code

    def drain(self) -> None:
        """Read what is on its way."""
        self.line.empty.clear()
        while not self.line.empty.wait(0.01):
            self.pump(0)
        self.pump(0.05)

    def close(self) -> None:
        """End the program, and cut the line."""
        self.line.close()
        self._line = self._master
        super().close()


class SlowLine:
    """Carries what the terminal `master` says to `near`, and what is written to `near` to it. Ends with `close`.

    It holds nothing back but what is on its way: a program that writes faster is made to wait by its terminal.
    """

    def __init__(self, master: int, rate: int = BYTES, delay: float = DELAY) -> None:
        self._master, self._rate, self._delay = master, rate, delay
        self._far, near = socket.socketpair()
        self._near = near
        for end in (self._far, near):
            end.setblocking(False)
        self._down: deque[tuple[float, bytes]] = deque()
        self._up: deque[tuple[float, bytes]] = deque()
        self._free = 0.0
        self._ended = False
        self.held = False
        """While it is true nothing comes from the program's side; keys go there all the same."""
        self.empty = threading.Event()
        """Set each time when nothing is on its way down."""
        self._thread = threading.Thread(target=self._run, name="slow line", daemon=True)
        self._thread.start()

    @property
    def near(self) -> int:
        """The descriptor at this end."""
        return self._near.fileno()

    def close(self) -> None:
        """Cut it."""
        self._ended = True
        self._thread.join(5)
        self._far.close()
        self._near.close()

    def _run(self) -> None:
        while not self._ended:
            now = time.monotonic()
            readers: list[Any] = [self._far]
            if self._free <= now and not self.held:
                readers.append(self._master)
            due = [queue[0][0] for queue in (self._down, self._up) if queue] + ([self._free] if self._free > now else [])
            ready = select.select(readers, [], [], min(max(min(due, default=now + 0.05) - now, 0.0), 0.05))[0]
            now = time.monotonic()
            if (self.held or self._master in readers) and self._master not in ready and not self._down:
                self.empty.set()
            if self._master in ready and not self._take(now):
                self.empty.set()
                return
            if self._far in ready and (data := self._far.recv(PIECE)):
                self._up.append((now + self._delay, data))
            while self._down and self._down[0][0] <= now:
                self._far.send(self._down.popleft()[1])
            while self._up and self._up[0][0] <= now:
                os.write(self._master, self._up.popleft()[1])

    def _take(self, now: float) -> bool:
        try:
            data = os.read(self._master, PIECE)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if data:
            self._free = max(self._free, now) + len(data) / self._rate
            self._down.append((self._free + self._delay, data))
        else:  # the program is gone: what is on its way still arrives
            for at, piece in self._down:
                time.sleep(max(at - time.monotonic(), 0.0))
                self._far.send(piece)
            self._far.shutdown(socket.SHUT_WR)
        return bool(data)
