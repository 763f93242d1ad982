"""Toasts tell something without hiding what a person looks at: the field that has the focus, and the buttons."""

from __future__ import annotations

import pytest
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.console.toasts import best
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button
from textual.widgets._toast import Toast

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until
from .test_edit import edit, into

WORDS = "Not saved: Chatwoot account or endpoint not found - verify chatwootBaseUrl (http://127.0.0.1:18200) and the account (1)."


def toasts(screen: Screen[object]) -> list[Region]:
    return [toast.region for toast in screen.query(Toast)]


def hidden(screen: Screen[object]) -> list[str]:
    """What of a person's own place is under a toast."""
    kept = [*screen.query(Button), *([screen.focused] if screen.focused is not None and screen.focused.region.height < 4 else [])]
    shown = [widget for widget in kept if widget.region and widget.display and screen.region.contains_region(widget.region)]
    return [str(widget) for widget in shown for toast in toasts(screen) if widget.region.overlaps(toast)]


async def settled(pilot: Pilot[int], screen: EditScreen, count: int) -> None:
    await until(pilot, lambda: len(toasts(screen)) == count and all(toasts(screen)))
    await pilot.pause()


LONG = pytest.mark.long
SIZES = [(80, 24), (40, 12), pytest.param((50, 30), marks=LONG), pytest.param((120, 40), marks=LONG)]


@pytest.mark.parametrize("size", SIZES)
async def test_neither_the_focused_field_nor_the_buttons_are_hidden(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        screen.refuse(WORDS)
        await settled(pilot, screen, 1)
        for name in ("enabled", "url", "authorization", "byEvents", "mediaBase64"):
            await into(screen, pilot, name)
            await pilot.pause()
            assert not hidden(screen), screen_text(app)
            shown = screen_text(app)
            assert size == (40, 12) or ("─support" in shown and "LIVE" in shown), "what it is about stays in sight"
        screen.query_one("#close").focus()
        await pilot.pause()
        assert not hidden(screen), screen_text(app)


async def test_where_there_is_room_nothing_at_all_is_hidden(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", FakeBlocks())
        await into(screen, pilot, "autoRejectCalls")
        before = {line.rstrip() for line in screen_text(app).splitlines()}
        screen.refuse(WORDS)
        await settled(pilot, screen, 1)
        assert before <= {line.rstrip() for line in screen_text(app).splitlines()} | {""}


@pytest.mark.parametrize("size", [(40, 12), (50, 30), (80, 24)])
async def test_all_of_its_words_are_on_the_screen(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", FakeBlocks())
        screen.refuse("Filled in, but for secrets: Password. Type it if one is needed.")
        await settled(pilot, screen, 1)
        said = " ".join(screen_text(app).split())
        for word in ("secrets:", "Password.", "Type", "needed."):
            assert word in said, screen_text(app)
        assert all(region.right <= size[0] for region in toasts(screen))


async def test_over_the_list_they_stand_where_they_always_do(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.notify("Saved.", markup=False)
        await until(pilot, lambda: toasts(app.screen))
        assert toasts(app.screen)[0].y == 1


async def test_they_are_read_once_where_a_dialog_opens_over_them(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", FakeBlocks())
        screen.refuse("These are words.")
        await settled(pilot, screen, 1)
        await pilot.press("J")
        await until(pilot, lambda: app.screen is not screen and "as JSON" in screen_text(app))
        await until(pilot, lambda: screen_text(app).count("These are words.") == 1)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen and screen_text(app).count("These are words.") == 1)


def test_the_best_row() -> None:
    assert best(1, [0, 0, 0, 0, 0]) == 1  # below the title
    assert best(2, [0, 9, 9, 0, 0, 5]) == 3
    assert best(2, [1, 9, 1, 1, 9, 9]) == 2
    assert best(9, [0, 1, 0]) == 0  # higher than the screen
