"""An instance connected to the stand-in for Chatwoot, and a phone that only writes down what it is given to send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ryze_tui.backend.errors import ApiError
from ryze_tui.backend.integrations.chatwoot.outward import Reply
from ryze_tui.backend.record import Record

from ..fakes.chatwoot.process import Chatwoot
from .harness import Api, running

ANA, GROUP = "5511999990001@s.whatsapp.net", "120363000000000001@g.us"


def message(
    ident: str, text: str = "", *, chat: str = ANA, name: str = "Ana", direction: str = "incoming", **more: Any
) -> dict[str, Any]:
    """`data` of a message.exchange in the live layout."""
    group = chat.endswith("@g.us")
    body = {"type": "text", "content": text, "source": "", "media": None} | more
    return {
        "id": ident, "direction": direction, "timestamp": "2026-01-01T00:00:00Z",
        "chat": {"jid": chat, "lid": "", "name": "Family" if group else name, "type": "group" if group else "private"},
        "sender": {"jid": ANA if group else chat, "lid": "", "name": name}, "recipient": {}, "message": body,
    }


class Phone:
    """What was sent; `refuses`: why nothing is."""

    def __init__(self) -> None:
        self.sent: list[Reply] = []
        self.refuses = ""
        self.hangs = False

    async def __call__(self, record: Record, reply: Reply) -> str:
        if self.refuses:
            raise ApiError(400, self.refuses)
        self.sent.append(reply)
        if self.hangs:
            await asyncio.Event().wait()
        return f"SENT{len(self.sent)}"


class Bench:
    """`api` serves the instance `sales`, whose inbox is in `chatwoot`."""

    def __init__(self, api: Api, chatwoot: Chatwoot) -> None:
        self.api, self.chatwoot, self.phone = api, chatwoot, Phone()
        api.backend.chatwoot.send = self.phone

    @property
    def record(self) -> Record:
        return next(record for record in self.api.backend.catalog.by_id.values() if record.name == "sales")

    async def set(self, **more: Any) -> dict[str, Any]:
        answer = await self.api.call("POST", "/api/chatwoot/set/sales", self.chatwoot.body(**more))
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def list(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.api.call("GET", "/api/chatwoot/list/sales")).json()
        return body

    async def accept(self, *messages: dict[str, Any], content: bytes | None = None) -> None:
        for one in messages:
            assert self.api.backend.chatwoot.wants(self.record, one)
            await self.api.backend.chatwoot.accept(self.record, one, content)

    async def until(self, condition: Callable[[], object], seconds: float = 15) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.chatwoot.state}\n{self.record.blocks['chatwoot']}") from None

    async def shown(self, *texts: str) -> None:
        """These and nothing else, in this order."""
        await self.until(lambda: len(self.chatwoot.messages) >= len(texts))
        assert self.chatwoot.texts() == list(texts)

    async def replied(self, text: str = "", **more: Any) -> dict[str, Any]:
        """An agent answers in the newest conversation."""
        conversation = self.chatwoot.state["conversations"][-1]["id"]
        return await asyncio.to_thread(self.chatwoot.agent, conversation, text, **more)


@asynccontextmanager
async def benched(home: Path, chatwoot: Chatwoot, **more: Any) -> AsyncIterator[Bench]:
    async with running(home, **more) as api:
        yield Bench(api, chatwoot)


@asynccontextmanager
async def connected(home: Path, chatwoot: Chatwoot, **flags: Any) -> AsyncIterator[Bench]:
    async with benched(home, chatwoot) as bench:
        await bench.api.new("sales")
        await bench.set(**flags)
        yield bench
