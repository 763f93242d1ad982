"""Requests and answers over HTTP: connections kept for the next, bounded bodies, one deadline, and only RyzeError comes out."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import h11

from .. import __version__
from ..api.errors import BadReply, NoAnswer, RyzeError, Unreachable
from ..i18n import _
from .http1 import Connection

CONNECT_SECONDS: Final = 10.0
"""Seconds to reach the server at all (TCP and TLS)."""
KNOCK_SECONDS: Final = 3.0
"""Seconds that a server which was away has to take a connection, before another is tried."""
USER_AGENT: Final = f"ryze-tui/{__version__}"
AT_ONCE: Final = 40
"""Connections to one server at most; other requests wait."""
KEPT: Final = 8
"""Connections that are kept for later requests."""
KEPT_SECONDS: Final = 30.0
"""How long each of them is."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one answer may cost: `seconds` in all, `silence` seconds between bytes, `most` bytes."""

    seconds: float = 20.0
    silence: float = 15.0
    most: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: header names in lower case, body decoded as UTF-8 with replacements."""

    status: int
    headers: Mapping[str, str]
    text: str


def tls_context() -> ssl.SSLContext:
    """The system's certificates, or certifi's where the system has none. About 30-140 ms: only made for https and wss."""
    context = ssl.create_default_context()
    paths: Any = ssl.get_default_verify_paths()  # typeshed knows no system without certificates
    if paths.cafile is None and paths.capath is None:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def in_words(error: BaseException, host: str) -> str:
    """Why there was no answer. Follows the chain of causes down to the system's error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return _("the certificate of {host} is not trusted: {reason}").format(host=host, reason=seen.verify_message)
        if isinstance(seen, ssl.SSLError):
            return _("no TLS connection to {host}: {reason}").format(host=host, reason=seen.reason or type(seen).__name__)
        if isinstance(seen, socket.gaierror):
            return _("the name {host} is not known").format(host=host)
        if isinstance(seen, ConnectionRefusedError):
            return _("{host} refuses connections; is the server running?").format(host=host)
        if isinstance(seen, OSError) and seen.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return _("there is no way to {host}; is the network up?").format(host=host)
        if isinstance(seen, TimeoutError):
            return _("{host} did not answer in time").format(host=host)
        seen = seen.__cause__ or seen.__context__
    return _("the connection to {host} broke").format(host=host)


class Transport:
    """Keeps the connections to one server."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.host = base.partition("://")[2].partition("/")[0]
        parts = urlsplit(base)
        self._name, self._path = parts.hostname or "", parts.path
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._kept: list[tuple[float, Connection]] = []
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tls: ssl.SSLContext | None = None

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context, made when first needed; None for http."""
        if self._tls is None and self.base.startswith("https:"):
            self._tls = tls_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    async def knock(self) -> None:
        """Open a TCP connection and close it again. Raises Unreachable."""
        try:
            async with asyncio.timeout(KNOCK_SECONDS):
                (await Connection.connect(self._name, self._port, None)).close()
        except (OSError, ValueError) as error:
            raise Unreachable(in_words(error, self.host)) from error

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], content: bytes | None, bounds: Bounds
    ) -> Answer:
        """Send one request. Raises Unreachable, NoAnswer once the connection was made, BadReply, RyzeError."""
        # identity: a compressed body could grow a thousandfold before its size is known
        always = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
        heard: list[int] = []
        try:
            always["Host"] = self._host_header()
            async with asyncio.timeout(bounds.seconds), self._room:
                connection = await self._connection()
                try:
                    await connection.send(method, self._path + path, {**always, **headers}, content)
                    answer = await self._answer(connection, bounds, heard)
                except BaseException:
                    connection.close()
                    raise
                self._keep(connection)
                return answer
        except TimeoutError as error:
            words = _("{host} began to answer, but was not done in time") if heard else _("{host} did not answer in time")
            raise NoAnswer(words.format(host=self.host)) from error
        except h11.RemoteProtocolError as error:
            words = _("{host} broke off its answer") if heard else _("{host} broke off its answer, or does not speak HTTP")
            raise NoAnswer(words.format(host=self.host)) from error
        except OSError as error:
            raise NoAnswer(in_words(error, self.host)) from error
        except (h11.LocalProtocolError, ValueError) as error:
            raise RyzeError(_("the request could not be made: {reason}").format(reason=type(error).__name__)) from error

    def _host_header(self) -> str:
        return self.host if self.host.isascii() else self.host.encode("idna").decode()

    async def _connection(self) -> Connection:
        """One that is kept, else a new one. Raises Unreachable, and ValueError for a host that cannot be a name."""
        while self._kept:
            since, connection = self._kept.pop()
            if time.monotonic() - since < KEPT_SECONDS and connection.idle:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await Connection.connect(self._name, self._port, self.tls())
        except OSError as error:
            raise Unreachable(in_words(error, self.host)) from error

    def _keep(self, connection: Connection) -> None:
        if connection.idle and len(self._kept) < KEPT:
            self._kept.append((time.monotonic(), connection))
        else:
            connection.close()

    @staticmethod
    async def _answer(connection: Connection, bounds: Bounds, heard: list[int]) -> Answer:
        head = await connection.head(bounds.silence)
        heard.append(head.status)
        if head.headers.get("content-encoding", "identity") not in ("identity", ""):
            words = _("the server compressed an answer that was asked for uncompressed; does a proxy stand before it?")
            raise BadReply(words, status=head.status)
        body = bytearray()  # parts to be joined would take twice the memory
        async for part in connection.body(bounds.silence):
            if len(body) + len(part) > bounds.most:
                words = _("the server's answer is longer than {most} MB, and was read no further").format(most=bounds.most >> 20)
                raise BadReply(words, status=head.status)
            body += part
        return Answer(head.status, head.headers, body.decode("utf-8", "replace"))

    async def close(self) -> None:
        """Close every connection that is kept."""
        kept, self._kept = self._kept, []
        for _since, connection in kept:
            connection.close()
        await asyncio.sleep(0)  # the loop lets go of their descriptors
