"""What a running console costs: bytes of a cursor move and of a badge, idle, memory, and a storm over 10,000 instances."""

from __future__ import annotations

import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..terminal.process import Terminal
from ..terminal.server import Server
from . import stock
from .measure import Figure, Watched, percentile, processor_seconds, resident_mb, take_time
from .startup import SIZE, command
from .stock import QUIET

MARK: Final = "▸"
TYPED: Final = [*"sim-001", *["backspace"] * 7]


@contextlib.contextmanager
def console(server: Server, url: str = "") -> Iterator[Watched]:
    """A console with the list on the screen, at rest."""
    with (
        tempfile.TemporaryDirectory(prefix="ryze-bench-", ignore_cleanup_errors=True) as home,
        Watched(url or server.url, server.token, Path(home), SIZE, argv=command()) as term,
    ):
        term.wait_for("sim-000", 60)
        term.wait_for(re.compile("LIVE|POLLING"), 60)
        term.settle(1.0, 20)
        yield term


def cursor_row(term: Terminal) -> int:
    """The row of the screen the cursor is on; -1 when none is."""
    return next((number for number, line in enumerate(term.lines()) if MARK in line), -1)


def key_cost(term: Terminal, key: str) -> tuple[float, int]:
    """Seconds until the cursor is in another row, and all bytes until the screen is at rest."""
    row, mark = cursor_row(term), term.mark()
    took = take_time(term, key, lambda t: cursor_row(t) != row, 5)
    term.settle(QUIET)
    return took, term.written_since(mark)


def moves(term: Terminal, count: int, rows: int) -> list[Figure]:
    """Cursor down, `count` times, from the top; then in a list of which every other row is marked."""
    with stock.stock(rows) as table:
        size, wait = stock.move(table, count)
    plain, label = [key_cost(term, "down") for _ in range(count)], f"{rows:,} instances"
    marked = with_marks(term, count)
    return [
        Figure(f"cursor move, {label}", statistics.median(size for _, size in plain), "B", 1024, f"{count} moves, median",
               reference=size, beside=stock.TABLE),
        Figure(f"cursor move to paint, {label}", statistics.median(took for took, _ in plain) * 1000, "ms", 20, "median",
               reference=wait * 1000, beside=stock.TABLE, grain=2),
        Figure(f"cursor move, all marked, {label}", statistics.median(marked), "B", 1024,
               f"{count} moves, median; the dearest {max(marked):,} B", reference=size, beside=f"{stock.TABLE} without marks"),
    ]  # fmt: skip


def with_marks(term: Terminal, count: int) -> list[int]:
    """Bytes of each of the same moves, with every row marked."""
    term.press("home", "*")
    term.wait_for("marked")
    term.settle(QUIET)
    sizes = [key_cost(term, "down")[1] for _ in range(count)]
    term.press("home", "*")
    term.wait_gone(" marked")
    term.settle(QUIET)
    return sizes


def visible(term: Terminal, server: Server, count: int) -> list[str]:
    """Names on the screen of connected instances which are not under the cursor, so that only the list shows their change."""
    here, states = cursor_row(term), server.states()
    names = [line.split()[0].strip("│┃|") for number, line in enumerate(term.lines()) if number != here and line.split()]
    found = [name for line in term.lines() for name in line.split()[:3] if states.get(name) == "connected"]
    return [name for name in dict.fromkeys(names + found) if states.get(name) == "connected" and name in term.text()][:count]


def flips(term: Terminal, server: Server, count: int) -> list[Figure]:
    """Phones that unlink the device, one after the other."""
    term.press("end")
    term.settle(QUIET)
    names = visible(term, server, count)
    assert names, f"no connected instance on the screen\n{term.picture()}"
    sizes, waits = [], []
    for name in names:
        mark, begin = term.mark(), time.monotonic()
        server.simulate(name, "unlink")
        term.wait_for(lambda t, n=name: "logged out" in t.line_with(n), 5)
        waits.append(term.read_at - begin)
        term.settle(QUIET)
        sizes.append(term.written_since(mark))
    with stock.stock(50) as table:
        reference = stock.flip(table)
    return [
        Figure("one badge flip, with the counts of the header", statistics.median(sizes), "B", 200, f"{len(sizes)} flips",
               reference=reference, beside=stock.TABLE),
        Figure("from the call that unlinks it to the badge", statistics.median(waits) * 1000, "ms", 1000, "median"),
    ]  # fmt: skip


def filtering(term: Terminal, rows: int) -> list[Figure]:
    """Letters typed into the filter, and taken away again."""
    term.press("/")
    term.settle(QUIET)
    waits = []
    for key in TYPED * 2:
        mark = term.mark()
        waits.append(take_time(term, key, lambda t, m=mark: t.written_since(m) > 0))
        term.settle(0.1)
    term.press("esc")
    term.settle(QUIET)
    with stock.stock(rows) as table:
        reference = stock.filtering(table, TYPED)
    return [Figure(f"filter keystroke to paint (p95), {rows:,} instances", percentile(waits, 0.95) * 1000, "ms", 20,
                   f"{len(waits)} keys", reference=reference * 1000, beside=stock.TABLE, grain=3)]  # fmt: skip


def storm(term: Terminal, server: Server, seconds: int) -> list[Figure]:
    """1,000 changes a second over all instances while somebody moves the cursor."""
    term.press("home")
    term.settle(QUIET)
    mark, before, begin = term.mark(), processor_seconds(term.pid), time.monotonic()
    server.storm(1000, seconds)
    term.wait_for(lambda t: t.written_since(mark) > 0, 5)
    first = term.read_at - begin
    waits: list[float] = []
    while time.monotonic() - begin < seconds - 1:
        row, pressed = cursor_row(term), time.monotonic()
        term.press("down" if row < 20 else "up")
        term.wait_for(lambda t, r=row: cursor_row(t) != r, 10)
        waits.append(term.read_at - pressed)
        term.watch(0.1)
    lasted = time.monotonic() - begin
    busy = (processor_seconds(term.pid) - before) / lasted * 100
    with stock.stock(10_000) as table:
        reference = stock.storm(table, min(seconds, 10))
    return [
        Figure("storm: from the call to the first paint", first * 1000, "ms", 200, "the call itself is part of it"),
        Figure("storm: key to paint (p95)", percentile(waits, 0.95) * 1000, "ms", 50, f"{len(waits)} keys"),
        Figure("storm: processor", busy, "%", 50, "a core",
               reference=reference.processor, beside=f"{stock.TABLE} without a network"),
        Figure("storm: to the terminal", term.written_since(mark) / lasted / 1024, "KB/s",
               reference=reference.kilobytes, beside=stock.TABLE),
    ]  # fmt: skip


def memory(term: Terminal, rows: int, budget: float) -> list[Figure]:
    """Resident memory of the console."""
    return [Figure(f"memory, {rows:,} instances", resident_mb(term.pid), "MB", budget, "RSS",
                   reference=stock.static_memory(), beside=stock.STATIC)]  # fmt: skip
