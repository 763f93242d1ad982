"""A RyzeAPI server in a thread whose every answer can be made wrong while it runs, and right again: raw bytes on raw sockets.

It tells the truth about `states` until `misbehave` replaces what it does at `health`, `list` or `stream`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

TOKEN: Final = "account-token-of-the-rogue-0123456789"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(eq=False, slots=True)
class Visit:
    """One request on one connection: what was asked, and where the answer goes."""

    server: Rogue
    line: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    at: float = field(default_factory=time.monotonic)
    open: bool = False

    @property
    def path(self) -> str:
        return self.line.split(" ")[1].partition("?")[0]

    @property
    def name(self) -> str:
        """The instance whose socket it is; empty for the account stream."""
        return self.path.removeprefix("/ws").removeprefix("/")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def upgrade(self) -> None:
        """Open the WebSocket."""
        magic = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
        head = f"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        await self.send(head.encode())

    async def say(self, frame: dict[str, Any]) -> None:
        await self.send(ws(json.dumps(frame).encode()))


Manners = Callable[[Visit], Awaitable[None]]


def ws(payload: bytes, kind: int = TEXT) -> bytes:
    """One unmasked frame."""
    size = len(payload)
    if size < 126:
        return bytes([0x80 | kind, size]) + payload
    if size < 1 << 16:
        return bytes([0x80 | kind, 126]) + struct.pack("!H", size) + payload
    return bytes([0x80 | kind, 127]) + struct.pack("!Q", size) + payload


def http(status: str, body: bytes | str = b"", **headers: str) -> bytes:
    """One whole answer; a header named `Content_Length` or `Transfer_Encoding` replaces ours."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def answer(status: str, body: bytes | str = b"", **headers: str) -> Manners:
    """Always the same answer."""

    async def manners(visit: Visit) -> None:
        await visit.send(http(status, body, **headers))

    return manners


class Rogue:
    """`with Rogue(extensions=True) as server:`; the dozen calls below may come from the test's own thread."""

    def __init__(self, *, extensions: bool, count: int = 6) -> None:
        self.extensions = extensions
        self.states: dict[str, str] = {f"num-{n}": "connected" for n in range(count)}
        self.profile = "Acme"
        self.visits: list[tuple[float, str, dict[str, str]]] = []
        self._manners: dict[str, Manners] = {}
        self._open: set[Visit] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._seq = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rogue", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server: asyncio.Server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # -- what a test asks ----------------------------------------------------------------------------------------------

    def misbehave(self, *, cut: bool = False, **manners: Manners) -> None:
        """From now on do this at `health`, `list` or `stream`; `cut` breaks every open connection."""
        self._call(self._change(manners, cut))

    def behave(self, *, cut: bool = False) -> None:
        """Be a good server again; what was left half-done is broken off."""
        self._call(self._change({}, cut))

    def set(self, name: str, state: str) -> None:
        """An instance changes its state; open streams tell it."""
        self._call(self._set(name, state))

    def asked(self, word: str, since: float = 0.0) -> list[tuple[float, str, dict[str, str]]]:
        """Requests whose first line holds `word`: (monotonic second, first line, headers)."""
        return [visit for visit in list(self.visits) if visit[0] >= since and word in visit[1]]

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _call(self, job: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(10)

    async def _change(self, manners: dict[str, Manners], cut: bool) -> None:
        half_done = [task for task in self._tasks if task.get_name() != "good"]
        self._manners = manners
        for task in [*(self._tasks if cut else half_done)]:
            task.cancel()

    async def _set(self, name: str, state: str) -> None:
        self.states[name] = state
        self._seq += 1
        data = {"state": {"loggedout": "logged_out", "banned": "temp_banned"}.get(state, state)}
        for visit in [visit for visit in self._open if visit.name in ("", name)]:
            more = {"instanceData": {"instance": name}} if visit.name else {"instance": name, "seq": f"E.{self._seq}"}
            with contextlib.suppress(OSError):
                await visit.say({"event": "instance.state", "data": data, **more})

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                task.set_name("good")
                line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {key.lower(): value.strip() for key, _, value in (text.partition(":") for text in rest if text)}
                await reader.readexactly(int(headers.get("content-length", "0")))
                visit = Visit(self, line, headers, reader, writer)
                self.visits.append((visit.at, line, headers))
                await self._serve(visit, task)
                if visit.open:
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, visit: Visit, task: asyncio.Task[None]) -> None:
        kind = "stream" if visit.path.startswith("/ws") else "list" if visit.path.endswith("/list") else "health"
        if (manners := self._manners.get(kind)) is not None:
            task.set_name("bad")
            await manners(visit)
            if kind == "stream" or "content-length" not in self.framing(manners):
                visit.open = True
            return
        await {"stream": self.good_stream, "list": self.good_list, "health": self.good_health}[kind](visit)

    @staticmethod
    def framing(manners: Manners) -> str:
        """What the manners say about reuse of the connection: those made by `answer` end properly, all others break it."""
        return "content-length" if manners.__qualname__.startswith("answer.") else ""

    async def good_health(self, visit: Visit) -> None:
        body: dict[str, Any] = {"status": "ok", "service": "RyzeAPI"}
        if self.extensions:
            body["extensions"] = ["account-stream", "since"]
        await visit.send(http("200 OK", json.dumps(body), Content_Type="application/json"))

    async def good_list(self, visit: Visit) -> None:
        await visit.send(http("200 OK", self.list_body(), Content_Type="application/json"))

    def list_body(self) -> str:
        """The list as the contract has it."""
        items = [
            {"name": name, "token": f"token-of-{name}-0123", "status": state,
             "connection": {"state": state, "numberJid": f"551199990{at:03}@s.whatsapp.net"}, "profile": {"name": self.profile},
             "websocket": {"enabled": True, "events": ["instance.state"]}}
            for at, (name, state) in enumerate(self.states.items())
        ]  # fmt: skip
        return json.dumps({"success": True, "instances": items})

    async def good_stream(self, visit: Visit) -> None:
        if visit.name not in self.states and not (self.extensions and not visit.name):
            await visit.send(http("404 No", '{"success":false,"error":{"message":"Instance not found"}}'))
            return
        visit.open = True
        await visit.upgrade()
        if not visit.name:
            rows = [
                {"id": name, "name": name, "state": state, "number": f"551199990{at:03}", "profileName": self.profile,
                 "blocks": "·S···"} for at, (name, state) in enumerate(self.states.items())
            ]  # fmt: skip
            snapshot = {"seq": f"E.{self._seq}", "event": "snapshot", "data": {"rows": rows, "last": True}, "instance": ""}
            await visit.say(snapshot)
        self._open.add(visit)
        try:
            await self.listen(visit)
        finally:
            self._open.discard(visit)

    async def listen(self, visit: Visit) -> None:
        """Answer pings and a goodbye, until the other end is gone; the account's stream beats every second."""
        async with asyncio.TaskGroup() as group:
            beats = group.create_task(self._beat(visit)) if not visit.name else None
            while True:
                kind, payload = await hear(visit.reader)
                if kind == PING:
                    await visit.send(ws(payload, PONG))
                elif kind == CLOSE:
                    with contextlib.suppress(OSError):
                        await visit.send(ws(payload, CLOSE))
                    break
            if beats is not None:
                beats.cancel()

    async def _beat(self, visit: Visit) -> None:
        with contextlib.suppress(OSError):
            while True:
                await visit.say({"seq": f"E.{self._seq}", "event": "heartbeat", "data": {}, "instance": ""})
                await asyncio.sleep(1)


async def hear(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One masked frame of a client: its kind and its payload."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
