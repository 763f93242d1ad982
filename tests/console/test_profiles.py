"""Changing over to another account without leaving: nothing of the first shows under the second; what cannot be read is said."""

import asyncio
from pathlib import Path

import pytest
from ryze_tui import config, local, paths
from ryze_tui.api.instance import Instance
from ryze_tui.config.tokens import kept_file
from ryze_tui.console import opening
from ryze_tui.console.accounts import Place
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.screens.profiles import ProfilesScreen
from ryze_tui.fleet import cache
from ryze_tui.fleet.keeping import Kept
from ryze_tui.fleet.model import FleetModel
from ryze_tui.operations.outcome import Outcome
from textual.pilot import Pilot
from textual.widgets import Input

from .conftest import Open, screen_text, until
from .stub import NOW, StubAccount

FILE = """# mine
default = "acme"
[profiles.acme]
url = "http://127.0.0.1:9"
token = "token-0123456789abcdef"
[profiles.night]  # the other shift
url = "http://127.0.0.1:10"
token = "token-of-night-0123456789"
read_only = true
[profiles.vault]
url = "https://vault.example"
token_command = ["sh", "-c", "echo vault is sealed >&2; exit 3"]
"""


@pytest.fixture(autouse=True)
def file() -> Path:
    path = config.path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FILE, encoding="utf-8")
    path.chmod(0o600)
    return path


async def profiles(pilot: Pilot[int], *keys: str) -> ProfilesScreen:
    await pilot.press("P")
    await until(pilot, lambda: isinstance(pilot.app.screen, ProfilesScreen) and pilot.app.screen.list.known)
    screen = pilot.app.screen
    assert isinstance(screen, ProfilesScreen)
    await pilot.press(*keys)
    return screen


def put(app: RyzeConsole, field: str, text: str) -> None:
    """As if it had been pasted: keys one by one take a pilot 50 ms each."""
    app.screen.query_one(f"#{field}", Input).value = text


async def over(pilot: Pilot[int], app: RyzeConsole, *keys: str) -> StubAccount:
    """Change over; the account that is open then."""
    before = app.account
    await profiles(pilot, *keys, "enter")
    await until(pilot, lambda: app.account not in (before, None))
    return StubAccount.last


async def test_another_profile_is_opened_and_nothing_of_the_first_is_left(opened: Open) -> None:
    async with opened() as (app, first, pilot):
        await pilot.press("space", "slash", *"sup", "enter")
        assert app.main.marks and app.main.filtered
        second = await over(pilot, app, "down")
        assert (second.url, second.read_only) == ("http://127.0.0.1:10", True)
        shown = screen_text(app)
        assert "night" in shown and "READ-ONLY" in shown and "support" not in shown and "acme" not in shown
        assert not app.main.marks and not app.main.filtered and not app.main.loaded
        second.load([Instance("other", state="connected")])
        await until(pilot, lambda: app.main.loaded)
        assert app.main.instances.current_name == "other" and "1 of 1" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert ("reconnect", "other") not in second.did and app.account is second and first is not second


async def test_what_the_first_says_late_is_not_heard(opened: Open) -> None:
    async with opened() as (app, first, pilot):
        second = await over(pilot, app, "down")
        assert (first.on_changes, first.on_link, first.on_event) == (None, None, None)
        second.load([Instance("other", state="connected")])
        await until(pilot, lambda: app.main.loaded)
        first.model.apply_list([Instance("late", state="banned")], asked_at=99, received_at=99, now=99)
        first.set_link("refused")
        await pilot.pause(0.1)
        assert "late" not in screen_text(app) and "other" in screen_text(app)


async def test_an_answer_for_the_first_is_not_shown_under_the_second(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def refresh(account: StubAccount, names: object = None) -> Outcome:
        account.did.append(("refresh", account.url))
        await gate.wait()
        return Outcome(True, "12 of the first", 200)

    monkeypatch.setattr(StubAccount, "refresh", refresh)
    async with opened() as (app, first, pilot):
        app.notify("support was banned", markup=False)  # an alert of the first
        await pilot.press("R")
        await until(pilot, lambda: first.did)
        second = await over(pilot, app, "down")
        second.load([Instance("other", state="connected")])
        await until(pilot, lambda: app.main.loaded)
        gate.set()
        await until(pilot, lambda: not any(worker.group == "looks:refresh" for worker in app.workers))
        await pilot.pause()
        assert not list(app._notifications) and "12 of the first" not in screen_text(app)
        gate.clear()
        await pilot.press("R")
        await until(pilot, lambda: second.did)
        gate.set()
        await until(pilot, lambda: list(app._notifications))


@pytest.mark.parametrize("many", [True, False], ids=["many", "few"])
async def test_a_kept_list_that_is_read_slowly_does_not_come_under_another(
    opened: Open, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hurries on to a third profile: neither the rows of the second come then, nor its account."""
    gate, rows = asyncio.Event(), FleetModel()
    rows.apply_list([Instance("of-night", state="connected")], asked_at=1, received_at=1, now=NOW)
    kept = Kept(NOW - 60, [b"{}"])

    async def load(_kept: Kept) -> FleetModel:
        await gate.wait()
        return rows

    monkeypatch.setattr(cache, "look", lambda url, token: kept if url.endswith(":10") else None)
    monkeypatch.setattr(cache, "load_few", lambda _kept: None if many else rows)
    monkeypatch.setattr(cache, "load", load)
    monkeypatch.setattr(opening, "PAINTED", 0.02)
    async with opened() as (app, first, pilot):
        night = Place("http://127.0.0.1:10", "token-of-night-0123456789", "night")
        app.accounts.change_over(night)
        app.accounts.change_over(Place("http://127.0.0.1:9", "token-0123456789abcdef", "acme"))
        gate.set()
        await until(pilot, lambda: app.account not in (first, None))
        await pilot.pause(0.1)
        assert StubAccount.last.url == "http://127.0.0.1:9" and app.account is StubAccount.last
        assert app.accounts.place.profile == "acme"
        assert "of-night" not in screen_text(app) and "night" not in screen_text(app)
        app.accounts.change_over(night)
        await until(pilot, lambda: "of-night" in screen_text(app))


async def test_the_first_is_closed_and_no_task_of_it_is_left(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    async def close(account: StubAccount) -> None:
        closed.append(account.url)

    monkeypatch.setattr(StubAccount, "close", close)
    async with opened() as (app, _first, pilot):
        for turn in range(3):
            await over(pilot, app, *["k", "k", "j"][: 1 + 2 * ((turn + 1) % 2)])
            await pilot.pause()
        assert closed == ["http://127.0.0.1:9", "http://127.0.0.1:10", "http://127.0.0.1:9"]
        assert len([worker for worker in app.workers if worker.group == "account" and not worker.is_finished]) == 1


async def test_a_token_that_cannot_be_read_leaves_what_is_open(opened: Open) -> None:
    async with opened() as (app, first, pilot):
        await profiles(pilot, "G", "enter")
        await until(pilot, lambda: "vault is sealed" in screen_text(app))
        assert app.account is first
        await pilot.press("escape")
        assert app.account is first and "support" in screen_text(app)


async def test_the_open_one_stays_open(opened: Open) -> None:
    async with opened() as (app, first, pilot):
        await profiles(pilot, "enter")
        await until(pilot, lambda: not isinstance(app.screen, ProfilesScreen))
        assert app.account is first and app.main.loaded


async def test_not_while_an_answer_is_awaited(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def reconnect(account: StubAccount, name: str) -> Outcome:
        await gate.wait()
        return Outcome(True, "done", 200, name)

    monkeypatch.setattr(StubAccount, "reconnect", reconnect)
    async with opened() as (app, first, pilot):
        app.main.select("support")
        await pilot.press("r")
        await profiles(pilot, "down", "enter")
        await until(pilot, lambda: "Still working on support" in screen_text(app))
        assert app.account is first
        gate.set()


async def test_a_place_that_is_no_profile_can_be_gone_back_to(opened: Open, file: Path) -> None:
    file.write_text(FILE.replace("profiles.acme", "profiles.other").replace('default = "acme"', ""), encoding="utf-8")
    async with opened() as (app, _first, pilot):
        second = await over(pilot, app, "k", "k")
        assert second.url == "http://127.0.0.1:10"
        third = await over(pilot, app, "G")
        assert third.url == "http://127.0.0.1:9" and "acme" in screen_text(app)


async def test_adding_changing_and_removing(opened: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def check(account: StubAccount) -> Outcome:
        asked.append(account.url)
        return Outcome(account.url.endswith(":11"), "Invalid token", 401)

    monkeypatch.setattr(StubAccount, "check", check, raising=False)
    async with opened() as (app, first, pilot):
        await profiles(pilot, "a")
        await until(pilot, lambda: "Call it" in screen_text(app))
        put(app, "token", "token-of-day-0123456789")
        await pilot.press("shift+tab", "ctrl+u", *"127.0.0.1:12", "tab", "tab", "tab", *"acme", "enter")
        await until(pilot, lambda: "of this name already" in screen_text(app))
        await pilot.press("ctrl+u", *"day", "enter")
        await until(pilot, lambda: "copied whole" in screen_text(app))
        assert asked == ["http://127.0.0.1:12"] and file.read_text() == FILE
        put(app, "url", "127.0.0.1:11")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().profile("day") == config.Profile("day", "http://127.0.0.1:11", "token-of-day-0123456789")
        assert config.load().document["default"] == "acme" and "# the other shift" in file.read_text()
        await pilot.press("e")
        await until(pilot, lambda: "Change day" in screen_text(app))
        await pilot.press("end", "/", "enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().profile("day") == config.Profile("day", "http://127.0.0.1:11", "token-of-day-0123456789")
        await pilot.press("d")
        await until(pilot, lambda: "Remove the profile day?" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert "day" in config.load().names
        await pilot.press("d", "y")
        await until(pilot, lambda: "day" not in config.load().names)
        assert file.read_text() == FILE and app.account is first
        assert "token-of-day" not in screen_text(app)


async def test_a_token_in_a_file_and_read_only(opened: Open, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(account: StubAccount) -> Outcome:
        assert account.read_only  # nothing is changed by a look
        return Outcome(True, "1 instance", 200)

    monkeypatch.setattr(StubAccount, "check", check, raising=False)
    secret = tmp_path / "day.token"
    secret.write_text("token-of-day-0123456789\n")
    secret.chmod(0o644)
    async with opened() as (app, _first, pilot):
        await profiles(pilot, "a")
        await until(pilot, lambda: "Call it" in screen_text(app))
        put(app, "file", str(secret))
        await pilot.press(*"typed-too", "tab", "tab", *"day", "tab", "space", "shift+tab", "enter")
        await until(pilot, lambda: "not both" in screen_text(app))
        await pilot.press("shift+tab", "shift+tab", "ctrl+u", "enter")
        await until(pilot, lambda: "chmod 600" in screen_text(app).partition("Cancel")[0].rpartition("(0600)")[2])
        assert file.read_text() == FILE
        secret.chmod(0o600)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().document["profiles"]["day"] == {
            "url": "https://ryzeapi.cloud", "token_file": str(secret), "read_only": True,
        }  # fmt: skip
        await until(pilot, lambda: f"Token: in {secret}"[:60] in screen_text(app))
        await pilot.press("e")
        await until(pilot, lambda: "Change day" in screen_text(app))
        await pilot.press("tab", "tab", "tab", "space", "shift+tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().document["profiles"]["day"]["read_only"] is False
        assert "0123456789" not in screen_text(app)


async def test_a_token_that_replaces_what_we_kept_leaves_no_file_behind(
    opened: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(account: StubAccount) -> Outcome:
        return Outcome(True, "1 instance", 200)

    monkeypatch.setattr(StubAccount, "check", check, raising=False)
    ours = kept_file("night")
    paths.write_private(ours, "token-of-night-0123456789\n")
    told = f'token_file = "{ours}"'
    file.write_text(FILE.replace('token = "token-of-night-0123456789"', told), encoding="utf-8")
    async with opened() as (app, _first, pilot):
        await profiles(pilot, "down", "e")
        await until(pilot, lambda: "Change night" in screen_text(app))
        put(app, "token", "another-token-0123456789")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().document["profiles"]["night"]["token_file"] == str(ours) and "another-token" not in file.read_text()
        assert ours.read_text() == "another-token-0123456789\n" and ours.stat().st_mode & 0o777 == 0o600
        await pilot.press("e")
        await until(pilot, lambda: "Change night" in screen_text(app))
        own = file.with_name("mine")
        own.write_text("my-own-token-0123456789\n")
        own.chmod(0o600)
        put(app, "file", str(own))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert config.load().document["profiles"]["night"]["token_file"] == str(own) and not ours.exists()


async def test_what_is_no_profile_becomes_one_by_one_key(opened: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address stands in the form, and its token is kept without being typed, or seen; but never for another server."""
    asked: list[str] = []

    async def check(account: StubAccount) -> Outcome:
        asked.append(account.url)
        return Outcome(True, "1 instance", 200)

    monkeypatch.setattr(StubAccount, "check", check, raising=False)
    file.write_text(FILE.replace("profiles.acme", "profiles.other").replace('default = "acme"', ""), encoding="utf-8")
    async with opened() as (app, _first, pilot):
        await over(pilot, app, "k", "k")
        await profiles(pilot, "G", "a")
        await until(pilot, lambda: "Call it" in screen_text(app))
        assert "http://127.0.0.1:9" in screen_text(app) and "0123456789" not in screen_text(app)
        await pilot.press(*"kept", "shift+tab", "shift+tab", "shift+tab", "end", "9", "enter")
        await until(pilot, lambda: "The token is needed" in screen_text(app))
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        assert asked == ["http://127.0.0.1:9"]
        assert config.load().document["profiles"]["kept"] == {"url": "http://127.0.0.1:9", "token_file": str(kept_file("kept"))}
        assert kept_file("kept").read_text() == "token-0123456789abcdef\n"
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1 and app.accounts.place.profile == "kept" and app.account)
        screen = await profiles(pilot)
        assert [(one.name, one.current) for one in screen.list.known if one.host == "127.0.0.1:9"][-1] == ("kept", True)
        assert all(one.place is None for one in screen.list.known), "it is the same account"


async def test_a_file_that_is_wrong_says_the_line(opened: Open, file: Path) -> None:
    async with opened() as (app, _first, pilot):
        file.write_text(FILE + "[profiles.bad]\nurl = 3\n", encoding="utf-8")
        await pilot.press("P")
        await until(pilot, lambda: "line 14" in screen_text(app))
        await pilot.press("a", "escape", "enter", "e", "d", "escape")


async def test_without_any_profile_it_says_how_one_is_added(opened: Open, file: Path) -> None:
    file.unlink()
    async with opened() as (app, _first, pilot):
        await pilot.press("P")
        await until(pilot, lambda: "not kept" in screen_text(app))


async def test_the_token_of_a_server_started_here_is_in_a_file_of_its_own(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start() -> local.LocalServer:
        return local.LocalServer("http://127.0.0.1:9", "token-of-local-0123456789")

    monkeypatch.setattr(local, "start_detached", start)
    file.unlink()
    app = RyzeConsole()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Start a local server" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: app.account is not None)
    assert "0123456789" not in file.read_text() and kept_file("local").read_text() == "token-of-local-0123456789\n"


async def test_the_one_that_is_open_is_not_left(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bulk under way it asked whether to leave what it then stayed at."""
    asked: list[bool] = []

    async def may_leave(_app: RyzeConsole) -> bool:
        asked.append(True)
        return False

    monkeypatch.setattr("ryze_tui.console.profiles.may_leave", may_leave)
    async with opened() as (app, _account, pilot):
        screen = await profiles(pilot)
        assert screen.list.current is not None and screen.list.current.current
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ProfilesScreen))
        assert not asked
        await profiles(pilot, "down", "enter")
        await until(pilot, lambda: asked)
        assert isinstance(app.screen, ProfilesScreen)
