"""What stock widgets need for the same work: the references of the running console, on their own terminal in the same run."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..terminal.process import Terminal
from .measure import percentile, processor_seconds, resident_mb, take_time

HERE: Final = Path(__file__).parent
SIZE: Final = (120, 40)
STATIC: Final = "a one-Static app"
TABLE: Final = "a stock DataTable"
QUIET: Final = 0.3


@contextlib.contextmanager
def static() -> Iterator[Terminal]:
    """The smallest Textual application, at rest."""
    with Terminal([sys.executable, str(HERE / "static_app.py")], *SIZE) as term:
        term.wait_for("READY", 20)
        term.settle(QUIET)
        yield term


def static_memory() -> float:
    """Its memory in MB."""
    with static() as term:
        return resident_mb(term.pid)


@contextlib.contextmanager
def stock(rows: int) -> Iterator[Terminal]:
    """A DataTable of that many rows, at rest."""
    with Terminal([sys.executable, str(HERE / "table_app.py"), str(rows)], *SIZE) as term:
        term.wait_for("sim-00001", 60)
        term.settle(1.0, 20)
        yield term


def any_output(term: Terminal, mark: int) -> bool:
    """Whether anything was drawn since."""
    return term.written_since(mark) > 0


def move(term: Terminal, count: int) -> tuple[float, float]:
    """Bytes of a cursor move and seconds to its paint, medians."""
    sizes, waits = [], []
    for _ in range(count):
        mark = term.mark()
        waits.append(take_time(term, "down", lambda t, m=mark: any_output(t, m)))
        term.settle(QUIET)
        sizes.append(term.written_since(mark))
    return statistics.median(sizes), statistics.median(waits)


def flip(term: Terminal) -> int:
    """Bytes of one badge."""
    mark = term.mark()
    term.press("f")
    term.wait_for("disconnected")
    term.settle(QUIET)
    return term.written_since(mark)


def filtering(term: Terminal, keys: list[str]) -> float:
    """Seconds from a key of the filter to its paint (p95)."""
    term.press("/")
    term.settle(QUIET)
    waits = []
    for key in keys:
        mark = term.mark()
        waits.append(take_time(term, key, lambda t, m=mark: any_output(t, m)))
        term.settle(QUIET)
    return percentile(waits, 0.95)


@dataclass(frozen=True, slots=True)
class Storm:
    """Processor in percent of a core, KB/s to the terminal."""

    processor: float
    kilobytes: float


def storm(term: Terminal, seconds: float) -> Storm:
    """1,000 changes a second, made in its own process: without any network or parsing."""
    mark, before, begin = term.mark(), processor_seconds(term.pid), time.monotonic()
    term.press("s")
    term.watch(seconds)
    lasted = time.monotonic() - begin
    return Storm((processor_seconds(term.pid) - before) / lasted * 100, term.written_since(mark) / lasted / 1024)
