"""The only way out: every address that a user gives us to dial is checked here, and the address checked is the address dialled.

Link-local, metadata, multicast and reserved addresses are never dialled; loopback and private ones only where that is allowed.
A name is resolved once per connection, and the connection goes to the address that was looked at: DNS that answers differently
a moment later changes nothing. Redirects are not followed. Of an answer to `post` only the first 2 KB are kept; `request` takes
whole answers, up to a size that its caller names.
"""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpcore
import httpx

from ..outside import heads
from ..redact import clean, mask

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port -> textual addresses. Raises OSError."""

ANSWER_BYTES: Final = 2048
CONNECT_SECONDS: Final = 10.0
_KEPT_CONNECTIONS: Final = 50

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "100.100.100.200", "192.0.0.192",
        "168.63.129.16",
    )
)
"""Where clouds tell their machines' secrets; some of them stand in ranges that are otherwise merely private, or public."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
)
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")


if importlib.util.find_spec("sniffio") is None:
    # httpcore looks for it with every lock it makes; a module that is not there is searched for on the disk each time, which
    # cost more than the rest of a delivery. None says for good that it is not there (see sys.modules in Python's reference).
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


class Forbidden(Exception):
    """The address may not be dialled; the text says which and why, without what came after the host in a URL."""


class TooLarge(Exception):
    """The answer is larger than the caller wanted to have."""


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def refusal(address: Address, *, allow_private: bool) -> str:
    """Why an address may not be dialled; empty when it may."""
    address = inner(address)
    if address in _METADATA:
        return "it is a cloud's metadata address"
    if address.is_link_local:
        return "it is a link-local address"
    if address.is_multicast:
        return "it is a multicast address"
    if address.is_unspecified or (isinstance(address, ipaddress.IPv4Address) and address in _THIS_NETWORK):
        return "it is no address of any machine"
    if address.is_loopback:
        return "" if allow_private else "it is this server itself"
    if any(address in network for network in _PRIVATE if network.version == address.version):
        return "" if allow_private else "it is in a private network"
    return "" if address.is_global and not address.is_reserved else "it is a reserved address"


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """What the system says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for _family, _kind, _proto, _name, sockaddr in found))


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, and the first 2 KB as text that can be shown (masked, no control characters)."""

    status: int
    text: str
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer as it came. `content_type` as it was told, empty when it was not; `location`: where a redirect points."""

    status: int
    content: bytes = field(repr=False)
    content_type: str = ""
    location: str = field(default="", repr=False)
    retry_after: str = ""

    @property
    def media_type(self) -> str:
        """Its content type without parameters."""
        return self.content_type.partition(";")[0].strip().lower()


Parts = Sequence[tuple[str, tuple[str | None, bytes, str | None]]]
"""Parts of a multipart body: field name, and file name (None: a plain field), content, media type."""


class Egress:
    """Dials for users. One per server; `close` it."""

    def __init__(self, *, allow_private: bool, resolver: Resolver = system_resolver) -> None:
        self.allow_private = allow_private
        self._resolver = resolver
        self._client: httpx.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be dialled, in order. Raises Forbidden, OSError."""
        try:
            found: Iterable[str] = [str(ipaddress.ip_address(host.strip("[]")))]
        except ValueError:
            found = await self._resolver(host, port)
        allowed, why = [], "it has no address"
        for text in found:
            reason = refusal(ipaddress.ip_address(text.partition("%")[0]), allow_private=self.allow_private)
            if reason:
                why = reason
            else:
                allowed.append(text)
        if not allowed:
            raise Forbidden(f"{host} may not be dialled: {why}")
        return allowed

    def tls(self) -> ssl.SSLContext:
        """Whom to believe: the system's authorities, or those of SSL_CERT_FILE. Made once, it takes 20 ms and more."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def client(self) -> httpx.AsyncClient:
        """An HTTP client that can go nowhere else: checked addresses, no redirects, no environment."""
        if self._client is None:
            self._client = client_on(_Backend(self), self.tls())
        return self._client

    async def post(self, url: str, *, content: bytes, headers: dict[str, str], seconds: float) -> Reply:
        """POST, within `seconds` in all. Raises Forbidden, httpx.HTTPError, TimeoutError, OSError, httpx.InvalidURL."""
        async with asyncio.timeout(seconds):
            response = await self._posted(url, content, headers)
            try:
                kept = await _beginning(response)
            finally:
                await response.aclose()
        text = clean(mask(kept.decode("utf-8", "replace")))
        return Reply(response.status_code, text, response.headers.get("retry-after", ""))

    async def _posted(self, url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """The beginning of the answer. A kept connection that was closed meanwhile is no answer: again, on another one.

        What came after would otherwise overtake a delivery that never arrived.
        """
        for _kept in range(_KEPT_CONNECTIONS + 1):
            dialled = False

            async def note(event: str, _about: Any) -> None:
                nonlocal dialled
                dialled = dialled or event.startswith("connection.connect_tcp")

            extensions = {"trace": note}
            request = self.client().build_request("POST", url, content=content, headers=_encoded(headers), extensions=extensions)
            try:
                return await self.client().send(request, stream=True)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if dialled:
                    raise
        raise httpx.ReadError("every connection that was kept is dead")

    async def fetch(self, url: str, *, most: int, seconds: float) -> Whole:
        """GET at most `most` bytes. Raises as `request` does."""
        return await self.request("GET", url, seconds=seconds, most=most)

    async def request(
        self, method: str, url: str, *, seconds: float, most: int, headers: Mapping[str, str] | None = None, json: Any = None,
        query: Mapping[str, str] | None = None, parts: Parts | None = None,
    ) -> Whole:
        """Any request, within `seconds` in all, whose answer has at most `most` bytes; redirects are answers like any other.

        Raises TooLarge, Forbidden, httpx.HTTPError, TimeoutError, OSError, httpx.InvalidURL, ValueError.
        """
        # As it is stored: something small that unpacks to gigabytes is never unpacked.
        sent = _encoded({"Accept-Encoding": "identity"} | dict(headers or {}))
        async with asyncio.timeout(seconds):
            request = self.client().build_request(method, url, headers=sent, json=json, params=query, files=parts)
            response = await self.client().send(request, stream=True)
            try:
                content = await _whole(response, most)
            finally:
                await response.aclose()
        told = response.headers
        about = str(told.get("content-type", "")).strip()[:255]
        return Whole(response.status_code, content, about, told.get("location", ""), told.get("retry-after", ""))

    async def close(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """In UTF-8, as they were given; httpx takes ASCII only."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _beginning(response: httpx.Response) -> bytes:
    kept = b""
    async for part in response.aiter_raw():
        kept += part[: ANSWER_BYTES - len(kept)]
        if len(kept) >= ANSWER_BYTES:
            break
    return kept


async def _whole(response: httpx.Response, most: int) -> bytes:
    declared = response.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > most:
        raise TooLarge(f"the answer has {declared[:20]} bytes, {most} are taken")
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        if not len(parts) % heads.FAIR:
            await asyncio.sleep(0)
        size += len(part)
        if size > most:
            raise TooLarge(f"the answer has more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses only; TLS still names the host of the URL."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.AsyncNetworkStream:
        error: Exception | None = None
        for address in await self._egress.addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout or CONNECT_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise Forbidden("Unix sockets may not be dialled")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def client_on(network: httpcore.AsyncNetworkBackend, context: ssl.SSLContext) -> httpx.AsyncClient:
    """An HTTP client that knows no other network than this one: no redirects, no environment, no timeout of its own.

    And no cookies: it serves all accounts, and what one's receiver sets would go along with another's request.
    """
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    transport = _Transport(network, context)
    return httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False, timeout=None, cookies=jar)


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport, over a pool whose network is ours."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        counted: Any = heads.Network(network)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=200, max_keepalive_connections=_KEPT_CONNECTIONS, keepalive_expiry=30.0,
            http1=True, http2=False, network_backend=counted,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx does; from here on it is the body that comes."""
        response = await super().handle_async_request(request)
        heads.begun(response)
        return response
