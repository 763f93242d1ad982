"""What stands below the real RyzeClient and Dialler: budgets, 429s, replies and frames are read by the program itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ryze_tui.api.errors import NoAnswer, Unreachable
from ryze_tui.client.http import RyzeClient
from ryze_tui.client.stream import OPEN_SECONDS, Dialler, Socket, WebSocket
from ryze_tui.client.transport import KNOCK_SECONDS, Answer, Bounds

from .connection import Connection
from .server import PERSON, Server, bucket_of


class Wire:
    """In place of `client.transport.Transport`."""

    def __init__(self, server: Server, base: str) -> None:
        self.server, self.base, self.host = server, base, "simulated"

    async def knock(self) -> None:
        """A connection is taken, refused, or lost in a hole."""
        try:
            async with asyncio.timeout(KNOCK_SECONDS):
                await self.server.travel(self.server.run)
        except TimeoutError as error:
            raise Unreachable("the server did not answer in time") from error

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], content: bytes | None, bounds: Bounds
    ) -> Answer:
        server, token = self.server, headers.get("token", "")
        if token:
            server.sent(token, path)
        else:
            server.healths += 1
        if path.startswith("/api/instance/list"):
            server.lists.append((server.now, PERSON.get(), "?" not in path))
        run = server.run
        try:
            async with asyncio.timeout(bounds.seconds):
                await server.travel(run)
                status, told, text = server.answer(method, path, token, content)
                await server.travel(run)
        except TimeoutError as error:
            server.trouble.append(server.now)
            raise NoAnswer("the server did not answer in time") from error
        except Unreachable:
            server.trouble.append(server.now)
            raise
        if status >= 400:
            server.trouble.append(server.now)
        refused(server, token, path, status, told)
        return Answer(status, told, text)

    async def close(self) -> None:
        """Nothing to close."""


def refused(server: Server, token: str, path: str, status: int, told: Mapping[str, str]) -> None:
    """We know of a 429 from now on: nothing may be sent before the time that it names."""
    if status == 429 and token and "retry-after" in told:
        server.quiet_until[token, bucket_of(path)] = server.now + float(told["retry-after"])


class Dials(Dialler):
    """The real dialler over the simulated network."""

    server: Server

    async def _open(self, path: str, token: str) -> Socket:
        server = self.server
        server.dials += 1
        server.sent(token, path)
        run = server.run
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await server.travel(run)
                if server.no_upgrade:
                    raise Unreachable("the server does not speak WebSocket here")
                made = server.upgrade(path, token)
                await server.travel(run)
        except TimeoutError as error:
            raise Unreachable("the server did not answer in time") from error
        if isinstance(made, Connection):
            return WebSocket(made)
        status, headers, text = made
        refused(server, token, path, status, headers)
        raw = SimpleNamespace(raw_items=headers.items)
        raise self._refusal(SimpleNamespace(status_code=status, body=text.encode(), headers=raw))


def client_of(server: Server) -> Any:
    """A maker with RyzeClient's signature."""

    def make(url: str, token: str, **options: Any) -> RyzeClient:
        client = RyzeClient(url, token, **options)
        client.transport = Wire(server, client.base)  # type: ignore[assignment]
        return client

    return make


def dialler_of(server: Server) -> Any:
    """A maker with Dialler's signature."""

    def make(client: RyzeClient) -> Dials:
        dials = Dials(client)
        dials.server = server
        return dials

    return make
