"""The audit log on the screen: newest first, it goes on while it is open, words filter it, and one is shown whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ryze_tui.console.screens import audit
from ryze_tui.console.screens.audit import AuditScreen
from ryze_tui.console.screens.whole import WholeScreen
from ryze_tui.operations.audit import COMMAND, audit_path, record
from textual.pilot import Pilot

from .conftest import Open, screen_text, until
from .stub import NOW


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(audit, "EVERY", 0.01)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22")
    monkeypatch.setattr("ryze_tui.operations.audit._user", lambda: "ana")


def wrote(action: str, name: str, ok: bool | None = True, message: str = "done", ago: float = 0, **changes: object) -> None:
    record(
        at=NOW - ago, action=action, profile="acme", instance=name, ok=ok, message=message, status=200, program=COMMAND,
        request=f"req-{name}", changes={field: {"before": None, "after": value} for field, value in changes.items()},
    )  # fmt: skip


def some() -> None:
    wrote("delete", "old", ago=90_000)
    wrote("configure settings: ignoreGroupMessages", "sales", ago=60, ignoreGroupMessages=True, password="changed")
    wrote("reconnect", "support", None, "broken off while under way: result unknown", ago=30)
    wrote("logout", "sales", False, "the server said no \x1b[31m", ago=1)


async def opens(pilot: Pilot[int], *keys: str) -> AuditScreen:
    await pilot.press("A")
    await until(pilot, lambda: isinstance(pilot.app.screen, AuditScreen) and pilot.app.screen.pane.size.width)
    await pilot.press(*keys)
    assert isinstance(pilot.app.screen, AuditScreen)
    return pilot.app.screen


async def test_newest_first_with_who_and_what_came_of_it(opened: Open) -> None:
    some()
    async with opened(size=(80, 24)) as (app, _account, pilot):
        screen = await opens(pilot)
        await until(pilot, lambda: "4 writes" in screen_text(app))
        assert [entry[1]["action"].split()[0] for entry in screen.pane.things] == ["logout", "reconnect", "configure", "delete"]
        text = screen_text(app)
        assert "▸ 09-21 14:13:19 failed      sales" in text and "unknown     support" in text and "\x1b" not in text
        assert "by ana@192.0.2.7 · command · acme · req-sales" in text and "the server said no" in text
        await pilot.press("down", "down")
        await until(pilot, lambda: "ignoreGroupMessages: – → yes · password: – → changed" in screen_text(app))
        await pilot.press("A")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_it_goes_on_holds_still_and_filters(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        screen = await opens(pilot)
        await until(pilot, lambda: "Nothing was written from here yet." in screen_text(app))
        some()
        await until(pilot, lambda: "4 writes" in screen_text(app))
        await pilot.press("space")
        wrote("create", "later")
        await until(pilot, lambda: "holds still, 1 came since" in screen_text(app))
        assert "later" not in screen_text(app)
        await pilot.press("space", "slash", *"sales !logout", "enter")
        assert [entry[1]["action"].split()[0] for entry in screen.pane.things] == ["configure"]
        await pilot.press("slash", "ctrl+u", *"zzz", "enter")
        assert "Nothing matches." in screen_text(app)


async def test_one_as_json_and_all_that_is_shown_into_a_file(opened: Open, tmp_path: Path) -> None:
    some()
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await opens(pilot)
        await until(pilot, lambda: "4 writes" in screen_text(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, WholeScreen) and "reveal" not in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: '"after": "changed"' in screen_text(app))
        await pilot.press("escape", "slash", *"failed", "enter", "o")
        await until(pilot, lambda: list(tmp_path.glob("ryze-audit-*.ndjson")))
        [file] = tmp_path.glob("ryze-audit-*.ndjson")
        assert [json.loads(line)["action"] for line in file.read_text().splitlines()] == ["logout"]
        assert file.stat().st_mode & 0o777 == 0o600


async def test_of_the_instance_whose_detail_is_open_and_what_cannot_be_read_is_said(opened: Open) -> None:
    some()
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.main.select("sales")
        await pilot.press("enter")
        await opens(pilot)
        await until(pilot, lambda: "2 writes · /sales" in screen_text(app))
        await pilot.press("escape")
        audit_path().unlink()
        audit_path().mkdir()
        await opens(pilot)
        await until(pilot, lambda: "cannot be read: Is a directory" in screen_text(app))
