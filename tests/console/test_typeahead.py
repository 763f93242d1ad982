"""Keys that arrive in one packet act where the person meant them: each is let through when the one before has had its effect."""

from __future__ import annotations

from ryze_tui.console.typeahead import TypeAhead
from ryze_tui.operations.permits import ServerInfo
from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.widgets import Input

from .conftest import Open, screen_text, until

NAMED = {"\r": "enter", "\x1b": "escape"}


def packet(app: App[int], text: str) -> None:
    """All of it at once, as a terminal over a slow line sends it."""
    assert app._driver is not None
    for character in text:
        name = NAMED.get(character)
        app._driver.send_message(events.Key(name or _character_to_key(character), None if name else character))


async def test_a_key_right_after_the_filter_is_a_command(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        packet(app, "/sup\rL")
        await until(pilot, lambda: "Log of calls" in screen_text(app))
        assert app.main.title_line.text == "sup"


async def test_a_key_right_after_escape_from_the_filter_is_a_command(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        packet(app, "/sup")
        await until(pilot, lambda: app.main.title_line.text == "sup")
        for name in ("escape", "L"):
            assert app._driver is not None
            app._driver.send_message(events.Key(name, None if name == "escape" else name))
        await until(pilot, lambda: "Log of calls" in screen_text(app))
        assert app.main.title_line.text == ""


async def test_the_text_of_a_message_is_not_typed_into_its_number(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.main.select("support")
        packet(app, "m5511999990000\rhello")
        await until(pilot, lambda: any("hello" in field.value for field in app.screen.query(Input)))
        assert app.screen.query_one("#number", Input).value == "5511999990000"
        assert app.screen.query_one("#text", Input).value == "hello"


async def test_the_filter_of_the_log_and_the_tape_gets_all_that_is_typed(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.server = ServerInfo(engine="", account_token=True)  # no stream of the account
        for key in "LE":
            packet(app, key)
            await until(pilot, lambda: len(app.screen_stack) == 2)
            packet(app, "/oyo\r")
            await until(pilot, lambda: "· /oyo" in screen_text(app) and app.screen.focused is app.screen.pane)
            packet(app, "/xyz\r\x1b")
            await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_what_was_typed_for_a_dialog_that_is_refused_is_for_nobody(opened: Open) -> None:
    """A number and a text are no commands, only because this one cannot send a message."""
    async with opened(size=(80, 24)) as (app, account, pilot):
        app.main.select("ops")  # disconnected
        packet(app, "m5511999990000\rhold rrr")
        await until(pilot, lambda: "not connected" in screen_text(app))
        await pilot.press("down")
        assert len(app.screen_stack) == 1 and account.did == [] and not account.notes.held
        assert app.main.instances.current_name == "promo"


async def test_a_thousand_keys_that_wait_nest_no_calls(opened: Open) -> None:
    """Keys that have their effect at once, as nobody has the focus: each called for the next one, until Python gave up."""
    got: list[str] = []

    async def deliver(event: events.Event) -> None:
        got.append(event.key)  # type: ignore[attr-defined]

    async with opened(size=(80, 24)) as (app, _account, _pilot):
        ahead = TypeAhead(deliver, lambda: None, app)
        ahead.hold()
        for _key in range(3000):
            await ahead.key(events.Key("x", "x"))
        await ahead.release()
        assert len(got) == 3000


async def test_an_escape_that_calls_off_takes_only_the_keys_before_it(opened: Open) -> None:
    """Also one that has waited so long for its turn that it comes back from the widgets, as on a loop that was busy."""
    got: list[str] = []

    async def deliver(event: events.Event) -> None:
        assert isinstance(event, events.Key)
        got.append(event.key)

    async with opened(size=(80, 24)) as (app, _account, _pilot):
        for back in (False, True):
            ahead, off = TypeAhead(deliver, lambda: None, app), list[bool]()
            ahead.hold()
            ahead.asking(lambda off=off: not off.append(True))  # type: ignore[misc]
            escape = events.Key("escape", "\x1b")
            await ahead.key(events.Key("x", "x"))
            if back:
                escape._set_forwarded()
            await ahead.key(escape)
            await ahead.key(events.Key("j", "j"))
            await ahead.release()
            assert off == [True]
        assert got == ["j", "x", "j"]


async def test_option_and_an_arrow_move_by_words_in_a_field_and_nowhere_else(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        assert app._driver is not None
        app.main.select("support")
        app._driver.send_message(events.Key("alt+b", "b"))
        await until(pilot, lambda: "support" in screen_text(app).splitlines()[1])  # its toast
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.focused, Input))
        field = app.screen.query_one("#text", Input)
        field.focus()
        await pilot.press(*"ab", "space", *"cd")
        app._driver.send_message(events.Key("alt+b", "b"))
        await until(pilot, lambda: field.cursor_position == 3)
        assert field.value == "ab cd" and len(app.screen_stack) == 2
