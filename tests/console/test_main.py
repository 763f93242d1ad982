"""The main screen by keyboard: rows that do not move, keys that act on the row under the cursor, reasons in words."""

import asyncio

import pytest
from ryze_tui.api.errors import NOT_CONNECTED, Refused
from ryze_tui.api.instance import Instance
from ryze_tui.console.accounts import Place
from ryze_tui.console.actions import BY_ID
from ryze_tui.fleet.model import Row
from ryze_tui.operations.outcome import Outcome, Unconfirmed
from ryze_tui.pairing.flow import View
from textual import events

from .conftest import Open, screen_text, until


async def test_a_key_acts_on_the_row_that_was_under_the_cursor(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await pilot.press("down", "down")
        under = app.main.instances.current_name
        account.turn("zeta", "banned")
        account.turn("crm-eu", "loggedout")
        await pilot.press("r")
        await until(pilot, lambda: ("reconnect", under) in account.did)
        assert app.main.instances.current_name == under


async def test_a_changed_row_is_rebadged_in_place_and_s_takes_the_order(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        before = [row.name for row in app.main.instances.order.rows]
        account.turn("zeta", "banned")
        await until(pilot, lambda: "out of order" in screen_text(app))
        assert [row.name for row in app.main.instances.order.rows] == before
        await pilot.press("s")
        assert [row.name for row in app.main.instances.order.rows][:2] == ["billing", "zeta"]


async def test_a_row_deleted_elsewhere_is_not_replaced_by_its_neighbour(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await pilot.press("down", "down", "down")
        victim = app.main.instances.current_name
        account.vanish(victim)
        await until(pilot, lambda: "deleted" in screen_text(app))
        account.did.clear()
        await pilot.press("r", "c", "d")
        await pilot.pause()
        assert account.did == [] and len(app.screen_stack) == 1
        await pilot.press("down")
        assert app.main.instances.current_name != victim
        assert victim not in [row.name for row in app.main.instances.order.rows]


async def test_c_on_a_connected_row_asks_before_anything_is_sent(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("support")
        await pilot.press("c")
        await until(pilot, lambda: "is connected as" in screen_text(app))
        assert not any(call[0] == "pair" for call in account.did)
        await pilot.press("enter")  # Cancel has the focus
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert not any(call[0] == "pair" for call in account.did)
        await pilot.press("c")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: ("pair", "support", "") in account.did)


async def test_delete_needs_the_name_and_enter_does_nothing_before(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("ops")
        await pilot.press("d")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("enter", *"op", "enter")
        assert len(app.screen_stack) == 2 and ("delete", "ops") not in account.did
        await pilot.press("s", "enter")
        await until(pilot, lambda: ("delete", "ops") in account.did)
        await until(pilot, lambda: "ops" not in [row.name for row in app.main.instances.order.rows])


async def test_logout_is_cancelled_by_escape(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("vip")
        await pilot.press("x")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"vip", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert not any(call[0] == "logout" for call in account.did)


async def test_create_says_what_is_wrong_and_keeps_what_was_typed(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"sales", "enter")
        assert "already" in screen_text(app) and not any(call[0] == "create" for call in account.did)
        await pilot.press("space")
        assert "a space" in screen_text(app)
        await pilot.press("backspace", *"-2")
        account.answers["create"] = Outcome(False, "Account instance quota exceeded", 403, "sales-2")
        await pilot.press("enter")
        await until(pilot, lambda: "Account instance quota exceeded" in screen_text(app))
        account.answers.clear()
        await pilot.press("enter")
        await until(pilot, lambda: ("pair", "sales-2", "") in account.did)
        assert app.main.instances.current_name == "sales-2"


async def test_letters_in_the_filter_are_text_and_escape_clears(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await pilot.press("slash", *"sup")
        assert [row.name for row in app.main.instances.order.rows] == ["support", "support-night"]
        assert "2 of 12" in screen_text(app) and account.did == []
        await pilot.press("enter", "down")
        assert app.main.instances.current_name == "support-night"
        await pilot.press("escape")
        assert len(app.main.instances.order.rows) == 12 and app.main.instances.current_name == "support-night"


async def test_a_key_that_cannot_act_says_why(opened: Open) -> None:
    async with opened(read_only=True) as (app, account, pilot):
        await pilot.press("d")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert len(app.screen_stack) == 1 and account.did == []


async def test_the_servers_own_words_are_shown_and_harmless(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        account.answers["reconnect"] = Outcome(
            False, "Instance has no saved session\x1b[31m, [b]call[/b] /connect first", 400, "ops"
        )
        app.main.select("ops")
        await pilot.press("r")
        await until(pilot, lambda: "no saved session" in screen_text(app))
        assert "\x1b[31m" not in screen_text(app) and "[b]call[/b]" in screen_text(app)


async def test_offline_keeps_the_rows_and_says_so(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.set_link("offline", message="Connection refused by 127.0.0.1:9.", retry_at=0)
        await until(pilot, lambda: "OFFLINE" in screen_text(app))
        text = screen_text(app)
        assert "support-night" in text and "Connection refused" in text and app.main.instances.dimmed
        account.set_link("live")
        await until(pilot, lambda: "LIVE" in screen_text(app) and not app.main.instances.dimmed)


async def test_narrow_enter_opens_the_detail_and_escape_returns(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.main.select("sales")
        await pilot.press("enter")
        await pilot.pause()
        assert "Created" in screen_text(app) and "support-night" not in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "support-night" in screen_text(app)


async def test_the_palette_finds_and_runs_an_action(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("ops")
        await pilot.press("colon")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"recon")
        await until(pilot, lambda: "Dials again" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: ("reconnect", "ops") in account.did, tries=800)


async def test_resizing_down_to_nothing_and_back_is_harmless(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        for size in ((39, 30), (1, 1), (2, 1), (100, 11), (60, 12), (40, 12), (400, 100), (99, 24), (100, 24), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "support-night" in screen_text(app)


async def test_too_small_says_so(opened: Open) -> None:
    async with opened(size=(38, 20)) as (app, _account, _pilot):
        assert "ryze-tui needs 40x12" in " ".join(screen_text(app).split())


async def test_a_name_with_markup_is_a_name(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        account.load([Instance("[/x]", state="connected"), Instance("a[@click=app.bell]b[/]c", state="connected")])
        await until(pilot, lambda: "[/x]" in screen_text(app))
        for name in ("[/x]", "a[@click=app.bell]b[/]c"):
            app.main.select(name)
            await pilot.press("d")
            await until(pilot, lambda: len(app.screen_stack) == 2)
            await pilot.pause()
            assert f"Delete {name}?" in screen_text(app)
            await pilot.press("escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_escapes_from_a_server_are_never_drawn(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        evil = "a\x1b]0;pwn\x07\x9bb\u202e"
        item = Instance(evil, state="connected", profile_name=evil, reason=evil, blocks="\x1bcabc", display_status=evil)
        account.load([item])
        await until(pilot, lambda: "1 of 1" in screen_text(app))
        account.set_link("offline", message=evil)
        await pilot.pause()
        for key in ("down", "d", "escape", "x", "escape", "y", "escape", "S", "escape", "c", "escape"):
            await pilot.press(key)
            await pilot.pause()
            text = screen_text(app)
            assert not any(bad in text for bad in ("\x1b", "\x07", "\x9b", "\u202e"))


async def test_a_banned_number_is_asked_about_too(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("billing")
        await pilot.press("c")
        await until(pilot, lambda: "makes it worse" in screen_text(app))
        assert not any(call[0] == "pair" for call in account.did)


async def test_an_unconfirmed_state_is_asked_about(opened: Open) -> None:
    async with opened() as (app, account, pilot):

        async def fails(name: str) -> None:
            raise Unconfirmed("the server answered 500")

        account.confirm_state = fails  # type: ignore[method-assign]
        app.main.select("ops")
        await pilot.press("c")
        await until(pilot, lambda: "the server answered 500" in screen_text(app))
        assert not any(call[0] == "pair" for call in account.did)


async def test_the_success_of_a_pairing_closes_it_and_what_is_above_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryze_tui.console.screens.pairing.CLOSES_AFTER", 0.05)
    async with opened() as (app, account, pilot):
        app.main.select("sales")
        await pilot.press("c")
        await until(pilot, lambda: account.sessions)
        await pilot.press("p")
        await until(pilot, lambda: len(app.screen_stack) == 3)
        account.sessions[0].show(View("connected", number="5511999990077"))
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("j", "k")
        assert app.is_running


async def test_no_second_connect_while_the_phone_links_or_the_palette_would_allow_it(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        app.main.select("sales")
        await pilot.press("c")
        await until(pilot, lambda: account.sessions)
        account.sessions[0].show(View("linking"))
        await pilot.press("p", "q", "enter", "ctrl+p")
        await pilot.pause()
        assert len(account.sessions) == 1 and len(app.screen_stack) == 2


@pytest.mark.parametrize("given", [{"read_only": True}, {"locked": True}])
async def test_read_only_by_word_survives_a_change_of_account_and_that_of_a_profile_does_not(
    opened: Open, given: dict[str, bool]
) -> None:
    async with opened(**given) as (app, _account, pilot):
        assert app.account is not None and app.account.read_only
        app.accounts.open(Place("http://127.0.0.1:10", "another-token-0123456789"))
        await pilot.pause()
        assert app.account.read_only is ("locked" in given)


async def test_keys_that_were_pressed_before_the_rows_were_there_do_nothing(opened: Open) -> None:
    async with opened() as (app, _account, pilot):
        before, after = app.main._loaded_at - 0.001, app.main._loaded_at + 0.001
        for key in ("c", "d", "enter", "space", "asterisk", "r"):
            assert app.main.too_early(key, before) and not app.main.too_early(key, after), key
        key = events.Key("d", "d")
        key.time = before
        app._driver.send_message(key)  # type: ignore[union-attr]
        await until(pilot, lambda: "The list has just come: press the key again." in screen_text(app))
        assert len(app.screen_stack) == 1


async def test_keys_that_act_on_no_row_count_whenever_they_were_pressed(opened: Open) -> None:
    """They were dropped as well, in silence: `?`, and letters of a filter."""
    async with opened() as (app, _account, pilot):
        for key in ("question_mark", "n", "P", "slash", "escape", "L", "down", "j"):
            assert not app.main.too_early(key, app.main._loaded_at - 0.001), key
        await pilot.press("slash")
        await until(pilot, lambda: app.focused is app.main.title_line)
        for name, character in (("c", "c"), ("r", "r"), ("m", "m"), ("enter", None), ("question_mark", "?")):
            key = events.Key(name, character)
            key.time = app.main._loaded_at - 0.001
            app._driver.send_message(key)  # type: ignore[union-attr]
        await until(pilot, lambda: type(app.screen).__name__ == "HelpScreen")
        assert app.main.title_line.text == "crm"


async def test_w_switches_the_stream_on_and_says_what_the_server_holds(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        app.main.select("support")
        await pilot.press("w")
        await until(pilot, lambda: "Streaming is on: instance.state." in screen_text(app))
        assert ("stream_on", "support") in account.did


async def test_t_looks_behind_a_row_and_again(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        app.main.select("support")
        await pilot.press("t")
        await until(pilot, lambda: "The screen is right: connected." in screen_text(app))
        account.look.whatsapp = Refused(NOT_CONNECTED, status=400)
        await pilot.press("t")
        await until(pilot, lambda: "nothing gets through to" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_list_or_a_write_that_hangs_keeps_nobody_from_looking(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        hanging = asyncio.Event()

        async def hangs(*_names: str) -> Outcome:
            await hanging.wait()
            return Outcome(True, "came at last", 200)

        account.refresh = account.reconnect = hangs  # type: ignore[method-assign,assignment]
        app.main.select("support")
        await pilot.press("R", "r", "t")
        await until(pilot, lambda: "The screen is right: connected." in screen_text(app))
        await pilot.press("escape", "r")
        await until(pilot, lambda: "Still working on support" in screen_text(app))
        hanging.set()
        await until(pilot, lambda: "came at last" in screen_text(app))


@pytest.mark.parametrize("meanwhile", ["d", "slash"], ids=["another dialog", "the filter"])
async def test_a_question_that_comes_late_opens_over_nothing_else(opened: Open, meanwhile: str) -> None:
    """Its `y` would be a letter of what is being typed there."""
    async with opened(size=(80, 24)) as (app, account, pilot):
        hanging = asyncio.Event()

        async def fails(_name: str) -> None:
            await hanging.wait()
            raise Unconfirmed("did not answer in time")

        account.confirm_state = fails  # type: ignore[method-assign,assignment]
        app.main.select("support")
        await pilot.press("c")
        app.typed.drop()  # as after a second
        app.main.select("billing")
        await pilot.press(meanwhile)
        await until(pilot, lambda: "Type its name" in screen_text(app) or app.focused is app.main.title_line)
        hanging.set()
        await until(pilot, lambda: "support: press the key again" in screen_text(app))
        assert "all the same?" not in screen_text(app)
        await pilot.press("y")
        assert not account.sessions and not any(call[0] == "pair" for call in account.did)


@pytest.mark.parametrize("key", ["c", "p", "b"])
@pytest.mark.parametrize("when", ["held", "later"])
async def test_escape_calls_off_what_is_still_being_asked(opened: Open, key: str, when: str) -> None:
    """A server that needs seconds for its list: no question, number or code comes up behind the person's back."""
    async with opened(size=(80, 24)) as (app, account, pilot):
        hanging, real, cancelled = asyncio.Event(), account.confirm_state, list[bool]()

        async def late(name: str) -> Row | None:
            try:
                await hanging.wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise
            return await real(name)

        account.confirm_state = late  # type: ignore[method-assign]
        app.main.select("support" if key != "b" else "sales")  # connected; logged out
        await pilot.press(key)
        if when == "later":
            app.typed.overdue()
            await until(pilot, lambda: "what support is now" in screen_text(app) or "what sales is now" in screen_text(app))
        for name, character in (("y", "y"), ("escape", "\x1b"), ("question_mark", "?"))[when == "later" :]:
            app._driver.send_message(events.Key(name, character))  # type: ignore[union-attr]
        await until(pilot, lambda: app.screen is not app.main)
        assert type(app.screen).__name__ == "HelpScreen" and cancelled == [True]
        assert not [said for said in app._notifications if "what" in said.message], "it is not asked any more"
        await pilot.press("escape")
        hanging.set()
        await until(pilot, lambda: ": called off." in screen_text(app))
        assert len(app.screen_stack) == 1 and not account.sessions and "may close" not in screen_text(app)
        await pilot.press(key)
        await until(pilot, lambda: app.screen is not app.main)  # it can be asked again, at once


async def test_escape_that_is_meant_for_something_else_calls_nothing_off(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.confirm_state = lambda _name: asyncio.Future()  # type: ignore[method-assign,assignment,return-value]
        app.main.select("support")
        await pilot.press("c")
        app.typed.overdue()
        await pilot.press("slash", "x", "escape")
        await until(pilot, lambda: app.focused is not app.main.title_line)
        assert "called off" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "support: called off." in screen_text(app))


async def test_narrow_the_detail_is_that_of_the_row_each_time_it_opens(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        for _row in range(3):
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.main.detail)
            await pilot.pause()
            assert screen_text(app).splitlines()[1].strip() == app.main.instances.current_name
            await pilot.press("escape")
            await until(pilot, lambda: not app.main.detail)


async def test_before_the_list_is_there_a_key_for_a_row_says_so(opened: Open) -> None:
    async with opened(size=(80, 24)) as (_app, account, _pilot):
        assert BY_ID["connect"].reason(account, None).startswith("No instance under the cursor.")
        account.model.loaded = False
        assert BY_ID["connect"].reason(account, None) == "The server's list is not here yet."
