"""The console in Portuguese and Spanish: pictures of the screens where texts are longest, and that what must be read whole is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from ryze_tui import i18n
from ryze_tui.console.actions import ACTIONS
from ryze_tui.console.app import RyzeConsole
from ryze_tui.i18n import _
from ryze_tui.operations.bulk.plan import Pace
from textual.pilot import Pilot

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until
from .stub import StubAccount
from .test_edit_snapshots import with_deliveries
from .test_snapshots import (  # noqa: F401 (the fixture)
    LONG,
    VIEWS,
    audited,
    bulk,
    edited_wrongly,
    form,
    found,
    picture,
    profiles,
    tape,
    to,
    tried,
    unfinished,
    written_down,
)

Picture = Callable[..., None]
Steps = Callable[[Pilot[int], StubAccount], Awaitable[None]]
SMALL = (80, 24)


@pytest.fixture(autouse=True, params=["pt_BR", "es"])
def spoken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """That language, and English again afterwards."""
    monkeypatch.setenv("RYZE_LANG", request.param)
    i18n.install()
    yield request.param
    monkeypatch.setenv("RYZE_LANG", "en")
    i18n.install()


def test_main(picture: Picture) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: to(pilot, "sales"))


def test_webhooks(picture: Picture) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: form(pilot, account, "4", "down", "down", "end", "x", until_shown=_("* unsaved")))


@pytest.mark.long
@pytest.mark.parametrize("keys", ["2 down", "3 down", "3 right down", "5 down down", "6 down down down"])
def test_pages(picture: Picture, keys: str) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: form(pilot, account, *keys.split(), until_shown="esc"))


def test_help_of_a_form(picture: Picture) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: form(pilot, account, "6", "question_mark", until_shown=_("Fields")))


def test_a_form_as_small_as_can_be(picture: Picture) -> None:  # noqa: F811
    """With a toast, which hides neither the field nor the buttons."""
    picture((40, 12), lambda pilot, account: form(pilot, account, "3", "down", "r", until_shown="ctrl+s"))


@pytest.mark.long
@pytest.mark.parametrize("stage", ["list", "add", "remove"])
def test_profiles(picture: Picture, stage: str) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, _account: profiles(pilot, stage))


@pytest.mark.long
def test_deliveries(picture: Picture) -> None:  # noqa: F811
    server = with_deliveries()
    picture(SMALL, lambda pilot, account: form(pilot, account, "4", "D", "down", until_shown="maintenance", server=server))


@pytest.mark.long
def test_the_server_made_something_else_of_it(picture: Picture) -> None:  # noqa: F811
    server = FakeBlocks()
    server.keeps = False

    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await form(pilot, account, "2", "down", "space", "ctrl+s", until_shown=_("on the server now"), server=server)
        await pilot.press("s")
        await until(pilot, lambda: _("you asked for") in screen_text(pilot.app))  # type: ignore[arg-type]

    picture(SMALL, steps)


@pytest.mark.long
@pytest.mark.parametrize("keys", ["", "c"])
def test_welcome(snap_compare: Any, keys: str) -> None:
    async def run(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: len(pilot.app.screen_stack) == 3)

    assert snap_compare(RyzeConsole(), terminal_size=SMALL, run_before=run)


def test_review(picture: Picture) -> None:  # noqa: F811
    keys = ("4", "down", "space", "escape", "r")
    picture(SMALL, lambda pilot, account: form(pilot, account, *keys, until_shown=_("erased on the server")))


def test_pairing(picture: Picture) -> None:  # noqa: F811
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "promo")
        await pilot.press("c")
        await until(pilot, lambda: account.sessions)
        pilot.app.screen.pane.clock = lambda: LONG - 14.0  # type: ignore[attr-defined]
        account.sessions[0].show(VIEWS["qr"])

    picture(SMALL, steps)


def test_help(picture: Picture) -> None:  # noqa: F811
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    picture(SMALL, steps)


@pytest.mark.parametrize("stage", ["menu", "plan", "running", "done"])
def test_bulk(picture: Picture, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    if stage in ("running", "done"):
        monkeypatch.setattr("ryze_tui.console.bulking.GENTLE", Pace(50.0, 5, 0.0))
    picture(SMALL, lambda pilot, account: bulk(pilot, account, stage))


def test_tape(picture: Picture) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: tape(pilot, account))


def test_audit(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    written_down(monkeypatch)
    picture(SMALL, lambda pilot, account: audited(pilot))


def test_block_as_json(picture: Picture) -> None:  # noqa: F811
    picture(SMALL, lambda pilot, account: form(pilot, account, "4", "J", until_shown="{"))


def test_message(picture: Picture) -> None:  # noqa: F811
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await to(pilot, "support")
        await pilot.press("m")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(*"+55 11 9999-0000", "enter", *"Hello", "enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)

    picture(SMALL, steps)


@pytest.mark.parametrize("key", ["T", "P", "L", "n"])
def test_dialogs(picture: Picture, key: str) -> None:  # noqa: F811
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        await pilot.press(key)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.pause(0.1)

    picture(SMALL, steps)


def test_narrow(picture: Picture) -> None:  # noqa: F811
    picture((50, 30), lambda pilot, account: to(pilot, "sales"))


sized = pytest.mark.parametrize("size", [SMALL, (120, 40)], ids=["80x24", "120x40"])


@sized
def test_a_try(picture: Picture, size: tuple[int, int]) -> None:  # noqa: F811
    picture(size, lambda pilot, account: tried(pilot, account, "4", "T", until_shown=_("Verdict")))


@sized
def test_unsaved(picture: Picture, size: tuple[int, int]) -> None:  # noqa: F811
    picture(size, lambda pilot, account: form(pilot, account, "2", "down", "space", "escape", "escape", until_shown=_("Discard")))


@sized
def test_faults_of_a_form(picture: Picture, size: tuple[int, int]) -> None:  # noqa: F811
    async def steps(pilot: Pilot[int], account: StubAccount) -> None:
        server = FakeBlocks()
        server.held["proxy"] = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
        await form(pilot, account, "3", "down", "space", "down", server=server, until_shown=_("Needed while it is on.")[:16])
        await pilot.press(*"a b", "down", "9", "9", "9", "9", "9", "down")
        await until(pilot, lambda: _("A host has no spaces.")[:12] in screen_text(pilot.app))  # type: ignore[arg-type]

    picture(size, steps)


@sized
def test_faults_of_a_text(picture: Picture, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    edited_wrongly(monkeypatch)
    wrong = _("Nothing of it is in the form yet. What is wrong, by line:")[:30]
    picture(size, lambda pilot, account: form(pilot, account, "4", "E", until_shown=wrong))


@sized
@pytest.mark.parametrize("keys", ["", "B"], ids=["told", "asked"])
def test_a_bulk_that_was_broken_off(picture: Picture, size: tuple[int, int], keys: str) -> None:  # noqa: F811
    unfinished()
    picture(size, lambda pilot, account: found(pilot, account, *keys), load=False)


async def test_what_must_be_read_whole_is(opened: Open) -> None:
    """At 80x24: all hints of the footer, all headings and states of the list, all titles of tabs."""
    async with opened(size=SMALL) as (app, account, pilot):
        shown = screen_text(app).splitlines()
        assert [title for title in (_(action.title) for action in ACTIONS if action.footer) if title not in shown[-1]] == []
        words = [_(word) for word in ("NAME", "STATE", "FOR", "NUMBER", "BLOCKS")]
        assert [word for word in words if word not in shown[2].split()] == []
        for state in ("banned", "logged out", "disconnected", "connecting", "connected"):
            assert f" {_(state)} " in screen_text(app), state
        await form(pilot, account, "4", until_shown=_("Authorization"))
        tabs = next(line for line in screen_text(app).splitlines() if "4 Webhooks" in line)
        assert [title for title in ("Overview", "Settings", "Network", "Stream", "Chatwoot") if _(title) not in tabs] == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 30)])
async def test_buttons_are_whole(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: _("Create and connect") in screen_text(app))
        assert f"{_('Cancel')} (esc)" in screen_text(app)
        await pilot.press("escape")
        await form(pilot, account, "4", until_shown=f"{_('Close')} (esc)")
        assert f"{_('Revert')} (u)" in screen_text(app)
        await pilot.press("escape")
        await to(pilot, "support")
        await pilot.press("x")
        await until(pilot, lambda: f" {_('Log out')} " in screen_text(app))


async def test_creating_is_whole_where_all_buttons_have_no_room(opened: Open) -> None:
    async with opened(size=(40, 24)) as (app, _account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: _("Create and connect") in screen_text(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: f"{_('Cancel')} (esc)" in screen_text(app))
