"""Waiting for one instance: by push and by asking, over an outage, and in words when it is in vain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ryze_tui.operations.following import OFTEN, Stopped, Waiting

from tests.fakes.accounts import FULL, PLAIN, Bench, bench

MODES = pytest.mark.parametrize("extensions", [FULL, PLAIN], ids=["stream", "plain"])


def waiting(b: Bench, name: str = "a") -> Waiting:
    return Waiting(b.account, name, b.clock)


@MODES
def test_until_the_state_is_there(extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        hearts = asyncio.create_task(b.server.hearts())
        one = waiting(b)
        task = asyncio.create_task(one.until(lambda row: row.state == "banned"))
        await asyncio.sleep(30)
        b.server.happens("a", "temp_banned")
        began = b.clock.monotonic()
        row = await task
        assert (row.name, row.state, one.first) == ("a", "banned", "connected")
        assert b.clock.monotonic() - began <= (0.5 if extensions else 3 * OFTEN)
        assert len(b.server.lists) < (6 if extensions else 32), "pushed, it asks no more"
        hearts.cancel()

    bench(monkeypatch, tmp_path, story, extensions=extensions, running=False)


def test_one_that_is_so_already_costs_one_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        assert (await waiting(b).until(lambda row: True)).state == "connected"
        assert len(b.server.lists) == 1 and not b.server.dials

    bench(monkeypatch, tmp_path, story, running=False)


@MODES
def test_one_that_is_not_there_or_goes_meanwhile(
    extensions: frozenset[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        with pytest.raises(Stopped) as stopped:
            await waiting(b, "nobody").until(lambda row: True)
        assert stopped.value.outcome.status == 404
        task = asyncio.create_task(waiting(b).until(lambda row: False))
        await asyncio.sleep(10)
        b.server.remove("a")
        with pytest.raises(Stopped, match="no such instance"):
            await task

    bench(monkeypatch, tmp_path, story, extensions=extensions, running=False)


def test_a_server_that_goes_away_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        task = asyncio.create_task(waiting(b).until(lambda row: row.state == "banned"))
        await asyncio.sleep(5)
        b.server.goes_down()
        await asyncio.sleep(120)
        assert not task.done()
        b.server.happens("a", "temp_banned")
        b.server.comes_up()
        assert (await task).state == "banned"

    bench(monkeypatch, tmp_path, story, extensions=PLAIN, running=False)


def test_a_server_that_is_away_from_the_beginning_or_takes_the_token_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story(b: Bench) -> None:
        b.server.up = False
        with pytest.raises(Stopped, match="refuses connections"):
            await waiting(b).until(lambda row: True)
        b.server.up = True
        task = asyncio.create_task(waiting(b).until(lambda row: False))
        await asyncio.sleep(5)
        b.server.accepts = False
        with pytest.raises(Stopped) as stopped:
            await task
        assert stopped.value.outcome.kind == "not_allowed"

    bench(monkeypatch, tmp_path, story, extensions=PLAIN, running=False)
