"""Labels on the whatsapp engine: the library learns of them and hands nothing on, so nothing is told, and nothing breaks."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from tests.fakes.whatsapp.double import WhatsAppDouble

from .engine import on_double

pytestmark = pytest.mark.whatsapp


async def asked(wa: WhatsAppDouble, what: str) -> None:
    """Until the library wants the labels from there on."""
    async with asyncio.timeout(10):
        while not any(line.startswith("< <iq") and "name='regular'" in line and what in line for line in wa.transcript):
            await asyncio.sleep(0.01)


async def test_labels_that_change_harm_nothing_and_are_not_told(tmp_path: Path, wa: WhatsAppDouble) -> None:
    async with on_double(tmp_path, wa) as on:
        ana, device = wa.person("5511777770001", "Ana"), await on.paired(websocketEnabled=True)
        await asked(wa, "return_snapshot='true'")
        async with on.api.socket("/ws/shop") as frames:
            await device.phone.label("1", "Paid", 3)
            async with asyncio.timeout(10):
                while sum("name='regular'" in line for line in wa.transcript if line.startswith("< <iq")) < 2:
                    await asyncio.sleep(0.01)
            await device.phone.label("1", "Paid in full", 4)
            await asked(wa, "version='1'")
            await device.phone.put_label("1", ana)
            await asked(wa, "version='2'")  # so it has opened the second change, and believes it
            await ana.say(device, "still there?")
            heard = await frames.until(lambda frame: frame["event"] == "message.exchange")
        assert [frame["event"] for frame in heard] == ["message.exchange"]


def test_the_library_still_has_no_event_for_labels() -> None:
    """When this fails there is one: then `label.update` is to be told (worker/convert.py), and the README to say so."""
    found = importlib.util.find_spec("neonize")
    assert found is not None and found.origin is not None
    events = (Path(found.origin).parent / "events.py").read_text()
    assert "GroupInfoEv" in events and "label" not in events.lower()
