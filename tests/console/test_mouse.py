"""Everything that keys do, by mouse: lists, heads, hints, tabs, forms, dialogs, the header."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui.console.screens.create import CreateScreen
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.console.screens.help import HelpPage, HelpScreen
from ryze_tui.console.screens.log import LogScreen
from ryze_tui.console.screens.probe import ProbeScreen
from ryze_tui.console.widgets.hints import key_of, piece_at
from textual import events
from textual.pilot import Pilot

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until


async def click(pilot: Pilot[int], words: str, *, line: int | None = None) -> None:
    """On the first character of a text, wherever it is."""
    for y, text in enumerate(screen_text(pilot.app).split("\n")):  # type: ignore[arg-type]
        if words in text and line in (None, y):
            await pilot.click(offset=(text.index(words), y))
            await pilot.pause()
            return
    raise AssertionError(f"{words} is not shown\n{screen_text(pilot.app)}")  # type: ignore[arg-type]


async def wheel(pilot: Pilot[int], x: int, y: int, down: bool = True) -> None:
    kind = events.MouseScrollDown if down else events.MouseScrollUp
    pilot.app.screen._forward_event(kind(None, x, y, 0, 1 if down else -1, 0, False, False, False, x, y))
    await pilot.pause()


async def test_a_row_and_again(opened: Open) -> None:
    async with opened((80, 24)) as (app, _account, pilot):
        await click(pilot, "support-night")
        assert app.main.instances.current_name == "support-night" and not app.main.detail
        await click(pilot, "support-night")
        await until(pilot, lambda: app.main.detail)


async def test_heads_sort(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await click(pilot, "NAME")
        assert "by name" in screen_text(app)
        await click(pilot, "FOR")
        assert "newest first" in screen_text(app)
        await click(pilot, "STATE")
        assert "trouble first" in screen_text(app)


async def test_the_footer(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        for words, kind in (("Help", HelpScreen), ("New ", CreateScreen)):
            await click(pilot, words, line=39)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))  # type: ignore[misc]
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        await click(pilot, "Filter", line=39)
        await until(pilot, lambda: app.main.focused is app.main.title_line)


async def test_the_header(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await click(pilot, "✖1", line=0)
        await until(pilot, lambda: "1 of 12" in screen_text(app))
        assert "state:banned" in screen_text(app)
        await pilot.press("escape")
        await click(pilot, "● LIVE", line=0)
        await until(pilot, lambda: isinstance(app.screen, ProbeScreen))
        await pilot.press("escape")
        app.note_budget()
        app.main.sync_all()
        await pilot.pause()
        await click(pilot, "API 83", line=0)
        await until(pilot, lambda: isinstance(app.screen, LogScreen))


async def test_the_next_step_of_the_detail(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("sales")
        await pilot.pause()
        await click(pilot, "connect with a new QR")
        await until(pilot, lambda: account.did)
        assert account.did[-1][0] in ("pair", "confirm_state")


async def test_the_title_line(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await click(pilot, "Instances", line=1)
        await until(pilot, lambda: app.main.focused is app.main.title_line)


async def test_the_wheel(opened: Open) -> None:
    async with opened((80, 12)) as (app, _account, pilot):
        first = app.main.instances.current_name
        await wheel(pilot, 5, 5)
        assert app.main.instances.current_name != first
        await wheel(pilot, 5, 5, down=False)
        assert app.main.instances.current_name == first
        app.main.show_detail(True)
        await pilot.pause()
        before = screen_text(app)
        await wheel(pilot, 5, 5)
        await until(pilot, lambda: screen_text(app) != before)
        await wheel(pilot, 5, 5, down=False)
        await until(pilot, lambda: screen_text(app) == before)
        app.push_screen(HelpScreen())
        await until(pilot, lambda: app.screen.query(HelpPage))
        await pilot.pause()
        before = screen_text(app)
        await wheel(pilot, 30, 6)
        await until(pilot, lambda: screen_text(app) != before)


async def test_a_form(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        account.configuring = FakeBlocks().configuring(Path("/"))
        app.main.select("support")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.form is not None)
        screen = app.screen
        assert isinstance(screen, EditScreen)
        await click(pilot, "4 Web")
        await until(pilot, lambda: screen.form is not None and screen.form.edit.wire.kind == "webhook")
        await pilot.pause()
        await click(pilot, "crm")
        await until(pilot, lambda: screen.page.label == "crm")
        await pilot.pause()
        await click(pilot, "[x] message.exchange")
        await until(pilot, lambda: screen.page.dirty)
        await click(pilot, "Revert")
        await until(pilot, lambda: not screen.page.dirty)
        screen.line.focus()
        await pilot.pause()
        await click(pilot, "D deliveries")
        await until(pilot, lambda: app.screen is not screen)
        await click(pilot, "esc closes")
        await until(pilot, lambda: app.screen is screen)
        await click(pilot, "Close (esc)")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_hint_below_a_box(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.pause()
        await click(pilot, "esc closes")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_theme(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await pilot.press("T")
        await pilot.pause()
        await click(pilot, "atom-one-light")
        assert app.theme_name == "atom-one-light"
        await click(pilot, "esc as before")
        await until(pilot, lambda: app.screen is app.main)
        assert app.theme_name == "ryze"


async def test_a_letter_of_a_hint_is_never_typed(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, CreateScreen))
        await pilot.pause()
        await click(pilot, "Letters, digits")
        assert app.screen.query_one("#name").value == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize(("written", "key"), [
    ("?", "question_mark"), ("esc", "escape"), ("c", "c"), ("L", "L"), ("/", "slash"), ("ctrl+pgdn", "ctrl+pagedown"),
    ("f2", "f2"), ("Next:", ""), ("The", ""), ("▸", ""), ("", ""), ("+", "plus"),
])  # fmt: skip
def test_names_of_keys(written: str, key: str) -> None:
    assert key_of(written) == key


def test_pieces_of_a_sentence() -> None:
    words = "t looks again · esc closes"
    assert [piece_at(words, x) for x in (0, 8, 16, 25)] == ["t", "t", "esc", "esc"]
    assert piece_at(words, 200) == ""
