"""From an event on the server to the glass, how often it paints, whether the screen is right then; keys while a list comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import websockets
from ryze_tui.api.states import EVENT_WORDS, LABEL

from ..e2e.driver import Console
from ..terminal.server import Server
from .measure import Figure, Watched, percentile, take_time
from .serving import sockets
from .startup import SIZE, command

FRAME: Final = b"\x1b[?2026h"
TOGETHER: Final = 0.02
"""Frames within so many seconds are one painting: the list, the title and the header of one moment. Paintings are 50 ms apart;
the parts of one were read 10 to 20 ms apart beside a storm (13 of 662 gaps)."""
Told = tuple[float, str]
"""When (Unix seconds) the server said it, by its own clock, and the word that a row then shows."""


@contextlib.contextmanager
def heard(server: Server, names: list[str]) -> Iterator[dict[str, list[Told]]]:
    """What the server tells of these while the block runs, by name."""
    told: dict[str, list[Told]] = defaultdict(list)
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def follow(socket: websockets.asyncio.client.ClientConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in socket:
                frame = json.loads(text)
                data = frame["data"]
                state = EVENT_WORDS[data["state"]].state if frame.get("event") == "instance.state" else None
                if state is not None:
                    told[data["instance"]].append((datetime.fromisoformat(data["timestamp"]).timestamp(), LABEL[state]))

    async def run() -> None:
        async with sockets(server, names) as opened:
            tasks = [asyncio.create_task(follow(socket)) for socket in opened]
            ready.set()
            await ended.wait()
            for task in tasks:
                task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield told
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


def waits(told: dict[str, list[Told]], shown: dict[str, list[Told]]) -> list[float]:
    """Seconds from each change to the moment it was on the glass. What was overtaken before it was drawn is left out."""
    found = []
    for name, changes in told.items():
        for number, (at, word) in enumerate(changes):
            if next((other for when, other in reversed(shown[name]) if when < at), "") == word:
                continue  # it said so already, or what came between was never drawn
            until = changes[number + 1][0] if number + 1 < len(changes) else float("inf")
            drawn = next((when for when, other in shown[name] if when >= at - 0.002 and other == word), None)
            if drawn is not None and drawn <= until + 0.1:
                found.append(max(drawn - at, 0.0))
            else:
                assert until - at < 0.1, f"{name} was {word} for {until - at:.1f} s and did not show it"
    return found


def paintings(pieces: list[tuple[float, bytes]]) -> float:
    """Paintings in the busiest second."""
    moments: list[float] = []
    for at, data in pieces:
        if FRAME in data and (not moments or at - moments[-1] > TOGETHER):
            moments.append(at)
    return max((sum(begin <= one < begin + 1 for one in moments) for begin in moments), default=0)


def glass(term: Watched, server: Server, seconds: int) -> list[Figure]:
    """1,000 changes a second over all instances and no key; afterwards every row on the screen is as the server has it."""
    term.press("home")
    term.settle()
    names, shown, pieces = list(term.rows()), defaultdict(list), []
    with heard(server, names) as told:
        term.keep()
        server.storm(1000, seconds)
        end = time.monotonic() + seconds + 30
        term.watch(seconds)
        while time.monotonic() < end and term.watch(1.5):  # what is down comes up at the same rate
            pass
    for at, data in term.replay():
        pieces.append((at, data))
        if not term.emulator.in_update:
            for name, word in term.rows().items():
                if not shown[name] or shown[name][-1][1] != word:
                    shown[name].append((at, word))
    late = waits(told, shown)
    assert len(late) > seconds, f"only {len(late)} changes of {len(names)} rows in {seconds} s"
    right(term, server)
    return [
        Figure("storm: from a change of a visible row to the glass (p99)", percentile(late, 0.99) * 1000, "ms", 100,
               f"{len(late)} changes; half within {percentile(late, 0.5) * 1000:.0f} ms"),
        Figure("storm: paintings in the busiest second", paintings(pieces), "", 21, "20 and the first after quiet"),
    ]  # fmt: skip


def right(term: Console, server: Server) -> None:
    """Every row of some pages is as the server's list has it."""
    term.settle(0.5)
    states = server.states()
    for key in ("home", "pagedown", "pagedown", "end", "pageup"):
        term.press(key)
        term.settle(0.5)
        rows = term.rows()
        wrong = {name: word for name, word in rows.items() if LABEL[states[name]] != word}
        assert rows and not wrong, f"not as the server has it: {wrong}\n{term.picture()}"


def moving(term: Console, until: float) -> list[float]:
    """Seconds from a key to its paint, for cursor moves until then (monotonic)."""
    found: list[float] = []
    while time.monotonic() < until:
        at, key = term.cursor(), "down" if len(found) % 30 < 15 else "up"
        found.append(take_time(term, key, lambda _, was=at: term.cursor() not in ("", was)))
        term.watch(0.01)
    return found


def arriving(server: Server) -> list[Figure]:
    """Letters typed while the first list comes; the cursor moved while it comes again, by `R`."""
    with (
        tempfile.TemporaryDirectory(prefix="ryze-bench-", ignore_cleanup_errors=True) as home,
        Console(server.url, server.token, Path(home), SIZE, argv=command()) as term,
    ):
        term.wait_for("Instances", 20)
        term.press("/")
        typed: list[float] = []
        while "LIVE" not in term.text():
            # The line that is typed in, not just any output: a letter that was taken back before it was painted paints nothing.
            line, key = term.lines()[1], "backspace" if len(typed) % 2 else "x"
            typed.append(take_time(term, key, lambda t, was=line: t.lines()[1] != was))
            term.watch(0.01)
        assert len(typed) > 10, "the list was there before anything could be typed"
        term.press("ctrl+u", "esc")
        term.wait_for(lambda _: term.rows(), 10)
        term.settle(1.0)
        term.press("R")
        moved = moving(term, time.monotonic() + 3)
        term.press("q")
        term.wait_exit(30)
    return [
        Figure("first list of 10,000 arriving: the slowest key", max(typed) * 1000, "ms", 50, f"{len(typed)} letters typed"),
        Figure("the list of 10,000 again: the slowest key", max(moved) * 1000, "ms", 50, f"{len(moved)} cursor moves after R"),
    ]
