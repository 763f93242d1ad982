"""A server that was written to do harm, from the first request on: terminal, memory, token and keys stay with their owner.

Every byte that the console writes is read by the grammar of what it may write; nothing of the server's is obeyed by a terminal.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from ..fakes.villain import TOKEN, Villain
from ..fakes.villainy import attacks
from ..terminal.process import environment, private_dirs
from .driver import Console
from .watching import assert_no_crash, memory

pytestmark = [pytest.mark.e2e, pytest.mark.long]
MEGABYTES: Final = 300
COMMAND: Final = [sys.executable, "-m", "ryze_tui"]
OURS: Final = re.compile(
    r"\x1b\[[\d;:]*m"  # colours
    r"|\x1b\[\d+;\d+H|\x1b\[\d+G"  # the place
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]|\x1b\[\?(?:2026|2048)\$p"  # modes of our own
    r"|\x1b\[>\d+u|\x1b\[<u|\x1b\[c|\x1b\[2J|\x1b\[H"
    r"|\x1b\](?:0|2);[^\x00-\x1f\x7f-\x9f]{0,200}(?:\x07|\x1b\\)"  # a title
    r"|\x1b\]22;[a-z-]*(?:\x07|\x1b\\)"  # the shape of the pointer
    r"|\x1b\]9;[^\x00-\x1f\x7f-\x9f]{0,400}(?:\x07|\x1b\\)"  # a notification
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*(?:\x07|\x1b\\)|\x07"  # what was copied, the bell
)
HELP: Final = "╭─ ryze-tui 0."
HIDDEN: Final = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)


class Watched(Console):
    """Keeps all that was written to the terminal."""

    raw = b""

    def _take(self, data: bytes) -> None:
        self.raw += data
        super()._take(data)

    def assert_ours(self) -> None:
        """Only what we write ourselves is in the output, and no title, link or clipboard of a stranger."""
        text = self.raw.decode("utf-8", "strict")
        rest = OURS.sub("", text)
        bad = HIDDEN.search(rest)
        assert bad is None, f"{rest[max(bad.start() - 80, 0) :][:200]!r}"
        assert not re.search(r"\x1b\](?:0|2|9|8|52)[^\x07\x1b]*PWNED", text) and not self.emulator.clipboard
        assert "PWNED" not in self.emulator.title


def kept_to_itself(villain: Villain) -> None:
    """The token went to the server that it was meant for, in a header, and to nobody else."""
    assert not villain.trapped, villain.trapped
    for head in villain.heard:
        assert TOKEN.encode() not in head.partition(b"\r\n")[0] and b"\ncookie:" not in head.lower()


TOUR: Final = (("down", "R"), ("L",), ("c",), ("e",), ("E",), ("2", "p"), ("n",), ("P",))


def answers(console: Console, name: str) -> float:
    """Whatever is open is closed, and the help opens and closes by its keys; the longest wait, in seconds."""
    waits = []
    for _again in range(3):
        console.press("esc")
        console.settle(0.3, timeout=2)
        assert console.exit_code is None, f"{name}: ended with {console.exit_code}"
    for key, there in (("?", True), ("esc", False)):
        began = time.monotonic()
        console.press(key)
        console.wait_for(lambda _, there=there: (HELP in console.text()) is there, 5, what=f"{name}: {key}")
        waits.append(console.read_at - began)
    return max(waits)


@pytest.mark.parametrize("name", attacks)
@pytest.mark.timeout(200)
def test_the_console(name: str, tmp_path: Path) -> None:
    extensions = ("account-stream", "since") if len(name) % 2 else ()
    with Villain(attacks[name], extensions=extensions) as villain, Watched(villain.url, TOKEN, tmp_path, (110, 32)) as console:
        console.wait_for("Help", 10)
        slowest = 0.0
        for keys in TOUR:
            for key in keys:
                console.press(key)
                console.settle(0.15, timeout=0.4)
                assert memory(console) < MEGABYTES, f"{name}: {memory(console):.0f} MB"
            slowest = max(slowest, answers(console, name))
        console.assert_ours()
        most = memory(console)
        console.press("q")
        console.settle(0.3, timeout=1)
        if console.exit_code is None and "y" in console.text():
            console.press("ctrl+q", "y")
        assert console.wait_exit(15) == 0
        console.assert_clean()
        console.assert_ours()
        kept_to_itself(villain)
        print(f"{name}: {most:.0f} MB, the slowest key {slowest:.2f} s, {len(villain.heard)} requests")
    assert_no_crash(tmp_path)


COMMANDS: Final = [
    ("ls",), ("ls", "--json"), ("show", "alpha"), ("doctor",), ("doctor", "--json"), ("watch",), ("connect", "alpha"),
]  # fmt: skip


def ended(process: subprocess.Popen[bytes], until: float) -> tuple[int, float]:
    """The exit code, and the most memory it was ever seen to hold, in MB; one that goes on is asked to end, as by ctrl+c."""
    asked, most = False, 0.0
    while process.poll() is None:
        with contextlib.suppress(OSError):  # not `ru_maxrss`, which begins with what the process that forks it holds
            held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            most = max(most, int(held[1]) / 1024 if held else 0.0)
        if time.monotonic() > until + 30 * asked:
            assert not asked, "it does not end by ctrl+c"
            process.send_signal(signal.SIGINT)
            asked = True
        time.sleep(0.02)
    return process.returncode, most


@pytest.mark.parametrize("name", attacks)
@pytest.mark.timeout(400)
def test_the_commands(name: str, tmp_path: Path) -> None:
    with Villain(attacks[name]) as villain:
        env = environment(private_dirs(tmp_path) | {"RYZE_URL": villain.url, "RYZE_TOKEN": TOKEN})
        running = []
        for at, words in enumerate(COMMANDS):
            out = (tmp_path / f"out{at}").open("wb")
            running.append(subprocess.Popen([*COMMAND, *words], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        until, most = time.monotonic() + 8, 0.0
        with ThreadPoolExecutor(len(running)) as watchers:
            seen = list(watchers.map(lambda process: ended(process, until), running))
        for at, (code, megabytes) in enumerate(seen):
            text, words = (tmp_path / f"out{at}").read_bytes().decode("utf-8", "strict"), COMMANDS[at]
            (tmp_path / f"out{at}").unlink()
            assert not HIDDEN.search(text), f"{name}: {words}: {text[:2000]!r}"
            assert TOKEN not in text and "Traceback" not in text, f"{name}: {words}: {text[:2000]}"
            assert len(text) < 40_000_000, f"{name}: {words}: {text[-500:]}"
            assert code in (*range(12), 130, -signal.SIGINT), f"{name}: {words}: {code} {text[-500:]}"
            assert megabytes < MEGABYTES, f"{name}: {words} held {megabytes:.0f} MB"
            most = max(most, megabytes)
        kept_to_itself(villain)
        print(f"{name}: at most {most:.0f} MB")
    assert_no_crash(tmp_path)
