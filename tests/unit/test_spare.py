"""Imports go on when the process has no descriptors left, and that it has none is said in words."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable

from ryze_tui import spare
from ryze_tui.client.transport import in_words

SCRIPT = """
import os, resource, sys
from ryze_tui.spare import Spare
one, laters, said = Spare(), [], []
one.take()
one.watch(laters.append, lambda: said.append(1))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, hard))
import colorsys
def left():
    for later in laters: later()
    laters.clear()
    try: os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError: return 0
    return 1
print(len(said), left())
import graphlib, stringprep
print(len(said), left())
one.release()
print(left(), one in sys.meta_path)
"""


def run(limit: int) -> list[str]:
    """What that says in a process of its own."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT.format(limit=limit)], capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def test_imports_go_on_below_the_limit_and_it_is_said_once() -> None:
    assert run(7) == ["1 0", "1 0", "1 False"], "0, 1, 2 and the four that are held: each import is lent one and gives it back"


def test_nothing_is_said_while_there_are_some() -> None:
    assert run(8) == ["0 1", "0 1", "1 False"]


def test_what_was_lent_and_is_gone_is_held_again_as_soon_as_there_is_one() -> None:
    laters: list[Callable[[], None]] = []
    one = spare.Spare()
    one.take()
    one.watch(laters.append, lambda: None)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 2, hard))
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        one.lend()
        taken.append(os.open(os.devnull, os.O_RDONLY))  # somebody else was faster
        laters.pop()()
        one.lend()
        taken.append(os.open(os.devnull, os.O_RDONLY))
        assert not is_free()
        for descriptor in taken:
            os.close(descriptor)
        taken.clear()
        one.lend()
        assert len(one._held) == spare.COUNT
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
        one.release()


def is_free() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def test_a_connection_that_fails_for_it_says_so() -> None:
    for number in (errno.EMFILE, errno.ENFILE):
        error = RuntimeError("wrapped")
        error.__cause__ = OSError(number, os.strerror(number))
        words = in_words(error, "host")
        assert "no more files and connections" in words and f"prlimit --pid {os.getpid()}" in words
    assert not spare.is_shortage(None) and not spare.is_shortage(OSError(errno.ENOENT, "no"))
