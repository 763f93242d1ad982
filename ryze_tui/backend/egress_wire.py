"""The gateway's wire: an HTTP peer on asyncio's streams, headers that end at a proxy, and two peers tied together."""

from __future__ import annotations

import asyncio
from typing import Final

import h11

READ_BYTES: Final = 64 * 1024
LINGER_SECONDS: Final = 2.0
_HOPS: Final = frozenset({
    b"connection", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"keep-alive", b"te", b"upgrade",
    b"expect",
})
"""Headers that are for the next one on the way only; framing is the peers' own business."""

Headers = list[tuple[bytes, bytes]]


class Broken(Exception):
    """A peer went away in the middle; `who`."""

    def __init__(self, who: Peer) -> None:
        super().__init__("the connection broke")
        self.who = who


class Peer:
    """One end of a connection. `deadline`: what every byte puts off, and by how many seconds; `most`: bytes it may be brought."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, http: h11.Connection) -> None:
        self.reader, self.writer, self.http = reader, writer, http
        self.deadline: tuple[asyncio.Timeout, float] | None = None
        self.most = 0

    @property
    def reusable(self) -> bool:
        """Whether another request may go over it."""
        return self.http.our_state is h11.IDLE and not self.reader.at_eof() and not self.writer.is_closing()

    def moved(self) -> None:
        """Something came or went."""
        if self.deadline is not None and not self.deadline[0].expired():
            self.deadline[0].reschedule(asyncio.get_running_loop().time() + self.deadline[1])

    async def next(self) -> h11.Event:
        """The next event. Raises Broken, h11.ProtocolError."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            try:
                data = await self.reader.read(READ_BYTES)
            except OSError:
                raise Broken(self) from None
            self.moved()
            try:
                self.http.receive_data(data)
            except h11.RemoteProtocolError:
                raise Broken(self) from None
        if not isinstance(event, h11.Event):
            raise Broken(self)  # it says more than was asked for
        if isinstance(event, h11.ConnectionClosed) and self.http.our_state not in (h11.IDLE, h11.DONE):
            raise Broken(self)
        return event

    async def send(self, event: h11.Event) -> None:
        """Raises Broken, h11.LocalProtocolError."""
        data = self.http.send(event)
        try:
            if data:
                self.writer.write(data)
                await self.writer.drain()
        except OSError:
            raise Broken(self) from None
        self.moved()

    async def refuse(self, status: int, reason: str) -> None:
        """An answer of our own, after which the connection ends."""
        body = reason.encode("utf-8", "replace")
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), ("Connection", "close")]
        if status == 407:
            headers.append(("Proxy-Authenticate", 'Basic realm="ryze-tui"'))
        await self.send(h11.Response(status_code=status, headers=headers))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    def again(self) -> bool:
        """Make ready for another request; False when there can be none."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    async def linger(self) -> None:
        """Say that nothing more comes, and take what is on its way for a moment: a reset would eat the answer before it."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                if self.writer.can_write_eof():
                    self.writer.write_eof()
                while await self.reader.read(READ_BYTES):
                    pass
        except (TimeoutError, OSError):
            return

    def close(self) -> None:
        """At once; what was written is still sent."""
        self.writer.close()


def _passing(message: h11.Request | h11.Response) -> Headers:
    headers = message.headers
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    ended = _HOPS | (named - {b"host", b"content-length", b"transfer-encoding"})
    return [(raw, value) for raw, value in headers.raw_items() if raw.lower() not in ended]


def for_server(request: h11.Request, host: str, port: int, path: bytes) -> h11.Request:
    """The request as the server gets it: its own path, and the host that was checked."""
    shown = f"[{host}]" if ":" in host else host
    authority = (shown if port == 80 else f"{shown}:{port}").encode("latin-1")
    headers = [(b"Host", authority), *((name, value) for name, value in _passing(request) if name.lower() != b"host")]
    return h11.Request(method=request.method, target=path, headers=headers)


def for_client(response: h11.Response) -> h11.Response:
    """The answer as the client gets it."""
    return h11.Response(status_code=response.status_code, reason=response.reason, headers=_passing(response))


async def splice(client: Peer, server: Peer, seconds: float) -> None:
    """Bytes both ways until both sides have ended, one broke, or nothing moved for so long."""
    early, _closed = client.http.trailing_data
    async with asyncio.timeout(seconds) as deadline:
        client.deadline = server.deadline = (deadline, seconds)
        if early:
            server.writer.write(early)
        ways = [asyncio.create_task(_pump(client, server)), asyncio.create_task(_pump(server, client))]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _pump(source: Peer, sink: Peer) -> None:
    size = 0
    try:
        while data := await source.reader.read(READ_BYTES):
            source.moved()
            size += len(data)
            if sink.most and size > sink.most:
                raise Broken(source)
            sink.writer.write(data)
            await sink.writer.drain()
            sink.moved()
        if sink.writer.can_write_eof():
            sink.writer.write_eof()
    except OSError:
        raise Broken(source) from None
