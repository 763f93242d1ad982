"""The edit screen as a newcomer meets it: what would be lost is said, and what cannot be done has a way out."""

from __future__ import annotations

import asyncio

import pytest
from ryze_tui.api.errors import NoAnswer
from ryze_tui.api.wire import Wire
from ryze_tui.console.forms.pages import PageLine, TabLine
from ryze_tui.operations.outcome import Outcome, failed_write

from tests.fakes.blocks import WEBHOOK, FakeBlocks

from .conftest import Open, screen_text, until
from .test_edit import edit, into, save


async def test_what_is_typed_into_a_block_that_is_off_is_not_lost_in_silence(opened: Open) -> None:
    server = FakeBlocks()
    server.rows["default"] |= {"enabled": False, "url": "", "authorization": "", "events": []}
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press(*"https://a.acme.com")
        await until(pilot, lambda: "While it is off nothing of this is kept" in screen_text(app))
        await pilot.press("escape", "r")
        assert screen.form is not None
        await until(pilot, lambda: screen.focused is screen.form.control("enabled"))  # type: ignore[union-attr]
        assert server.sent == []
        await pilot.press("space")
        await save(app, screen, pilot)
    assert server.rows["default"]["url"] == "https://a.acme.com" and server.rows["default"]["enabled"] is True


async def test_a_proxy_that_is_off_claims_no_stored_password(opened: Open) -> None:
    server = FakeBlocks()
    server.held["proxy"] = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "proxy", server)
        assert "stored" not in screen_text(app)


@pytest.mark.parametrize("ours", [True, False])
async def test_a_proxy_without_a_user_asks_for_no_password(opened: Open, ours: bool) -> None:
    server = FakeBlocks()
    server.held["proxy"] |= {"username": ""}  # type: ignore[operator]
    server.secrets = {}
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server, ours=ours)
        await into(screen, pilot, "host")
        await pilot.press("end", "7")
        await save(app, screen, pilot)
    assert server.held["proxy"]["host"] == "proxy.acme.com7"  # type: ignore[index]


async def test_a_stored_secret_can_be_made_none(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "s3", server)
        await into(screen, pilot, "secretKey")
        await pilot.press("backspace", "backspace")
        assert not screen.dirty  # a key held too long changes nothing
        await pilot.press("delete")
        await until(pilot, lambda: bool(screen.dirty))
        await pilot.press("delete")
        await until(pilot, lambda: not screen.dirty)
        await pilot.press("delete")
        await save(app, screen, pilot)
    assert server.secrets["s3"] == {"secretKey": ""}


async def test_down_before_the_form_is_there_goes_into_it(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        screen.action_tab("5")
        screen.action_into()
        await until(pilot, lambda: screen.form is not None and screen.focused is screen.form.first)


async def test_a_long_value_is_shown_from_its_beginning(opened: Open) -> None:
    server = FakeBlocks()
    server.rows["default"]["url"] = "https://hooks.acme.com/" + "long/" * 40 + "end"
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        assert "https://hooks" in screen_text(app)
        await into(screen, pilot, "url")
        await until(pilot, lambda: "long/end" in screen_text(app))  # where the cursor is
        await pilot.press("escape")
        await until(pilot, lambda: "https://hooks" in screen_text(app))


async def test_heads_of_the_review_do_not_touch(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press("end", "7", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        assert "field  was" in screen_text(app)


@pytest.mark.parametrize("at", ["2", "4", "6"])
async def test_every_tab_has_its_digit_however_narrow(opened: Open, at: str) -> None:
    server = FakeBlocks()
    async with opened(size=(40, 12)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "escape", at)
        await until(pilot, lambda: screen.tabs.at == at and screen.form is not None)
        line = screen_text(app).splitlines()[1]
        assert all(digit in line for digit in "123456") and "*" in line
        await pilot.click(TabLine, offset=(line.index("5"), 0))
        await until(pilot, lambda: screen.tabs.at == "5")


class Slow(FakeBlocks):
    """Answers a read only once `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()

    async def block(self, wire: Wire, name: str) -> dict[str, object] | None:
        await self.go.wait()
        return await super().block(wire, name)


async def test_escape_stops_a_reading_that_gets_no_answer(opened: Open) -> None:
    server = Slow()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "escape")
        server.go.clear()
        await pilot.press("r")
        await until(pilot, lambda: "esc stops" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "esc stops" not in screen_text(app))
        assert app.screen is screen and screen.dirty
        await pilot.press("r")
        await until(pilot, lambda: "esc stops" in screen_text(app))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "is not saved" in screen_text(app))


async def test_a_save_without_an_answer_is_not_called_unsaved(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)

        async def write(action: str, name: str, send: object, *, detail: str = "") -> Outcome:
            return failed_write(NoAnswer("no answer in 20 s"), name)

        screen.configuring._write = write
        await pilot.press("down", "space", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "Nobody knows whether it was saved" in screen_text(app))
        assert screen.dirty


async def test_the_title_follows_the_instance_and_the_link(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "settings", server)
        await until(pilot, lambda: "LIVE" in screen_text(app).splitlines()[0])
        account.set_link("offline", message="gone")
        await until(pilot, lambda: "OFFLINE" in screen_text(app).splitlines()[0])
        del account.model.rows["support"]
        await until(pilot, lambda: "not on the server" in screen_text(app).splitlines()[0])


async def test_of_many_long_labels_the_one_that_is_shown_is_in_sight(opened: Open) -> None:
    server = FakeBlocks()
    for number in range(6):
        label = f"{number}-" + "long-label-" * 20
        server.rows[label] = WEBHOOK | {"label": label}
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        for turn in range(1, 8):
            await pilot.press("right")
            await until(pilot, lambda turn=turn: screen.line.at == turn and screen.form is not None)
            label = screen.page.label[:6]
            line = screen_text(app).splitlines()[2]
            assert label in line, line
            assert line.count("● on") >= 1, line
        await pilot.press("down", "down", "down", "end", "x")
        await until(pilot, lambda: "* unsaved" in screen_text(app))
        assert screen.page.label[:6] in screen_text(app).splitlines()[2]
        await pilot.click(PageLine, offset=(1, 0))
        await until(pilot, lambda: screen.line.at == 6)


async def test_a_review_in_a_small_window_shows_whole_values_and_scrolls(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(40, 12)) as (app, account, pilot):
        await edit(app, account, pilot, "webhook", server)
        await pilot.press("down", "space", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        assert "s saves" in screen_text(app)
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: "Events" in screen_text(app) and "all 6" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "erased on the server" in screen_text(app))


async def test_a_draft_says_that_secrets_are_to_be_typed(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await pilot.press("down", "space")
        await save(app, screen, pilot)
        await until(pilot, lambda: not screen.dirty and "fills it in" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: "but for secrets: Authorization" in screen_text(app))
        assert screen.form is not None and screen.focused is screen.form.control("authorization")


async def test_read_only_is_said_before_anything_is_tried(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.read_only = True
        await edit(app, account, pilot, "settings", server)
        assert "read-only" in screen_text(app) and "review and save" not in screen_text(app)


async def test_a_switch_off_meanwhile_may_stay_and_what_was_typed_is_kept(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press("end", "2", "escape")
        server.rows["default"] |= {"enabled": False, "url": "", "authorization": "", "events": []}
        await pilot.press("r")
        await until(pilot, lambda: "Somebody switched it off meanwhile" in screen_text(app))
        await pilot.press("space", "s")
        await until(pilot, lambda: "Nothing was sent: it stays off" in screen_text(app) and app.screen is screen)
        assert server.sent == [] and not screen.dirty
        await pilot.press("f")
        await until(pilot, lambda: screen.page.edit is not None and screen.page.edit.yours["url"].endswith("wa2"))


async def test_what_changes_while_the_review_stands_open_is_reviewed_again(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press("end", "2", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        server.rows["default"]["byEvents"] = True
        await pilot.press("s")
        await until(pilot, lambda: "changed again by somebody else" in screen_text(app) and "By event" in screen_text(app))
        assert server.sent == []
        await pilot.press("s")
        await until(pilot, lambda: not screen.dirty)
    assert server.rows["default"]["byEvents"] is True and server.rows["default"]["url"].endswith("wa2")
