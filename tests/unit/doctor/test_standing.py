"""What a token may do, and blocks of an instance: each answer of a server as a finding, without a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ryze_tui import redact
from ryze_tui.api.events import ACCOUNT_STREAM
from ryze_tui.client.stream import StreamEnded
from ryze_tui.doctor.examination import Patient, examine
from ryze_tui.doctor.finding import FAIL, OK, SKIP, WARN, Finding
from ryze_tui.doctor.instance import Instance, address_of, target_of
from ryze_tui.doctor.standing import Standing
from ryze_tui.operations.account import Account
from ryze_tui.operations.outcome import Outcome
from ryze_tui.operations.permits import ServerInfo
from ryze_tui.probes.trial import Trial


class Row:
    def __init__(self, name: str, state: str = "connected", *, streaming: bool = True) -> None:
        self.name, self.state, self.reason, self.stale = name, state, "", False
        self.item = type("Item", (), {"streaming": streaming})()


class Doctored(Account):
    """An account that is told what comes of everything."""

    def __init__(self, *rows: Row, outcome: Outcome | None = None, extensions: frozenset[str] = frozenset(),
                 kind: bool | None = True, read_only: bool = False, frozen: bool = False) -> None:  # fmt: skip
        super().__init__("http://127.0.0.1:1", "token-of-a-test-000", read_only=read_only)
        self.model.rows = {row.name: row for row in rows}  # type: ignore[misc]
        self._told = outcome or Outcome(True, "", 200)
        self._info = ServerInfo(extensions, account_token=kind)
        self.frozen, self.dialled = frozen, list[str]()

    @property
    def server(self) -> ServerInfo:
        return self._info

    async def ask_health(self) -> Outcome:
        return self._told

    async def refresh(self, names: Any = None) -> Outcome:
        return self._told

    @property
    def look(self) -> Any:
        return self

    @property
    def configuring(self) -> Any:
        return self

    async def account_socket(self, after: str = "") -> Any:
        self.dialled.append("account")
        return self

    async def stream(self, name: str) -> Any:
        self.dialled.append(name)
        return self

    async def ping(self, seconds: float) -> None:
        if self.frozen:
            raise StreamEnded("the stream gave no sign of life")


async def collected(steps: AsyncIterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding async for finding in steps}


async def stood(account: Doctored, prefer: str = "") -> dict[str, Finding]:
    return await collected(Standing(account, 5.0, prefer=prefer).steps())


@pytest.mark.parametrize(("kind", "words"), [(True, "of an account"), (False, "instance a alone"), (None, "does not tell")])
async def test_what_a_token_may_do(kind: bool | None, words: str) -> None:
    found = await stood(Doctored(Row("a"), kind=kind, read_only=kind is None))
    assert found["token"].result == OK and words in found["token"].seen
    assert ("read-only" in found["token"].seen) is (kind is None)


@pytest.mark.parametrize(("outcome", "result", "words", "advice"), [
    (Outcome(False, "Invalid token", 401, kind="not_allowed"), FAIL, "Invalid token (401)", "RYZE_TOKEN"),
    (Outcome(False, "Too many", 429, kind="rate_limited", retry_after=12.4), WARN, "Too many (429)", "12 seconds"),
    (Outcome(False, "the token holds characters", kind="usage"), FAIL, "characters", "Copy it once more"),
    (Outcome(False, "the server answered 500", 500, kind="refused"), FAIL, "the server answered 500", "log"),
])  # fmt: skip
async def test_a_list_that_is_refused(outcome: Outcome, result: str, words: str, advice: str) -> None:
    found = await stood(Doctored(outcome=outcome))
    assert (found["token"].result, found["token"].seen) == (result, words) or words in found["token"].seen
    assert advice in found["token"].advice
    assert {found[name].result for name in ("list", "rate", "stream", "heartbeat")} == {SKIP}


async def test_which_stream_is_opened() -> None:
    account = Doctored(Row("a"), Row("b"), extensions=frozenset({ACCOUNT_STREAM}))
    assert (await stood(account))["stream"].result == OK and account.dialled == ["account"]
    account = Doctored(Row("a"), Row("b"), extensions=frozenset({ACCOUNT_STREAM}), kind=False)
    assert (await stood(account, "b"))["heartbeat"].result == OK and account.dialled == ["b"]
    account = Doctored(Row("a", streaming=False), Row("b"))
    assert "the stream of b" in (await stood(account, "a"))["stream"].seen
    found = await stood(Doctored(Row("a", streaming=False)))
    assert found["stream"].result == WARN and "stream set" in found["stream"].advice and found["heartbeat"].result == SKIP
    assert (await stood(Doctored()))["stream"].result == SKIP
    found = await stood(Doctored(Row("a"), frozen=True))
    assert found["stream"].result == OK and found["heartbeat"].result == FAIL and found["heartbeat"].advice


async def test_requests_that_are_left_and_rows_that_cannot_be_read() -> None:
    account = Doctored(Row("a"))
    assert (await stood(account))["rate"].result == SKIP
    account.budget.told({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "12", "x-ratelimit-reset": str(time.time() + 30)})
    found = (await stood(account))["rate"]
    assert found.result == WARN and "12 of 100 left" in found.seen and found.advice
    account.model.unreadable = 2
    assert (await stood(account))["list"].result == WARN


async def test_an_instance_that_is_not_well_says_what_it_needs() -> None:
    account = Doctored(Row("a"))
    assert (await collected(Instance(account, "b", 5.0).steps()))["instance"].result == FAIL
    account.read = lambda kind, name: asyncio.sleep(0, Outcome(False, "no", 500))  # type: ignore[attr-defined]
    found = await collected(Instance(account, "a", 5.0).steps())
    assert found["instance"].result == OK and found["proxy"].result == WARN and "cannot be read: no" in found["proxy"].seen


def test_of_a_target_only_the_host_is_told() -> None:
    hook = Trial("webhook", "a", {"url": "https://user:pw@hooks.example/path/secret?key=secret"})
    assert (address_of(hook), target_of(hook)) == (("hooks.example", 443), "hooks.example:443")
    assert target_of(Trial("proxy", "a", {"host": "p\x1b", "port": "1080"})) == "p␛:1080"
    assert target_of(Trial("s3", "a", {"bucket": "media", "endpoint": "http://s:9000"})) == "media s:9000"
    assert address_of(Trial("webhook", "a", {"url": "http://[x"})) == ("", 0)


async def test_without_a_server_everything_else_is_looked_at() -> None:
    found = [one async for one in examine(Patient(instance="a"), 1.0)]
    assert found[0].name == "target" and found[0].result == SKIP
    assert {one.section for one in found} == {"server", "instance", "config", "files", "terminal", "versions"}
    broken = [one async for one in examine(Patient(problem="profile acme: no"), 1.0)]
    assert (broken[0].result, broken[0].seen) == (FAIL, "profile acme: no")
    redact.forget_all()
