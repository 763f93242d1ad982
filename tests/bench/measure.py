"""Taking the measure of a program in a terminal: when things show, what they cost in bytes, processor time and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..e2e.driver import Console
from ..terminal.process import Terminal, environment

REST: Final = 0.7
"""Seconds without output after which a start is over."""
TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `value` must be at most (or `at_least`) `budget`; no budget means it is there for comparison.

    `reference`: what the same thing costs `beside` it, measured in the same run, in the same unit. `grain`: how much of the value
    is only weather, in its unit.
    """

    name: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""
    at_least: bool = False
    reference: float | None = None
    beside: str = ""
    grain: float = 0.0

    @property
    def missed(self) -> bool:
        """On the wrong side of the budget."""
        return self.budget is not None and (self.value < self.budget if self.at_least else self.value > self.budget)

    @property
    def ratio(self) -> float | None:
        """What can be compared with another run on another machine: a ratio, or a number of bytes; None when it cannot."""
        if self.reference is not None:
            return self.value / max(self.reference, 1e-9)
        return self.value if self.unit in ("x", "B") else None


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                todo += [int(child) for child in task.read_text().split()]
            except OSError:
                continue  # it ended meanwhile
    return found


def processor_seconds(pid: int) -> float:
    """Processor time used so far by the process and its descendants."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_mb(pid: int) -> float:
    """Memory of the process in MB (RSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Watched(Console):
    """A console whose output can be kept with its time (Unix seconds) instead of being drawn at once, and replayed afterwards.

    The emulator is slow: what is measured to the millisecond must not wait for it.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._pieces: list[tuple[float, bytes]] | None = None
        super().__init__(*arguments, **more)

    def _take(self, data: bytes) -> None:
        if self._pieces is None:
            super()._take(data)
        else:
            self._pieces.append((time.time(), data))

    def keep(self) -> None:
        """Draw nothing from now on."""
        self._pieces = []

    def replay(self) -> Iterator[tuple[float, bytes]]:
        """Draw what was kept, piece by piece: each after it was drawn, where it ends a whole update."""
        pieces, self._pieces = self._pieces or [], None
        for at, data in pieces:
            super()._take(data)
            yield at, data


class Recording(Terminal):
    """Keeps what comes with its time and draws it later: the emulator is slow, and must not hold up what is measured."""

    QUERY: Final = b"\x1b[?2026$p"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        super().__init__(*arguments, **more)

    def _take(self, data: bytes) -> None:
        self.chunks.append((self.read_at, data))
        if self.QUERY in data:
            self.send(b"\x1b[?2026;2$y")

    def shown_after(self, condition: Callable[[Terminal], bool]) -> float:
        """Seconds from the start to the chunk that made the condition true."""
        while self.chunks:
            at, data = self.chunks.pop(0)
            self.emulator.feed(data)
            if condition(self):
                return at - self.started
        raise AssertionError(f"never shown\n{self.picture()}")


def first_text(term: Terminal) -> bool:
    """Something can be read on the full-screen page."""
    return term.emulator.alternate and any(line.strip() for line in term.lines())


def start(argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int], text: str = "") -> tuple[float, float]:
    """Seconds to the first text and to `text` (the same when none is asked for)."""
    with Recording(argv, *size, env) as term:
        end = time.monotonic() + 20
        while not term.chunks and time.monotonic() < end:
            term.pump(0.1)
        term.settle(REST)
        first = term.shown_after(first_text)
        return first, first if text in term.text() else term.shown_after(lambda t: text in t.text())


def take_time(term: Terminal, key: str, condition: Callable[[Terminal], object], timeout: float = 10) -> float:
    """Seconds from a key to the piece of output that makes the condition true."""
    begin = time.monotonic()
    term.press(key)
    term.wait_for(condition, timeout)
    return term.read_at - begin


def wall(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds a command takes that only prints."""
    begin = time.monotonic()
    subprocess.run(argv, env=environment(env), check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.monotonic() - begin


def interleaved(runs: int, *jobs: Callable[[], float]) -> list[list[float]]:
    """A B A B … after one round that does not count, so that both meet the same weather."""
    out: list[list[float]] = [[] for _ in jobs]
    for number in range(runs + 1):
        for kept, job in zip(out, jobs, strict=True):
            seconds = job()
            if number:
                kept.append(seconds)
    return out


def ratio(name: str, ours: list[float], reference: list[float], budget: float) -> Figure:
    """Median against median."""
    mine, theirs = statistics.median(ours), statistics.median(reference)
    return Figure(name, mine / theirs, "x", budget, f"{mine * 1000:.0f} ms against {theirs * 1000:.0f} ms, {len(ours)} pairs")


def without_budget(figure: Figure) -> Figure:
    """There for comparison only."""
    return replace(figure, budget=None)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
