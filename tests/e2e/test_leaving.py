"""However the program ends, the terminal is as it was, nothing of it goes on, and no secret is left on the screen."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from pathlib import Path

import pytest

from ..terminal.process import Terminal
from ..terminal.server import Server
from .driver import Console

pytestmark = pytest.mark.e2e

CRASHING = """
import sys
from ryze_tui.console.moves import MOVES

def crash(main):
    secret = "what a local variable held"
    raise RuntimeError("made to fail: " + str(len(secret)))

MOVES["help"] = crash
from ryze_tui.cli import main as command
sys.exit(command(sys.argv[1:]))
"""


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_a_key_leaves_everything_clean(shared: Server, tmp_path: Path, key: str) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.press(key)
        assert console.wait_exit() == 0
        console.assert_clean()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_everything_clean(shared: Server, tmp_path: Path, number: int) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.signal(number)
        assert console.wait_exit() == 128 + number
        console.assert_clean()


def test_a_signal_while_a_code_is_shown(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.put_cursor(next(name for name, word in console.rows().items() if word == "disconnected"))
        console.press("c")
        console.wait_qr()
        console.signal(signal.SIGTERM)
        assert console.wait_exit() == 128 + signal.SIGTERM
        console.assert_clean()


def test_a_signal_before_the_first_paint(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.wait_for(lambda t: t.emulator.alternate, what="the full-screen page")
        console.signal(signal.SIGTERM)
        console.wait_exit()
        console.assert_clean()


def test_a_crash_says_so_without_secrets(shared: Server, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", CRASHING]
    with Console(shared.url, shared.token, tmp_path, (80, 24), argv=argv) as console:
        console.ready()
        console.press("?")
        assert console.wait_exit() not in (0, -signal.SIGSEGV)
        console.assert_clean()
        text = " ".join(console.text().split())
        assert "made to fail" in text or re.search(r"crash", text), console.picture()
        assert shared.token not in text
        assert "what a local variable held" not in text


def children(pid: int) -> list[int]:
    """Processes a process started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def gone(pid: int, timeout: float = 10.0) -> bool:
    """Whether the process ends in that time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)


def test_a_closed_window_ends_the_program(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        console.hang_up()
        console.wait_exit(5)


def test_a_window_closed_before_the_first_paint(shared: Server, tmp_path: Path) -> None:
    # Start-up writes more pieces than the queue of the output thread takes: nothing may wait for a thread that ended.
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.wait_for(lambda t: t.emulator.alternate, what="the full-screen page")
        console.hang_up()
        console.wait_exit(5)


FOREIGN = """
import os, sys
if os.fork():
    os.wait()
os.setsid()
os.execv(sys.executable, [sys.executable, "-m", "ryze_tui", *sys.argv[1:]])
"""


def test_a_window_closed_without_a_signal(shared: Server, tmp_path: Path) -> None:
    # As under `setsid`, or a wrapper with a terminal of its own: the terminal goes away and nobody says so.
    with Console(shared.url, shared.token, tmp_path, (80, 24), argv=[sys.executable, "-c", FOREIGN]) as console:
        console.ready()
        (program,) = children(console.pid)
        console.hang_up()
        console.wait_exit(5)
        assert gone(program, 5)


@pytest.mark.parametrize("end", ["q", "ctrl+c", "SIGKILL"])
def test_the_server_of_a_demo_ends_with_it(tmp_path: Path, end: str) -> None:
    with Console("", "", tmp_path, (80, 24), options=["demo"]) as console:
        console.ready()
        assert "SIMULATED" in console.text()
        servers = children(console.pid)
        assert servers
        if end == "SIGKILL":
            console.signal(signal.SIGKILL)
            console.wait_exit()
        else:
            console.press(end)
            assert console.wait_exit() == 0
            console.assert_clean()
        assert all(gone(pid) for pid in servers)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_show_it_is_told_so(tmp_path: Path, term: str) -> None:
    with Console("http://127.0.0.1:9", "x" * 20, tmp_path, (80, 24), env={"TERM": term}) as console:
        assert console.wait_exit() == 2
        assert "TERM" in console.text()
        assert "\x1b" not in console.text()


def test_a_token_is_never_in_the_arguments(shared: Server, tmp_path: Path) -> None:
    with Console(shared.url, shared.token, tmp_path, (80, 24)) as console:
        console.ready()
        for pid in (console.pid, shared.process.pid):
            assert shared.token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert isinstance(console, Terminal)
        assert shared.token not in console.text()
