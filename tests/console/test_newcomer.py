"""What somebody stumbled over who saw the console for the first time."""

from __future__ import annotations

import time

import pytest
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.bulkwords import heading
from ryze_tui.console.compat import TOASTS
from ryze_tui.console.screens.create import CreateScreen
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.operations.bulk.plan import APPLY, Job, Pace
from textual.widgets import Input, OptionList
from textual.widgets._toast import Toast, ToastHolder

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until
from .stub import NOW
from .test_edit import edit
from .test_message import form


async def test_the_detail_names_the_way_back(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "esc Back" in screen_text(app).splitlines()[-1])
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "n New" in screen_text(app).splitlines()[-1], tries=800)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "esc Back" in screen_text(app).splitlines()[-1], tries=800)
        await pilot.press("escape")
        await until(pilot, lambda: "n New" in screen_text(app).splitlines()[-1])


async def test_arrows_go_from_field_to_field_of_a_dialog(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, CreateScreen) and app.screen.focused is not None)
        been = []
        for key in ("down", "down", "down", "up", "up", "up"):
            been.append(app.screen.focused.id if app.screen.focused is not None else "")
            await pilot.press(key)
        assert been == ["name", "token", "blocks", "cancel", "blocks", "token"]
        assert app.screen.query_one("#name", Input).has_focus


async def test_a_number_that_is_wrong_is_said_once(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await form(app, pilot)
        await pilot.press("enter")
        assert screen_text(app).count("country code") == 2  # the placeholder, and why not
        await pilot.press(*"5511", "enter")
        assert screen_text(app).count("Too short for Brazil.") == 1


async def test_the_palette_finds_titles_and_words_and_nothing_else(opened: Open) -> None:
    async with opened(size=(120, 40)) as (app, _account, pilot):
        for typed, finds, leaves in (("pair", "Pairing code", "Hold"), ("unlinks", "Log out", "Pairing code")):
            await pilot.press("colon")
            await until(pilot, lambda: len(app.screen_stack) == 2)
            app.screen.query_one(Input).value = typed
            await until(pilot, lambda finds=finds: [text for text in options(app) if finds in text])
            await until(pilot, lambda leaves=leaves: not [text for text in options(app) if leaves in text])
            await pilot.press("escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)


def options(app: RyzeConsole) -> list[str]:
    """What the palette offers now."""
    return [str(option.prompt) for option in app.screen.query_one(OptionList)._options]


async def test_ages_are_the_same_in_the_list_and_below_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.main.select("sales")
        await until(pilot, lambda: "(14 m)" in screen_text(app))
        monkeypatch.setattr(time, "time", lambda: NOW + 60)
        await pilot.press("asterisk")
        await until(pilot, lambda: "15 m" in app.main.instances.text_of(2))
        assert "(15 m)" in screen_text(app)


async def test_a_toast_is_no_wider_than_what_it_says_and_leaves_the_pages_in_sight(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        app.notify("Saved.", markup=False)
        await until(pilot, lambda: list(screen.query(Toast)) and "Saved." in screen_text(app))
        [toast] = screen.query(Toast)
        assert toast.region.width <= 10 and toast.region.height == 1 and toast.region.y == 3  # the empty line above the form
        app.notify("word " * 40, markup=False)
        await until(pilot, lambda: len(list(screen.query(Toast))) == 2 and all(one.size.width for one in screen.query(Toast)))
        assert all(one.region.width <= 64 and one.region.right <= 80 for one in screen.query(Toast))


async def test_a_key_that_is_held_down_makes_no_wall_of_toasts(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        for number in range(12):
            app.notify("12 instances", markup=False)
            app.notify(f"another, {number}", markup=False)
        await until(pilot, lambda: "another, 11" in screen_text(app) and len(list(app.screen.query(Toast))) == TOASTS)
        assert screen_text(app).count("12 instances") == 1 and "another, 6" not in screen_text(app)
        app.notify("another, 11", severity="error", markup=False)
        await until(pilot, lambda: screen_text(app).count("another, 11") == 2)
        await until(pilot, lambda: len(list(app.screen.query(ToastHolder))) == TOASTS)  # none is left behind without its toast


async def test_the_page_that_is_shown_is_marked_without_colours(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "proxy", FakeBlocks())
        line = screen_text(app).splitlines()[2]
        assert line.count("▸") == 1 and "▸ Proxy" in line
        await pilot.press("right")
        await until(pilot, lambda: "▸ S3" in screen_text(app))
        assert screen_text(app).splitlines()[2].count("▸") == 1
        assert isinstance(app.screen, EditScreen)


def test_how_long_a_bulk_takes_is_said_whatever_its_title() -> None:
    job = Job(APPLY, ("a", "b"), kind="settings", source="a-name-that-is-as-long-as-names-of-instances-are")
    heads = [heading(job, 12, Pace(), 13.0, width) for width in (50, 80, 160)]
    assert all(head.endswith("13 s left") and len(head) <= width for head, width in zip(heads, (50, 80, 160), strict=True))
    assert ["at a time" in head for head in heads] == [False, False, True] and "instances-are" not in heads[0]
    assert "left" not in heading(job, 12, Pace(), None, 160)
