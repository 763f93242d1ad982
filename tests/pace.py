"""Seconds on a machine that does other things too: limits in tests are those of a quiet one, times how busy this one is."""

from __future__ import annotations

import os


def slowness() -> float:
    """Processes that wanted to run in the last minute, per core (/proc/loadavg); 1 on a machine that keeps up.

    How fast things are is measured by the bench, alone on its machine; a test only says that nothing waits for something else.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def patient(seconds: float) -> float:
    """So long at most, on this machine now."""
    return seconds * slowness()
