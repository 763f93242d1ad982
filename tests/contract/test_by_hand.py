"""A message sent by hand through the account: what the server answers comes back, and its text is in no log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ryze_tui.api.events import Event
from ryze_tui.operations.account import Account
from ryze_tui.operations.audit import audit_path
from ryze_tui.operations.messaging import receipt_of

from .harness import TOKEN, Api

NUMBER = "5511999990000"
TEXT = "a text that is nobody's business"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def test_sent_once_with_its_id_and_in_no_log(api: Api) -> None:
    await api.paired("sales")
    account = Account(api.url, TOKEN)
    try:
        posted = await account.messaging.send("sales", NUMBER, TEXT)
    finally:
        await account.close()
    assert posted.outcome.ok and posted.sent is not None and posted.sent.id and posted.sent.status == "sent"
    (call,) = account.calls
    assert call.path == "/api/message/text/sales" and "5511999990000" in call.curl and TEXT not in str(call)
    audit = audit_path().read_text()
    assert '"send"' in audit and TEXT not in audit and '"ok"' in audit


async def test_a_refusal_in_the_servers_own_words(api: Api) -> None:
    await api.new("idle")
    account = Account(api.url, TOKEN)
    try:
        posted = await account.messaging.send("idle", NUMBER, TEXT)
        gone = await account.messaging.send("nobody", NUMBER, TEXT)
        account.read_only = True
        refused = await account.messaging.send("idle", NUMBER, TEXT)
    finally:
        await account.close()
    assert posted.sent is None and posted.outcome.message == "Instance is not connected to WhatsApp"
    assert gone.sent is None and gone.outcome.message == "Instance not found"
    assert refused.sent is None and "Read-only" in refused.outcome.message and len(list(account.calls)) == 2
    assert TEXT not in audit_path().read_text() + str(list(account.calls))


async def test_a_receipt_that_the_stream_carries_is_known_by_its_id(plain: Api) -> None:
    """Against the plain contract an instance's own socket carries what its filter lets through."""
    await plain.paired("sales", websocketEnabled=True, websocketEvents=["instance.state", "message.status"])
    account, told = Account(plain.url, TOKEN), asyncio.Event()
    heard: list[Event] = []

    def on_event(event: Event, at: float) -> None:
        heard.append(event)
        told.set()

    account.on_event = on_event
    running = asyncio.create_task(account.run())
    try:
        async with asyncio.timeout(10):
            while account.link.kind != "live":
                await asyncio.sleep(0.01)
            posted = await account.messaging.send("sales", NUMBER, TEXT)
            assert posted.sent is not None
            while not any(receipt_of(event, "sales", posted.sent.id) == "delivered" for event in heard):
                told.clear()
                await told.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await account.close()
