"""Themes while the program runs: seen at once on everything, the cursor's line and faded rows too, and back by escape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ryze_tui import config
from ryze_tui.config.loading import load
from ryze_tui.console import themes
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.styles import ink
from ryze_tui.preferences import Preferences
from textual.color import Color
from textual.widgets import Button, Input

from .conftest import Open, screen_text, until


@pytest.fixture(autouse=True)
def ours_again() -> Iterator[None]:
    yield
    ink.wear(None)


def colours(app: RyzeConsole, words: str) -> tuple[str, str]:
    """Ink and ground of a text that is shown."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if words in segment.text and segment.style is not None and segment.style.color and segment.style.bgcolor:
                return Color.from_rich_color(segment.style.color).hex, Color.from_rich_color(segment.style.bgcolor).hex
    raise AssertionError(f"{words} is not shown\n{screen_text(app)}")


async def test_a_theme_is_seen_at_once_and_taken_back(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("sales")
        await pilot.pause()
        cells = ("logged out  ", "support ", "Help", "sales ")
        before = [colours(app, words) for words in cells]
        await pilot.press("T")
        await until(pilot, lambda: app.screen is not app.main)
        await pilot.press("G", "up", "up")
        await until(pilot, lambda: "▸ textual-dark" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "▸ textual-light" in screen_text(app))
        assert colours(app, "support ")[1] == "#E0E0E0"
        light = [colours(app, words) for words in cells]
        assert all(one[1] != other[1] for one, other in zip(before, light, strict=True))
        account.set_link("offline", since=0.0, retry_at=0.0, message="gone")
        await until(pilot, lambda: colours(app, "support ") != light[1])
        faded = colours(app, "support ")
        assert faded[1] == "#E0E0E0" and faded[0] == colours(app, "NAME")[0]
        account.set_link("live")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: [colours(app, words) for words in cells] == before)


@pytest.mark.parametrize("name", ["nord", "textual-light", "solarized-light"])
async def test_dialogs_wear_it_too(opened: Open, name: str) -> None:
    async with opened(preferences=Preferences(theme=name)) as (app, _account, pilot):
        assert app.theme == name
        await pilot.press("d")
        await until(pilot, lambda: app.screen.query(Input))
        await pilot.pause()
        seen = ink.variables()
        field = app.screen.query_one(Input)
        assert field.styles.background.hex == seen["ink-cursor"]
        assert app.screen.query_one("#box").styles.background.hex == seen["ink-raised"]
        assert app.screen.query_one("#cancel", Button).styles.color.hex == seen["ink-text"]


async def test_what_is_kept_is_what_the_file_says(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        config.path().parent.mkdir(parents=True, exist_ok=True)
        config.path().write_text('# mine\n[profiles.a]\nurl = "https://a.example"\ntoken = "t"\n')
        config.path().chmod(0o600)
        await pilot.press("T", "down", "down", "down", "enter")
        await until(pilot, lambda: app.screen is app.main)
    assert load().preferences.theme == themes.names()[3]
    text = config.path().read_text()
    assert text.startswith("# mine\n") and '[profiles.a]\nurl = "https://a.example"' in text


async def test_a_file_that_cannot_be_written_says_so(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        config.path().parent.mkdir(parents=True, exist_ok=True)
        config.path().write_text("theme = [\n")
        await pilot.press("T", "down", "enter")
        await until(pilot, lambda: any("was not kept" in note.message for note in app._notifications))
        assert app.theme_name == themes.names()[1]
    assert config.path().read_text() == "theme = [\n"


async def test_no_color_wins_over_a_theme(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(preferences=Preferences(theme="nord")) as (app, _account, pilot):
        for key in ("n", "question_mark", "T"):
            await pilot.press(key)
            await pilot.pause()
            for strip in app.screen._compositor.render_strips():
                assert all(one.style is None or (one.style.color is None and one.style.bgcolor is None) for one in strip)
            await pilot.press("escape")
            await pilot.pause()


async def test_nobody_is_stuck_with_a_name_that_is_none(opened: Open) -> None:
    async with opened(preferences=Preferences(theme="no-such")) as (app, _account, _pilot):
        assert app.theme_name == themes.OWN


@pytest.mark.parametrize("name", ["ansi", "", "solarized-light"])
async def test_the_cursor_in_a_field_is_seen(opened: Open, name: str) -> None:
    async with opened(preferences=Preferences(theme=name)) as (app, _account, pilot):
        for key in ("n", "colon"):
            await pilot.press(key)
            await until(pilot, lambda: app.screen.query(Input))
            await pilot.press("x")
            await until(pilot, lambda: app.screen.query(Input).first().value == "x")
            strip = app.screen.query(Input).first().render_line(0)
            styles = [segment.style for segment in strip if segment.style is not None]
            grounds = {style.bgcolor.name for style in styles if style.bgcolor}
            assert name == "ansi" or len(grounds) > 1
            assert name != "ansi" or any(style.reverse and style.bgcolor and style.bgcolor.is_default for style in styles)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
