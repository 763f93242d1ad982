"""The links that this worker has, by name: begun, replaced, dropped and asked, each one thing after the other."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, Final

from ..frames import Ask, Dial, Drop, Frame, Pair, Taken
from . import asked
from .channel import Channel
from .client import Client

STUCK_MOST: Final = 16
"""Clients that do not let go; with more of them a fresh process is better for everybody."""


class Sessions:
    """`take` returns at once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._clients: dict[str, Client] = {}
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stuck = 0

    def take(self, frame: Frame) -> None:
        """From the server."""
        if isinstance(frame, Ask):
            self._begin(self._ask(frame))
        elif isinstance(frame, Taken):
            if (client := self._clients.get(frame.link)) is not None:
                client.taken(frame)
        elif isinstance(frame, (Pair, Dial, Drop)):
            self._turns[frame.link] = self._begin(self._turn(frame, self._turns.get(frame.link)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _turn(self, frame: Pair | Dial | Drop, before: asyncio.Task[None] | None) -> None:
        """After what the link was told before: two clients of one session would throw each other out."""
        client = self._clients.pop(frame.link, None)
        if client is not None:
            client.hush()
        if before is not None:
            await asyncio.wait({before})
            client = client or self._clients.pop(frame.link, None)
        if client is not None and not await client.stop():
            self._stuck += 1
            if self._stuck > STUCK_MOST:
                sys.stderr.write("too many clients do not let go\n")
                os._exit(5)
        if isinstance(frame, Drop):
            return
        try:
            client = self._clients[frame.link] = Client(self._channel, frame)
            await client.start()
        except Exception as error:  # noqa: BLE001 - neonize raises what it likes
            self._channel.event(frame.link, frame.attempt, "failed", {"text": f"{type(error).__name__}: {error}"})

    async def _ask(self, frame: Ask) -> None:
        client = self._clients.get(frame.link)
        if client is None:
            self._channel.answer(frame.number, "the instance is not connected")
            return
        try:
            data, blob = await asked.ASKED[frame.what](client, frame.about, frame.blob)
        except Exception as error:  # noqa: BLE001 - neonize raises what it likes
            self._channel.answer(frame.number, _words(error))
        else:
            self._channel.answer(frame.number, "", data, blob)


def _words(error: Exception) -> str:
    """Some of neonize's errors have bytes for a text."""
    first = error.args[0] if error.args else ""
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)) or type(error).__name__
