"""A connection through a proxy, and a look at a proxy step by step. Never a direct connection.

Where the proxy is says a `Way`, and what it names is what is dialled. The target's name goes to the proxy, which resolves it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from ..i18n import mark
from ..redact import clean
from .proxy import Fault, NoWay, ProxyUse, http_connect, socks5

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

Greet = Callable[[Streams], Awaitable[None]]
"""Raises NoWay, OSError, EOFError."""

OPEN_SECONDS: Final = 15.0
"""How long all of it may take: addresses, TCP, TLS, password, and the proxy's own way to the target."""


class Way(Protocol):
    """Which addresses of a proxy may be dialled, and whom to believe."""

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """In order. Raises NoWay, OSError, ValueError."""

    def tls(self) -> ssl.SSLContext:
        """For a proxy that is itself spoken to in TLS."""


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: address, tcp, tls, auth, connect or target. `failure`: None when it went well."""

    name: str
    milliseconds: float
    failure: NoWay | None = None

    @property
    def error(self) -> str:
        """In words, empty when it went well."""
        return str(self.failure or "")


Watch = Callable[[str, Step | None], None]
"""Told the name of a step when it begins (None), and what came of it; a wrong password turns up as `auth` in the end."""


@dataclass(slots=True)
class Probe:
    """What a look at a proxy showed; the step that failed is the last one."""

    steps: list[Step] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether there was a way through."""
        return bool(self.steps) and not self.steps[-1].error


class _Course:
    """Notes the steps, and says in words what went wrong in one. `each`: the seconds are for every step, not for all of it."""

    def __init__(
        self, proxy: ProxyUse, seconds: float, monotonic: Callable[[], float], *, each: bool = False, watch: Watch | None = None
    ) -> None:
        self.steps: list[Step] = []
        self.limit: asyncio.Timeout | None = None
        self._seconds, self._monotonic, self._each, self._watch = seconds, monotonic, each, watch
        self._where = f"{clean(proxy.host.rpartition('@')[2])}:{proxy.port}"
        self.late: NoWay = NoWay(Fault.SILENT, "")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Around one step. Raises NoWay for everything that is no bug."""
        begun = self._monotonic()
        self.late = NoWay(Fault.SILENT, _LATE[name], where=self._where, seconds=f"{self._seconds:g}")
        if self._each and self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        if self._watch is not None:
            self._watch(name, None)
        failed: NoWay | None = None
        try:
            yield
        except NoWay as error:
            failed = error
        except (OSError, EOFError, ValueError) as error:
            failed = self._fault(name, error)
        except asyncio.CancelledError:
            self._note(name, begun, self.late)
            raise
        if failed is None:
            self._note(name, begun, None)
            return
        self._note("auth" if failed.fault is Fault.CREDENTIALS else name, begun, failed)
        raise failed from None

    def _note(self, name: str, begun: float, failure: NoWay | None) -> None:
        self.steps.append(Step(name, round(max(0.0, self._monotonic() - begun) * 1000, 1), failure))
        if self._watch is not None:
            self._watch(name, self.steps[-1])

    def _fault(self, name: str, error: Exception) -> NoWay:
        if isinstance(error, ssl.SSLCertVerificationError):
            words = mark("the proxy {where} cannot prove who it is: {why}")
            if name == "target":
                words = mark("what the proxy {where} leads to cannot prove who it is: {why}")
            return NoWay(Fault.TLS, words, where=self._where, why=error.verify_message)
        if (isinstance(error, ssl.SSLError) and name != "target") or (name == "tls" and isinstance(error, OSError | EOFError)):
            return NoWay(Fault.TLS, mark("the proxy {where} does not speak TLS"), where=self._where)
        if isinstance(error, socket.gaierror) or (name == "address" and isinstance(error, OSError | ValueError)):
            return NoWay(Fault.UNREACHABLE, mark("the proxy {where} cannot be found: no such host"), where=self._where)
        if name == "tcp" and isinstance(error, OSError):
            # asyncio's own text has the address in it, in Python's writing
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or "no connection"
            return NoWay(Fault.UNREACHABLE, mark("the proxy {where} cannot be reached: {why}"), where=self._where, why=why)
        return NoWay(Fault.LOST, mark("the proxy {where} closed the connection"), where=self._where)


_LATE: Final = {
    "address": mark("the proxy {where} was not found within {seconds} seconds"),
    "tcp": mark("the proxy {where} did not accept the connection within {seconds} seconds"),
    "tls": mark("the proxy {where} did not say who it is within {seconds} seconds"),
    "auth": mark("the proxy {where} accepted the connection and did not answer within {seconds} seconds"),
    "connect": mark("the proxy {where} accepted the connection and did not answer within {seconds} seconds"),
    "target": mark("the proxy {where} carried nothing within {seconds} seconds"),
}


async def open_tunnel(
    way: Way, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Streams:  # fmt: skip
    """Streams whose other end is the target, within `seconds` in all. Raises NoWay."""
    return await _open(way, proxy, host, port, seconds, _Course(proxy, seconds, monotonic))


async def probe(
    way: Way, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *, greet: Greet | None = None,
    monotonic: Callable[[], float] = time.monotonic, each: bool = False, watch: Watch | None = None,
) -> Probe:  # fmt: skip
    """Go all the way to the target, hang up, and say how each step went. Raises nothing.

    With `greet` the target must answer as well: some proxies say that they are through before they are. `each`: every step may
    take `seconds`. `watch` is told while it runs.
    """
    course = _Course(proxy, seconds, monotonic, each=each, watch=watch)
    begun = monotonic()
    try:
        streams = await _open(way, proxy, host, port, seconds, course)
        try:
            left = seconds if each else max(0.0, seconds - (monotonic() - begun))
            async with asyncio.timeout(left) as course.limit:
                if greet is not None:
                    with course.stage("target"):
                        await greet(streams)
        finally:
            streams[1].transport.abort()
    except (NoWay, TimeoutError):
        pass  # the last step says it
    return Probe(course.steps)


async def _open(way: Way, proxy: ProxyUse, host: str, port: int, seconds: float, course: _Course) -> Streams:
    try:
        async with asyncio.timeout(seconds) as course.limit:
            connected = await _dial(way, proxy, course)
            reader, writer = await _streams(way, proxy, connected, course)
            try:
                talk = socks5 if proxy.protocol == "socks5" else http_connect
                await talk(reader, writer, proxy, host, port, course.stage)
            except BaseException:
                writer.transport.abort()
                raise
            return reader, writer
    except TimeoutError:
        raise course.late from None


async def _dial(way: Way, proxy: ProxyUse, course: _Course) -> socket.socket:
    """A TCP connection to an address of the proxy that may be dialled."""
    with course.stage("address"):
        addresses = await way.addresses(proxy.host, proxy.port)
    with course.stage("tcp"):
        failed: OSError = OSError("no address")
        for address in addresses:
            version = ipaddress.ip_address(address.partition("%")[0]).version
            connecting = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
            try:
                connecting.setblocking(False)
                connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await asyncio.get_running_loop().sock_connect(connecting, (address, proxy.port))
                return connecting
            except OSError as error:
                connecting.close()
                failed = error
            except BaseException:
                connecting.close()
                raise
        raise failed


async def _streams(way: Way, proxy: ProxyUse, connected: socket.socket, course: _Course) -> Streams:
    try:
        if proxy.protocol != "https":
            return await asyncio.open_connection(sock=connected)
        with course.stage("tls"):
            name = proxy.host.strip("[]")
            return await asyncio.open_connection(sock=connected, ssl=way.tls(), server_hostname=name)
    except BaseException:
        connected.close()
        raise
