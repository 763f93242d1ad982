"""Bytes in and out over HTTP with httpx: no redirects, bounded bodies, one deadline, and only RyzeError comes out."""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import socket
import ssl
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from .. import __version__, spare
from ..api.errors import BadReply, NoAnswer, RyzeError, Unreachable
from ..i18n import _

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS: Final = 10.0
"""Seconds to reach the server at all (TCP and TLS)."""
KNOCK_SECONDS: Final = 3.0
"""Seconds that a server which was away has to take a connection, before another is tried."""
USER_AGENT: Final = f"ryze-tui/{__version__}"


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


PARTS: Final = ("http.client", "http.cookiejar", "h11", "anyio", "httpcore", "anyio._backends._asyncio", "httpx")
"""What httpx imports at once, or with its first request: more than 40 ms of processor in which no key would be answered."""


async def _httpx() -> Any:
    """Import httpx on first use, part by part, and without its command line program.

    `httpx/__init__.py` imports `httpx._main`, which brings click, rich and pygments (40 ms) when they are installed; it is
    never called by the library, so an empty module stands in for it while httpx is being imported.
    """
    if "httpx" not in sys.modules and "httpx._main" not in sys.modules:
        stub = types.ModuleType("httpx._main")
        stub.__dict__["main"] = lambda: None
        sys.modules["httpx._main"] = stub
        for part in PARTS:
            importlib.import_module(part)
            await asyncio.sleep(0)
    import httpx

    return httpx


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
        if spare.is_shortage(seen):
            return spare.in_words()
        if isinstance(seen, TimeoutError):
            return _("{host} did not answer in time").format(host=host)
        seen = seen.__cause__ or seen.__context__
    return _("the connection to {host} broke").format(host=host)


def _over_counted_streams(tls: ssl.SSLContext | None) -> httpx.AsyncHTTPTransport:
    """httpx's own transport, over streams on which an answer has to begin."""
    import httpcore
    import httpx

    from ..outside.heads import Network

    made = httpx.AsyncHTTPTransport(verify=tls or False, trust_env=False)
    network: Any = Network(httpcore.AnyIOBackend())
    made._pool = httpcore.AsyncConnectionPool(
        ssl_context=tls, max_connections=40, max_keepalive_connections=8, keepalive_expiry=30, http1=True, http2=False,
        network_backend=network,
    )
    return made


class Transport:
    """Keeps the connections to one server."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.host = base.partition("://")[2].partition("/")[0]
        self._client: httpx.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context, made when first needed; None for http."""
        if self._tls is None and self.base.startswith("https:"):
            self._tls = tls_context()
        return self._tls

    async def knock(self) -> None:
        """Open a TCP connection and close it again. Raises Unreachable."""
        parts = urlsplit(self.base)
        try:
            async with asyncio.timeout(KNOCK_SECONDS):
                _reader, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
                )
        except (OSError, ValueError) as error:
            raise Unreachable(in_words(error, self.host)) from error
        writer.transport.abort()

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], content: bytes | None, bounds: Bounds
    ) -> Answer:
        """Send one request. Raises Unreachable, NoAnswer once the connection was made, BadReply, RyzeError."""
        httpx = await _httpx()
        if self._client is None:
            for noisy in ("httpx", "httpcore"):  # at INFO and DEBUG they log addresses and headers
                logging.getLogger(noisy).setLevel(logging.WARNING)
            import http.cookiejar  # httpx has brought it

            # No cookies: the contract has none, and a server that always sets new ones would fill the memory and every request.
            jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
            # No environment proxies: the sockets would not go through them, and half a console is worse than none.
            self._client = httpx.AsyncClient(
                transport=_over_counted_streams(self.tls()), timeout=None, follow_redirects=False, trust_env=False, cookies=jar
            )
        assert self._client is not None
        # identity: a compressed body could grow a thousandfold before its size is known
        all_headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity", **headers}
        heard: list[int] = []
        try:
            async with asyncio.timeout(bounds.seconds):
                request = self._client.build_request(
                    method, self.base + path, headers=all_headers, content=content,
                    timeout=httpx.Timeout(None, connect=CONNECT_SECONDS, read=bounds.silence),
                )
                return await self._exchange(self._client, request, bounds.most, heard)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(in_words(error, self.host)) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            words = _("{host} began to answer, but was not done in time") if heard else _("{host} did not answer in time")
            raise NoAnswer(words.format(host=self.host)) from error
        except httpx.RemoteProtocolError as error:
            words = _("{host} broke off its answer") if heard else _("{host} broke off its answer, or does not speak HTTP")
            raise NoAnswer(words.format(host=self.host)) from error
        except (httpx.TransportError, OSError) as error:
            raise NoAnswer(in_words(error, self.host)) from error
        except (httpx.InvalidURL, httpx.HTTPError, ValueError) as error:
            raise RyzeError(_("the request could not be made: {reason}").format(reason=type(error).__name__)) from error

    @staticmethod
    async def _exchange(client: httpx.AsyncClient, request: httpx.Request, most: int, heard: list[int]) -> Answer:
        from ..outside.heads import FAIR, begun

        body = bytearray()  # parts to be joined would take twice the memory
        response = await client.send(request, stream=True)
        heard.append(response.status_code)
        begun(response)
        try:
            if response.headers.get("content-encoding", "identity") not in ("identity", ""):
                words = _("the server compressed an answer that was asked for uncompressed; does a proxy stand before it?")
                raise BadReply(words, status=response.status_code)
            parts = 0
            async for part in response.aiter_raw():
                parts += 1
                if not parts % FAIR:
                    await asyncio.sleep(0)
                if len(body) + len(part) > most:
                    words = _("the server's answer is longer than {most} MB, and was read no further").format(most=most >> 20)
                    raise BadReply(words, status=response.status_code)
                body += part
            text = body.decode("utf-8", "replace")
            return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, text)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
