"""A connection through an instance's proxy, and a look at one, by the rules of egress: what is checked is what is dialled."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence

from ..outside import tunnel
from ..outside.proxy import Fault, NoWay, ProxyUse
from ..outside.tunnel import OPEN_SECONDS, Greet, Probe, Step, Streams
from .egress import Egress, Forbidden
from .errors import EngineError

__all__ = ["OPEN_SECONDS", "Fault", "Probe", "Step", "Streams", "TunnelError", "open_tunnel", "probe"]


class TunnelError(EngineError):
    """There is no way through the proxy; the message says why, in words, without user name and password."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault

    @property
    def passing(self) -> bool:
        """Whether it may be well again by itself."""
        return self.fault in (Fault.UNREACHABLE, Fault.TARGET, Fault.SILENT, Fault.LOST)


class _Way:
    """Where a proxy may be dialled, as for every other address of a user."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return await self._egress.addresses(host, port)
        except Forbidden as error:
            raise NoWay(Fault.FORBIDDEN, "the proxy cannot be used: {why}", why=error) from None

    def tls(self) -> ssl.SSLContext:
        return self._egress.tls()


async def open_tunnel(
    egress: Egress, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Streams:  # fmt: skip
    """Streams whose other end is the target, within `seconds` in all. Raises TunnelError."""
    try:
        return await tunnel.open_tunnel(_Way(egress), proxy, host, port, seconds, monotonic=monotonic)
    except NoWay as error:
        raise TunnelError(error.fault, str(error)) from None


async def probe(
    egress: Egress, proxy: ProxyUse, host: str, port: int, seconds: float = OPEN_SECONDS, *,
    greet: Greet | None = None, monotonic: Callable[[], float] = time.monotonic,
) -> Probe:  # fmt: skip
    """Go all the way to the target, hang up, and say how each step went. Raises nothing. `greet` may raise EngineError."""
    asked: Greet | None = None
    if greet is not None:

        async def asked(streams: Streams) -> None:
            try:
                await greet(streams)
            except EngineError as error:
                fault = error.fault if isinstance(error, TunnelError) else Fault.LOST
                raise NoWay(fault, "{why}", why=error) from None

    return await tunnel.probe(_Way(egress), proxy, host, port, seconds, greet=asked, monotonic=monotonic)
