"""Taking the measure of a program in a terminal: when things show, what they cost in bytes, processor time and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..terminal.process import Terminal, environment

TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `value` must be at most `budget`; no budget means it is there for comparison."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Over the budget."""
        return self.budget is not None and self.value > self.budget


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


def until_shown(term: Terminal, condition: Callable[[Terminal], bool], timeout: float = 30.0) -> float:
    """Seconds from the start of the program to the read that made the condition true."""
    end = time.monotonic() + timeout
    while not condition(term):
        assert time.monotonic() < end, f"not shown in {timeout:g} s\n{term.picture()}"
        term.pump(0.05)
    return term.read_at - term.started


def first_text(term: Terminal) -> bool:
    """Something can be read on the full-screen page."""
    return term.emulator.alternate and any(line.strip() for line in term.lines())


def start(argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int], text: str = "") -> tuple[float, float]:
    """Seconds to the first text and to `text` (the same when none is asked for)."""
    with Terminal(argv, *size, env) as term:
        first = until_shown(term, first_text)
        return first, until_shown(term, lambda t: text in t.text()) if text else first


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


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
