"""The terminal as a thing that can go away: a closed window or a dropped SSH session ends the program, whatever it was doing.

Textual's output thread dies of the first write that fails, and the event loop then waits for ever once 30 pieces are queued for
it; its input thread reads "nothing" as fast as it can. Measured: a console whose window closed in its first second went on at
90 % of a core, deaf to SIGHUP and SIGTERM.
"""

from __future__ import annotations

import contextlib
import select
import signal
import termios
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

from .keyboard import Bell, listen

if TYPE_CHECKING:
    from collections.abc import Callable

_LEFT = "\x1b[?25h\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[0m"
"""Undoes what a program that was killed leaves on: a hidden cursor, keys and mouse in their other ways, colours."""
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
    _lent = False
    """Whether another program has the terminal."""

    def start_application_mode(self) -> None:
        """Take the terminal, and watch for its end from here on."""
        if not isinstance(self._file, Output):
            self._file = Output(self._file, lambda: self._loop.call_soon_threadsafe(self._hung_up))  # type: ignore[assignment]
        if self._watch is None and hasattr(select, "epoll"):
            # Registered for nothing, which reports a hang-up all the same and never wakes for a key.
            self._watch = select.epoll()
            self._watch.register(self.fileno, 0)
            self._loop.add_reader(self._watch.fileno(), self._hung_up)
        if not isinstance(self.exit_event, Bell):
            self.exit_event = Bell()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def run_input_thread(self) -> None:
        """In the thread for it: sleep until keys come, or the terminal is handed on."""
        assert isinstance(self.exit_event, Bell)
        try:
            there = listen(self.fileno, self.exit_event, self.process_message, debug=self._debug)
        except Exception as error:  # noqa: BLE001 - Textual would end with 0, and leave no crash file
            self._loop.call_soon_threadsafe(self._app._handle_exception, error)
        else:
            if not there:
                self._loop.call_soon_threadsafe(self._hung_up)

    def suspend_application_mode(self) -> None:
        """Another program has the terminal, and our loop may go on: what it draws is dropped, or Textual would wait for ever for
        a thread that is gone.
        """
        self.stop_application_mode()
        super().close()
        self._lent = True

    def resume_application_mode(self) -> None:
        """It is ours again, however the other program left it; what was typed for that one and not read is thrown away."""
        self._take_back()
        super().resume_application_mode()

    def _take_back(self) -> None:
        if self.attrs_before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSAFLUSH, self.attrs_before)
        self._raw(_LEFT)
        self._lent = False

    def _raw(self, data: str) -> None:
        if self._file is not None:
            self._file.write(data)
            self._file.flush()

    def write(self, data: str) -> None:
        """To the terminal, while it is ours."""
        if not self._lent:
            super().write(data)

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was found; also when the program ends while another one has it."""
        if self._lent:
            self._raw("\x1b[?1049l")
            self._take_back()
        else:
            super().stop_application_mode()

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
