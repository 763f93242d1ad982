"""The life of an instance, told twice: by virtual phones and by the real library on the double. The same answers and events.

Each story is written once. What it leaves behind is a list of what the API answered and what was told, in which times, tokens and
codes are replaced by words; the two lists are equal.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.contract.harness import STAMP, Api, Frames, running
from tests.fakes.whatsapp.device import Device
from tests.fakes.whatsapp.double import WhatsAppDouble

from .engine import NUMBER, on_double

pytestmark = pytest.mark.whatsapp
ANA = "5511777770001"
_WORDS = (
    (re.compile(r"https://wa\.me/\S+"), "QR"), (re.compile(r"data:image/png;base64,\S+"), "PNG"), (STAMP, "TIME"),
    (re.compile(r"3EB0[0-9A-F]{18,20}"), "ID"),
)  # fmt: skip
_LEFT_OUT = frozenset({
    "token", "id", "callId", "fromLid", "codeSeconds", "instanceData", "seq", "createdAt", "updatedAt", "epoch",
})  # fmt: skip


def plain(value: Any, name: str = "") -> Any:
    """Without what differs each time."""
    if isinstance(value, dict) and value.keys() >= {"jid", "lid", "name"}:
        return plain({key: one for key, one in value.items() if key not in ("lid", "name")})  # virtual people have neither
    if isinstance(value, dict):
        return {key: plain(one, key) for key, one in sorted(value.items()) if key not in _LEFT_OUT}
    if name == "codes":
        return ["QR"]  # WhatsApp's come all at once, the library hands them out one by one
    if name == "pairingCode":
        return "CODE" if re.fullmatch(r"[1-9A-Z]{8}", value.replace("-", "")) else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str):
        for pattern, word in _WORDS:
            value = pattern.sub(word, value)
    return value


class Phones(Protocol):
    """What people and WhatsApp do to the instance `a`."""

    async def scan(self, text: str) -> None: ...
    async def enter(self, code: str) -> None: ...
    async def unlink(self) -> None: ...
    async def ban(self) -> None: ...
    async def pardon(self) -> None: ...
    async def drop(self) -> None: ...
    async def write(self, text: str) -> None: ...
    async def ring(self) -> None: ...


class Virtual:
    def __init__(self, api: Api) -> None:
        self.api = api

    async def scan(self, text: str) -> None:
        await self.api.sim("a", "scan", number=NUMBER, name="Acme", code=text)

    async def enter(self, code: str) -> None:
        await self.api.sim("a", "enter-code", code=code, name="Acme")

    async def unlink(self) -> None:
        await self.api.sim("a", "unlink")

    async def ban(self) -> None:
        await self.api.sim("a", "ban", seconds=3600 * 50, code=101)

    async def pardon(self) -> None:
        from ryze_tui.backend.engine.simulated.engine import SimulatedEngine

        engine = self.api.backend.engine
        assert isinstance(engine, SimulatedEngine)
        for link in engine.links.values():
            assert link.session is not None
            link.session.banned_until = 0.0

    async def drop(self) -> None:
        await self.api.sim("a", "drop", seconds=5)

    async def write(self, text: str) -> None:
        await self.api.sim("a", "message", **{"from": ANA, "text": text})

    async def ring(self) -> None:
        await self.api.sim("a", "call", **{"from": ANA})


class Double:
    def __init__(self, wa: WhatsAppDouble) -> None:
        self.wa, self.phone, self.ana = wa, wa.phone(NUMBER, "Acme"), wa.person(ANA)
        self.device: Device

    async def scan(self, text: str) -> None:
        self.device = await self.wa.scan(self.phone, text)

    async def enter(self, code: str) -> None:
        self.device = await self.wa.enter_code(self.phone, code)

    async def unlink(self) -> None:
        await self.device.removed()

    async def ban(self) -> None:
        await self.device.fail(402, code=101, expire=3600)

    async def pardon(self) -> None:
        self.device.refusal = None

    async def drop(self) -> None:
        self.device.drop()

    async def write(self, text: str) -> None:
        await self.ana.say(self.device, text)

    async def ring(self) -> None:
        await self.ana.call(self.device)


class Story:
    """What happened, as far as the API says."""

    def __init__(self, api: Api, phones: Phones, frames: Frames) -> None:
        self.api, self.phones, self._frames = api, phones, frames
        self.told: list[Any] = []
        self.last: dict[str, Any] = {}

    async def asks(self, method: str, path: str, body: Any = None) -> None:
        answer = await self.api.call(method, path, body)
        self.last = answer.json()
        self.told.append((method, path, answer.status_code, plain(self.last)))

    async def hears(self, event: str, *, only: bool = False) -> None:
        """Everything up to a state's word, a kind of call, or another event; `only`: that one, whatever came before."""

        def fits(frame: dict[str, Any]) -> bool:
            return event in (frame["event"], frame["data"].get("state"), frame["data"].get("type"))

        frames = await self._frames.until(fits)
        for frame in frames[-1:] if only else frames:
            self.told.append((frame["event"], plain(frame["data"])))

    async def looks(self) -> None:
        item = await self.api.item("a")
        item["connection"] = {key: value for key, value in item["connection"].items() if key != "displayStatus"}
        self.told.append(("row", plain(item)))

    async def pairs(self) -> None:
        await self.asks("GET", "/api/instance/connect/a")
        await self.hears("qr_ready")
        await self.phones.scan(self.last["qrCode"])
        await self.hears("connected")


async def pairing_by_qr(story: Story) -> None:
    await story.asks("POST", "/api/instance/reconnect/a")
    await story.looks()
    await story.pairs()
    await story.looks()
    await story.asks("GET", "/api/instance/connect/a")


async def pairing_by_code(story: Story) -> None:
    await story.asks("GET", f"/api/instance/connect/a?number={NUMBER}")
    await story.hears("qr_ready")
    await story.looks()
    await story.phones.enter(story.last["pairingCode"])
    await story.hears("connected")
    await story.looks()


async def a_pairing_replaced(story: Story) -> None:
    await story.asks("GET", "/api/instance/connect/a")
    await story.hears("qr_ready")
    await story.pairs()
    await story.looks()


async def reconnecting_and_logging_out(story: Story) -> None:
    await story.pairs()
    await story.asks("POST", "/api/instance/reconnect/a")
    await story.hears("connected")
    await story.asks("DELETE", "/api/instance/logout/a")
    await story.hears("logged_out")
    await story.looks()
    await story.asks("DELETE", "/api/instance/logout/a")
    await story.asks("POST", "/api/instance/reconnect/a")
    await story.pairs()
    await story.asks("DELETE", "/api/instance/delete/a")
    await story.asks("GET", "/api/instance/connect/a")


async def unlinked_on_the_phone(story: Story) -> None:
    await story.pairs()
    await story.phones.unlink()
    await story.hears("logged_out")
    await story.looks()
    await story.asks("POST", "/api/instance/reconnect/a")
    await story.pairs()


async def banned_for_a_while(story: Story) -> None:
    await story.pairs()
    await story.phones.ban()
    await story.hears("temp_banned", only=True)  # the real one comes at the next login, so the line is lost before
    await story.looks()
    await story.asks("POST", "/api/message/text/a", {"number": ANA, "message": "hi"})
    await story.phones.pardon()
    await story.asks("POST", "/api/instance/reconnect/a")
    await story.hears("connected")
    await story.looks()


async def a_line_that_breaks(story: Story) -> None:
    await story.pairs()
    await story.phones.drop()
    await story.hears("connected")
    await story.looks()


async def people(story: Story) -> None:
    await story.pairs()
    await story.phones.write("Olá")
    await story.hears("message.exchange")
    await story.phones.ring()
    await story.hears("call.update")
    await story.asks("POST", "/api/message/text/a", {"number": ANA, "message": "an answer", "source": "crm"})
    await story.hears("message.exchange")


async def a_call_that_is_rejected(story: Story) -> None:
    await story.pairs()
    await story.asks("POST", "/api/instance/settings/a", {"autoRejectCalls": True})
    await story.phones.ring()
    await story.hears("rejected")


STORIES: list[Callable[[Story], Awaitable[None]]] = [
    pairing_by_qr, pairing_by_code, a_pairing_replaced, reconnecting_and_logging_out, unlinked_on_the_phone, banned_for_a_while,
    a_line_that_breaks, people, a_call_that_is_rejected,
]  # fmt: skip


@asynccontextmanager
async def _told(api: Api, phones: Phones) -> AsyncIterator[Story]:
    await api.new("a", websocketEnabled=True)
    async with api.socket("/ws/a") as frames:
        yield Story(api, phones, frames)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_both_engines_tell_the_same(tmp_path: Path, wa: WhatsAppDouble, story: Callable[[Story], Awaitable[None]]) -> None:
    async with running(tmp_path / "one") as api, _told(api, Virtual(api)) as simulated:
        await story(simulated)
    async with on_double(tmp_path / "two", wa) as on, _told(on.api, Double(wa)) as real:
        await story(real)
    assert real.told == simulated.told
