"""Read-only: every write that the client knows, through everything that may send it; none may be forgotten."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.errors import Refused, RyzeError
from ryze_tui.api.wire import Wire
from ryze_tui.client.http import RyzeClient
from ryze_tui.operations.account import Account
from ryze_tui.operations.ascode.applying import Apply
from ryze_tui.operations.ascode.document import read
from ryze_tui.operations.ascode.holding import Holding
from ryze_tui.operations.ascode.known import Known
from ryze_tui.operations.ascode.planning import Planner
from ryze_tui.operations.audit import audit_path
from ryze_tui.operations.bulk.deeds import Deeds
from ryze_tui.operations.bulk.plan import ACTIONS, Job
from ryze_tui.operations.configuring import Configuring, Held
from ryze_tui.operations.messaging import Messaging
from ryze_tui.operations.outcome import Outcome
from ryze_tui.operations.pairing import PairingSession

from .harness import TOKEN, Api

READS = {
    "knock", "health", "list_text", "item", "stream_block", "block", "webhooks", "deliveries", "metrics", "own_profile",
    "acting_as", "be_patient", "patience", "close",
}  # fmt: skip
WRITES = {
    "create", "connect", "reconnect", "logout", "delete", "set_stream", "set_block", "try_block", "redeliver", "remove_chatwoot",
    "send_text", "simulate",
}  # fmt: skip
"""Of the client. A method that is new belongs to one of the two, and a write into a deed below."""

CHATWOOT = {
    "enabled": True, "chatwootBaseUrl": "http://127.0.0.1:9", "chatwootAccountId": "1", "chatwootApiToken": "token-0123456789",
    "inboxName": "x", "signMessages": False, "ignoreGroups": False,
}  # fmt: skip
"""As if it held one: to have one takes a Chatwoot."""
Deed = Callable[[Account], Awaitable[object]]


async def _save(account: Account, kind: str, field: str, value: object) -> object:
    configuring = account.configuring
    assert configuring is not None
    held = await configuring.read(kind, "one")
    assert isinstance(held, Held)
    edit = configuring.edit(kind, held)
    edit.set(field, value)
    return await configuring.save("one", edit, held)


async def _bulk(account: Account, action: str) -> object:
    assert account.means is not None
    job = Job(action, ("one",), kind="settings" if action == "apply" else "", source="two" if action == "apply" else "")
    return await Deeds(account.means, job, {"keepOnlineStatus": True}).do("one")


async def _as_code(account: Account) -> object:
    means, known = account.means, Known(account.url, TOKEN)
    assert means is not None
    text = "version: 1\ninstances:\n  one:\n    settings: {keepOnlineStatus: true}\n  of-the-file: {}\n"
    planner = Planner(read(None, text), known, lambda: True)
    rows = {name: row.item for name, row in account.model.rows.items()}
    held: Any = await Holding(means).all(["one"])
    items = planner.plan(held, rows)
    return await Apply(account, means, planner, known, items).run()


DEEDS: dict[str, Deed] = {
    "Account.create": lambda account: account.create("three"),
    "Account.reconnect": lambda account: account.reconnect("one"),
    "Account.logout": lambda account: account.logout("one"),
    "Account.delete": lambda account: account.delete("one"),
    "Account.stream_on": lambda account: account.stream_on("one"),
    "Account.simulate": lambda account: account.simulate("one", "drop"),
    "Account.send_text": lambda account: account.send_text("one", "5511999990001", "x"),
    "Account.pair": lambda account: account.pair("one").run(),
    "PairingSession.run": lambda account: account.pair("one", "+55 11 99999-0001").run(),
    "PairingSession.renew": lambda account: account.pair("one").renew(),
    "Messaging.send": lambda account: account.messaging.send("one", "5511999990001", "x"),
    "Configuring.save": lambda account: _save(account, "settings", "keepOnlineStatus", True),
    "Configuring.save chatwoot": lambda account: _save(account, "chatwoot", "enabled", False),
    "Configuring.try_block": lambda account: account.configuring.try_block("webhook", "one", {}),  # type: ignore[union-attr]
    "Configuring.redeliver": lambda account: account.configuring.redeliver("one", "abc"),  # type: ignore[union-attr]
    **{f"Deeds.do {action}": (lambda account, action=action: _bulk(account, action)) for action in ACTIONS},
    "Apply": _as_code,
}
LOOKS = {
    Account: {
        "bring_back", "be_patient", "bulk_left", "check", "ask_health", "close", "configuring", "confirm_state", "covers",
        "hurry",
        "link", "look", "may", "means", "messaging", "now", "prefer", "recall", "refresh", "run", "server",
    },
    Configuring: {"read", "edit", "tries", "stream", "deliveries"},
    Messaging: set(),
    PairingSession: {"view", "cancel", "heard", "row_changed"},
    Deeds: {"word", "own_tokens", "pause", "done_already"},
}  # fmt: skip
"""What changes nothing on the server, or leads to what is asked above."""


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_every_method_is_one_or_the_other() -> None:
    methods = {name for name, _ in inspect.getmembers(RyzeClient, inspect.isfunction) if not name.startswith("_")}
    assert methods - READS - WRITES == set() and methods >= WRITES
    for kind, looks in LOOKS.items():
        asked = {name.partition(".")[2].partition(" ")[0] for name in DEEDS if name.startswith(f"{kind.__name__}.")}
        assert public(kind) == asked | looks, kind


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Every write that came as far as the client, where it was refused."""
    for name in ("DATA", "STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    made: list[str] = []

    def held_up(name: str) -> Callable[..., Awaitable[object]]:
        async def write(*_arguments: object, **_more: object) -> object:
            made.append(name)
            raise Refused("held up by the test", status=400)

        return write

    for name in WRITES:
        monkeypatch.setattr(RyzeClient, name, held_up(name))
    block = RyzeClient.block

    async def told(client: RyzeClient, wire: Wire, name: str) -> dict[str, Any] | None:
        return dict(CHATWOOT) if wire.kind == "chatwoot" else await block(client, wire, name)

    monkeypatch.setattr(RyzeClient, "block", told)
    yield made


@asynccontextmanager
async def opened(api: Api, *, read_only: bool) -> Any:
    await api.paired("one")
    await api.new("two")
    account = Account(api.url, TOKEN, read_only=read_only)
    running = asyncio.create_task(account.run())
    while account.link.kind != "live":
        await asyncio.sleep(0.005)
    try:
        yield account
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await account.close()


def words(result: object) -> str:
    for name in ("outcome", "message"):
        result = getattr(result, name, result)
    return str(getattr(result, "message", result))


async def test_every_deed_is_refused_with_the_reason(api: Api, sent: list[str]) -> None:
    async with opened(api, read_only=True) as account:
        for name, deed in DEEDS.items():
            try:
                result = await deed(account)
            except RyzeError as error:
                result = error
            if name == "Account.send_text":
                result = result[0]  # type: ignore[index]
            if name != "Apply":  # which keeps what came of it in its entries
                assert "Read-only" in words(result), (name, result)
                assert not (isinstance(result, Outcome) and result.ok)
            assert sent == [], name
        before = [call.method for call in account.calls]
        assert set(before) == {"GET"}
    assert not audit_path().exists()


async def test_these_deeds_are_every_write_there_is(api: Api, sent: list[str]) -> None:
    async with opened(api, read_only=False) as account:
        for deed in DEEDS.values():
            with suppress(RyzeError):
                await deed(account)
    assert set(sent) == WRITES
