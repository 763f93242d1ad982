"""A proxy from this machine: its address, TCP, TLS where it is one, password, the way to WhatsApp, and a TLS greeting there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..i18n import _
from ..outside import tunnel
from ..outside.proxy import ProxyUse
from ..outside.tunnel import Streams
from .steps import BAD, GOOD, SECONDS, Step, timed
from .trial import running, title


@dataclass(frozen=True, slots=True)
class Target:
    """What the proxy is asked for; it has to prove in TLS who it is."""

    host: str
    port: int


WHATSAPP: Final = Target("web.whatsapp.com", 443)


class _Way:
    """As this machine's resolver has it."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext | None = None

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(sockaddr[0]) for _family, _kind, _proto, _name, sockaddr in found))

    def tls(self) -> ssl.SSLContext:
        from ..client.transport import tls_context

        self._tls = self._tls or tls_context()
        return self._tls


async def steps(body: dict[str, Any], seconds: float = SECONDS, target: Target = WHATSAPP) -> AsyncGenerator[Step, None]:
    """Each step as it begins and as it ends; the first that fails is the last."""
    username, password = str(body.get("username") or ""), str(body.get("password") or "")
    use = ProxyUse(str(body["protocol"]), str(body["host"]), int(body["port"]), username, password)
    told: asyncio.Queue[Step | None] = asyncio.Queue()
    way = _Way()

    def watch(name: str, step: tunnel.Step | None) -> None:
        told.put_nowait(running(name) if step is None else _shown(step))

    async def greet(streams: Streams) -> None:
        await streams[1].start_tls(way.tls(), server_hostname=target.host)

    async def look() -> None:
        try:
            await tunnel.probe(way, use, target.host, target.port, seconds, greet=greet, each=True, watch=watch)
        finally:
            told.put_nowait(None)

    looking = asyncio.create_task(look(), name="probe a proxy")
    try:
        while (step := await told.get()) is not None:
            yield step
        await looking
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


def _shown(step: tunnel.Step) -> Step:
    words = step.failure.said(_) if step.failure is not None else ""
    return Step(title(step.name), BAD if words else GOOD, timed(step.milliseconds / 1000, words), step.name)
