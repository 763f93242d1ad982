"""The console at the end of a line of 128 kbit/s and a round trip of 200 ms: when things show, what they cost in bytes."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..terminal.process import Terminal
from ..terminal.server import Server
from ..terminal.slow import BYTES, DELAY, SlowConsole
from .measure import Figure, percentile
from .startup import SIZE, command

LINE: Final = "slow line"
TRIP: Final = 2 * DELAY * 1000
"""Milliseconds of every key that are the line's own."""


@contextlib.contextmanager
def console(server: Server) -> Iterator[SlowConsole]:
    """Started at the far end, with nothing on its screen yet."""
    with (
        tempfile.TemporaryDirectory(prefix="ryze-bench-", ignore_cleanup_errors=True) as home,
        SlowConsole(server.url, server.token, Path(home), SIZE, argv=command()) as term,
    ):
        yield term


def cost(term: SlowConsole, what: str, do: Callable[[], None], until: Callable[[Terminal], object]) -> Figure:
    """Bytes of one action until the screen is at rest; the note says when it showed."""
    mark, frames, begin = term.mark(), term.frames, time.monotonic()
    do()
    term.wait_for(until, 30)
    took = term.read_at - begin
    term.settle(0.8, 30)
    return Figure(f"{LINE}: {what}", term.written_since(mark), "B", None,
                  f"shown after {took:.2f} s, {term.frames - frames} frames")  # fmt: skip


def slow(server: Server, quick: bool) -> list[Figure]:
    """First paint and list, then one action after the other, then a storm."""
    with console(server) as term:
        term.wait_for(lambda t: t.emulator.alternate and t.text().strip(), 30)
        first = term.read_at - term.started
        term.wait_for(lambda _: term.rows(), 30)
        listed = term.read_at - term.started
        term.wait_for("LIVE", 60)
        term.settle(1.0, 30)
        found = [
            Figure(f"{LINE}: first text", first * 1000, "ms"), Figure(f"{LINE}: the list is shown", listed * 1000, "ms"),
            Figure(f"{LINE}: bytes of a start", term.bytes_out, "B"),
        ]
        top = term.cursor()
        found += [
            cost(term, "a page down", lambda: term.press("pagedown"), lambda _: term.cursor() not in ("", top)),
            cost(term, "back to the top", lambda: term.press("home"), lambda _: term.cursor() == top),
            cost(term, "a filter of 8 letters", lambda: term.type("/sim-0001"), lambda _: "sim-0001█" in term.text()),
            cost(term, "and its end", lambda: term.press("esc"), lambda _: "█" not in term.text()),
            cost(term, "help", lambda: term.press("?"), lambda _: "esc closes" in term.text()),
            cost(term, "and back", lambda: term.press("esc"), lambda _: "esc closes" not in term.text()),
        ]
        return found + held(term) + storm(term, server, 6 if quick else 15)


def held(term: SlowConsole) -> list[Figure]:
    """The down key held for three seconds: what is still on its way when it is let go."""
    for _ in range(90):
        term.press("down")
        term.watch(1 / 30)
    begin = term.read_at = time.monotonic()
    term.settle(0.8, 30)
    late = max(term.read_at - begin, 0.0)
    term.press("home")
    term.settle(0.8, 30)
    note = "30 moves a second are more than it carries"
    return [Figure(f"{LINE}: at rest after a key held for 3 s", late * 1000, "ms", 1_500, note)]


def storm(term: SlowConsole, server: Server, seconds: int) -> list[Figure]:
    """1,000 changes a second, and a cursor that moves."""
    mark, frames, begin, waits = term.mark(), term.frames, time.monotonic(), []
    server.storm(1000, seconds)
    while time.monotonic() - begin < seconds:
        at, pressed = term.cursor(), time.monotonic()
        term.press("down" if len(waits) % 20 < 10 else "up")
        term.wait_for(lambda _, was=at: term.cursor() not in ("", was), 20)
        waits.append(term.read_at - pressed)
        term.watch(0.1)
    size, drawn, lasted = term.written_since(mark), term.frames - frames, time.monotonic() - begin
    term.settle(1.5, 60)
    states = {name: word.replace("loggedout", "logged out") for name, word in server.states().items()}
    wrong = {name: word for name, word in term.rows().items() if states[name] != word}
    assert not wrong, f"not as the server has it: {wrong}"
    late = percentile(waits, 0.95) * 1000
    return [
        Figure(f"{LINE}: storm, key to paint (p95)", late, "ms", TRIP + 250, f"{TRIP:.0f} of them the trip"),
        Figure(f"{LINE}: storm, to the terminal", size / lasted / 1024, "KB/s", BYTES / 1024, f"{drawn / lasted:.0f} frames/s"),
    ]  # fmt: skip
