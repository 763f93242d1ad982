"""A proxy in front of a server that writes down every request and can hold, refuse, drop, freeze or answer in its place.

It runs an event loop of its own in a thread, so that a test (which has none) can ask it anything at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

Mangle = Callable[[bytes], tuple[bytes, float, bool]]


@dataclass(slots=True)
class Request:
    """One request as it arrived; `at` is monotonic seconds. `held` until its rule is released."""

    at: float
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def line(self) -> str:
        """As in the log of a server: `GET /api/instance/list`."""
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Rule:
    pattern: re.Pattern[str]
    gate: asyncio.Event | None = None
    answer: bytes | None = None
    times: int = -1


class Proxy:
    """`with Proxy(server.url) as proxy:` and give `proxy.url` to the client."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self.requests: list[Request] = []
        self.sent_to_client = 0
        self._rules: list[_Rule] = []
        self._refusing = False
        self._mangle: Mangle | None = None
        self._flow = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(self._listen())
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # -- what a test asks ----------------------------------------------------------------------------------------------

    def seen(self, pattern: str, since: float = 0.0) -> list[Request]:
        """Requests whose `METHOD path` matches, from that monotonic second on."""
        return [r for r in list(self.requests) if r.at >= since and re.search(pattern, r.line)]

    def list_calls(self, since: float = 0.0) -> list[Request]:
        """The calls for the list of instances."""
        return self.seen(r"GET /api/instance/list", since)

    @contextlib.contextmanager
    def hold(self, pattern: str) -> Iterator[None]:
        """Matching requests wait (they are written down, the server does not get them) until the block ends."""
        rule = _Rule(re.compile(pattern), gate=asyncio.Event())
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)
            assert rule.gate is not None
            self._loop.call_soon_threadsafe(rule.gate.set)

    def answer(self, pattern: str, status: int, message: str, *, times: int = -1, headers: str = "") -> Callable[[], None]:
        """Answer matching requests ourselves with the error shape; call what is returned to stop doing so."""
        body = json.dumps({"success": False, "error": {"message": message}}).encode()
        head = f"HTTP/1.1 {status} Made-up\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        rule = _Rule(re.compile(pattern), answer=head.encode() + body, times=times)
        self._rules.append(rule)
        return lambda: self._rules.remove(rule) if rule in self._rules else None

    def refuse(self, on: bool = True) -> None:
        """New connections are closed at once; `drop` closes those that are open."""
        self._refusing = on

    def drop(self) -> None:
        """Close every open connection."""
        self._call(self._drop())

    def freeze(self, on: bool = True) -> None:
        """No byte passes in either direction, connections stay open: a link that is dead without saying so."""
        self._loop.call_soon_threadsafe(self._flow.clear if on else self._flow.set)

    def mangle(self, how: Mangle | None) -> None:
        """Change what comes from the server, piece by piece: `how(data)` gives what to send, seconds before it, and go on?"""
        self._mangle = how

    @property
    def sockets(self) -> int:
        """WebSocket upgrades asked for so far."""
        return len([r for r in list(self.requests) if r.headers.get("upgrade", "").lower() == "websocket"])

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, job: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        self._flow.set()
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        self._flow.set()
        await self._drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._refusing:
                await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self._host, self._port)
        self._writers.add(up_writer)
        back = asyncio.create_task(self._copy(up_reader, writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = await self._read(head, reader)
                self.requests.append(request)
                reply = await self._apply_rules(request)
                await self._flow.wait()
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()
                    continue
                up_writer.write(head + request.body)
                await up_writer.drain()
                if request.headers.get("upgrade"):
                    await self._copy(reader, up_writer, count=False)
                    return
        finally:
            up_writer.transport.abort()
            self._writers.discard(up_writer)
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)

    async def _read(self, head: bytes, reader: asyncio.StreamReader) -> Request:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(time.monotonic(), method, path, headers, body)

    async def _apply_rules(self, request: Request) -> bytes | None:
        for rule in list(self._rules):
            if not rule.pattern.search(request.line):
                continue
            if rule.gate is not None:
                await rule.gate.wait()
            elif rule.times != 0:
                rule.times -= 1
                return rule.answer
        return None

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool = True) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._flow.wait()
                self.sent_to_client += len(data) if count else 0
                if count and self._mangle is not None:
                    data, seconds, go_on = self._mangle(data)
                    await asyncio.sleep(seconds)
                    if not go_on:
                        writer.write(data)
                        break
                writer.write(data)
                await writer.drain()
        finally:  # also after a reset, which a server that is killed sends with a request unread
            if count:
                writer.close()
