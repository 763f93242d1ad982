"""The terminal as a thing that can go away: a closed window or a dropped SSH session ends the program, whatever it was doing.

Textual's output thread dies of the first write that fails, and the event loop then waits for ever once 30 pieces are queued for
it; its input thread reads "nothing" as fast as it can. Measured: a console whose window closed in its first second went on at
90 % of a core, deaf to SIGHUP and SIGTERM.
"""

from __future__ import annotations

import select
import signal
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from collections.abc import Callable

HUNG_UP = 128 + signal.SIGHUP
"""The exit code of a program whose terminal is gone, as if the signal had ended it (it may have been for another process)."""


class Output:
    """A text file that takes everything: what a terminal that is gone refuses is dropped, and said once to `gone`."""

    def __init__(self, file: Any, gone: Callable[[], object]) -> None:
        self._file, self._gone = file, gone
        self._lost = False

    def write(self, text: str) -> None:
        """Write, unless the terminal is gone."""
        if not self._lost:
            try:
                self._file.write(text)
            except OSError:
                self._lose()

    def flush(self) -> None:
        """Flush, unless the terminal is gone."""
        if not self._lost:
            try:
                self._file.flush()
            except OSError:
                self._lose()

    def _lose(self) -> None:
        self._lost = True
        self._gone()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class TerminalDriver(LinuxDriver):
    """Textual's driver on a terminal that may go away: the program ends then, signal or not."""

    _watch: Any = None

    def start_application_mode(self) -> None:
        """Take the terminal, and watch for its end from here on."""
        if not isinstance(self._file, Output):
            self._file = Output(self._file, lambda: self._loop.call_soon_threadsafe(self._hung_up))  # type: ignore[assignment]
        if self._watch is None and hasattr(select, "epoll"):
            # Registered for nothing, which reports a hang-up all the same and never wakes for a key.
            self._watch = select.epoll()
            self._watch.register(self.fileno, 0)
            self._loop.add_reader(self._watch.fileno(), self._hung_up)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Give the terminal back for good."""
        self._forget()
        super().close()

    def _forget(self) -> None:
        if self._watch is not None:
            self._loop.remove_reader(self._watch.fileno())
            self._watch.close()
            self._watch = None

    def _hung_up(self) -> None:
        self._forget()
        self.exit_event.set()  # ends the input thread, which would read "nothing" without a pause
        self._app.exit(return_code=HUNG_UP)
