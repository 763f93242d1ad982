"""A terminal that goes away takes nothing with it: what is written afterwards is dropped, and it is said once."""

from __future__ import annotations

import errno
import io

from ryze_tui.console.driver import Output


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
