"""The Account against a real server in another process, with extensions and without: pushed states, pairing, outages, tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ryze_tui.api import states
from ryze_tui.operations.account import Account
from ryze_tui.probes.steps import GOOD
from ryze_tui.probes.truth import probe

from tests.terminal.server import Server

from ..pace import patient

OBSERVED = pytest.param("observed", marks=pytest.mark.long)
LATER = pytest.param(False, marks=pytest.mark.long, id="plain")
DIALECTS = pytest.mark.parametrize(
    "server", [True, LATER, pytest.param(OBSERVED, id="observed")], ids=["stream", None, None], indirect=True
)
MODES = pytest.mark.parametrize("server", [True, LATER], ids=["stream", None], indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    options = ("--answers", "observed") if request.param == "observed" else ()
    with Server(tmp_path / "server", instances=12, extensions=request.param is True, options=options) as made:
        yield made


async def until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait for a condition; how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < patient(seconds), "it did not happen in time"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


@asynccontextmanager
async def opened(server: Server, token: str = "") -> AsyncIterator[Account]:
    account = Account(server.url, token or server.token, profile="tests")
    running = asyncio.create_task(account.run())
    try:
        await until(lambda: account.link.kind == "live" or account.link.kind == "refused")
        yield account
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await account.close()


def act(server: Server, name: str, action: str, **body: object) -> None:
    server.http.post(f"/simulator/{name}/{action}", json=body).raise_for_status()


def truth(server: Server) -> dict[str, str]:
    return {item["name"]: item["connection"]["state"] for item in server.http.get("/api/instance/list").json()["instances"]}


def shown(account: Account) -> dict[str, str]:
    return {name: row.state for name, row in account.model.rows.items()}


@DIALECTS
async def test_create_pair_by_qr_log_out_pair_by_code_delete(server: Server) -> None:
    async with opened(server) as account:
        assert shown(account) == truth(server)
        made = await account.create("sales-north")
        assert (made.ok, made.status) == (True, 200)
        assert (await account.create("sales-north")).message == "Instance already exists"
        session = account.pair("sales-north")
        pairing = asyncio.create_task(session.run())
        await until(lambda: session.view.total == 6)
        assert (session.view.stage, session.view.index) == ("qr", 1)
        assert 55 < session.view.expires_at - time.monotonic() <= 60
        connected = server.http.get("/simulator/sales-north").json()["phone"]
        assert connected
        act(server, "sales-north", "scan")
        final = await pairing
        assert (final.stage, final.code) == ("connected", "")
        assert final.number
        await until(lambda: account.model.rows["sales-north"].item.profile_name)  # only a list tells it; the view, if in time
        assert account.model.rows["sales-north"].state == states.CONNECTED
        assert account.bring_back("sales-north").action == "none"
        assert (await account.logout("sales-north")).message == "Instance logged out"
        assert account.model.rows["sales-north"].state == states.LOGGEDOUT
        assert account.bring_back("sales-north").action == "connect"
        by_code = account.pair("sales-north", "+55 11 99999-0077")
        pairing = asyncio.create_task(by_code.run())
        await until(lambda: by_code.view.code)
        assert by_code.view.stage == "code"
        act(server, "sales-north", "enter-code", code=by_code.view.code)
        assert (await pairing).number == "5511999990077"
        assert (await account.delete("sales-north")).ok
        assert "sales-north" not in account.model.rows
        assert account.server.simulated


@MODES
async def test_changes_are_pushed_within_a_second_with_few_lists(server: Server) -> None:
    async with opened(server) as account:
        name = next(name for name, state in shown(account).items() if state == states.CONNECTED)
        for action, state in (("drop", states.DISCONNECTED), ("unlink", states.LOGGEDOUT)):
            if action == "unlink":
                await until(lambda: account.model.rows[name].state == states.CONNECTED)
            act(server, name, action, **({"seconds": 1} if action == "drop" else {}))
            took = await until(lambda: account.model.rows[name].state == state, 2)  # noqa: B023
            assert took < patient(1.0)
        assert sum(call.path.startswith("/api/instance/list") for call in account.calls) <= 4
        assert account.model.rows[name].told_by == "stream"


@MODES
async def test_killed_changed_and_started_again(server: Server) -> None:
    async with opened(server) as account:
        before = shown(account)
        port = server.url.rsplit(":", 1)[1]
        server.kill()
        await until(lambda: account.link.kind == "offline")
        assert shown(account) == before
        assert "refuses connections" in account.link.message
        assert account.link.retry_at > 0
        server._argv[server._argv.index("--port") + 1] = port
        await asyncio.to_thread(server.start)
        server.http.delete(f"/api/instance/delete/{next(iter(before))}").raise_for_status()
        await until(lambda: account.link.kind == "live", 15)
        await until(lambda: shown(account) == truth(server), 1)  # it may have been back before the delete: that is pushed
        assert len(account.model.rows) == 11


@MODES
async def test_a_second_operator_is_seen_and_takes_the_code_over(server: Server) -> None:
    async with opened(server) as mine, opened(server) as theirs:
        assert (await mine.create("shared")).ok
        if not server.extensions:
            await theirs.refresh()  # without the account stream it takes until their next list
        await until(lambda: "shared" in theirs.model.rows, 2)
        session, other = mine.pair("shared"), theirs.pair("shared")
        first = asyncio.create_task(session.run())
        await until(lambda: session.view.total == 6)
        old = session.view.code
        second = asyncio.create_task(other.run())
        await until(lambda: other.view.total == 6)
        await until(lambda: session.view.code == other.view.code not in ("", old), 2)
        act(server, "shared", "scan")
        assert (await first).stage == (await second).stage == "connected"


@MODES
async def test_the_token_of_one_instance(server: Server) -> None:
    item = server.http.get("/api/instance/list").json()["instances"][3]
    async with opened(server, item["token"]) as account:
        assert list(account.model.rows) == [item["name"]]
        assert account.server.account_token is False
        assert "token of one instance" in (await account.create("x")).message


@MODES
async def test_a_wrong_token_is_said_in_the_servers_words(server: Server) -> None:
    async with opened(server, "no-such-token") as account:
        assert (account.link.kind, account.link.message) == ("refused", "Invalid token")
        assert (await account.check()).message == "Invalid token"


@MODES
async def test_the_log_of_calls_holds_no_secret(server: Server) -> None:
    tokens = [item["token"] for item in server.http.get("/api/instance/list").json()["instances"]]
    async with opened(server) as account:
        await account.create("with-token", "my-own-instance-token-123")
        session = account.pair("with-token")
        pairing = asyncio.create_task(session.run())
        await until(lambda: session.view.code)
        code = session.view.code
        session.cancel()
        await pairing
        text = "".join(map(repr, account.calls)) + repr(account.model.rows) + repr(session.view)
        for secret in (server.token, "my-own-instance-token-123", code, *tokens):
            assert secret not in text


@DIALECTS
async def test_w_switches_a_stream_on_and_t_finds_the_screen_right(server: Server) -> None:
    server.http.post("/api/instance/new", json={"name": "quiet", "websocketEnabled": True, "websocketEvents": ["call.update"]})
    async with opened(server) as account:
        await until(lambda: "quiet" in account.model.rows)
        outcome = await account.stream_on("quiet")
        assert outcome.ok, outcome.message
        held = server.http.get("/api/events/getWebsocket/quiet").json()["websocket"]
        assert held == {"enabled": True, "events": ["call.update", "instance.state"], "mediaBase64": False}
        assert account.look is not None
        await until(lambda: account.look.streamed("quiet").covered)
        steps = [step async for step in probe(account.look, "quiet")]
        assert steps[-1].result == GOOD, steps
        assert "Changes arrive by push" in steps[-1].words
        server.http.post("/api/instance/new", json={"name": "never"})
        await account.refresh(["never"])
        assert (await account.stream_on("never")).ok  # a block that was never written is a 404 of its own kind
