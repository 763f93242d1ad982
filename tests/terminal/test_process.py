"""The pseudo-terminal itself: what a program sees of it and what is seen of the program."""

from __future__ import annotations

import signal
import sys

import pytest

from .process import Terminal

pytestmark = pytest.mark.e2e

ECHO = """
import os, signal, sys, termios, tty
before = termios.tcgetattr(0)
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"size %d %d\\n" % os.get_terminal_size()))
print("ready", sys.stdin.isatty(), os.getsid(0) == os.getpid(), *os.get_terminal_size(), flush=True)
if "dirty" in sys.argv:
    tty.setraw(0)
    print("\\x1b[?1049h\\x1b[?1000h\\x1b[?25lraw", end="", flush=True)
    sys.stdin.read(1)
    sys.exit(3)
for line in sys.stdin:
    print("got", line.strip(), flush=True)
"""


def echo(*words: str) -> Terminal:
    return Terminal([sys.executable, "-c", ECHO, *words], 40, 10)


def test_a_program_gets_a_terminal_of_its_own_and_keys() -> None:
    with echo() as term:
        term.wait_for("ready True True 40 10")
        mark = term.mark()
        term.type("hello")
        term.press("enter")
        term.wait_for("got hello")
        assert 0 < term.written_since(mark) < 40
        term.resize(30, 8)
        term.wait_for("size 30 8")
        term.press("ctrl+d")
        assert term.wait_exit() == 0
        term.assert_clean()


def test_what_is_left_behind_fails_with_its_names() -> None:
    with echo("dirty") as term:
        term.wait_for("raw")
        term.press("x")
        assert term.wait_exit() == 3
        with pytest.raises(AssertionError, match=r"mouse.*alternate.*cursor.*stty"):
            term.assert_clean()


def test_signals_and_a_closed_window_end_it() -> None:
    with echo() as term:
        term.wait_for("ready")
        term.signal(signal.SIGTERM)
        assert term.wait_exit() == -signal.SIGTERM
    with echo() as term:
        term.wait_for("ready")
        term.hang_up()
        assert term.wait_exit() == -signal.SIGHUP


def test_waiting_says_what_was_on_the_screen() -> None:
    with echo() as term:
        term.wait_for("ready")
        with pytest.raises(AssertionError, match=r"(?s)did not show in [\d.]+ s.*ready True"):
            term.wait_for("never", 0.2)
        term.press("ctrl+d")
        with pytest.raises(AssertionError, match="ended with 0"):
            term.wait_for("never")
