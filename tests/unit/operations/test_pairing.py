"""A pairing driven against a fake server on a virtual clock: what the screen is told, and what the server is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ryze_tui.api.errors import Refused, RyzeError
from ryze_tui.client.replies import Connecting
from ryze_tui.operations.pairing import PairingSession
from ryze_tui.pairing.flow import View

from tests.fakes.accounts import FULL, PLAIN, Bench, bench

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])
SIX = [f"2@code{n}" for n in range(1, 7)]


def watched(b: Bench, name: str = "a", number: str = "") -> tuple[PairingSession, list[View], asyncio.Task[View]]:
    session, views = b.account.pair(name, number), []
    session.on_view = views.append
    return session, views, asyncio.create_task(session.run())


@MODES
def test_by_the_stream_six_codes_and_success_without_a_call(
    extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].profile = ""
        b.server.answer_connect = lambda name, number: Connecting("qr", "", qr=SIX[0])  # type: ignore[method-assign]
        session, views, task = watched(b)
        await asyncio.sleep(0.1)
        b.server.happens("a", "qr_ready", codes=SIX)
        b.server.lists.clear()
        await asyncio.sleep(65)
        assert (session.view.code, session.view.index, session.view.total) == (SIX[1], 2, 6)
        b.server.happens("a", "pair_success", jid="5511@s.whatsapp.net")
        await asyncio.sleep(0.1)
        assert (session.view.stage, session.view.code) == ("linking", "")
        b.server.instances["a"].profile = "Acme Sales"
        b.server.happens("a", "connected", jid="5511@s.whatsapp.net")
        final = await task
        assert (final.stage, final.number, round(final.seconds)) == ("connected", "5511", 65)
        assert len(b.server.connects) == 1
        assert [view.stage for view in views if view.stage != "connected"][:1] == ["qr"]
        if extensions == PLAIN:
            assert final.profile == "Acme Sales"

    bench(monkeypatch, tmp_path, story, extensions=extensions)


def test_without_events_a_code_lives_20_s_then_a_list_then_one_connect_at_most_six(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].streaming = False
        b.server.instances["a"].state = "connecting"
        await b.account.refresh()
        began = b.clock.monotonic()
        b.server.lists.clear()
        session, views, task = watched(b)
        final = await task
        assert (final.stage, final.message) == ("ended", "no phone scanned the code")
        assert [round(at - began) for at, _name, _number in b.server.connects] == [0, 20, 40, 60, 80, 100]
        assert sum(names == "a" for _at, names in b.server.lists) == 6
        assert [view.code for view in views if view.code] == [f"2@code{n}" for n in range(1, 7)]
        again = asyncio.create_task(session.renew())
        await asyncio.sleep(1)
        assert session.view.code == "2@code7"
        b.server.instances["a"].state = "connected"
        assert (await again).stage == "connected"

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_the_screen_is_told_the_moment_a_code_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        session, views, task = watched(b)
        await asyncio.sleep(0.1)
        dies = session.view.expires_at
        b.server.latency = 5.0
        await asyncio.sleep(dies - b.clock.monotonic() + 0.01)
        assert (views[-1].stage, views[-1].code) == ("renewing", "")
        session.cancel()
        assert (await task).stage == "ended"

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_a_machine_that_slept_shows_no_dead_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        session, _views, task = watched(b)
        await asyncio.sleep(0.1)
        assert session.view.code
        b.clock.drift = 3600.0
        assert not session.view.code
        session.cancel()
        await task

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


def test_connect_is_sent_once_and_only_one_is_in_flight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.latency = 10.0
        first, _views, one = watched(b)
        await asyncio.sleep(1)
        first.cancel()
        assert (await one).stage == "ended"
        _second, _views, two = watched(b, number="5511999990000")
        await asyncio.sleep(2)
        assert len(b.server.connects) == 1  # the first is still under way
        await asyncio.sleep(5)
        assert [number for _at, _name, number in b.server.connects] == ["", "5511999990000"]
        _second.cancel()
        await two

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)


@pytest.mark.parametrize("error", [Refused("Timeout waiting for QR code", status=500), Refused("Instance not found", status=404)])
def test_a_failed_connect_is_not_repeated(error: RyzeError, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.answer_connect = lambda name, number: error  # type: ignore[method-assign]
        session, _views, task = watched(b)
        final = await task
        assert (final.stage, final.message) == ("failed", error.message)
        await asyncio.sleep(600)
        assert len(b.server.connects) == 1
        b.server.happens("a", "connected", jid="5511@s.whatsapp.net")
        await asyncio.sleep(0.1)
        assert session.view.stage == "connected"

    bench(monkeypatch, tmp_path, story)


@pytest.mark.parametrize(
    ("number", "words"), [("55119", "Too short for Brazil"), ("0551199999000", "leading zero"), ("+55 abc 99999", "digits")]
)
def test_numbers_that_cannot_be_one(number: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        view = await b.account.pair("a", number).run()
        assert (view.stage, words in view.message) == ("failed", True)
        assert not b.server.connects

    bench(monkeypatch, tmp_path, story)


def test_a_pairing_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        session, _views, task = watched(b, number="+55 (11) 99999-0000")
        await asyncio.sleep(0.1)
        assert (session.view.stage, session.view.code, session.view.number) == ("code", "ABCD-1234", "5511999990000")
        assert 159 < session.view.expires_at - b.clock.monotonic() <= 160
        b.server.happens("a", "connected", jid="5511999990000@s.whatsapp.net")
        assert (await task).stage == "connected"

    bench(monkeypatch, tmp_path, story)


@MODES
def test_another_instances_events_never_touch_it(
    extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        session, _views, task = watched(b)
        await asyncio.sleep(0.1)
        before = session.view
        for word in ("qr_ready", "pair_success", "connected", "pair_error"):
            b.server.happens("b", word, codes=["2@theirs"], jid="66@s.whatsapp.net")
        await asyncio.sleep(0.1)
        assert session.view == before
        session.cancel()
        await task

    bench(monkeypatch, tmp_path, story, extensions=extensions)


def test_a_success_that_was_missed_in_an_outage_closes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        b.server.instances["a"].state = "disconnected"
        await b.account.refresh()
        b.server.answer_connect = lambda name, number: Connecting("qr", "", qr=SIX[0])  # type: ignore[method-assign]
        session, _views, task = watched(b)
        await asyncio.sleep(0.1)
        b.server.happens("a", "qr_ready", codes=SIX)
        await asyncio.sleep(1)
        b.server.goes_down()
        b.server.instances["a"].state = "connected"
        await asyncio.sleep(10)
        assert session.view.stage == "qr"
        b.server.comes_up()
        assert (await task).stage == "connected"
        assert len(b.server.connects) == 1

    bench(monkeypatch, tmp_path, story)


def test_when_the_server_is_away_nothing_is_connected_blindly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        session, _views, task = watched(b)
        await asyncio.sleep(0.1)
        b.server.goes_down()
        await asyncio.sleep(300)
        assert (session.view.stage, session.view.message) == ("renewing", "refuses connections")
        assert len(b.server.connects) == 1
        b.server.instances["a"].state = "connecting"
        b.server.comes_up()
        await asyncio.sleep(40)
        assert len(b.server.connects) >= 2
        session.cancel()
        await task

    bench(monkeypatch, tmp_path, story, extensions=PLAIN)
