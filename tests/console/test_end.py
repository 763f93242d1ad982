"""A signal ends the console whatever it is in the middle of: a screen that is being built, keys that wait for their turn."""

from __future__ import annotations

import gc
import weakref

import pytest
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.screens.dialogs import Entry
from textual import events
from textual.css.query import NoMatches
from textual.widgets import Static
from textual.worker import WorkerFailed

from .conftest import Open, until


async def test_a_dialog_that_was_opening_is_no_mistake(opened: Open) -> None:
    async with opened() as (app, _account, _pilot):
        app.push_screen(Entry("Pair", "words", "number", check=lambda _text: ""))
        app.exit(return_code=143)
    assert app.return_code == 143


async def test_keys_that_were_waiting_are_dropped(opened: Open) -> None:
    async with opened() as (app, _account, _pilot):
        first = events.Key("down", None)
        app.typed._under_way = first
        await app.typed.key(events.Key("j", "j"))
        app.exit(return_code=143)
    await app.typed._had_effect(first)  # by its timer
    assert app.return_code == 143


async def test_a_screen_that_was_closed_is_forgotten_with_its_lines(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await pilot.press("n")
        while app.screen is app.main:
            await pilot.pause()
        lines = [weakref.ref(widget._styles_cache) for widget in app.screen.query("*")]
        await pilot.press("escape")
        while app.screen is not app.main:
            await pilot.pause()
        await pilot.pause()
        gc.collect()
        assert lines and sum(line() is not None for line in lines) <= 1, "Textual's lru_cache kept them"


async def test_keys_before_there_is_a_screen_are_dropped() -> None:
    app = RyzeConsole("http://127.0.0.1:9", "token-0123456789abcdef")
    await app.typed.key(events.Key("down", None))
    await app.typed.key(events.Key("j", "j"))
    assert not app.screen_stack


@pytest.mark.parametrize("closed", [True, False])
async def test_what_a_screen_began_may_find_it_gone(opened: Open, closed: bool) -> None:
    """Its workers are ended with it, but some get as far as its widgets, which went before it. Else it is a mistake."""
    async with opened() as (app, _account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: app.screen is not app.main)
        screen = app.screen

        async def late() -> None:
            screen.query_one("#never", Static)

        if closed:
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        app.run_worker(late())
        if closed:
            for _moment in range(5):
                await pilot.pause()
            assert app._exception is None and app.return_code is None
            return
        await until(pilot, lambda: app._exception is not None)
        assert isinstance(app._exception, WorkerFailed) and isinstance(app._exception.error, NoMatches)
        app._exception = None  # or the pilot raises it again
