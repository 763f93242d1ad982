"""A real program on its own pseudo-terminal and session: press keys, wait for what shows, count bytes, check what it leaves."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ..pace import patient
from .emulator import Cell, Emulator
from .keys import encode

KEPT_ENVIRONMENT: Final = ("PATH", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE",
                           "COVERAGE_PROCESS_CONFIG")  # fmt: skip
Condition = str | re.Pattern[str] | Callable[["Terminal"], Any]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A small, known environment: what a test does not set is not there."""
    env = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}
    return env | dict(extra or {})


def private_dirs(root: Path) -> dict[str, str]:
    """Environment that keeps all of a program's files below `root`."""
    names = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state",
             "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"}  # fmt: skip
    out = {}
    for variable, name in names.items():
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        out[variable] = str(root / name)
    return out


class Terminal:
    """A program in a terminal window of `cols` x `rows`. Use it as a context manager: it ends the program and its children."""

    def __init__(self, argv: Sequence[str], cols: int = 120, rows: int = 40, env: Mapping[str, str] | None = None,
                 *, answer: bool = True) -> None:  # fmt: skip
        self.argv = list(argv)
        self.emulator = Emulator(cols, rows)
        self.exit_code: int | None = None
        self.bytes_out = 0
        self.started = self.read_at = time.monotonic()
        self._answer = answer
        self._closed = False
        self._master, slave = pty.openpty()
        self._line = self._master
        """What is read and written: the terminal itself, or the near end of a line to it."""
        self._slave = slave
        self._set_size(cols, rows)
        self.termios_before = termios.tcgetattr(slave)
        os.set_blocking(self._master, False)
        self.pid = self._spawn(environment(env))
        self._pidfd = os.pidfd_open(self.pid)

    def _spawn(self, env: dict[str, str]) -> int:
        # A session leader without a terminal gets the first one it opens as its own: no fork in Python is needed.
        program = shutil.which(self.argv[0], path=env.get("PATH"))
        if program is None:
            raise FileNotFoundError(f"no such command: {self.argv[0]}")
        name = os.ttyname(self._slave)
        actions = [(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        defaults = [signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGTERM]
        self.started = time.monotonic()
        return os.posix_spawn(program, self.argv, env, file_actions=actions, setsid=True, setsigdef=defaults)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- input ---------------------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Raw bytes to the program, reading what it writes meanwhile so that neither side waits for the other."""
        while data:
            self.pump(0)
            _, writable, _ = select.select([], [self._line], [], 1)
            if writable:
                data = data[os.write(self._line, data) :]

    def press(self, *keys: str) -> None:
        """Keys by name: "c", "enter", "esc", "ctrl+c", "down"."""
        for key in keys:
            self.send(encode(key))

    def type(self, text: str) -> None:
        """Characters as typed."""
        self.send(text.encode())

    def resize(self, cols: int, rows: int) -> None:
        """Another window size; the program is told with SIGWINCH by the kernel."""
        self._set_size(cols, rows)
        self.emulator.resize(cols, rows)

    def _set_size(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def signal(self, number: int) -> None:
        """A signal to the program itself."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """The window is closed (an SSH session dropped): the kernel sends SIGHUP and every read ends."""
        for descriptor in (self._slave, self._master):
            os.close(descriptor)
        self._slave = self._master = self._line = -1

    # -- output --------------------------------------------------------------------------------------------------------

    def pump(self, timeout: float) -> int:
        """Read what is there, waiting at most `timeout` seconds for the first of it; returns the number of bytes."""
        if self._line < 0 or not select.select([self._line], [], [], timeout)[0]:
            return 0
        total = 0
        while True:
            try:
                data = os.read(self._line, 1 << 16)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                break
            if not data:
                break
            self.read_at = time.monotonic()  # before the emulator works: what is measured is the program
            total += len(data)
            self._take(data)
        self.bytes_out += total
        return total

    def _take(self, data: bytes) -> None:
        reply = self.emulator.feed(data)
        if reply and self._answer:
            os.write(self._line, reply.encode())

    def mark(self) -> int:
        """A point in the output, for `written_since`."""
        return self.bytes_out

    def written_since(self, mark: int) -> int:
        """Bytes the program sent to the terminal since then."""
        return self.bytes_out - mark

    def lines(self) -> list[str]:
        """Rows of the screen without trailing blanks."""
        return self.emulator.lines()

    def text(self) -> str:
        """The whole screen as text."""
        return "\n".join(self.lines())

    def cells(self) -> list[list[Cell]]:
        """The screen cell by cell, with colours."""
        return self.emulator.cells()

    def line_with(self, text: str) -> str:
        """The first row that holds `text`; AssertionError when none does."""
        for line in self.lines():
            if text in line:
                return line
        raise AssertionError(f"no row shows {text!r}\n{self.picture()}")

    def picture(self) -> str:
        """The screen in a frame, for messages."""
        width = self.emulator.cols
        rows = [f"|{line.ljust(width)}|" for line in self.lines()]
        return "\n".join([f"+{'-' * width}+", *rows, f"+{'-' * width}+"])

    # -- waiting -------------------------------------------------------------------------------------------------------

    def holds(self, condition: Condition) -> Any:
        """Whether it is true now: text or a pattern on the screen, or a function of this terminal."""
        if callable(condition):
            return condition(self)
        text = self.text()
        return condition in text if isinstance(condition, str) else condition.search(text)

    def wait_for(self, condition: Condition, timeout: float = 10.0, *, what: str = "") -> Any:
        """Read until the condition holds on a whole screen (never half an update); returns what it gave."""
        timeout = patient(timeout)
        end = time.monotonic() + timeout
        seen = -1
        while True:
            self.pump(0)
            if not self.emulator.in_update and (callable(condition) or seen != self.bytes_out):
                seen = self.bytes_out
                if result := self.holds(condition):
                    return result
            left = end - time.monotonic()
            if left <= 0 or (self._ended() and not self.pump(0)):
                state = f"ended with {self.exit_code}" if self._ended() else f"did not show in {timeout:g} s"
                raise AssertionError(f"{what or condition!r}: {state}\n{self.picture()}")
            self._wait(min(left, 0.05 if callable(condition) else 1.0))

    def wait_gone(self, condition: Condition, timeout: float = 10.0) -> None:
        """Read until the condition holds no more."""
        self.wait_for(lambda term: not term.holds(condition), timeout, what=f"{condition!r} to go")

    def settle(self, quiet: float = 0.25, timeout: float = 10.0) -> None:
        """Read until nothing came for `quiet` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and not self._ended():
            since = time.monotonic()
            if not self.pump(quiet) and time.monotonic() - since >= quiet * 0.9:
                return

    def watch(self, seconds: float, check: Callable[[Terminal], None] | None = None) -> int:
        """Read for that long, running `check` after every whole update; returns the bytes that came."""
        mark, end = self.mark(), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._ended():
            if self.pump(min(left, 0.25)) and check and not self.emulator.in_update:
                check(self)
        return self.written_since(mark)

    def _wait(self, seconds: float) -> None:
        watched = [descriptor for descriptor in (self._line, self._pidfd) if descriptor >= 0]
        select.select(watched, [], [], seconds)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _ended(self) -> bool:
        if self.exit_code is None and select.select([self._pidfd], [], [], 0)[0]:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_code is not None

    def wait_exit(self, timeout: float = 10.0) -> int:
        """The exit code; minus the signal's number when a signal ended it."""
        timeout = patient(timeout)
        end = time.monotonic() + timeout
        while not self._ended():
            if time.monotonic() > end:
                raise AssertionError(f"still running after {timeout:g} s\n{self.picture()}")
            self.pump(0)
            self._wait(0.2)
        self.pump(0.05)
        assert self.exit_code is not None
        return self.exit_code

    def assert_clean(self) -> None:
        """The terminal is as it was before the program: screen, cursor, modes, keyboard, colours and line discipline."""
        self.wait_exit()
        found = self.emulator.left_behind()
        if self._slave >= 0 and termios.tcgetattr(self._slave) != self.termios_before:
            found.append("the line discipline (stty) was not restored")
        assert not found, "left behind: " + "; ".join(found)

    def close(self) -> None:
        """End the program and everything in its session, and give the terminal back."""
        if self._closed:
            return
        self._closed = True
        if not self._ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                self.wait_exit(3)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self._ended():
            os.waitpid(self.pid, 0)
        for descriptor in (self._pidfd, self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
