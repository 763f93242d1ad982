"""Alerts: what needs a look is told once, together, and never what the person did, held, or found when the list came."""

from typing import Any

import pytest
from ryze_tui.console import alerts
from ryze_tui.console.app import RyzeConsole
from textual.pilot import Pilot

from .conftest import Open, screen_text, until
from .stub import StubAccount


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Together within no time at all; what was rung."""
    rung: list[str] = []
    monkeypatch.setattr(alerts, "TOGETHER", 0.0)
    monkeypatch.setattr(alerts, "ring", lambda app, text: rung.append(text))
    return rung


async def ready(pilot: Pilot[int], app: RyzeConsole) -> None:
    await until(pilot, lambda: app.main.alerts is not None)


async def test_a_number_that_is_logged_out_is_told_of(opened: Open, at_once: list[str]) -> None:
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        assert at_once == []
        account.turn("support", "loggedout", reason="by the phone\x1b]0;x\x07")
        await until(pilot, lambda: "support logged out: by the phone" in screen_text(app))
        assert len(at_once) == 1 and "\x1b" not in at_once[0]


async def test_fifty_at_once_are_one_alert(opened: Open, at_once: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "TOGETHER", 0.05)
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        for name in ("support", "vip", "zeta", "returns"):
            account.turn(name, "loggedout")
        account.turn("crm-eu", "banned")
        await until(pilot, lambda: at_once)
        assert at_once == ["5 numbers need a look: 1 banned · 4 logged out (crm-eu, returns, support…)"]


async def test_what_is_over_before_it_is_told_is_not_told(
    opened: Open, at_once: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "TOGETHER", 0.05)
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        account.turn("support", "loggedout")
        account.turn("support", "connected")
        account.turn("vip", "loggedout")
        await until(pilot, lambda: at_once)
        assert at_once == ["vip logged out"]


async def test_not_what_the_person_did(opened: Open, at_once: list[str]) -> None:
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        app.main.select("support")
        await pilot.press("x")
        await until(pilot, lambda: "Log out support?" in screen_text(app))
        await pilot.press(*"support", "enter")
        await until(pilot, lambda: ("logout", "support") in account.did)
        account.turn("support", "loggedout")
        account.turn("vip", "loggedout")
        await until(pilot, lambda: at_once)
        assert at_once == ["vip logged out"]


async def test_not_a_held_row_until_its_state_changes(opened: Open, at_once: list[str]) -> None:
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        app.main.select("sales")
        await pilot.press("h")
        await until(pilot, lambda: "sales" in account.notes.held and "held" in screen_text(app))
        account.turn("sales", "banned")
        await until(pilot, lambda: "sales" not in account.notes.held)
        await pilot.pause(0.05)
        assert at_once == []
        account.turn("sales", "loggedout")
        await until(pilot, lambda: at_once == ["sales logged out"])


async def test_the_same_again_is_told_again_only_after_a_while(
    opened: Open, at_once: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        for _turn in range(2):
            account.turn("support", "loggedout")
            await pilot.pause(0.05)
            account.turn("support", "connected")
            await pilot.pause(0.05)
        assert at_once == ["support logged out"]
        monkeypatch.setattr(alerts, "AGAIN", 0.0)
        account.turn("support", "loggedout")
        await until(pilot, lambda: len(at_once) == 2)


async def test_the_alerts_of_one_account_are_not_those_of_the_next(opened: Open, at_once: list[str]) -> None:
    from ryze_tui.console.accounts import Place

    async with opened() as (app, account, pilot):
        await ready(pilot, app)
        account.turn("support", "loggedout")
        app.accounts.change_over(Place("http://127.0.0.1:10", "another-token-0123456789"))
        await until(pilot, lambda: app.account is not account and app.account is not None)
        await pilot.pause(0.05)
        second: StubAccount = app.account  # type: ignore[assignment]
        second.load()
        await ready(pilot, app)
        await pilot.pause(0.05)
        assert at_once == []


class Driver:
    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        return


class App:
    """As much of the application as `ring` needs."""

    is_headless = False

    def __init__(self, **preferences: Any) -> None:
        from ryze_tui.preferences import Preferences

        self._driver, self.preferences = Driver(), Preferences(**preferences)

    def bell(self) -> None:
        if self.preferences.bell:
            self._driver.write("\a")


RING = alerts.ring


@pytest.mark.parametrize(("term", "preferences", "written"), [
    ("xterm-256color", {}, "\a\x1b]9;ryze-tui: sales banned ␛\x1b\\"),
    ("xterm-256color", {"bell": False}, "\x1b]9;ryze-tui: sales banned ␛\x1b\\"),
    ("xterm-256color", {"notifications": False}, "\a"),
    ("linux", {}, "\a"),
])  # fmt: skip
def test_what_the_terminal_is_sent(monkeypatch: pytest.MonkeyPatch, term: str, preferences: Any, written: str) -> None:
    monkeypatch.setenv("TERM", term)
    app = App(**preferences)
    RING(app, "sales banned \x1b\x07")  # type: ignore[arg-type]
    assert app._driver.written.replace("␇", "") == written


@pytest.mark.parametrize("text", ["4;3;0; banned", "9;/tmp logged out", "5 numbers need a look: 5 banned"])
def test_no_name_is_a_command_to_the_terminal(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """`OSC 9 ; digit` sets progress or a directory, or waits for a key, in some terminals."""
    monkeypatch.setenv("TERM", "xterm-256color")
    app = App(bell=False)
    RING(app, text)  # type: ignore[arg-type]
    assert app._driver.written.startswith("\x1b]9;ryze-tui: ") and text in app._driver.written
