"""HTTP receivers of webhooks that fail in every way there is, and remember what they were sent, first sight by first sight."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

WELL: Final = "well"
HANG: Final = "hang"
MOODS: Final = ("500", "503", "429", "408", "close", "garbage", "half", "slow", "reset", "endless", "redirect")
"""What ends in a retry or in a success: nothing of this may lose an event."""

_CANNED: Final = {
    "500": b"HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops", "503": b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
    "429": b"HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    "408": b"HTTP/1.1 408 X\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\xff\x17 this is no HTTP\r\n\r\n", "half": b"HTTP/1.1 200 OK\r\nContent-Len",
    "410": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "422": b"HTTP/1.1 422 X\r\nContent-Length: 2\r\n\r\nno",
    "endless": b"HTTP/1.1 500 X\r\nContent-Length: 99999\r\n\r\n" + b"x" * 4096,
    "redirect": b"HTTP/1.1 503 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
}  # fmt: skip
_DONE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Sight:
    """One request as it came. `number`: how often this delivery had been here, from 1."""

    path: str
    id: str
    event: str
    data: dict[str, Any]
    number: int
    answered: str
    authorization: str = ""


class Receiver:
    """`mood(sight number, id, body)` says how a request is answered; it is read to its end before anything goes wrong."""

    def __init__(self, mood: Callable[[int, str, dict[str, Any]], str] = lambda number, key, body: WELL) -> None:
        self.mood = mood
        self.got: list[Sight] = []
        self.times: dict[str, int] = {}
        self.url = ""
        self._hanging: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._hanging:
            task.cancel()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._hanging.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._hanging.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        key = headers.get("webhook-id", "")
        number = self.times[key] = self.times.get(key, 0) + 1
        mood = self.mood(number, key, body)
        self.got.append(Sight(first.split()[1], key, body["event"], body["data"], number, mood,
                              headers.get("authorization", "")))  # fmt: skip
        if mood == HANG:
            await reader.read()  # until the other side gives up
            return False
        if mood == "reset":
            writer.transport.abort()
            return False
        if mood == "slow":
            await asyncio.sleep(random.uniform(0.05, 0.3))
        if mood != "close":
            writer.write(_CANNED.get(mood, _DONE))
            await writer.drain()
        return mood in (WELL, "slow", "500", "503", "429", "408")

    async def _stay(self, ready: threading.Event, end: threading.Event) -> None:
        async with self:
            ready.set()
            await asyncio.to_thread(end.wait)

    @contextlib.contextmanager
    def beside(self) -> Iterator[Self]:
        """In a thread of its own, for a test that has no event loop."""
        ready, end = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._stay(ready, end)), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            end.set()
            thread.join()

    def firsts(self) -> list[Sight]:
        """Every delivery when it was here for the first time, in order."""
        return [one for one in self.got if one.number == 1]
