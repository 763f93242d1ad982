"""Ten thousand simulated instances on one node: how long it takes to stand, what each takes, what a storm to many costs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..terminal.process import environment, private_dirs
from ..terminal.server import Server
from .measure import Figure, percentile, processor_seconds, resident_mb
from .startup import command

MANY: Final = 10_000
STREAMS: Final = 100
PER_ACCOUNT: Final = 16
"""What a server takes of one account (events/sockets.py)."""
SOCKETS: Final = 1_000
OTHERS: Final = -(-(STREAMS - PER_ACCOUNT) // PER_ACCOUNT)
"""Other accounts, which have the streams that are left among them."""
OWN: Final = 10
"""Instances of each of them."""
SAMPLE: Final = 16
"""Of so many frames of an account stream one is read; the others are counted."""


def boot(quick: bool) -> list[Figure]:
    """Filled for the first time; then again with everything on the disk, until every session is back; beside an empty one."""
    count = 2_000 if quick else MANY
    with tempfile.TemporaryDirectory(prefix="ryze-bench-") as home:
        with Server(Path(home) / "empty", rate_limit=0) as empty:
            bare, reference = resident_mb(empty.process.pid), started(empty)
        with Server(Path(home) / "many", instances=count, rate_limit=0) as server:
            wait_all_back(server, count)
            back = started(server, lambda: wait_all_back(server, count))
            memory = resident_mb(server.process.pid)
            ready = started(server)
    each = (memory - bare) * 1024 / count
    label = f"boot with {count:,} instances"
    return [
        Figure(f"{label}, to its ready line", ready, "s", None, reference=reference, beside="an empty server", grain=0.5),
        Figure(f"{label}, until every session is back", back, "s", None, f"{count / back:,.0f} a second"),
        Figure("memory of the server per instance", each, "KB", None, f"{memory:.0f} MB with {count:,}, {bare:.0f} MB empty"),
    ]  # fmt: skip


def started(server: Server, until: object = None) -> float:
    """Seconds of a start of this server, which is stopped first."""
    server.stop()
    begin = time.monotonic()
    server.start(120)
    if callable(until):
        until()
    return time.monotonic() - begin


def wait_all_back(server: Server, count: int) -> None:
    """Until no session is on its way any more."""
    end = time.monotonic() + 180
    while time.monotonic() < end:
        states = [item["connection"]["state"] for item in server.call("GET", "/api/instance/list", timeout=60)["instances"]]
        if len(states) == count and states.count("connected") >= count - 8:
            return
        time.sleep(0.2)
    raise AssertionError(f"not all came back: {states.count('connected')} of {count} are connected")


class Ear(asyncio.Protocol):
    """The far end of one WebSocket: counts frames, and reads the time of some. Answers pings."""

    def __init__(self, path: str, host: str, token: str, sample: int) -> None:
        self._sample = sample
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\ntoken: {token}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
        self._data = bytearray()
        self._greeted = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.counting = False
        self.heard = 0
        self.late: list[float] = []
        self.lost = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._hello)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = self.lost or str(error or "closed")
        if not self.opened.done():
            self.opened.set_exception(AssertionError(self.lost))

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._greeted:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101"), head[:200]
            self._greeted, self._data = True, bytearray(rest)
            self.opened.set_result(None)
        self._frames()

    def _frames(self) -> None:
        view, at = self._data, 0
        while len(view) - at >= 2:
            kind, size, skip = view[at] & 15, view[at + 1], 2
            if size >= 126:
                skip = 4 if size == 126 else 10
                if len(view) - at < skip:
                    break
                size = int.from_bytes(view[at + 2 : at + skip], "big")
            if len(view) - at < skip + size:
                break
            self._frame(kind, at + skip, size)
            at += skip + size
        del view[:at]

    def _frame(self, kind: int, at: int, size: int) -> None:
        if kind == 9:
            self._transport.write(bytes((0x8A, 0x80 | size)) + bytes(4) + bytes(self._data[at : at + size]))
        elif kind == 8:
            self.lost = bytes(self._data[at + 2 : at + size]).decode()
        elif self.counting:
            self.heard += 1
            if self.heard % self._sample == 0:
                told = json.loads(bytes(self._data[at : at + size]))["data"].get("timestamp")
                if told:
                    self.late.append(time.time() - datetime.fromisoformat(told).timestamp())

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


async def listen(server: Server, path: str, token: str, sample: int) -> Ear:
    """One socket, open."""
    parts = urlsplit(server.url)
    loop = asyncio.get_running_loop()
    _transport, ear = await loop.create_connection(lambda: Ear(path, parts.netloc, token, sample), parts.hostname, parts.port)
    await asyncio.wait_for(ear.opened, 30)
    return ear


def another_account(server: Server, number: int) -> str:
    """Make an account with some instances that are connected; its token."""
    env = environment(private_dirs(server.home / "server-home"))
    words = [*command(), "account", "add", f"other-{number}", "--data-dir", str(server.home / "server")]
    token = subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout.strip()
    headers = {"token": token}
    for one in range(OWN):
        name = f"other-{number}-{one}"
        server.call("POST", "/api/instance/new", json={"name": name, "websocketEnabled": True}, headers=headers)
        server.call("GET", f"/api/instance/connect/{name}", headers=headers)
        server.call("POST", f"/simulator/{name}/scan", json={}, headers=headers)
    return token


async def storming(
    server: Server, tokens: list[str], names: list[str], rate: int, seconds: float
) -> tuple[list[Ear], list[Ear], float]:
    """Open everything, blow, and wait until all is told; the processor of the server meanwhile, in percent of a core."""
    gate = asyncio.Semaphore(50)

    async def one(path: str, token: str, sample: int = SAMPLE) -> Ear:
        async with gate:
            return await listen(server, path, token, sample)

    per, left = [], STREAMS
    for token in tokens:
        per.append((token, min(left, PER_ACCOUNT)))
        left -= per[-1][1]
    streams = await asyncio.gather(*(one("/ws?events=instance.state", token) for token, count in per for _ in range(count)))
    sockets = await asyncio.gather(*(one(f"/ws/{name}", server.token, 1) for name in names))
    await asyncio.sleep(3.0)  # snapshots are read
    for ear in [*streams, *sockets]:
        ear.counting = True
    before, begin = processor_seconds(server.process.pid), time.monotonic()
    await asyncio.to_thread(storms, server, tokens, rate, seconds)
    await asyncio.sleep(seconds)
    busy = (processor_seconds(server.process.pid) - before) / (time.monotonic() - begin) * 100
    for ear in [*streams, *sockets]:
        ear.counting = False
    return list(streams), list(sockets), busy


def storms(server: Server, tokens: list[str], rate: int, seconds: float) -> None:
    """`rate` changes a second over the first account's instances, a tenth of it over each of the others'."""
    for number, token in enumerate(tokens):
        body = {"rate": rate if number == 0 else rate / 10, "seconds": seconds}
        server.call("POST", "/simulator/storm", json=body, headers={"token": token})


def storm(server: Server, quick: bool) -> list[Figure]:
    """1,000 changes a second over 1,000 instances, to 100 account streams and a socket on each instance."""
    seconds = 5.0 if quick else 15.0
    tokens = [server.token, *(another_account(server, number) for number in range(OTHERS))]
    names = sorted(name for name in server.instances() if name.startswith("sim-"))[:SOCKETS]
    streams, sockets, busy = asyncio.run(storming(server, tokens, names, 1_000, seconds))
    gone = [ear.lost for ear in [*streams, *sockets] if ear.lost]
    assert not gone, f"{len(gone)} of {len(streams) + len(sockets)} were closed: {gone[0]}"
    least, heard = min(ear.heard for ear in streams[:PER_ACCOUNT]), sum(ear.heard for ear in sockets)
    assert least > heard * 0.95 > 500 * seconds * 0.95, f"a stream heard {least} events, the sockets {heard}"
    frames = sum(ear.heard for ear in [*streams, *sockets])
    late = {label: [wait for ear in ears for wait in ear.late] for label, ears in (("stream", streams), ("socket", sockets))}
    note = f"{frames / seconds:,.0f} frames/s in all"
    return [
        Figure(f"storm of 1,000/s, {len(streams)} account streams: to the stream (p99)", percentile(late["stream"], 0.99) * 1000,
               "ms", None, f"half within {percentile(late['stream'], 0.5) * 1000:.0f} ms; {note}"),
        Figure(f"the same, to {len(sockets):,} instance sockets (p99)", percentile(late["socket"], 0.99) * 1000, "ms", None,
               f"{heard / seconds:,.0f} events/s"),
        Figure("the same: processor of the server", busy, "%", None, "a core"),
    ]  # fmt: skip
