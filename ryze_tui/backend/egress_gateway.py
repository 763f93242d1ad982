"""A forward proxy on loopback, inside the server, for libraries that dial by themselves: what they may reach Egress decides.

It answers nobody without its password, which is new with each server and never leaves it. Tunnels (CONNECT) for https, requests
in absolute form for http; the address that was checked is the address that is dialled.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import os
import secrets as entropy
from typing import Final
from urllib.parse import urlsplit

import h11

from ..outside.s3 import MARK
from . import accepting
from .egress import CONNECT_SECONDS, Egress, Forbidden
from .egress_wire import READ_BYTES, Broken, Peer, for_client, for_server, splice

log = logging.getLogger(__name__)

CONNECTIONS: Final = 256
"""Clients at a time; further ones are told 503."""
HEAD_SECONDS: Final = 10.0
"""From the connection to the end of the first request's head."""
KEEP_SECONDS: Final = 60.0
"""Between two requests of a connection."""
STALL_SECONDS: Final = 120.0
"""Without a byte in a request or its answer."""
TUNNEL_SECONDS: Final = 600.0
"""Without a byte in either direction of a tunnel."""
_HEAD_BYTES: Final = 64 * 1024


class _Refused(Exception):
    """An answer of the gateway's own; the connection ends with it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Gateway:
    """One per server; it listens from the first `url` to `close`."""

    def __init__(self, egress: Egress, *, most: int = CONNECTIONS) -> None:
        self._egress, self._most = egress, most
        self._password = entropy.token_urlsafe(32)
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def url(self, *, most: int = 0) -> str:
        """What a library is given as its proxy, password and all: a secret. Raises OSError.

        `most`: bytes that an answer, or a whole tunnel, may bring before it is cut off, for libraries that keep answers in
        memory; 0 = any number.
        """
        async with self._opening:
            if self._closed:
                raise OSError("the server stops")
            if self._server is None:
                self._server = await accepting.serve(self._accept, accepting.loopback(), limit=READ_BYTES)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{most}:{self._password}@{host}:{port}"

    async def close(self) -> None:
        """Nobody is let in any more, and everything under way is broken off."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        client = Peer(reader, writer, h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES))
        try:
            if len(self._tasks) <= 2 * self._most:  # else there is no time even for an answer
                await self._converse(client)
                await client.linger()
        except asyncio.CancelledError:
            pass  # the server stops; asyncio's own streams would call this an error
        except (Broken, TimeoutError, OSError, h11.ProtocolError) as error:
            log.debug("a connection of the gateway ended: %s", type(error).__name__)
        except Exception:
            log.exception("a connection of the gateway ended by a bug")
        finally:
            client.close()

    async def _converse(self, client: Peer) -> None:
        """Requests of one connection, one after the other, until one of the sides wants no more."""
        server: tuple[tuple[str, int], Peer] | None = None
        seconds = HEAD_SECONDS
        try:
            while True:
                async with asyncio.timeout(seconds):
                    request = await client.next()
                if not isinstance(request, h11.Request):
                    return None
                try:
                    client.most = self._admit(request)
                    if request.method == b"CONNECT":
                        return await self._tunnel(client, request)
                    host, port, path = _target(request)
                    if server is None or server[0] != (host, port) or not server[1].reusable:
                        if server is not None:
                            server[1].close()
                        server = (host, port), await self._dial(host, port)
                except _Refused as refused:
                    return await client.refuse(refused.status, MARK + refused.reason)
                await _exchange(client, server[1], for_server(request, host, port, path))
                if not client.again():
                    return None
                server[1].again()
                seconds = KEEP_SECONDS
        finally:
            if server is not None:
                server[1].close()

    def _admit(self, request: h11.Request) -> int:
        """How many bytes it may bring. Raises _Refused."""
        if len(self._tasks) > self._most:
            raise _Refused(503, "too many connections")
        sent = [value for name, value in request.headers if name == b"proxy-authorization"]
        user, password = _credentials(sent[0] if len(sent) == 1 else b"")
        if not hmac.compare_digest(password, self._password.encode()) or not user.isdigit():
            raise _Refused(407, "this proxy is the server's own")
        return int(user[:18])

    async def _dial(self, host: str, port: int) -> Peer:
        """A connection to an address that may be dialled. Raises _Refused."""
        why: str = "it has no address"
        try:
            for address in await self._egress.addresses(host, port):
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        reader, writer = await asyncio.open_connection(address, port, limit=READ_BYTES)
                except TimeoutError:
                    why = f"no answer within {CONNECT_SECONDS:g} s"
                except OSError as error:
                    why = os.strerror(error.errno) if error.errno else type(error).__name__
                else:
                    return Peer(reader, writer, h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES))
        except Forbidden as error:
            raise _Refused(403, str(error)) from None
        except (OSError, UnicodeError):
            why = "its name cannot be resolved"
        raise _Refused(502, f"{host} could not be reached: {why}")

    async def _tunnel(self, client: Peer, request: h11.Request) -> None:
        host, port = _authority(request.target.decode("latin-1"), 443)
        server = await self._dial(host, port)
        try:
            await client.send(h11.Response(status_code=200, headers=[]))
            await splice(client, server, TUNNEL_SECONDS)
        finally:
            server.close()


async def _exchange(client: Peer, server: Peer, request: h11.Request) -> None:
    """One request to the server and its answer back; the answer may come before the body is through."""
    await server.send(request)
    body = asyncio.create_task(_body(client, server))
    answer = asyncio.create_task(_answer(client, server))
    try:
        async with asyncio.timeout(STALL_SECONDS) as deadline:
            client.deadline = server.deadline = (deadline, STALL_SECONDS)
            await asyncio.wait({body, answer}, return_when=asyncio.FIRST_COMPLETED)
            if body.done() and isinstance(error := body.exception(), Broken) and error.who is client:
                raise error
            await answer
    finally:
        client.deadline = server.deadline = None
        for task in (body, answer):
            task.cancel()
        await asyncio.gather(body, answer, return_exceptions=True)


async def _body(client: Peer, server: Peer) -> None:
    if client.http.they_are_waiting_for_100_continue:
        await client.send(h11.InformationalResponse(status_code=100, headers=[]))
    while not isinstance(event := await client.next(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        await server.send(h11.Data(data=event.data))
    await server.send(h11.EndOfMessage())


async def _answer(client: Peer, server: Peer) -> None:
    size = 0
    while True:
        event = await server.next()
        if isinstance(event, h11.Response):
            await client.send(for_client(event))
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if client.most and size > client.most:
                raise Broken(server)
            await client.send(h11.Data(data=event.data))
        elif isinstance(event, h11.EndOfMessage):
            return await client.send(h11.EndOfMessage())
        elif not isinstance(event, h11.InformationalResponse):
            raise Broken(server)


def _credentials(sent: bytes) -> tuple[bytes, bytes]:
    """User and password of a Basic authorization; empty when it is none."""
    scheme, _, encoded = sent.strip().partition(b" ")
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return b"", b""
    return (user, password) if scheme.lower() == b"basic" else (b"", b"")


def _authority(text: str, default: int) -> tuple[str, int]:
    """Host and port. Raises _Refused."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or "@" in text or "/" in text:
        raise _Refused(400, "a host and a port are wanted")
    return host, default if port is None else port


def _target(request: h11.Request) -> tuple[str, int, bytes]:
    """Host, port, and the path with its query, as it was sent. Raises _Refused."""
    scheme, found, rest = request.target.decode("latin-1").partition("://")
    if scheme.lower() != "http" or not found:
        raise _Refused(400, "CONNECT, or an http URL in absolute form, is wanted")
    ends = [position for mark in "/?#" if (position := rest.find(mark)) >= 0]
    cut = min(ends, default=len(rest))
    host, port = _authority(rest[:cut], 80)
    path = rest[cut:]
    return host, port, (path if path.startswith("/") else f"/{path}").encode("latin-1")
