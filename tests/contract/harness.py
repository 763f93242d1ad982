"""A real server in this loop, on loopback, and everything that a test asks of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import websockets
from ryze_tui.backend.app import Backend
from ryze_tui.backend.server import Server
from ryze_tui.backend.settings import Settings
from websockets.asyncio.client import ClientConnection

TOKEN = "account-token-0123456789"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Api:
    """The server, and a client with the account's token."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self.server, self.http, self.url = server, http, server.url

    @property
    def backend(self) -> Backend:
        backend: Backend = self.server.app.state.backend
        return backend

    async def call(self, method: str, path: str, body: Any = None, token: str | None = TOKEN, **more: Any) -> httpx.Response:
        headers = {"token": token} if token else {}
        if body is not None:
            more["json"] = body
        return await self.http.request(method, path, headers=headers | more.pop("headers", {}), **more)

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = await self.call(method, path, body, **more)
        assert answer.status_code in (200, 201), (method, path, answer.status_code, answer.text)
        result: dict[str, Any] = answer.json()
        assert result["success"] is True
        return result

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        answer = await self.call(method, path, body, **more)
        result = answer.json()
        assert set(result) == {"success", "error"} and result["success"] is False and set(result["error"]) == {"message"}, result
        return answer.status_code, result["error"]["message"]

    async def new(self, name: str, **fields: Any) -> dict[str, Any]:
        instance: dict[str, Any] = (await self.ok("POST", "/api/instance/new", {"name": name, **fields}))["instance"]
        return instance

    async def item(self, name: str, **more: Any) -> dict[str, Any]:
        item: dict[str, Any] = (await self.ok("GET", f"/api/instance/list?instanceName={name}", **more))["instances"][0]
        return item

    async def state(self, name: str) -> str:
        state: str = (await self.item(name))["connection"]["state"]
        return state

    async def until(self, name: str, state: str) -> None:
        async with asyncio.timeout(10):
            while await self.state(name) != state:
                await asyncio.sleep(0.005)

    async def sim(self, instance: str, action: str, /, **body: Any) -> dict[str, Any]:
        return await self.ok("POST", f"/simulator/{instance}/{action}", body)

    async def paired(self, name: str, number: str = "5511999990001", **fields: Any) -> dict[str, Any]:
        instance = await self.new(name, **fields)
        await self.ok("GET", f"/api/instance/connect/{name}")
        await self.sim(name, "scan", number=number, name="Acme")
        await self.until(name, "connected")
        return instance

    @asynccontextmanager
    async def socket(self, path: str, token: str | None = TOKEN, **headers: str) -> AsyncIterator[Frames]:
        sent = ({"token": token} if token else {}) | headers
        url = self.url.replace("http", "ws", 1) + path
        async with websockets.connect(url, additional_headers=sent, max_size=None, compression=None, proxy=None) as connection:
            yield Frames(connection)

    async def no_socket(self, path: str, token: str | None = TOKEN, **headers: str) -> tuple[int, str]:
        try:
            async with self.socket(path, token, **headers):
                raise AssertionError(f"{path} was accepted")
        except websockets.InvalidStatus as error:
            body = json.loads(error.response.body)
            assert set(body) == {"success", "error"}
            return error.response.status_code, body["error"]["message"]


class Frames:
    """What a socket hears, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.headers = connection.response.headers if connection.response else {}

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        frames = [await self.next()]
        while not wanted(frames[-1]):
            frames.append(await self.next())
        return frames

    async def state(self, word: str) -> dict[str, Any]:
        """The data of the next event with that state word."""
        frames = await self.until(lambda frame: frame["data"].get("state") == word and frame["event"] == "instance.state")
        data: dict[str, Any] = frames[-1]["data"]
        return data

    async def closed(self) -> tuple[int, str]:
        """The code and reason it is closed with; what comes before is read and dropped."""
        async with asyncio.timeout(10):
            try:
                while True:
                    await self.connection.recv()
            except websockets.ConnectionClosed as error:
                assert error.rcvd is not None
                return error.rcvd.code, error.rcvd.reason


@asynccontextmanager
async def running(home: Path, **more: Any) -> AsyncIterator[Api]:
    """A server with extensions and without limits, fifty times as fast as WhatsApp, unless told otherwise."""
    defaults: dict[str, Any] = {"port": 0, "account_token": TOKEN, "rate_limit": 0, "simulator_speed": 50.0}
    settings = Settings(data_dir=home / "data", key_file=home / "key", **(defaults | more))
    server = Server(settings)
    task = asyncio.create_task(server.serve())
    await asyncio.wait({task, ready := asyncio.create_task(server.ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        ready.cancel()
        await task
    transport = httpx.AsyncHTTPTransport(verify=False)
    try:
        async with httpx.AsyncClient(base_url=server.url, transport=transport, timeout=20) as http:
            yield Api(server, http)
    finally:
        server.stop()
        await task
