"""The truth probe: each step in words, and a verdict that names the one who is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ryze_tui.api.errors import NOT_CONNECTED, Refused, RyzeError, Unreachable
from ryze_tui.fleet.evidence import ACCOUNT, NONE, OWN, Listed, Streamed
from ryze_tui.probes.steps import BAD, GOOD, RUNNING, SKIPPED, WARN, Step
from ryze_tui.probes.truth import RUN_BEFORE, Evidence, Shown, probe, verdict

from tests.fakes.accounts import FULL, PLAIN, Bench, bench

LIVE, UNSEEN = Streamed(ACCOUNT, True, 2.0), Streamed(NONE)


def shown(state: str = "connected", *, stale: bool = False) -> Shown:
    return Shown(state, "list", stale, 0.0)


EARLIER = Shown("connected", RUN_BEFORE, False, 0.0)


def listed(state: str = "connected") -> Listed:
    return Listed(state, state, "5511")


@pytest.mark.parametrize(
    ("found", "result", "words"),
    [
        (Evidence(shown(), listed(), LIVE, False, True), GOOD, "The screen is right: connected. Changes arrive by push."),
        (Evidence(shown(), listed(), UNSEEN, False, None), GOOD, "seen at the next list"),
        (Evidence(shown(), listed("disconnected"), UNSEEN, False, None), WARN, "connected is disconnected. It has been set"),
        (Evidence(shown(), listed("disconnected"), LIVE, False, None), BAD, "events were lost"),
        (Evidence(shown(), listed("disconnected"), LIVE, True, None), GOOD, "changed while it was looked at: disconnected now"),
        (Evidence(shown(), listed(), LIVE, False, False), BAD, "nothing gets through to WhatsApp. r reconnects"),
        (Evidence(shown(stale=True), listed(), LIVE, False, None), WARN, "lost touch with WhatsApp"),
        (Evidence(shown(), None, LIVE, False, None), BAD, "does not exist on the server"),
        (Evidence(None, listed(), LIVE, False, None), GOOD, "connected now"),
        (Evidence(EARLIER, listed("banned"), UNSEEN, False, None), WARN, "of an earlier run: connected then, banned now."),
        (Evidence(EARLIER, listed(), UNSEEN, False, None), GOOD, "The screen is right: connected."),
    ],
)  # fmt: skip
def test_verdicts(found: Evidence, result: str, words: str) -> None:
    step = verdict(found)
    assert step.result == result
    assert words in step.words


def steps_of(b: Bench, name: str) -> asyncio.Task[list[Step]]:
    async def collect() -> list[Step]:
        assert b.account.look is not None
        return [step async for step in probe(b.account.look, name) if step.result != RUNNING]

    return asyncio.create_task(collect())


@pytest.mark.parametrize(("extensions", "kind"), [(FULL, "the account's stream"), (PLAIN, "its own stream")])
def test_a_row_that_is_right(
    extensions: frozenset[str], kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.profile = b.server.instances["a"].number
        steps = {step.title: step for step in await steps_of(b, "a")}
        assert list(steps) == ["Screen", "Server", "List", "Stream", "Last event", "WhatsApp", "Verdict"]
        assert kind in steps["Stream"].words
        assert "+5511999990000" in steps["WhatsApp"].words
        assert (steps["Verdict"].result, steps["Last event"].result) == (GOOD, SKIPPED)

    bench(monkeypatch, tmp_path, story, extensions=extensions)


def test_a_lost_event_is_found_out_and_the_screen_is_set_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].state = "loggedout"  # without a word on the stream
        *_others, last = await steps_of(b, "a")
        assert (last.result, b.state("a")) == (BAD, "loggedout")
        assert "connected is logged out" in last.words

    bench(monkeypatch, tmp_path, story, extensions=FULL)


@pytest.mark.parametrize(
    ("answer", "result", "verdict_result"),
    [
        (Refused(NOT_CONNECTED, status=400), BAD, BAD),
        (Refused("Not found", status=404), SKIPPED, GOOD),
        (Refused("Failed to get profile", status=500), WARN, GOOD),
        ("4915112345678", WARN, GOOD),
        ("", GOOD, GOOD),
    ],
)
def test_what_whatsapp_says_through_it(
    answer: str | RyzeError, result: str, verdict_result: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.profile = answer
        steps = {step.title: step for step in await steps_of(b, "a")}
        assert (steps["WhatsApp"].result, steps["Verdict"].result) == (result, verdict_result)

    bench(monkeypatch, tmp_path, story, extensions=FULL)


def test_a_server_that_is_away_leaves_no_verdict_but_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.goes_down()
        *_others, before, last = await steps_of(b, "a")
        assert (before.title, before.result, last.result) == ("List", BAD, BAD)
        assert "could not be asked" in last.words
        assert b.state("a") == "connected"

    bench(monkeypatch, tmp_path, story, extensions=FULL)


def test_a_row_of_an_earlier_run_is_on_the_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        before = b.account.model.rows.pop("a")
        b.server.goes_down()
        assert b.account.look is not None
        steps = [step async for step in probe(b.account.look, "a", before)]
        assert (steps[0].result, steps[0].words) == (WARN, "connected, of an earlier run")

    bench(monkeypatch, tmp_path, story, extensions=FULL)


def test_an_instance_that_is_gone_leaves_the_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.instances.pop("a")
        assert (await steps_of(b, "a"))[-1].words.startswith("It does not exist")
        assert "a" not in b.account.model.rows

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_a_socket_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        line = b.account.look.streamed("a")  # type: ignore[union-attr]
        assert line.kind == OWN
        b.server.instances["b"].streaming = False
        for socket in [socket for socket in b.server.sockets if socket.name == "b"]:
            socket.drop()
        await asyncio.sleep(0.4)
        stream = b.account.look.streamed("b")  # type: ignore[union-attr]
        assert not stream.covered

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_unreachable_health_is_one_bad_step() -> None:
    class Dead:
        async def health(self) -> None:
            raise Unreachable("refuses connections")

    from ryze_tui.probes.truth import _server

    step = asyncio.run(_server(Dead(), "Server"))  # type: ignore[arg-type]
    assert (step.result, step.words) == (BAD, "refuses connections")
