"""A command that reads many instances says how far it is, to a person who waits."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest
from ryze_tui.cli.output import Out
from ryze_tui.cli.reading import EVERY, reading
from ryze_tui.client.clock import SystemClock


class Screen(io.StringIO):
    """Standard error of somebody at a terminal."""

    def isatty(self) -> bool:
        return True


class Stepped(SystemClock):
    """Sleeps until it is told that the time has come."""

    def __init__(self) -> None:
        self.come = asyncio.Semaphore(0)
        self.slept = 0.0

    async def sleep(self, seconds: float) -> None:
        await self.come.acquire()
        self.slept += seconds


async def told(stream: io.StringIO, out: Out, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said when two of three are read after the first line, and two lines follow."""
    monkeypatch.setattr(sys, "stderr", stream)
    clock = Stepped()
    async with reading(out, 3, clock) as count:
        for done in (0, 2, 2):
            count(done)
            clock.come.release()
            for _ in range(5):
                await asyncio.sleep(0)
    clock.come.release()
    for _ in range(5):
        await asyncio.sleep(0)
    return stream.getvalue()


async def test_a_line_every_few_seconds_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EVERY == 10
    assert await told(Screen(), Out(), monkeypatch) == "".join(f"{done} of 3 instances read\n" for done in (0, 2, 2))


async def test_nobody_is_told_who_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(io.StringIO(), Out(), monkeypatch) == ""
    assert await told(Screen(), Out(as_json=True), monkeypatch) == ""
    assert await told(Screen(), Out(quiet=True), monkeypatch) == ""
