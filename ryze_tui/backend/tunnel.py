"""A connection through an instance's proxy, and a look at a proxy step by step. Never a direct connection.

The proxy's address is checked as every other (egress.py), and the address checked is the address dialled. The target's name
goes to the proxy, which resolves it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ..redact import clean
from .egress import Egress, Forbidden
from .engine.port import ProxyUse
from .errors import EngineError
from .tunnel_wire import Fault, TunnelError, http_connect, socks5

__all__ = ["OPEN_SECONDS", "Fault", "Probe", "Step", "Streams", "TunnelError", "open_tunnel", "probe"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

Greet = Callable[[Streams], Awaitable[None]]
"""Raises TunnelError, OSError, EOFError."""

OPEN_SECONDS: Final = 15.0
"""How long all of it may take: addresses, TCP, TLS, password, and the proxy's own way to the target."""


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: address, tcp, tls, auth, connect or target. `error`: in words, empty when it went well."""

    name: str
    milliseconds: float
    error: str = ""


@dataclass(slots=True)
class Probe:
    """What a look at a proxy showed; the step that failed is the last one."""

    steps: list[Step] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether there was a way through."""
        return bool(self.steps) and not self.steps[-1].error


class _Course:
    """Notes the steps, and says in words what went wrong in one."""

    def __init__(self, proxy: ProxyUse, seconds: float, monotonic: Callable[[], float]) -> None:
        self.steps: list[Step] = []
        self._proxy, self._seconds, self._monotonic = proxy, seconds, monotonic
        self._where = f"the proxy {clean(proxy.host.rpartition('@')[2])}:{proxy.port}"
        self.late: TunnelError = TunnelError(Fault.SILENT, "")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Around one step. Raises TunnelError for everything that is no bug."""
        begun = self._monotonic()
        self.late = TunnelError(Fault.SILENT, f"{self._where} {_LATE[name]} within {self._seconds:g} seconds")
        failed: TunnelError | None = None
        try:
            yield
        except TunnelError as error:
            failed = error
        except EngineError as error:
            failed = TunnelError(Fault.LOST, str(error))
        except (OSError, EOFError, ValueError, Forbidden) as error:
            failed = self._fault(name, error)
        except asyncio.CancelledError:
            self._note(name, begun, str(self.late))
            raise
        if failed is None:
            self._note(name, begun, "")
            return
        self._note("auth" if failed.fault is Fault.CREDENTIALS else name, begun, str(failed))
        raise failed from None

    def _note(self, name: str, begun: float, error: str) -> None:
        self.steps.append(Step(name, round(max(0.0, self._monotonic() - begun) * 1000, 1), error))

    def _fault(self, name: str, error: Exception) -> TunnelError:
        if isinstance(error, Forbidden):
            return TunnelError(Fault.FORBIDDEN, f"the proxy cannot be used: {error}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return TunnelError(Fault.TLS, f"{self._where} cannot prove who it is: {error.verify_message}")
        if isinstance(error, ssl.SSLError) or (name == "tls" and isinstance(error, OSError | EOFError)):
            return TunnelError(Fault.TLS, f"{self._where} does not speak TLS")
        if isinstance(error, socket.gaierror) or (name == "address" and isinstance(error, OSError | ValueError)):
            return TunnelError(Fault.UNREACHABLE, f"{self._where} cannot be found: no such host")
        if name == "tcp" and isinstance(error, OSError):
            return TunnelError(Fault.UNREACHABLE, f"{self._where} cannot be reached: {error.strerror or 'no connection'}")
        return TunnelError(Fault.LOST, f"{self._where} closed the connection")


_LATE: Final = {
    "address": "was not found", "tcp": "did not accept the connection", "tls": "did not say who it is",
    "auth": "accepted the connection and did not answer", "connect": "accepted the connection and did not answer",
    "target": "carried nothing",
}  # fmt: skip


async def open_tunnel(
    egress: Egress, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Streams:  # fmt: skip
    """Streams whose other end is the target, within `seconds` in all. Raises TunnelError."""
    return await _open(egress, proxy, host, port, seconds, _Course(proxy, seconds, monotonic))


async def probe(
    egress: Egress, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *,
    greet: Greet | None = None, monotonic: Callable[[], float] = time.monotonic,
) -> Probe:  # fmt: skip
    """Go all the way to the target, hang up, and say how each step went. Raises nothing.

    With `greet` the target must answer as well: some proxies say that they are through before they are.
    """
    course = _Course(proxy, seconds, monotonic)
    begun = monotonic()
    try:
        streams = await _open(egress, proxy, host, port, seconds, course)
        try:
            async with asyncio.timeout(max(0.0, seconds - (monotonic() - begun))):
                if greet is not None:
                    with course.stage("target"):
                        await greet(streams)
        finally:
            streams[1].transport.abort()
    except (TunnelError, TimeoutError):
        pass  # the last step says it
    return Probe(course.steps)


async def _open(egress: Egress, proxy: ProxyUse, host: str, port: int, seconds: float, course: _Course) -> Streams:
    try:
        async with asyncio.timeout(seconds):
            connected = await _dial(egress, proxy, course)
            reader, writer = await _streams(egress, proxy, connected, course)
            try:
                talk = socks5 if proxy.protocol == "socks5" else http_connect
                await talk(reader, writer, proxy, host, port, course.stage)
            except BaseException:
                writer.transport.abort()
                raise
            return reader, writer
    except TimeoutError:
        raise course.late from None


async def _dial(egress: Egress, proxy: ProxyUse, course: _Course) -> socket.socket:
    """A TCP connection to an address of the proxy that may be dialled."""
    with course.stage("address"):
        addresses = await egress.addresses(proxy.host, proxy.port)
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


async def _streams(egress: Egress, proxy: ProxyUse, connected: socket.socket, course: _Course) -> Streams:
    try:
        if proxy.protocol != "https":
            return await asyncio.open_connection(sock=connected)
        with course.stage("tls"):
            name = proxy.host.strip("[]")
            return await asyncio.open_connection(sock=connected, ssl=egress.tls(), server_hostname=name)
    except BaseException:
        connected.close()
        raise
