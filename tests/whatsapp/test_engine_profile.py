"""The whole server with the real library on the double: who a number is, and its picture as that changes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .engine import NUMBER, OnDouble

pytestmark = pytest.mark.whatsapp


async def profile(on: OnDouble) -> dict[str, Any]:
    found: dict[str, Any] = (await on.api.item("shop"))["profile"]
    return found


async def test_who_a_number_is(on: OnDouble) -> None:
    phone = on.wa.phone(NUMBER, "Acme", business="Acme Ltd")
    phone.picture = b"the first picture"
    await on.api.new("shop")
    device = await on.wa.scan(phone, await on.qr("shop"))
    await on.up()
    async with asyncio.timeout(10):
        while not (shown := await profile(on))["pictureUrl"]:
            await asyncio.sleep(0.01)
    url = shown["pictureUrl"]
    assert url.startswith("https://pps.whatsapp.net/")
    assert shown == {"name": "Acme", "pictureUrl": url, "isBusiness": True, "businessName": "Acme Ltd"}

    await phone.show_picture(b"another picture")
    async with asyncio.timeout(10):
        while (await profile(on))["pictureUrl"] == url:
            await asyncio.sleep(0.01)
    await phone.show_picture(b"")
    async with asyncio.timeout(10):
        while (await profile(on))["pictureUrl"]:
            await asyncio.sleep(0.01)
    await phone.show_picture(b"a third picture")
    async with asyncio.timeout(10):
        while not (await profile(on))["pictureUrl"]:
            await asyncio.sleep(0.01)
    await device.removed()
    await on.api.until("shop", "loggedout")
    assert (await profile(on))["pictureUrl"] == ""


async def test_what_others_look_like_is_not_ours(on: OnDouble) -> None:
    device = await on.paired()
    async with asyncio.timeout(10):
        while not any("w:profile:picture" in line for line in on.wa.transcript):
            await asyncio.sleep(0.01)
    ana = on.wa.person("5511777770001", "Ana")
    ana.picture = b"hers"
    before = sum("w:profile:picture" in line for line in on.wa.transcript)
    await device.told_of_picture(ana)
    await on.api.ok("POST", "/api/message/text/shop", {"number": ana.number, "message": "hi"})
    await ana.heard()
    assert sum("w:profile:picture" in line for line in on.wa.transcript) == before
    assert (await profile(on))["pictureUrl"] == ""
