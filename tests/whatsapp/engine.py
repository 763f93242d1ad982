"""A server with the whatsapp engine on the double, in this loop, and what a test asks of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ryze_tui.backend.engine.whatsapp.engine import WhatsAppEngine
from ryze_tui.backend.engine.whatsapp.make import WORKER

from tests.contract.harness import Api, running
from tests.fakes.whatsapp.device import Device
from tests.fakes.whatsapp.double import WhatsAppDouble

NUMBER = "5511999990001"


class OnDouble:
    """The server's API, and the double behind it."""

    def __init__(self, api: Api, wa: WhatsAppDouble) -> None:
        self.api, self.wa = api, wa

    @property
    def engine(self) -> WhatsAppEngine:
        engine = self.api.backend.engine
        assert isinstance(engine, WhatsAppEngine)
        return engine

    async def qr(self, name: str) -> str:
        return str((await self.api.ok("GET", f"/api/instance/connect/{name}"))["qrCode"])

    async def paired(self, name: str = "shop", number: str = NUMBER, **fields: Any) -> Device:
        await self.api.new(name, **fields)
        device = await self.wa.scan(self.wa.phone(number, "Acme"), await self.qr(name))
        await self.up(name)
        return device

    async def up(self, name: str = "shop") -> None:
        await self.api.until(name, "connected")


@asynccontextmanager
async def on_double(home: Path, wa: WhatsAppDouble, **more: Any) -> AsyncIterator[OnDouble]:
    """A server in `home` that knows no other WhatsApp than the double."""
    settings: dict[str, Any] = {"engine": "whatsapp", "worker_command": tuple(wa.command(WORKER))}
    async with running(home, **(settings | more)) as api:
        yield OnDouble(api, wa)


def worker_of(on: OnDouble, name: str = "shop") -> int:
    """The pid of its worker."""
    record = next(one for one in on.api.backend.catalog.by_id.values() if one.name == name)
    slot = on.engine.pool.slot_of(record.id)
    assert slot is not None and slot.worker is not None
    return slot.worker.pid
