"""A terminal that goes away takes nothing with it: what is written afterwards is dropped, and it is said once."""

from __future__ import annotations

import errno
import io
import os
from types import SimpleNamespace
from typing import Any

import pytest
from ryze_tui.console.driver import Output, TerminalDriver
from ryze_tui.console.keyboard import Bell


class Terminal(io.StringIO):
    """A terminal that is closed after `left` writes."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def write(self, text: str) -> int:
        if not self.left:
            raise OSError(errno.EIO, "Input/output error")
        self.left -= 1
        return super().write(text)


def test_what_a_terminal_takes_reaches_it() -> None:
    said: list[str] = []
    terminal = Terminal(2)
    output = Output(terminal, lambda: said.append("gone"))
    output.write("a")
    output.write("b")
    output.flush()
    assert terminal.getvalue() == "ab"
    assert not said


def test_what_a_closed_terminal_refuses_is_dropped_and_said_once() -> None:
    said: list[str] = []
    terminal = Terminal(1)
    output = Output(terminal, lambda: said.append("gone"))
    for text in "abc":
        output.write(text)
        output.flush()
    assert terminal.getvalue() == "a"
    assert said == ["gone"]


def test_a_flush_that_fails_is_the_end_too() -> None:
    said: list[str] = []
    output = Output(_Refusing(), lambda: said.append("gone"))
    output.flush()
    output.flush()
    assert said == ["gone"]


class _Refusing(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("gone", [False, True], ids=["a mistake of ours", "a closed window"])
def test_the_reading_thread_never_ends_in_silence(gone: bool) -> None:
    """A console that hears no keys is worse than one that ends: with a crash file, or as a hang-up does."""
    hears, sends = os.pipe()
    told: list[object] = []
    driver: Any = TerminalDriver.__new__(TerminalDriver)
    driver.fileno, driver.exit_event, driver._debug = hears, Bell(), False
    driver._loop = SimpleNamespace(call_soon_threadsafe=lambda call, *words: told.append((call, *words)))
    driver._app = SimpleNamespace(_handle_exception="crash")
    mistake = ZeroDivisionError()

    def fails(_message: object) -> None:
        raise mistake

    driver.process_message = fails
    if gone:
        os.close(sends)
    else:
        os.write(sends, b"x")
    driver.run_input_thread()
    assert told == [(driver._hung_up,)] if gone else told == [("crash", mistake)]
