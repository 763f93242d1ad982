"""A file applied to a real server in both modes: one run at a time; what fails everywhere stops it, and the rest is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ryze_tui.operations.account import Account
from ryze_tui.operations.ascode.applying import Apply
from ryze_tui.operations.ascode.document import read
from ryze_tui.operations.ascode.holding import Holding
from ryze_tui.operations.ascode.known import Known
from ryze_tui.operations.ascode.planning import Planner
from ryze_tui.operations.bulk.plan import DONE, FAILED, WAITING
from ryze_tui.operations.bulk.record import RecordError
from ryze_tui.operations.outcome import Outcome

from tests.terminal.proxy import Proxy
from tests.terminal.server import Server

NAMES = tuple("abcdef")
TEXT = "version: 1\nx-all: &all\n  settings: {ignoreStatus: true}\n  stream: {enabled: true, events: [call.update]}\ninstances:\n"


@pytest.fixture(params=[True, False], ids=["stream", "plain"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Server(tmp_path / "server", extensions=request.param, rate_limit=0) as made:
        for name in NAMES[1:]:
            made.create(name)
        yield made


@asynccontextmanager
async def planned(url: str, token: str, text: str) -> AsyncIterator[Apply]:
    account = Account(url, token)
    try:
        account.be_patient()
        await account.ask_health()
        assert (await account.refresh()).ok and account.means is not None
        means, known = account.means, Known(url, token)
        planner = Planner(read(None, text), known, means.keeps_secrets)
        rows = {name: row.item for name, row in account.model.rows.items()}
        read_so_far: list[int] = []
        held = await Holding(means).all(rows, read_so_far.append)
        assert read_so_far == list(range(1, len(rows) + 1))
        blocks = {name: one for name, one in held.items() if not isinstance(one, Outcome)}
        assert len(blocks) == len(rows)
        items = planner.plan(blocks, rows)
        assert not planner.problems
        yield Apply(account, means, planner, known, items)
    finally:
        await account.close()


async def test_one_at_a_time_and_none_of_it_twice(server: Server) -> None:
    text = TEXT + "".join(f"  {name}: *all\n" for name in NAMES)
    told: list[str] = []
    async with planned(server.url, server.token, text) as first:
        with pytest.raises(RecordError, match="wait for its end"):
            async with planned(server.url, server.token, text):
                pass
        assert await first.run(lambda entry: told.append(entry.name)) == ""
        assert {entry.state for entry in first.entries.values()} == {DONE}
        assert sorted(told) == list(NAMES)
        assert first.entries["a"].words == "created, settings, stream"
    for name in NAMES:
        assert server.call("GET", f"/api/instance/getSettings/{name}")["settings"]["ignoreStatus"] is True
        assert server.call("GET", f"/api/events/getWebsocket/{name}")["websocket"]["events"] == ["call.update"]
    async with planned(server.url, server.token, text) as second:
        assert second.items == [] and second.finish() == ""


async def test_what_fails_everywhere_stops_it_and_it_is_gone_on_with(server: Server) -> None:
    text = TEXT + "".join(f"  {name}: *all\n" for name in NAMES[1:])
    with Proxy(server.url) as proxy:
        lift = proxy.answer("POST /api/instance/settings/[d-f]", 500, '{"success": false, "error": {"message": "full"}}')
        async with planned(proxy.url, server.token, text) as broken:
            stopped = await broken.run()
        states = {name: entry.state for name, entry in broken.entries.items()}
        assert states["b"] == states["c"] == DONE and set(states.values()) <= {DONE, FAILED, WAITING}
        assert FAILED in states.values() and (WAITING not in states.values() or "equal failures" in stopped)
        assert "full" in next(entry.words for entry in broken.entries.values() if entry.state == FAILED)
        lift()
        async with planned(proxy.url, server.token, text) as again:
            assert {item.name for item in again.items} <= {"d", "e", "f"}
            assert await again.run() == ""
            assert {entry.state for entry in again.entries.values()} == {DONE}
    assert all(server.call("GET", f"/api/instance/getSettings/{name}")["settings"]["ignoreStatus"] for name in NAMES[1:])
