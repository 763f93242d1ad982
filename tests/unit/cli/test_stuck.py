"""What watches over a write that is stuck ends with the program, not the program with it."""

from __future__ import annotations

import subprocess
import sys

SLOW_END = """
import signal, sys, time
from ryze_tui.cli import stuck

class Rest:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)  # as a list of 50,000 rows takes, on a machine that is busy

sys.rest = Rest()
stuck.ending()
stuck.ending()
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
sys.exit(130)
"""


def test_a_program_that_takes_long_to_end_keeps_its_exit_code() -> None:
    assert subprocess.run([sys.executable, "-c", SLOW_END], timeout=60, check=False).returncode == 130
