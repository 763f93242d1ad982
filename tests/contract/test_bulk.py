"""Giving one instance's block to many, on a real server in both modes: everything of it arrives, and nothing else changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.operations.account import Account
from ryze_tui.operations.bulk.desk import Desk, digest, incomplete, same, secrets
from ryze_tui.operations.bulk.plan import DONE, FAILED, SKIPPED, Job, Pace
from ryze_tui.operations.bulk.runner import Bulk
from ryze_tui.operations.outcome import Outcome

from tests.terminal.server import Server

FAST = Pace(starts=1000.0)
NAMES = ("a", "b", "c", "d")


@pytest.fixture(params=[True, False], ids=["stream", "plain"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Server(tmp_path / "server", extensions=request.param, rate_limit=0) as made:
        for name in NAMES:
            made.call("POST", "/api/instance/new", json={"name": name})
        yield made


@asynccontextmanager
async def desk_on(server: Server) -> AsyncIterator[Desk]:
    account = Account(server.url, server.token)
    running = asyncio.create_task(account.run())
    while not account.model.loaded:
        await asyncio.sleep(0.005)
    assert account.means is not None
    desk = Desk(account.means)
    try:
        yield desk
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        desk.close()
        await account.close()


async def applied(desk: Desk, job: Job, **typed: str) -> Bulk:
    values = await desk.values(job)
    assert not isinstance(values, Outcome), values
    assert set(incomplete(values)) == {field.name for field in secrets(job)}
    bulk = desk.start(job, desk.plan(job), {**values, **typed}, FAST)
    await bulk.run()
    return bulk


def states(bulk: Bulk) -> list[str]:
    return [entry.state for entry in bulk.entries]


async def test_settings_and_what_is_held_already_is_not_written(server: Server) -> None:
    server.call("POST", "/api/instance/settings/a", json={"ignoreGroupMessages": True, "callRejectMessage": "no"})
    server.call("POST", "/api/instance/settings/b", json={"keepOnlineStatus": True})
    server.call("POST", "/api/instance/settings/c", json={"ignoreGroupMessages": True, "callRejectMessage": "no"})
    async with desk_on(server) as desk:
        bulk = await applied(desk, Job("apply", NAMES, "settings", source="a"))
    assert states(bulk) == [SKIPPED, DONE, DONE, DONE]
    assert [entry.words for entry in bulk.entries][2] == "it held that already"
    held = [server.call("GET", f"/api/instance/getSettings/{name}")["settings"] for name in NAMES]
    assert held[1:] == held[:1] * 3


async def test_a_webhook_with_its_authorization_beside_other_labels(server: Server) -> None:
    hook = {"label": "crm", "enabled": True, "url": "https://crm.acme.com/wa", "authorization": "Bearer abc123", "byEvents": True,
            "events": ["instance.state"], "mediaBase64": False}  # fmt: skip
    other = {"label": "default", "enabled": True, "url": "https://old.acme.com", "authorization": "Bearer old"}
    server.call("POST", "/api/events/webhook/a", json=hook)
    server.call("POST", "/api/events/webhook/b", json=other)
    for label in ("default", "x", "y"):
        server.call("POST", "/api/events/webhook/d", json=dict(other, label=label))
    async with desk_on(server) as desk:
        bulk = await applied(desk, Job("apply", NAMES, "webhook", "crm", "a"))
    assert states(bulk) == [SKIPPED, DONE, DONE, FAILED]
    assert bulk.entries[3].words == "Maximum of 3 enabled webhooks reached"
    rows = {row["label"]: row for row in server.call("GET", "/api/events/getWebhook/b")["webhooks"]}
    assert rows["crm"] == hook and rows["default"]["authorization"] == "Bearer old"


async def test_a_proxy_with_the_password_that_is_typed(server: Server) -> None:
    proxy = {"enabled": True, "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana", "password": "1"}
    server.call("POST", "/api/instance/proxy/a", json=proxy)
    async with desk_on(server) as desk:
        job = Job("apply", NAMES, "proxy", source="a")
        untyped = await desk.values(job)
        assert not isinstance(untyped, Outcome)
        bulk = desk.start(job, desk.plan(job), untyped, FAST)
        await bulk.run()
        assert states(bulk) == [SKIPPED, FAILED, FAILED, FAILED]
        assert all("Type it again" in entry.words for entry in bulk.entries[1:]), "no password, and nothing of it was sent"
        assert all(not server.call("GET", f"/api/instance/getProxy/{name}")["proxy"]["enabled"] for name in "bcd")
        bulk = await applied(desk, job, password="second")
        assert states(bulk) == [SKIPPED, DONE, DONE, DONE]
        record = next((Path(desk._path or "").parent).glob("*.jsonl")).read_text()
        assert "second" not in record and "ana" not in record
    for name in "bcd":
        held = server.call("GET", f"/api/instance/getProxy/{name}")["proxy"]
        assert {key: held[key] for key in ("host", "port", "protocol", "username")} == {
            "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana"}  # fmt: skip


async def test_streaming_on_for_many(server: Server) -> None:
    server.call("POST", "/api/events/websocket/b", json={"enabled": True, "events": ["message.exchange"]})
    async with desk_on(server) as desk:
        job = Job("stream", NAMES)
        bulk = desk.start(job, desk.plan(job), None, FAST)
        await bulk.run()
    assert states(bulk) == [DONE] * 4
    held = [server.call("GET", f"/api/events/getWebsocket/{name}")["websocket"]["events"] for name in NAMES]
    assert held == [["instance.state"], ["message.exchange", "instance.state"], ["instance.state"], ["instance.state"]]


async def test_an_instance_without_that_block_gives_nothing(server: Server) -> None:
    async with desk_on(server) as desk:
        values: Any = await desk.values(Job("apply", NAMES, "webhook", "none", "a"))
        assert isinstance(values, Outcome) and "never set" in values.message


def test_a_changed_source_is_noticed_and_no_secret_is_in_what_tells_it() -> None:
    job = Job("apply", ("b",), "proxy", source="a")
    values = {"enabled": True, "host": "h", "port": "1", "protocol": "http", "username": "u", "password": "p1"}
    kept = digest(job, values)
    assert same(job, kept, values | {"password": "p2"}) and not same(job, kept, values | {"host": "i"})
