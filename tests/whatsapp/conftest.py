"""A double of WhatsApp for each test, and workers around the plain library that are killed at its end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.whatsapp.device import Device
from tests.fakes.whatsapp.double import WhatsAppDouble
from tests.fakes.whatsapp.people import Person

from .engine import OnDouble, on_double
from .plain import Plain, running

Start = Callable[..., Awaitable[Plain]]
Paired = Callable[[], Awaitable[tuple[Plain, Device]]]


@pytest.fixture
async def wa() -> AsyncIterator[WhatsAppDouble]:
    """Fails the test if a client asked what it does not know."""
    async with WhatsAppDouble() as double:
        yield double


@pytest.fixture
async def start(wa: WhatsAppDouble, tmp_path: Path) -> AsyncIterator[Start]:
    """Another worker; with the same name it has the same session."""
    async with contextlib.AsyncExitStack() as stack:

        async def one(name: str = "one", *, proxy: str | None = None) -> Plain:
            return await stack.enter_async_context(running(wa, tmp_path / name, proxy=proxy))

        yield one


@pytest.fixture
def paired(wa: WhatsAppDouble, start: Start) -> Paired:
    """A worker whose session is linked with the phone of the Shop, and online."""

    async def one() -> tuple[Plain, Device]:
        plain = await start()
        device = await wa.scan(wa.phone("5511999900001", "Shop"), await plain.qr())
        await plain.event("Connected")
        await device.online()
        return plain, device

    return one


@pytest.fixture
async def on(tmp_path: Path, wa: WhatsAppDouble) -> AsyncIterator[OnDouble]:
    """A whole server of ours on the double."""
    async with on_double(tmp_path, wa) as made:
        yield made


@pytest.fixture
def ana(wa: WhatsAppDouble) -> Person:
    """Somebody who writes."""
    return wa.person("5511777770001", "Ana")
