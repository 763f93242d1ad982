"""What the backend bears: webhooks taken and delivered from the disk, a thousand sockets, a list of a thousand."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from ..terminal.server import Server
from .measure import Figure, percentile

COUNT: Final = 1_000
AT_ONCE: Final = 50
DONE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """An HTTP receiver in a thread of its own that answers 200 at once; while `holds` it takes requests and says nothing."""

    def __init__(self) -> None:
        self.got = 0
        self.holds = True
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set_result, None)
        self._thread.join(5)

    async def _run(self) -> None:
        self._end: asyncio.Future[None] = self._loop.create_future()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        self._ready.set()
        await self._end
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                while self.holds:
                    await asyncio.sleep(0.01)
                self.got += 1
                writer.write(DONE)
        writer.close()


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """A thousand sockets need more than the usual limit, here and in the server, which inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8 * COUNT), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def configure(server: Server, names: list[str], url: str) -> None:
    """A webhook for each of them, at that one receiver."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=server.url, headers={"token": server.token}, timeout=60, trust_env=False) as http:
        async def one(name: str) -> None:
            async with gate:
                (await http.post(f"/api/events/webhook/{name}", json={"enabled": True, "url": url})).raise_for_status()

        await asyncio.gather(*map(one, names))


def rows(server: Server, state: str = "") -> int:
    """Rows of the outbox that are on the disk."""
    with contextlib.closing(sqlite3.connect(f"file:{server.home / 'server' / 'ryze.db'}?mode=ro", uri=True)) as database:
        where = ("WHERE state = ?", [state]) if state else ("", [])
        return int(database.execute(f"SELECT count(*) FROM outbox {where[0]}", where[1]).fetchone()[0])


def webhooks(server: Server, seconds: float) -> list[Figure]:
    """Events of a storm go to the disk while the receiver says nothing; then it answers, and everything is delivered."""
    with Receiver() as receiver:
        asyncio.run(configure(server, sorted(server.instances()), receiver.url))
        return stored_and_delivered(server, receiver, seconds)


def stored_and_delivered(server: Server, receiver: Receiver, seconds: float) -> list[Figure]:
    """Rows on the disk while it says nothing, then deliveries."""
    server.storm(1_500, seconds)
    begin, before = time.monotonic(), rows(server)
    time.sleep(seconds)
    accepted = (rows(server) - before) / (time.monotonic() - begin)
    before, begin, done = receiver.got, time.monotonic(), rows(server, "delivered")
    assert rows(server, "pending") > COUNT, "nothing to deliver"
    receiver.holds = False
    time.sleep(seconds)
    lasted = time.monotonic() - begin
    delivered, durable = (receiver.got - before) / lasted, (rows(server, "delivered") - done) / lasted
    left = rows(server, "pending")
    return [
        Figure("webhooks accepted, on the disk", accepted, "rows/s", 1_000, "a storm over 1,000 webhooks", at_least=True),
        Figure("webhooks delivered and marked on the disk", min(durable, delivered), "/s", 200,
               f"1,000 webhooks of one host, {left:,} wait", at_least=True),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def sockets(server: Server, names: list[str]) -> AsyncIterator[list[ClientConnection]]:
    """One socket on each instance."""
    gate, address = asyncio.Semaphore(AT_ONCE), server.url.replace("http", "ws", 1)

    async def one(name: str) -> ClientConnection:
        async with gate:
            return await websockets.connect(
                f"{address}/ws/{name}", additional_headers={"token": server.token}, compression=None, proxy=None, max_size=None,
            )

    found = await asyncio.gather(*map(one, names))
    try:
        yield list(found)
    finally:
        await asyncio.gather(*(socket.close() for socket in found))


async def events(server: Server, names: list[str], rate: int, seconds: float) -> list[float]:
    """Seconds from an event's own time to its frame, of every event of a storm."""
    waits: list[float] = []

    async def follow(socket: ClientConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in socket:
                now = time.time()
                waits.append(now - datetime.fromisoformat(json.loads(text)["data"]["timestamp"]).timestamp())

    async with sockets(server, names) as opened:
        tasks = [asyncio.create_task(follow(socket)) for socket in opened]
        gc.collect()
        gc.freeze()
        await asyncio.to_thread(server.storm, rate, seconds)
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    gc.unfreeze()
    return waits


def sockets_of_all(server: Server, seconds: float) -> list[Figure]:
    """A socket on each instance, and 200 events a second over all of them."""
    late = asyncio.run(events(server, sorted(server.instances()), 200, seconds))
    assert len(late) > 100 * seconds, f"only {len(late)} events were heard"
    p99, heard = percentile(late, 0.99) * 1000, f"{len(late):,} events, 200/s"
    return [Figure("event to socket (p99), 1,000 sockets", p99, "ms", 50, heard)]


def lists(server: Server, runs: int) -> list[Figure]:
    """Seconds until a list of a thousand is here as a whole."""
    waits = []
    for _run in range(runs):
        begin = time.monotonic()
        reply = server.http.get("/api/instance/list")
        waits.append(time.monotonic() - begin)
        assert reply.status_code == 200 and len(reply.content) > 500 * COUNT
    return [Figure("list of 1,000 (p95)", percentile(waits, 0.95) * 1000, "ms", 100, f"{len(waits)} calls")]
