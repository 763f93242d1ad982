"""kill -9 while messages come and go: what was acknowledged is counted, once, and reaches the webhook."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..contract.test_webhooks import receiving
from ..terminal.server import Server

KILLS = 4
CHATS = 6


class Talk:
    """People who write, and a program that answers, until the server is gone. `acknowledged`: ids of messages that got a 200."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.acknowledged: list[str] = []

    async def run(self, chat: int) -> None:
        number = f"55119888800{chat:02}"
        try:
            while True:
                told = {"from": number, "text": "Hi"}
                await self._one("/simulator/a/message", told)
                await self._one("/api/message/text/a", {"number": number, "message": "Hello"})
        except httpx.HTTPError:
            return

    async def _one(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        self.acknowledged.append(answer.json()["messageId"])


async def connected(server: Server) -> None:
    async with asyncio.timeout(20):
        while server.states().get("a") != "connected":
            await asyncio.sleep(0.02)


@pytest.mark.long
async def test_no_acknowledged_message_is_lost(tmp_path: Path) -> None:
    rng, acknowledged = random.Random(5), list[str]()
    server = Server(tmp_path, speed=50.0, rate_limit=0)
    async with receiving() as receiver:
        with server:
            server.create("a", webhookEnabled=True, webhookURL=receiver.url, webhookEvents=["message.exchange"])
            server.call("GET", "/api/instance/connect/a")
            server.simulate("a", "scan")
            await connected(server)
            for _ in range(KILLS):
                headers = {"token": server.token}
                async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30, trust_env=False) as http:
                    talk = Talk(http)
                    tasks = [asyncio.create_task(talk.run(chat)) for chat in range(CHATS)]
                    enough = rng.randrange(20, 60)
                    async with asyncio.timeout(60):
                        while len(talk.acknowledged) < enough and not any(task.done() for task in tasks):
                            await asyncio.sleep(0.002)
                        server.process.send_signal(signal.SIGKILL)
                        await asyncio.gather(*tasks)
                acknowledged += talk.acknowledged
                await asyncio.to_thread(server.process.wait, 20)
                server.http.close()
                await asyncio.to_thread(server.start)
                await connected(server)

            def got() -> Counter[str]:
                return Counter(body["data"]["id"] for body in receiver.of("message.exchange"))

            async with asyncio.timeout(30):
                while set(acknowledged) - set(got()):
                    await asyncio.sleep(0.05)
            metrics = server.call("GET", "/api/instance/metrics/a")["metrics"]
            assert metrics["uniqueChats"] == CHATS
            assert len(acknowledged) == len(set(acknowledged)) <= metrics["totalMessages"] <= len(acknowledged) + KILLS * CHATS
            assert metrics["totalMessages"] == len(got()), "what is counted is what was delivered: they are one commit"
