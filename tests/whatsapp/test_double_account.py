"""What the unmodified library learns from the phone that it is linked with: the account's name, and old messages."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.whatsapp.account import Old
from tests.fakes.whatsapp.double import WhatsAppDouble

from .conftest import Paired
from .plain import SECONDS, Failed, Plain

pytestmark = pytest.mark.whatsapp


async def _named(plain: Plain, name: str) -> None:
    async with asyncio.timeout(SECONDS):
        while await plain.ask("name") != name:
            await asyncio.sleep(0.01)


async def test_it_learns_its_name_and_is_seen(paired: Paired) -> None:
    plain, device = await paired()
    await plain.event("Peer")
    await _named(plain, "Shop")
    await plain.ask("presence")
    assert (await device.presence()).attrs == {"name": "Shop", "type": "available"}


async def test_without_a_name_it_is_not_seen(paired: Paired, wa: WhatsAppDouble) -> None:
    wa.greets = False
    plain, _ = await paired()
    with pytest.raises(Failed, match="PushName"):
        await plain.ask("presence")


@pytest.mark.parametrize("count", [3, 2000], ids=["in the message", "in the store"])
async def test_old_messages(paired: Paired, wa: WhatsAppDouble, count: int) -> None:
    plain, device = await paired()
    ana, bob = wa.person("5511777770001", "Ana"), wa.person("5511777770002", "Bob")
    old = [Old((ana, bob)[one % 2], f"old {one * 7919}", mine=one % 3 == 0, id=f"OLD{one}") for one in range(count)]
    sent = await device.phone.history(device, old)
    synced = (await plain.got("HistorySync"))["Data"]
    assert (synced["syncType"], len(synced["conversations"])) == ("INITIAL_BOOTSTRAP", 2)
    told = [one["message"] for one in synced["conversations"][0]["messages"]]
    assert [one["message"]["conversation"] for one in told] == [one.text for one in old if one.chat is ana]
    assert [one["key"]["fromMe"] for one in told] == [one.mine for one in old if one.chat is ana]
    assert any(method == "GET" for method, _ in wa.media.asked[1:]) is (count > 1000)
    await device.receipt(sent, "hist_sync")
