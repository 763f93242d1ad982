"""The thread that reads the terminal: any bytes are read, it sleeps when nothing comes, and it ends as soon as it is told."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ryze_tui.console import keyboard
from ryze_tui.console.keyboard import Bell, listen
from textual.events import Key, Paste
from textual.message import Message


class Line:
    """A terminal's end of a line that is being listened to."""

    def __init__(self) -> None:
        self.hears, self._sends = os.pipe()
        self.bell, self.got = Bell(), list[Message]()
        self.came, self.ended = threading.Condition(), list[bool]()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.ended.append(listen(self.hears, self.bell, self._take))

    def _take(self, message: Message) -> None:
        with self.came:
            self.got.append(message)
            self.came.notify_all()

    def send(self, data: bytes) -> None:
        os.write(self._sends, data)

    def hang_up(self) -> None:
        os.close(self._sends)

    def until(self, enough: Callable[[list[Message]], object]) -> list[Message]:
        with self.came:
            assert self.came.wait_for(lambda: enough(self.got), 10), self.got
            return list(self.got)


@contextmanager
def listening() -> Iterator[Line]:
    line = Line()
    line.thread.start()
    try:
        yield line
    finally:
        line.bell.set()
        line.thread.join(10)
        assert not line.thread.is_alive()


def keys(got: list[Message]) -> list[str]:
    return [message.key for message in got if isinstance(message, Key)]


def test_keys_pastes_and_letters_in_pieces() -> None:
    with listening() as line:
        line.send(b"a\x1b[B\x1b[200~two words\x1b[201~" + "é".encode()[:1])
        line.until(lambda got: any(isinstance(message, Paste) for message in got))
        line.send("é".encode()[1:])
        got = line.until(lambda got: len(keys(got)) == 3)
    assert keys(got)[:2] == ["a", "down"] and [message.text for message in got if isinstance(message, Paste)] == ["two words"]
    assert [message.character for message in got if isinstance(message, Key)][2] == "é"
    assert line.ended == [True]


NOISE = [b"\xff\xfe", b"caf\xe9 ", b"\x1b[M\xa0\xff\xff", b"\xc3\x1b[A\xf0\x9f", bytes(range(0x80, 0x100))]


@pytest.mark.parametrize("noise", NOISE)
def test_a_byte_that_is_no_utf_8_ends_nothing(noise: bytes) -> None:
    with listening() as line:
        line.send(noise)
        line.send(b"\x1b\\\x1b[B")
        line.until(lambda got: "down" in keys(got))


def test_an_escape_alone_is_a_key_and_then_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep, real = threading.Event(), select.select

    def watched(reads: list[object], writes: list[object], errors: list[object], timeout: float | None) -> object:
        if timeout is None:
            asleep.set()
        return real(reads, writes, errors, timeout)

    monkeypatch.setattr(keyboard.select, "select", watched)
    with listening() as line:
        line.send(b"\x1b")
        assert keys(line.until(keys)) == ["escape"]
        assert asleep.wait(10), "nothing is awaited, and it goes on looking"
        line.send(b"x")
        assert keys(line.until(lambda got: len(keys(got)) == 2)) == ["escape", "x"]


def test_it_ends_when_it_is_told_though_nothing_comes() -> None:
    with listening() as line:
        line.bell.set()
        line.thread.join(10)
        assert line.ended == [True]
        line.bell.clear()
        assert not select.select([line.bell], [], [], 0)[0] and not line.bell.is_set()


def test_a_terminal_that_is_gone_is_told() -> None:
    with listening() as line:
        line.hang_up()
        line.thread.join(10)
        assert line.ended == [False]


def test_what_another_program_read_before_us_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell job that made the shared terminal non-blocking."""
    stolen, real = [True], os.read

    def read(descriptor: int, size: int) -> bytes:
        if stolen:
            stolen.clear()
            raise BlockingIOError
        return real(descriptor, size)

    monkeypatch.setattr(keyboard.os, "read", read)
    with listening() as line:
        line.send(b"x")
        assert keys(line.until(keys)) == ["x"] and not stolen


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("\x1b?", "escape question_mark"), ("\x1br", "escape r"), ("\x1bR", "escape R"), ("\x1b2", "escape 2"),
        ("\x1b ", "escape space"), ("\x1b:", "escape colon"), ("\x1b\r", "escape enter"), ("\x1b\t", "escape tab"),
        ("\x1bé", "escape é"), ("\x1b\x1b?", "escape escape question_mark"), ("\x1b\x03", "escape ctrl+c"), ("\x1b[B", "down"),
        ("\x1b[Bj", "down j"), ("\x1bOP", "f1"), ("\x1b\x7f", "ctrl+w"), ("\x1bb", "alt+b"), ("\x1bf", "alt+f"),
        ("\x1b[27u?", "escape question_mark"), ("\x1b[200~paste\x1b[201~", ""),
    ],
)  # fmt: skip
def test_escape_and_a_key_in_one_packet_are_two_keys(sent: str, read: str) -> None:
    with listening() as line:
        line.send(sent.encode() + b"!")
        assert keys(line.until(lambda got: "exclamation_mark" in keys(got))) == [*read.split(), "exclamation_mark"]


def test_escape_and_a_bracket_are_two_keys_once_nothing_follows() -> None:
    with listening() as line:
        line.send(b"\x1b[")
        assert keys(line.until(lambda got: len(keys(got)) == 2)) == ["escape", "left_square_bracket"]
