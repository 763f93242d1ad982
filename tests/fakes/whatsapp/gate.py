"""How clients get to the double: a proxy that leads every host of WhatsApp to its TLS servers, and nothing anywhere else."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from ..authority import Authority
from ..proxy import CountingProxy

CHAT: Final = "web.whatsapp.com"


class Gate(CountingProxy):
    """HTTP CONNECT and SOCKS5 on one port. `foreign`: what was asked for and is not WhatsApp's; it gets 502."""

    def __init__(self, username: str = "", password: str = "") -> None:
        super().__init__(username, password)
        self.chat_port = self.media_port = 0
        self.foreign: list[tuple[str, int]] = []

    async def _dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if (host, port) == ("127.0.0.1", self.port):
            # by SOCKS5 whatsmeow dials the HTTPS_PROXY of its environment, which is this proxy again
            return await super()._dial(host, port)
        if not (host.endswith((".whatsapp.com", ".whatsapp.net")) and port == 443):
            self.asked.append((host, port))
            self.foreign.append((host, port))
            return None
        self.resolves[host] = ("127.0.0.1", self.chat_port if host == CHAT else self.media_port)
        return await super()._dial(host, port)


def any_name(authority: Authority) -> ssl.SSLContext:
    """A server's context that shows a certificate for whatever name the client asks for."""
    contexts: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> None:
        wanted = name or CHAT
        if wanted not in contexts:
            contexts[wanted] = authority.server(wanted)
        connection.context = contexts[wanted]

    first = authority.server(CHAT)
    contexts[CHAT] = first
    first.sni_callback = choose  # type: ignore[assignment]
    return first
