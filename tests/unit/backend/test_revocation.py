"""What a dead token leaves behind on the bus and on sockets: nothing, even when the client does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ryze_tui.backend.events import sockets
from ryze_tui.backend.events.bus import Bus
from ryze_tui.backend.events.sockets import Socket
from ryze_tui.backend.record import Record
from starlette.websockets import WebSocketState

from .fakes import ACCOUNT, START, Hearer

WEBSOCKET = {"enabled": True, "events": [], "mediaBase64": False}


def record(name: str, account: str = ACCOUNT) -> Record:
    return Record(id=f"id-{name}", account=account, name=name, token="t", created_at=START, updated_at=START, since=START,
                  blocks={"websocket": WEBSOCKET})  # fmt: skip


def test_only_what_the_token_opened_is_closed_and_its_places_are_free_at_once() -> None:
    bus = Bus(epoch="e", ring_size=10, extensions=True)
    mine, theirs = record("mine"), record("theirs", "another")
    hearers = {name: Hearer() for name in ("stream", "by account", "by instance", "their stream", "theirs")}
    bus.follow_account(ACCOUNT, hearers["stream"], events=None, after="", records=[])
    bus.follow_instance(mine, hearers["by account"], "digest")
    bus.follow_instance(mine, hearers["by instance"], mine.id)
    bus.follow_account("another", hearers["their stream"], events=None, after="", records=[])
    bus.follow_instance(theirs, hearers["theirs"], "digest of another")
    bus.revoke(ACCOUNT, "digest")
    closed = {name for name, hearer in hearers.items() if hearer.closed == (1008, "token revoked")}
    assert closed == {"stream", "by account"}
    assert not [name for name, hearer in hearers.items() if hearer.closed and name not in closed]
    assert (bus.listeners_of_account(ACCOUNT), bus.listeners_of_instance(mine)) == (0, 1), "one that hangs takes no place"
    assert (bus.listeners_of_account("another"), bus.listeners_of_instance(theirs)) == (1, 1)
    before = {name: len(hearer.frames) for name, hearer in hearers.items()}
    bus.publish(mine, "instance.state", {"state": "connected"})
    heard = {name for name, hearer in hearers.items() if len(hearer.frames) > before[name]}
    assert heard == {"by instance"}
    bus.leave_account(ACCOUNT, hearers["stream"])
    bus.leave_instance(mine, hearers["by account"])


class Stuck:
    """A client that reads nothing: whatever is sent to it waits for ever. `at` says from which message on."""

    application_state = WebSocketState.CONNECTED

    def __init__(self, at: str) -> None:
        self._at = at

    async def receive(self) -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def send_text(self, text: str) -> None:
        if self._at == "text":
            await asyncio.get_running_loop().create_future()

    async def close(self, code: int, reason: str) -> None:
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("at", ["text", "close"])
async def test_a_client_that_does_not_read_does_not_keep_its_socket(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ABANDON_SECONDS", 0.02)
    stuck: Any = Stuck(at)
    socket = Socket(stuck, max_frames=10)
    running = asyncio.create_task(socket.run())
    await asyncio.sleep(0)
    socket.push("a frame")
    socket.close(1008, "token revoked")
    async with asyncio.timeout(5):
        await running
