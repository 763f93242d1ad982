"""Rows of an earlier run: dimmed, dated, never called live; what cannot be taken back waits for the server's list."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from ryze_tui.api.instance import Instance
from ryze_tui.console.accounts import Place
from ryze_tui.console.app import RyzeConsole
from ryze_tui.fleet import cache, keeping
from ryze_tui.fleet.evidence import Listed
from ryze_tui.fleet.model import FleetModel
from ryze_tui.fleet.moments import unix
from ryze_tui.operations.outcome import Unconfirmed
from textual.pilot import Pilot

from .conftest import screen_text, until
from .stub import NOW, StubAccount, dozen

URL, TOKEN = "http://127.0.0.1:9", "token-0123456789abcdef"
YESTERDAY = NOW - 24 * 3600 - 11 * 60  # 14:02
Started = Callable[..., AbstractAsyncContextManager[tuple[RyzeConsole, StubAccount, Pilot[int]]]]


def earlier() -> list[Instance]:
    """The dozen as it was then."""
    items = dozen()
    for item in items:
        moment = (unix(item.since) or NOW) - (NOW - YESTERDAY)
        item.since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    return items


def keep(items: list[Instance] | None = None, seen: float = YESTERDAY) -> None:
    model = FleetModel()
    model.apply_list(earlier() if items is None else items, asked_at=1, received_at=1, now=seen)
    name = keeping.fingerprint(URL, TOKEN, make=True)
    keeping.write(cache.path(name), cache.KIND, seen=seen, lines=[cache.line_of(row) for row in model.rows.values()])


@pytest.fixture
def started() -> Started:
    """The console on what was kept; no list has come yet."""

    @asynccontextmanager
    async def run(size: tuple[int, int] = (120, 40), **more: Any) -> AsyncIterator[tuple[RyzeConsole, StubAccount, Pilot[int]]]:
        app = RyzeConsole(URL, TOKEN, profile="acme", **more)
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.account is not None)
            await pilot.pause()
            yield app, app.account, pilot  # type: ignore[misc]

    return run


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (50, 30), (40, 12)])
async def test_the_rows_are_there_dimmed_and_dated_in_words(started: Started, size: tuple[int, int]) -> None:
    keep()
    async with started(size) as (app, account, _pilot):
        text = screen_text(app)
        assert "14:02 yesterday" in text and "CONNECTING" in text and "billing" in text
        assert "LIVE" not in text and "POLLING" not in text
        assert app.main.instances.dimmed and not app.main.loaded and account.model.rows == {}
        if size[0] >= 80:
            pane = app.main.overview if size[0] >= 100 else app.main.summary
            assert "From 14:02 yesterday; waiting for the server's list." in pane.dated and "From 14:02" in text
            assert "2 h" in text  # billing: how long it had been banned at 14:02


@pytest.mark.parametrize("kind", ["live", "polling", "stale", "offline", "refused"])
async def test_no_link_makes_kept_rows_live(started: Started, kind: str) -> None:
    keep()
    async with started() as (app, account, pilot):
        account.set_link(kind, message="the server's own words" if kind in ("offline", "refused") else "")
        await pilot.pause(0.1)
        text = screen_text(app)
        assert "LIVE" not in text and "POLLING" not in text and "as of 14:02 yesterday" in text
        assert app.main.instances.dimmed
        if kind in ("offline", "refused"):
            assert "the server's own words" in text and "From 14:02 yesterday: the server's own words" in text


async def test_the_servers_list_takes_their_place_in_its_own_order(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        await pilot.press("down", "down", "down")
        name = app.main.instances.current_name
        items = [item for item in dozen() if item.name not in ("vip", "zeta")]
        for item in items:
            item.state = "connected" if item.state == "banned" else item.state
        account.load([*items, Instance("brand-new", state="banned")])
        await until(pilot, lambda: app.main.loaded)
        text = screen_text(app)
        names = [row.name for row in app.main.instances.order.rows]
        assert "14:02" not in text and "LIVE" in text and not app.main.instances.dimmed
        assert names[0] == "brand-new" and not {"vip", "zeta"} & set(names) and app.main.instances.current_name == name
        assert all(row is account.model.rows[row.name] for row in app.main.instances.order.rows)


async def test_a_cursor_that_nobody_moved_stays_at_the_top(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        assert app.main.instances.current_name == "billing"
        account.load([Instance("aaa", state="banned"), *dozen()])
        await until(pilot, lambda: app.main.loaded)
        assert app.main.instances.current_name == "aaa"


async def test_filter_and_sort_work_on_kept_rows_and_outlive_them(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        await pilot.press("slash", *"sup", "enter")
        assert [row.name for row in app.main.instances.order.rows] == ["support", "support-night"]
        account.load()
        await until(pilot, lambda: app.main.loaded)
        assert [row.name for row in app.main.instances.order.rows] == ["support", "support-night"]
        assert "/sup" in screen_text(app)


@pytest.mark.parametrize("key", ["d", "x", "S"])
async def test_what_cannot_be_taken_back_waits_for_the_servers_list(started: Started, key: str) -> None:
    keep()
    async with started() as (app, account, pilot):
        app.main.select("sales")
        await pilot.press(key)
        await until(pilot, lambda: "Waiting for the server's list" in screen_text(app))
        assert len(app.screen_stack) == 1 and account.did == []
        account.load()
        await until(pilot, lambda: app.main.loaded)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)


async def test_read_only_says_so_before_anything_else_once_the_list_is_there(started: Started) -> None:
    keep()
    async with started(read_only=True) as (app, account, pilot):
        assert "billing" in screen_text(app)
        account.load()
        await until(pilot, lambda: app.main.loaded)
        await pilot.press("d")
        await until(pilot, lambda: "read-only" in screen_text(app))


@pytest.mark.parametrize("key", ["r", "c", "p", "b"])
async def test_other_keys_look_at_the_row_anew_first(started: Started, key: str) -> None:
    keep()
    async with started() as (app, account, pilot):

        async def gone(name: str) -> None:
            account.did.append(("confirm_state", name))

        async def fails(name: str) -> None:
            raise Unconfirmed("the server answered 500")

        account.confirm_state = fails  # type: ignore[method-assign]
        app.main.select("ops")
        await pilot.press(key)
        await until(pilot, lambda: "the server answered 500" in screen_text(app))
        assert len(app.screen_stack) == 1
        account.confirm_state = gone  # type: ignore[method-assign]
        account.model.apply_list([Instance("ops", state="disconnected")], asked_at=1, received_at=1, now=NOW, complete=False)
        await until(pilot, lambda: not [w for w in app.workers if w.group.startswith("verb") and not w.is_finished])
        if key != "b":
            await pilot.press(key)
            await until(pilot, lambda: "not there any more" in screen_text(app))
        assert not {call[0] for call in account.did} & {"reconnect", "pair", "logout", "delete"}


async def test_reconnect_goes_ahead_when_the_row_read_anew_is_down_and_not_when_it_is_up(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        app.main.select("ops")
        account.model.apply_list([Instance("ops", state="connected")], asked_at=1, received_at=1, now=NOW, complete=False)
        await pilot.press("r")
        await until(pilot, lambda: "is connected already" in screen_text(app))
        assert ("reconnect", "ops") not in account.did
        account.model.apply_list([Instance("ops", state="disconnected")], asked_at=2, received_at=2, now=NOW, complete=False)
        await pilot.press("r")
        await until(pilot, lambda: ("reconnect", "ops") in account.did)


async def test_copy_works_on_a_kept_row_without_its_token(started: Started) -> None:
    keep()
    async with started() as (app, _account, pilot):
        app.main.select("sales")
        await pilot.press("y")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        text = screen_text(app)
        assert "Phone number" in text and "Token" not in text


async def test_a_new_instance_is_under_the_cursor_when_the_list_comes(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"made-now", "enter")
        await until(pilot, lambda: ("create", "made-now") in account.did)
        await until(pilot, lambda: len(app.screen_stack) == 1 or account.sessions)
        await pilot.press("escape")
        account.load([*dozen(), Instance("made-now", state="disconnected")])
        await until(pilot, lambda: app.main.loaded)
        assert app.main.instances.current_name == "made-now"


async def test_keys_from_before_the_list_count_only_when_nothing_moved(started: Started) -> None:
    keep()
    async with started() as (app, account, pilot):
        before = time.monotonic()
        account.load()
        await until(pilot, lambda: app.main.loaded)
        assert not app.main.too_early("d", before)
    keep()
    async with started() as (app, account, pilot):
        before = time.monotonic()
        account.load(dozen()[1:])
        await until(pilot, lambda: app.main.loaded)
        assert app.main.too_early("d", before)


async def test_nothing_is_shown_of_another_account_or_when_it_is_switched_off(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep()
    async with started() as (app, _account, pilot):
        app.accounts.open(Place("http://127.0.0.1:10", "another-token-0123456789"))
        await pilot.pause()
        assert "billing" not in screen_text(app) and "14:02" not in screen_text(app)
    async with started(keep=False) as (app, _account, _pilot):
        assert "billing" not in screen_text(app)
    monkeypatch.setenv("RYZE_NO_CACHE", "1")
    async with started() as (app, _account, _pilot):
        assert "billing" not in screen_text(app)


async def test_hostile_rows_of_the_file_are_harmless_on_the_screen(started: Started) -> None:
    evil = "a\x1b]0;pwn\x07\x9bb\u202e[/x]"
    keep([Instance(evil, state="connected", profile_name=evil, reason=evil), Instance("plain", state="unknown", raw_state=evil)])
    async with started() as (app, _account, pilot):
        for key in ("down", "d", "y", "escape"):
            await pilot.press(key)
            await pilot.pause()
            text = screen_text(app)
            assert "plain" in text and not any(bad in text for bad in ("\x1b", "\x07", "\x9b", "\u202e"))


async def test_ten_thousand_kept_rows(started: Started) -> None:
    keep([Instance(f"sim-{n:05d}", state="connected") for n in range(10_000)])
    async with started() as (app, _account, pilot):
        await until(pilot, lambda: "10000 of 10000" in screen_text(app))
        await pilot.press("end")
        assert app.main.instances.current_name == "sim-09999"


async def test_the_truth_probe_knows_what_the_screen_shows(started: Started) -> None:
    keep()
    async with started((80, 24)) as (app, account, pilot):
        account.look.says = Listed("connected", "connected", "")
        row = app.main.instances.current
        assert row is not None and row.name == "billing"
        await pilot.press("t")
        await until(pilot, lambda: "banned, of an earlier run" in screen_text(app))
        await until(pilot, lambda: "earlier run: banned" in screen_text(app) and "then, connected now." in screen_text(app))
