"""One HTTP/1.1 connection: h11 over asyncio's streams, for one request at a time, and for the next where both sides go on.

httpx, which this stands in for, takes 40 ms to import with all that it imports: a quarter of the whole start of the smallest
Textual application, before the first list. Of what it can do (redirects, cookies, proxies, compression) nothing may happen here.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import h11

HEAD: Final = 100 * 1024
"""Bytes that the head of an answer may have."""
PIECE: Final = 1 << 16
EYEBALLS: Final = 0.25
"""Seconds after which the next address of a host is tried beside the one before (RFC 8305)."""


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins: header names in lower case, those that came twice joined by commas."""

    status: int
    headers: Mapping[str, str]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _joined(pairs: h11._headers.Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        key, text = _text(name), _text(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _as_one(error: OSError) -> OSError:
    """asyncio makes text of the errors of several addresses (`localhost` is two): the error itself, where it was the same one."""
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error))) if error.errno is None else set()
    if len(numbers) != 1:
        return error
    number = int(numbers.pop())
    return OSError(number, os.strerror(number))


class Connection:
    """Make one with `connect`. Whoever does not read an answer to its end closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)

    @classmethod
    async def connect(cls, host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
        """Raises OSError (ssl.SSLError too), and ValueError for a host that cannot be a name."""
        try:
            return cls(*await asyncio.open_connection(host, port, ssl=tls, happy_eyeballs_delay=EYEBALLS))
        except OSError as error:
            raise _as_one(error) from error

    @property
    def idle(self) -> bool:
        """Whether another request may be sent: the last answer was read, and the server has neither closed nor said anything."""
        if self._http.our_state is not h11.IDLE or self._http.trailing_data != (b"", False):
            return False
        if self._reader.at_eof() or self._writer.transport.is_closing():
            return False
        poll = select.poll()  # what the system knows and the event loop has not looked at yet
        poll.register(self._writer.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    async def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> None:
        """Send a request. Raises h11.LocalProtocolError or ValueError for one that cannot be sent, and then sends nothing."""
        body = content or b""
        lines = list(headers.items())
        if body or method not in ("GET", "HEAD", "DELETE"):
            lines.append(("Content-Length", str(len(body))))
        data = [self._http.send(h11.Request(method=method, target=target, headers=lines))]
        data += [self._http.send(h11.Data(body))] if body else []
        data.append(self._http.send(h11.EndOfMessage()))
        self._writer.write(b"".join(part for part in data if part))
        try:
            await self._writer.drain()
        except ConnectionError:
            return  # the server may have answered before it closed; if not, reading says so

    async def head(self, silence: float) -> Head:
        """How the answer begins. `silence`: seconds between bytes. Raises h11.RemoteProtocolError, OSError, TimeoutError."""
        while True:
            event = await self._next(silence)
            if isinstance(event, h11.Response):
                return Head(event.status_code, _joined(event.headers))
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                raise h11.RemoteProtocolError("no answer")

    async def body(self, silence: float) -> AsyncIterator[bytes]:
        """Its body in pieces. Raises as `head` does."""
        while True:
            event = await self._next(silence)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise h11.RemoteProtocolError("no end of the answer")
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()

    async def _next(self, silence: float) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(silence):
                data = await self._reader.read(PIECE)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise h11.RemoteProtocolError("closed without an answer")
            self._http.receive_data(data)
        return event

    def close(self) -> None:
        """At once; what was not sent or read is lost."""
        self._writer.transport.abort()
