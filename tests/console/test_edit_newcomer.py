"""The edit screen as a newcomer meets it: what would be lost is said, and what cannot be done has a way out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ryze_tui.api.errors import NoAnswer
from ryze_tui.api.wire import Wire
from ryze_tui.console.ending import end_by
from ryze_tui.console.forms.pages import PageLine, TabLine
from ryze_tui.console.screens.edithelp import EditHelpScreen
from ryze_tui.operations.outcome import Outcome, failed_write
from textual.events import Key, Paste

from tests.fakes.blocks import WEBHOOK, FakeBlocks

from .conftest import Open, screen_text, until
from .test_edit import edit, into, save


@pytest.mark.long
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

        async def write(action: str, name: str, send: object, *, detail: str = "", changes: object = None) -> Outcome:
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


async def test_a_saved_label_leaves_the_others_in_sight(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await pilot.press("a")
        await until(pilot, lambda: "New webhook" in screen_text(app))
        await pilot.press(*"audit", "enter")
        await until(pilot, lambda: screen.page.label == "audit" and screen._in_field())
        await into(screen, pilot, "url")
        await pilot.press(*"https://a.acme.com")
        await save(app, screen, pilot)
        await until(pilot, lambda: not screen.dirty)
        await until(pilot, lambda: "default ● on ▸ audit ● on   crm ● on" in screen_text(app).splitlines()[2])
        await until(pilot, lambda: "Saved; the server holds what was asked." in screen_text(app).splitlines()[3])
        assert screen.page.label == "audit"


async def test_arrow_keys_lead_into_the_buttons_and_out_of_them(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await into(screen, pilot, "ignoreStatus")
        await pilot.press("down", "down")
        assert screen.focused is not None and screen.focused.id == "revert"
        await pilot.press("right", "left", "up", "up")
        assert screen.form is not None and screen.focused is screen.form.control("ignoreStatus")


async def test_blanks_around_what_was_pasted_are_no_part_of_it(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "authorization")
        await pilot.press("end", "space")
        assert screen.form is not None
        assert screen.form.edit.yours["authorization"] == f"{WEBHOOK['authorization']} ", "a secret is its own"
        await pilot.press("backspace")
        await into(screen, pilot, "url")
        await pilot.press("home", "space", "end", "space")
        assert not screen.dirty, "as it was"
        await pilot.press("7")
        assert screen.form.edit.problems(), "a blank within it is another matter"
        await pilot.press("left", "backspace", "end", "space")
        await save(app, screen, pilot)
    assert server.rows["default"] == WEBHOOK | {"url": f"{WEBHOOK['url']}7"}


async def test_a_verb_in_a_field_without_text_says_what_it_waits_for(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await into(screen, pilot, "autoRejectCalls")
        await pilot.press("space", "r")
        await until(pilot, lambda: "esc leaves the field, then r acts; ctrl+s reviews and saves." in screen_text(app))
        assert app.screen is screen and screen.dirty
        await pilot.press("u")
        await pilot.pause()
        assert screen.dirty, "a word typed into the wrong place takes nothing back"
        await into(screen, pilot, "callRejectMessage")
        app.clear_notifications()
        await pilot.press("r")
        await pilot.pause()
        assert "then r acts" not in screen_text(app), "here it is a letter"


async def test_the_help_of_a_form_has_its_fields_and_its_keys(opened: Open) -> None:
    async with opened(size=(80, 40)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", FakeBlocks())
        await into(screen, pilot, "protocol")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, EditHelpScreen))
        shown = " ".join(screen_text(app).split())
        assert "Proxy" in shown and "User name Leave empty if the proxy asks for none." in shown
        assert "u Takes back what is not saved." in shown and "1–6 Overview · Settings" in shown
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen is screen)
        await into(screen, pilot, "host")
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen is screen and "?" in screen.form.edit.yours["host"], "in a text it is a letter"  # type: ignore[union-attr]


async def test_a_star_takes_all_events_again(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "events")
        assert screen.form is not None and screen.form.edit.yours["events"]
        await pilot.press("asterisk")
        await until(pilot, lambda: screen.dirty and "[·] message.status" in screen_text(app))
        await save(app, screen, pilot)
    assert server.rows["default"]["events"] == []


async def test_a_secret_that_can_be_shown_says_how(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", FakeBlocks())
        await into(screen, pilot, "authorization")
        await until(pilot, lambda: "On the form J, then s shows it." in " ".join(screen_text(app).split()))
        assert "abc123" not in screen_text(app).replace("Bearer abc123.", "")


async def test_what_was_typed_when_the_line_was_cut_is_offered_again(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "authorization")
        await pilot.press("end", "Q")
        await into(screen, pilot, "url")
        await pilot.press("end", "7")
        end_by(app, 1)
    assert server.sent == [] and app.return_code == 129
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await until(pilot, lambda: "typed here before the terminal went away is kept: f fills it in" in screen_text(app))
        assert "abc123Q" not in screen.drafts.path.read_text(), "no secret is kept"
        await pilot.press("f")
        await until(pilot, lambda: screen.dirty and "went away" not in screen_text(app))
        await save(app, screen, pilot)
        await until(pilot, lambda: not screen.dirty)
        assert screen.drafts.find("support", screen.page.edit.wire, "default", typed=True) is None  # type: ignore[union-attr]
    assert server.rows["default"] == WEBHOOK | {"url": f"{WEBHOOK['url']}7"}


async def test_a_click_on_a_title_goes_to_its_field(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", FakeBlocks())
        assert screen.form is not None
        for name in ("callRejectMessage", "ignoreGroupMessages"):
            control = screen.form.control(name)
            await pilot.click(offset=(4, control.region.y))
            await until(pilot, lambda control=control: screen.focused is control)
        assert not screen.dirty


async def test_a_field_with_nothing_stored_speaks_of_nothing_stored(opened: Open) -> None:
    server = FakeBlocks()
    server.held["proxy"] = {"enabled": False, "host": None, "port": None, "protocol": None, "username": None}
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server)
        await into(screen, pilot, "password")
        await until(pilot, lambda: "Password: Never shown again" in screen_text(app))
        assert "as it is stored" not in screen_text(app)


async def test_a_draft_that_was_filled_in_is_not_offered_again(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "enabled")
        await pilot.press("space")
        await save(app, screen, pilot)
        await until(pilot, lambda: "f fills it in" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: "f fills it in" not in screen_text(app))
        await pilot.press("escape", "u")
        await until(pilot, lambda: "f fills it in" in screen_text(app))


async def test_enter_goes_on_and_changes_nothing(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await pilot.press(*["enter"] * 6)
        assert screen.form is not None and screen.focused is screen.form.control("mediaBase64")
        assert not screen.dirty


async def test_ctrl_s_reviews_from_within_a_field(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        assert "ctrl+s review and save" in " ".join(screen_text(app).split())
        await pilot.press("end", "7", "ctrl+s")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.form is not None and screen.focused is screen.form.control("url")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: app.screen is screen and not screen.dirty)
        assert screen.focused is screen.line  # one escape closes
    assert server.rows["default"]["url"].endswith("7")


@pytest.mark.parametrize(
    ("pasted", "value", "says"),
    [
        ("https://a.acme.com\nrm -rf x\n", "https://a.acme.com", "Of 2 lines only the first"),
        ("\n  \nhttps://a.acme.com\n", "https://a.acme.com", ""),
        ("x" * 2001, "", "Nothing was pasted: at most 2000 characters"),
        ("\n", "", ""),
    ],
)
async def test_what_a_paste_leaves_out_is_said(opened: Open, pasted: str, value: str, says: str) -> None:
    server = FakeBlocks()
    server.rows["default"]["url"] = ""
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        assert screen.focused is not None
        screen.focused.post_message(Paste(pasted))
        await pilot.pause()
        assert screen.form is not None and screen.form.edit.yours["url"] == value
        assert [says in one.message for one in app._notifications] == ([True] if says else [])


async def test_a_doubt_stays_until_somebody_looked(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "escape")
        write = screen.configuring._write

        async def carried_out(*given: Any, **more: Any) -> Outcome:
            await write(*given, **more)
            return failed_write(NoAnswer("no answer in 20 s"), "support")

        screen.configuring._write = carried_out
        await pilot.press("r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "Nobody knows whether it was saved" in screen_text(app))
        assert screen.dirty and not app._notifications  # where it stays, not in passing
        await pilot.press("r")
        await until(pilot, lambda: not screen.dirty)
        assert "Nobody knows" not in screen_text(app)
        assert [one.message for one in app._notifications] == ["The server holds exactly this already: nothing is left to save."]
    assert len(server.sent) == 1


async def test_escape_and_a_letter_in_one_packet_are_two_keys(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server)
        await into(screen, pilot, "password")
        await pilot.press("x")
        for name, character in (("escape", "\x1b"), ("r", "r")):
            app.post_message(Key(name, character))
        await until(pilot, lambda: "on the server now" in screen_text(app))
        assert screen.form is not None and screen.form.edit.yours["password"] == "x"


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
