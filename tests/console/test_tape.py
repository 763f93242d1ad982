"""The tape and the log: they follow, hold still, filter, show one whole, save; nothing secret is seen or saved unasked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.events import Event
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.screens.tape import TapeScreen
from ryze_tui.operations.permits import ServerInfo
from textual.pilot import Pilot

from .conftest import Open, screen_text, until
from .stub import StubAccount

SECRET = {"state": "qr_ready", "codes": ["2@abc,def,ghi,jkl=="]}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def say(account: StubAccount, name: str, event: str, **data: Any) -> None:
    assert account.on_event is not None
    account.on_event(Event(event, name, data), 1.0)


def text(account: StubAccount, name: str, words: str) -> None:
    say(account, name, "message.exchange", direction="incoming", message={"type": "text", "content": words})


async def tape(pilot: Pilot[int], account: StubAccount, *keys: str) -> TapeScreen:
    account.server = ServerInfo(engine="", account_token=True)  # no stream of the account: what the console hears is all
    await pilot.press("E")
    await until(pilot, lambda: isinstance(pilot.app.screen, TapeScreen))
    await pilot.press(*keys)
    assert isinstance(pilot.app.screen, TapeScreen)
    return pilot.app.screen


def shows(app: RyzeConsole, words: str) -> bool:
    return words in screen_text(app)


async def test_it_follows_the_end_until_one_scrolls(opened: Open) -> None:
    async with opened(size=(100, 20)) as (app, account, pilot):
        text(account, "support", "before it was opened")
        screen = await tape(pilot, account)
        assert shows(app, "before it was opened")
        for number in range(40):
            text(account, "support", f"message {number}.")
        await until(pilot, lambda: shows(app, "message 39."))
        await pilot.press("up")
        assert screen.pane.current is not None and screen.pane.current.told.endswith("38.")
        text(account, "support", "one more")
        await pilot.pause(0.1)
        assert screen.pane.current.told.endswith("38.")
        await pilot.press("end")
        assert screen.pane.current.told.endswith("one more")
        text(account, "support", "and more")
        await until(pilot, lambda: shows(app, "and more"))
        assert screen.pane.current.told.endswith("and more")


async def test_it_holds_still(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await tape(pilot, account)
        text(account, "support", "first")
        await until(pilot, lambda: shows(app, "first"))
        await pilot.press("space")
        text(account, "support", "second")
        await until(pilot, lambda: shows(app, "holds still, 1 came since"))
        assert not shows(app, "second")
        await pilot.press("space")
        await until(pilot, lambda: shows(app, "second") and not shows(app, "holds still"))


async def test_a_filter_is_typed_kept_and_cleared(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await tape(pilot, account)
        text(account, "support", "hello")
        say(account, "ops", "call.update", type="offer", **{"from": "5511@s.whatsapp.net"})
        await pilot.press("slash", *"event:call")
        await until(pilot, lambda: not shows(app, "hello") and shows(app, "offer"))
        await pilot.press("enter")
        assert shows(app, "/event:call") and shows(app, "1 event")
        text(account, "support", "hello again")
        say(account, "ops", "call.update", type="terminate")
        await until(pilot, lambda: shows(app, "terminate"))
        assert not shows(app, "hello")
        await pilot.press("slash", "escape")
        await until(pilot, lambda: shows(app, "hello again"))
        await pilot.press("E")
        await until(pilot, lambda: app.screen is app.main)


async def test_of_one_instance_from_its_detail(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        text(account, "ops", "somebody else")
        text(account, "support", "mine")
        app.main.select("support")
        await pilot.press("enter")
        await tape(pilot, account)
        assert shows(app, "mine") and not shows(app, "somebody else") and shows(app, "/name:support")


async def test_one_whole_and_its_secrets_on_purpose(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await tape(pilot, account)
        say(account, "sales", "instance.state", **SECRET)
        await until(pilot, lambda: shows(app, "qr_ready"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, '"codes"'))
        assert not shows(app, "2@abc")
        await pilot.press("s")
        await until(pilot, lambda: shows(app, "Reveal what is masked?"))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, '"codes"'))
        assert not shows(app, "2@abc")
        await pilot.press("s", "y")
        await until(pilot, lambda: shows(app, "2@abc,def"))
        await pilot.press("s")
        await until(pilot, lambda: not shows(app, "2@abc"))


async def test_what_is_shown_is_saved_without_secrets(opened: Open, tmp_path: Path) -> None:
    async with opened() as (app, account, pilot):
        await tape(pilot, account)
        say(account, "sales", "instance.state", **SECRET)
        text(account, "support", "hello \x1b[31m")
        await pilot.press("slash", *"name:sales", "enter", "o")
        await until(pilot, lambda: shows(app, "saved, secrets masked"))
        (file,) = tmp_path.glob("ryze-events-*.ndjson")
        assert file.stat().st_mode & 0o777 == 0o600
        (line,) = [json.loads(line) for line in file.read_text().splitlines()]
        assert line["instance"] == "sales" and "2@abc" not in file.read_text()
        await pilot.press("o")
        await until(pilot, lambda: len(list(tmp_path.glob("ryze-events-*.ndjson"))) == 2)


async def test_what_cannot_be_seen_is_said(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryze_tui.console.screens.tape.EVERY", 0.02)
    async with opened() as (app, account, pilot):
        account.covers = lambda name: name == "support"  # type: ignore[method-assign]
        await tape(pilot, account)
        assert shows(app, "1 instance tells nothing here: its stream is off (w on the list).")
        account.model.rows["billing"].item = replace(account.model.rows["billing"].item, streaming=True)
        await until(pilot, lambda: shows(app, "11 instances are not heard: their streams are not open at this moment."))


async def test_a_flood_is_dropped_and_said(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await tape(pilot, account)
        for number in range(3000):
            text(account, "support", f"message {number}.")
        await until(pilot, lambda: shows(app, "1000 older dropped") and shows(app, "message 2999."))
        await pilot.press("home")
        await until(pilot, lambda: shows(app, "message 1000."))


async def test_the_log_filters_holds_still_and_saves(opened: Open, tmp_path: Path) -> None:
    async with opened() as (app, account, pilot):
        calls = [("GET", "/api/instance/list", 200, ""), ("POST", "/api/instance/reconnect/ops", 409, "no saved session")]
        for method, path, status, message in calls:
            account.calls.record("http://127.0.0.1:9", method, path, at=1.0, status=status, ms=3, message=message, body=None)
        await pilot.press("L")
        await until(pilot, lambda: shows(app, "2 calls"))
        await pilot.press("slash", *"session", "enter")
        await until(pilot, lambda: shows(app, "1 call") and not shows(app, "/instance/list"))
        await pilot.press("o")
        await until(pilot, lambda: shows(app, "saved, secrets masked"))
        (file,) = tmp_path.glob("ryze-calls-*.ndjson")
        assert json.loads(file.read_text())["status"] == 409
        await pilot.press("space")
        account.calls.record("http://127.0.0.1:9", "GET", "/session", at=1.0, status=200, ms=3, message="", body=None)
        await until(pilot, lambda: shows(app, "holds still, 1 came since"))
        await pilot.press("space", "slash", "escape")
        await until(pilot, lambda: shows(app, "3 calls"))
