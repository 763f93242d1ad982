"""A worker around the plain library, in a process of its own: started, asked and ended by a test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.whatsapp.double import WhatsAppDouble

SECONDS = 30.0


class Failed(Exception):
    """What the library said."""


class Ended(AssertionError):
    """The process or its connection ended while a test waited for something else."""


class Plain:
    """One process; `log` is what it wrote to its standard output and error."""

    def __init__(self, wa: WhatsAppDouble, home: Path, *, proxy: str | None = None, before: Sequence[str] = ()) -> None:
        """`before`: a program that starts it, and its arguments."""
        self._wa, self._home, self._before = wa, home, before
        self._proxy = wa.proxy_url if proxy is None else proxy
        self._events: list[dict[str, Any]] = []
        self._came = asyncio.Condition()
        self._numbers = itertools.count(1)
        self.ended = False
        self.process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        """For people."""
        return (self._home / "log").read_text(errors="replace")

    async def start(self) -> None:
        """Until it is ready."""
        self._home.mkdir(exist_ok=True)
        ours, theirs = socket.socketpair()
        with (self._home / "log").open("ab") as log, theirs:
            command = [*self._before, *self._wa.command("tests.whatsapp.plain_worker")]
            self.process = await asyncio.create_subprocess_exec(
                *command, str(theirs.fileno()), str(self._home / "session.sqlite3"), self._proxy,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()],
                env={"PATH": os.environ["PATH"]},
            )  # fmt: skip
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 26)
        self._reading = asyncio.get_running_loop().create_task(self._read())
        await self.event("ready")

    async def kill(self) -> None:
        """At once: a stop of the library's own may never return."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self._writer.close()
            await self._reading

    async def _read(self) -> None:
        with contextlib.suppress(OSError):
            while line := await self._reader.readline():
                async with self._came:
                    self._events.append(json.loads(line))
                    self._came.notify_all()
        async with self._came:
            self.ended = True
            self._came.notify_all()

    async def event(self, what: str, seconds: float = SECONDS, **fits: object) -> dict[str, Any]:
        """The next one of that kind that was not taken yet. Raises Ended, TimeoutError."""
        async with asyncio.timeout(seconds), self._came:
            while True:
                for one in self._events:
                    if one["what"] == what and fits.items() <= one.items():
                        self._events.remove(one)
                        return one
                if self.ended:
                    raise Ended(f"the process ended while {what} was waited for: {self.log[-2000:]}")
                await self._came.wait()

    async def got(self, what: str, seconds: float = SECONDS) -> dict[str, Any]:
        """What an event of the library's holds; bytes are base64, numbers of 64 bits are texts."""
        data: dict[str, Any] = (await self.event(what, seconds))["data"]
        return data

    def had(self, what: str) -> bool:
        """Whether such an event has come and was not taken."""
        return any(one["what"] == what for one in self._events)

    async def ask(self, name: str, /, *, seconds: float = SECONDS, **more: object) -> Any:
        """One command. Raises Failed."""
        number = next(self._numbers)
        self._writer.write(json.dumps({"asked": number, "do": name, **more}).encode() + b"\n")
        async with asyncio.timeout(seconds), self._came:
            while True:
                for one in self._events:
                    if one.get("asked") == number:
                        self._events.remove(one)
                        if one["what"] == "failed":
                            raise Failed(f"{one['kind']}: {one['words']}")
                        return one["result"]
                if self.ended:
                    raise Ended(f"the process ended while {name} was asked: {self.log[-2000:]}")
                await self._came.wait()

    async def qr(self) -> str:
        """Connect, and the first text to be scanned."""
        await self.ask("connect")
        return str((await self.event("qr"))["text"])


@contextlib.asynccontextmanager
async def running(
    wa: WhatsAppDouble, home: Path, *, proxy: str | None = None, before: Sequence[str] = ()
) -> AsyncIterator[Plain]:
    """One that runs, and is killed at the end."""
    plain = Plain(wa, home, proxy=proxy, before=before)
    try:
        await plain.start()
        yield plain
    finally:
        await plain.kill()
