"""Read-only: each action says whether it works then, so that no new one can be forgotten."""

from pathlib import Path

import pytest
from ryze_tui.console.actions import ACTIONS, BY_ID
from ryze_tui.console.screens.blockjson import JsonScreen
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.operations.permits import ServerInfo, refusal

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, until

LOOKS = {
    "open", "back", "filter", "sort", "refresh", "audit", "log", "copy", "palette", "theme", "profiles", "help", "quit", "probe",
    "bulk", "hold", "tags", "tape", "mark_row", "mark_all", "mark_range", "edit", *(f"edit{digit}" for digit in "23456"),
}  # fmt: skip
"""What changes nothing on the server: the edit screen shows blocks, and the bulk's menu begins nothing that is refused."""
WRITES = {"new", "connect", "code", "bring_back", "reconnect", "logout", "delete", "stream", "phone", "message"}


def test_every_action_is_one_or_the_other() -> None:
    assert set(BY_ID) == LOOKS | WRITES and not LOOKS & WRITES


async def test_what_changes_something_is_refused_with_the_reason(opened: Open) -> None:
    async with opened(read_only=True) as (app, account, pilot):
        app.main.select("support")
        row = app.main.instances.current
        reasons = {action.id: action.reason(account, row) for action in ACTIONS}  # type: ignore[arg-type]
        assert {id for id, reason in reasons.items() if reason} == WRITES, reasons
        assert all("read-only" in reasons[id] for id in WRITES)
        await pilot.press("r", "x", "d", "c", "p", "b", "w", "m", "S", "n")
        await pilot.pause()
        assert account.did == [] and app.screen is app.main


async def test_a_bulk_is_refused_before_its_plan(opened: Open) -> None:
    async with opened(read_only=True) as (app, account, pilot):
        await pilot.press("space", "space", "r")
        await until(pilot, lambda: app.screen is app.main)
        assert account.did == []


@pytest.mark.long
async def test_blocks_are_shown_and_every_verb_says_why_not(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, said = FakeBlocks(), []
    monkeypatch.setenv("EDITOR", "false")
    async with opened(read_only=True) as (app, account, pilot):
        monkeypatch.setattr(app, "notify", lambda text, **_more: said.append(text))
        account.configuring = blocks.configuring(Path("/"))
        app.main.select("support")
        for page in "23456":
            await pilot.press(page)
            await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.form)
            screen = app.screen
            assert isinstance(screen, EditScreen) and screen.form is not None
            assert not [widget for widget in screen.form.query("Input, Checkbox") if not widget.disabled], page
            for key in ("r", "ctrl+s", "E", *("T" * (page in "346")), *("a" * (page == "4"))):
                said.clear()
                await pilot.press(key)
                await until(pilot, lambda: said)
                assert app.screen is screen and "read-only" in said[0], (page, key, said)
            await pilot.press("J")
            await until(pilot, lambda: isinstance(app.screen, JsonScreen))
            await pilot.press("escape", "1")
            await until(pilot, lambda: app.screen is app.main)
    assert blocks.sent == [] and not blocks.tried


@pytest.mark.parametrize("action", ["create", "connect", "reconnect", "logout", "delete", "configure", "send", "simulate"])
def test_every_word_of_a_write_is_refused(action: str) -> None:
    assert refusal(action, ServerInfo(simulated=True, account_token=True), read_only=True)
    assert not refusal(action, ServerInfo(simulated=True, account_token=True), read_only=False)
