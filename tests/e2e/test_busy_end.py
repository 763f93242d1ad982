"""SIGTERM while everything that the server talks to hangs: it ends with 0 within seconds, and the next one goes on."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.proxy import counting_proxy

from ..contract.test_webhooks import receiving
from ..pace import patient
from ..unit.backend.test_serve import Process

pytestmark = pytest.mark.long

SECONDS = 12.0
"""Three for messages under way, three for links, five for requests; a machine that is busy needs the rest."""


class Silent:
    """Takes whatever comes and never answers. `got`: how many connections."""

    def __init__(self) -> None:
        self.got = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got += 1
        self.writers.append(writer)
        await reader.read()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


async def test_it_ends_in_time_and_the_next_one_delivers(tmp_path: Path) -> None:
    hole, asked = Silent(), Silent()
    async with (
        counting_proxy() as proxy, receiving() as receiver, await asyncio.start_server(hole.handle, "127.0.0.1", 0) as server,
        await asyncio.start_server(asked.handle, "127.0.0.1", 0) as other,
    ):  # fmt: skip
        url, far = (f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in (server, other))
        body = {
            "webhookEnabled": True, "webhookURL": url, "webhookEvents": ["message.exchange"], "webhookMediaBase64": True,
            "s3Enabled": True, "s3Bucket": "media", "s3Endpoint": url, "s3AccessKey": "a", "s3SecretKey": "b",
            "proxyEnabled": True, "proxyHost": "127.0.0.1", "proxyPort": str(proxy.port), "proxyProtocol": "socks5",
            "websocketEnabled": True,
        }  # fmt: skip
        process = Process(tmp_path)

        def begin() -> None:
            process.ready()
            process.call("POST", "/api/instance/new", name="a", **body)
            process.call("GET", "/api/instance/connect/a")
            process.call("POST", "/simulator/a/scan", number="5511999990001")
            while process.call("GET", "/api/instance/list")["instances"][0]["connection"]["state"] != "connected":
                pass
            picture = base64.b64encode(b"picture" * 1000).decode()
            for sender in range(4):
                process.call("POST", "/simulator/a/message", **{"from": f"551198888000{sender}", "mediaType": "image",
                                                                "mediaBase64": picture})  # fmt: skip

        await asyncio.to_thread(begin)
        desk = {"chatwootBaseUrl": far, "chatwootAccountId": 1, "chatwootApiToken": "t", "inboxName": "x"}
        waiting = [
            asyncio.create_task(asyncio.to_thread(process.call, "POST", "/api/chatwoot/set/a", **desk)),
            asyncio.create_task(asyncio.to_thread(
                process.call, "POST", "/api/message/media/a", number="5511988880000", mediaType="image", mediaUrl=far,
            )),
        ]  # fmt: skip
        await until(lambda: asked.got >= 2 and hole.got >= 2)
        began = time.monotonic()
        assert await asyncio.to_thread(process.end) == 0
        assert time.monotonic() - began < patient(SECONDS)
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, AssertionError) and "The server is shutting down" in str(answer)
        said = process.said()
        assert "Traceback" not in said and "never retrieved" not in said, said

        again = Process(tmp_path)
        await asyncio.to_thread(again.ready)
        row = {"enabled": True, "url": receiver.url, "events": ["message.exchange"]}
        await asyncio.to_thread(again.call, "POST", "/api/events/webhook/a", **row)
        await until(lambda: len(receiver.got) == 4)
        assert all("s3Url" in got["data"]["message"]["media"] for _path, _headers, got in receiver.got)
        assert await asyncio.to_thread(again.end) == 0
        for writer in hole.writers + asked.writers:
            writer.close()
