"""How far a command is that reads what many instances hold: at a hundred requests a minute thirty take two of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from ..client.clock import SYSTEM, Clock
from ..i18n import n_
from .output import Out, is_terminal

EVERY: Final = 10.0
"""Seconds between two lines, and before the first."""


@asynccontextmanager
async def reading(out: Out, of: int, clock: Clock = SYSTEM) -> AsyncIterator[Callable[[int], None]]:
    """What it gives is told how many of them are read; a person who waits is told by a line every few seconds."""
    read = 0

    def told(done: int) -> None:
        nonlocal read
        read = done

    async def tell() -> None:
        while True:
            await clock.sleep(EVERY)
            out.say(n_("{done} of {n} instance read", "{done} of {n} instances read", of).format(done=read))

    telling = asyncio.create_task(tell()) if is_terminal(sys.stderr) else None
    try:
        yield told
    finally:
        if telling is not None:
            telling.cancel()
