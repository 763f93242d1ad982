"""What a person can do: outcomes in words, facts at once, one audit line for each write, and what is refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ryze_tui.api.errors import BadReply, NoAnswer, RateLimited, Refused, RyzeError, TokenRefused, Unreachable
from ryze_tui.operations.account import Account, ServerInfo
from ryze_tui.operations.audit import audit_path
from ryze_tui.operations.outcome import Unconfirmed

from tests.fakes.accounts import FULL, PLAIN, Bench, bench

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])


def lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in audit_path().read_text().splitlines()]


@MODES
def test_create_logout_reconnect_delete(extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        made = await b.account.create("new-one", "a-token-of-my-own")
        assert (made.ok, made.message, made.name) == (True, "made", "new-one")
        assert b.state("new-one") == "disconnected"
        await asyncio.sleep(0.5)
        assert b.account.link.kind == "live"
        b.server.happens("new-one", "connected", jid="5511@s.whatsapp.net")
        await asyncio.sleep(0.01)
        assert b.state("new-one") == "connected"
        assert (await b.account.logout("new-one")).message == "Instance logged out"
        assert b.state("new-one") == "loggedout"
        assert (await b.account.reconnect("a")).ok
        assert b.state("a") == "connecting"
        assert (await b.account.delete("new-one")).ok
        assert "new-one" not in b.account.model.rows
        await asyncio.sleep(3)
        assert b.account.link.kind == "live"
        assert [line["action"] for line in lines()] == ["create", "logout", "reconnect", "delete"]
        assert "own" not in audit_path().read_text().replace("own\"", "")
        assert audit_path().stat().st_mode & 0o777 == 0o600

    bench(monkeypatch, tmp_path, story, extensions=extensions, profile="acme")


def test_read_only_refuses_every_write_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        account = b.account
        for outcome in (
            await account.create("x"), await account.reconnect("a"), await account.logout("a"), await account.delete("a"),
            await account.simulate("a", "scan"),
        ):
            assert (outcome.ok, outcome.status) == (False, None)
            assert "Read-only" in outcome.message
        view = await account.pair("a").run()
        assert (view.stage, "Read-only" in view.message) == ("failed", True)
        assert not b.server.connects
        assert not audit_path().exists()
        assert (await account.refresh()).ok

    bench(monkeypatch, tmp_path, story, read_only=True)


def test_a_token_of_one_instance_may_not_create_or_delete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        assert b.account.server.account_token is False
        assert list(b.account.model.rows) == ["b"]
        for action in ("create", "delete"):
            assert "token of one instance" in b.account.may(action)
        assert b.account.may("logout") == b.account.may("connect") == ""
        assert not (await b.account.create("x")).ok

    bench(monkeypatch, tmp_path, story, token="token-of-b")


@MODES
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoAnswer("did not answer in time"), "did not answer in time. It may have been done all the same."),
        (BadReply("not JSON", status=200), "not JSON. It may have been done all the same."),
        (Refused("answered 502: is it up?", status=502), "answered 502: is it up? It may have been done all the same."),
        (Refused("Failed to logout instance", status=500), "Failed to logout instance"),
        (Unreachable("refuses connections"), "refuses connections"),  # it was never sent
    ],
)
def test_a_write_without_an_answer_is_not_repeated_and_says_so(
    error: RyzeError, words: str, extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        asked: list[str] = []

        async def logout(name: str) -> None:
            asked.append(name)
            raise error

        b.server.logout = logout  # type: ignore[method-assign,assignment]
        outcome = await b.account.logout("a")
        assert (outcome.ok, outcome.status, outcome.message) == (False, error.status, words)
        assert lines()[-1]["result"] == "failed"
        await asyncio.sleep(60)
        assert (b.state("a"), asked) == ("connected", ["a"])

    bench(monkeypatch, tmp_path, story, extensions=extensions)


@MODES
@pytest.mark.parametrize("action", ["create", "reconnect", "logout", "delete", "simulate", "connect"])
def test_a_write_broken_off_under_way_is_put_down_and_doubted(
    action: str, extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        async def never(*_arguments: object) -> None:
            await asyncio.Event().wait()

        setattr(b.server, action, never)
        if action == "connect":
            task: asyncio.Task[object] = asyncio.create_task(b.account.pair("a").run())
        elif action == "simulate":
            b.account._server = ServerInfo(simulated=True)
            task = asyncio.create_task(b.account.simulate("a", "scan"))
        else:
            task = asyncio.create_task(getattr(b.account, action)("a"))
        await asyncio.sleep(0.01)
        assert not task.done()
        b.server.lists.clear()
        if action == "connect":  # breaking off a pairing leaves its connect under way; only the end of the program ends that
            for connect in b.account._pairings._connects.values():
                connect.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (line,) = lines()
        assert (str(line["action"]).split()[0], line["instance"]) == (action, "a")
        assert (line["result"], line["status"]) == ("unknown", None)
        assert "result unknown" in str(line["message"])
        await asyncio.sleep(20)
        assert b.server.lists[0][1] is None  # the whole list is read

    bench(monkeypatch, tmp_path, story, extensions=extensions)


def test_the_servers_own_words_are_the_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        async def refuse(name: str) -> None:
            raise Refused("Instance has no saved session, call /connect first", status=400)

        b.server.reconnect = refuse  # type: ignore[method-assign, assignment]
        outcome = await b.account.reconnect("a")
        assert (outcome.ok, outcome.message, outcome.status) == (False, "Instance has no saved session, call /connect first", 400)

    bench(monkeypatch, tmp_path, story)


def test_confirm_state_reads_only_what_no_stream_proves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.lists.clear()
        row = await b.account.confirm_state("a")
        assert row is not None and row.state == "connected"
        assert not b.server.lists
        b.server.goes_down()
        b.server.comes_up()
        await asyncio.sleep(0.001)
        b.server.instances["a"].state = "banned"
        row = await b.account.confirm_state("a")
        assert row is not None and row.state == "banned"
        del b.server.instances["b"]
        assert await b.account.confirm_state("b") is None

    bench(monkeypatch, tmp_path, story)


@pytest.mark.parametrize(
    "error",
    [Unreachable("refuses connections"), TokenRefused("Invalid token", status=401), BadReply("not JSON"),
     RateLimited("Rate limit exceeded", retry_after=9.0), Refused("Internal server error", status=500), "{}"],
)
def test_confirm_state_never_takes_an_old_row_for_a_confirmed_one(
    error: Exception | str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        assert await b.account.confirm_state("a") is not None
        b.server.answer = error
        with pytest.raises(Unconfirmed) as raised:
            await b.account.confirm_state("a")
        assert raised.value.message
        assert isinstance(error, str) or raised.value.message == error.args[0]
        b.server.answer = None
        assert (row := await b.account.confirm_state("a")) is not None and row.state == "connected"
        b.server.answer = '{"instances": []}'
        assert await b.account.confirm_state("a") is None

    bench(monkeypatch, tmp_path, story, running=False)


@pytest.mark.parametrize(
    ("error", "words"),
    [(Unreachable("refuses connections"), "refuses"), (TokenRefused("Invalid token", status=401), "Invalid token"),
     (BadReply("not JSON"), "JSON")],
)
def test_check_says_what_is_wrong(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        assert (await b.account.check()).message == "3 instances"
        b.server.answer = error
        outcome = await b.account.check()
        assert (outcome.ok, words in outcome.message) == (False, True)

    bench(monkeypatch, tmp_path, story, running=False)


def test_an_address_that_cannot_be_used_is_said_and_raises_nothing() -> None:
    async def story() -> None:
        account = Account("ftp://x", "token")
        assert (account.link.kind, "http" in account.link.message) == ("refused", True)
        assert not (await account.check()).ok
        assert not (await account.create("x")).ok
        assert not (await account.refresh()).ok
        assert (await account.pair("x").run()).stage == "failed"
        with pytest.raises(Unconfirmed, match="http"):
            await account.confirm_state("x")
        running = asyncio.create_task(account.run())
        await asyncio.sleep(0)
        running.cancel()
        await account.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("word", "number", "action"),
    [
        ("connected", "5511", "none"), ("disconnected", "5511", "reconnect"), ("disconnected", "", "connect"),
        ("logged_out", "5511", "connect"), ("temp_banned", "5511", "wait"), ("client_outdated", "5511", "wait"),
        ("qr_ready", "", "wait"), ("pair_error", "", "connect"), ("stream_replaced", "5511", "reconnect"),
    ],
)
def test_bring_back(word: str, number: str, action: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.add("x", number=number, state="disconnected")
        await b.account.refresh()
        b.server.happens("x", word)
        await asyncio.sleep(0.01)
        remedy = b.account.bring_back("x")
        assert remedy.action == action
        assert remedy.why
        assert b.account.bring_back("nobody").action == "none"

    bench(monkeypatch, tmp_path, story)


def test_a_simulated_server_is_known_by_its_items(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        assert not b.account.server.simulated
        assert "real" in b.account.may("simulate")
        text = await b.server.list_text()
        b.server.answer = text.replace('"connection": {', '"connection": {"displayStatus": "SIMULATED · Connected", ')
        await b.account.refresh()
        assert b.account.server.simulated
        assert b.account.may("simulate") == ""

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_importing_it_brings_no_network_library() -> None:
    cheap = "ryze_tui.fleet.model, ryze_tui.fleet.freshness, ryze_tui.fleet.triage, ryze_tui.pairing.flow"
    code = (
        f"import sys; import {cheap}; heavy = {{'asyncio', 'httpx', 'websockets', 'pydantic', 'ssl'}} & set(sys.modules);"
        "import ryze_tui.operations.account;"
        "heavy |= {'httpx', 'websockets', 'pydantic', 'textual'} & set(sys.modules); print(heavy)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
