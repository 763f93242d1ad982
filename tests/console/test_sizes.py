"""Every screen at every size: nothing crashes, nothing is wider than the terminal, focus and what was typed stay."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.panes.arrangement import SMALLEST
from ryze_tui.pairing.flow import View
from textual.pilot import Pilot
from textual.widgets import Input

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until
from .stub import QR_TEXT, StubAccount

SCREENS = ("main", "detail", "edit", "review", "create", "blocks", "delete", "question", "help", "log", "palette", "theme",
           "pairing", "code", "menu", "welcome", "connect")  # fmt: skip
KEYS = ("down", "up", "tab", "shift+tab", "left", "right", "pagedown", "pageup", "home", "end", "z", "9")


async def go(pilot: Pilot[int], account: StubAccount, where: str) -> None:
    """Open one of SCREENS from the main screen."""
    app: RyzeConsole = pilot.app  # type: ignore[assignment]
    app.main.select("support" if where in ("question", "pairing") else "sales")
    await pilot.pause()
    opens = {"detail": "enter", "create": "n", "delete": "d", "help": "question_mark", "log": "L", "palette": "colon",
             "theme": "T", "menu": "y", "question": "c", "blocks": "n", "edit": "4", "review": "4"}  # fmt: skip
    if where in opens:
        await pilot.press(opens[where])
        await pilot.pause()
    if where in ("edit", "review"):
        await until(pilot, lambda: app.screen.query("BlockForm"))
        await pilot.press("down")
        await pilot.pause()
    if where == "blocks":
        app.screen.query_one("#blocks").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("BlockForm"))
    if where == "review":
        await pilot.press("space", "escape", "r")
        await until(pilot, lambda: app.screen.query("#lines"))
    if where in ("pairing", "code"):
        from ryze_tui.console.screens.pairing import PairingScreen

        screen = PairingScreen(account, "sales", "5511999990077" if where == "code" else "")  # type: ignore[arg-type]
        await app.push_screen(screen)
        code = QR_TEXT if where == "pairing" else "K7QF-3M9T"
        screen.pane.clock = lambda: 0.0
        account.sessions[-1].show(View("qr" if where == "pairing" else "code", code=code, expires_at=40.0, index=1, total=6))
    if where in ("welcome", "connect"):
        from ryze_tui.console.screens.connect import ConnectScreen
        from ryze_tui.console.screens.welcome import WelcomeScreen

        await app.push_screen(WelcomeScreen() if where == "welcome" else ConnectScreen())
    await pilot.pause()


def check(app: RyzeConsole, where: str) -> None:
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) <= height
    for strip in strips:
        assert cell_len("".join(segment.text for segment in strip)) <= width, (where, app.size)
    if width < SMALLEST[0] or height < SMALLEST[1]:
        shown = "".join("".join(segment.text for segment in strip) for strip in strips)
        if width * height >= 40:
            assert "This" in shown or "terminal" in shown, (where, app.size, shown)


def typed(app: RyzeConsole) -> dict[str, str]:
    return {field.id or "": field.value for field in app.screen.query(Input)}


async def resize(pilot: Pilot[int], size: tuple[int, int]) -> None:
    """And wait until the screen is laid out for it."""
    await pilot.resize_terminal(*size)
    await until(pilot, lambda: pilot.app.screen._compositor.size == size)
    await pilot.pause()


Sized = list[tuple[tuple[int, int], list[str]]]
ANY = st.tuples(st.integers(1, 400), st.integers(1, 100))
NEAR = st.tuples(st.integers(1, 130), st.integers(1, 45))
STEPS = st.lists(st.tuples(st.one_of(NEAR, ANY), st.lists(st.sampled_from(KEYS), max_size=3)), min_size=3, max_size=7)


async def fuzz(opened: Open, where: str, steps: Sized) -> None:
    async with opened((80, 24)) as (app, account, pilot):
        account.configuring = FakeBlocks().configuring(Path("/"))
        await go(pilot, account, where)
        kind = type(app.screen)
        for size, keys in steps:
            before, focused = typed(app), app.screen.focused
            await resize(pilot, size)
            check(app, where)
            assert typed(app) == before
            await pilot.press(*keys)
            await pilot.pause()
            check(app, where)
            if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
                assert typed(app) == before
            else:
                assert app.screen.focused is not None or focused is None or where == "detail", (where, size)
        values = typed(app)
        await resize(pilot, SMALLEST)
        await until(pilot, lambda: not app.screen.query("Lid"))
        check(app, where)
        assert type(app.screen) is kind and typed(app) == values
        assert app.is_running and app._exception is None


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.mark.parametrize("where", ["main", "edit", "create", "help", "palette", "pairing"])
def test_sizes_and_keys(opened: Open, where: str) -> None:
    @bounded(2)
    @given(STEPS)
    def some(steps: Sized) -> None:
        asyncio.run(fuzz(opened, where, steps))

    some()


@pytest.mark.long
@pytest.mark.parametrize("where", SCREENS)
def test_many_sizes_and_keys(opened: Open, where: str) -> None:
    @bounded(15)
    @given(STEPS)
    def many(steps: Sized) -> None:
        asyncio.run(fuzz(opened, where, steps))

    many()


@pytest.mark.parametrize("where", ["filter", "create", "edit"])
async def test_too_small_and_back(opened: Open, where: str) -> None:
    """The notice is over every screen, what is typed meanwhile goes nowhere, and everything is as it was afterwards."""
    async with opened((80, 24)) as (app, account, pilot):
        account.configuring = FakeBlocks().configuring(Path("/"))
        if where == "filter":
            await pilot.press("slash", *"sal")
        else:
            await go(pilot, account, where)
            await pilot.press(*"abc")
        await pilot.pause()
        before, focused, values = screen_text(app), app.screen.focused, typed(app)
        for size in ((39, 24), (80, 11), (1, 1), (20, 8)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: app.screen.size == size)  # type: ignore[misc]
            await pilot.pause()
            await pilot.press("x", "enter", "escape", "down")
        assert "This terminal is" in screen_text(app)
        assert "New instance" not in screen_text(app) and "Enabled" not in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen_text(app) == before)
        assert app.screen.focused is focused and typed(app) == values


async def test_a_notice_can_be_left_by_q(opened: Open) -> None:
    async with opened((80, 24)) as (app, _account, pilot):
        await pilot.press("question_mark")
        await pilot.resize_terminal(30, 8)
        await until(pilot, lambda: app.screen.query("Lid"))
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)
