"""The test message: empty at first, refused in words, sent once and only after a question."""

from __future__ import annotations

import pytest
from ryze_tui.api.events import Event
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.screens.dialogs import Question
from ryze_tui.console.screens.message import MessageScreen
from ryze_tui.operations.messaging import Posted
from ryze_tui.operations.outcome import Outcome
from textual.pilot import Pilot
from textual.widgets import Input

from .conftest import Open, screen_text, until

DOUBTED = "+55 11 9999-0000"


async def form(app: RyzeConsole, pilot: Pilot[int], name: str = "support") -> MessageScreen:
    app.main.select(name)
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, MessageScreen) and app.screen.focused is not None)
    assert isinstance(app.screen, MessageScreen)
    return app.screen


async def fill(pilot: Pilot[int], number: str, words: str) -> None:
    await pilot.press(*number, "enter", *words, "enter")


def status(word: str, ident: str = "3EB0ABCDEF", instance: str = "support") -> Event:
    return Event("message.status", instance, {"status": word, "messageIds": [ident]})


async def test_nothing_is_filled_in_and_nothing_is_sent_without_a_yes(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await form(app, pilot)
        assert [entry.value for entry in screen.query(Input)] == ["", ""]
        await fill(pilot, "+55 (11) 99999-0000", "hello there")
        await until(pilot, lambda: "Send to +55 11 99999-0000 from support?" in screen_text(app))
        assert "“hello there”, to Brazil." in screen_text(app)
        await pilot.press("enter")  # Cancel has the focus
        await until(pilot, lambda: app.screen is screen)
        assert account.messaging.sent == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "id 3EB0ABCDEF" in screen_text(app))
        assert account.messaging.sent == [("support", "5511999990000", "hello there")]
        assert "status sent" in screen_text(app) and "Message sent successfully" in screen_text(app)


async def test_the_number_is_shown_as_it_was_understood(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await form(app, pilot)
        await pilot.press(*"0049 30 1234567")
        await until(pilot, lambda: "+49 30 1234567 · Germany" in screen_text(app))


async def test_a_number_without_its_country_code_is_told_apart(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        await form(app, pilot)
        await pilot.press(*"11987654321")
        await until(pilot, lambda: "If you mean +55 11 98765-4321, begin with its country code." in screen_text(app))
        await pilot.press("home", "5", "5")
        await until(pilot, lambda: "+55 11 98765-4321 · Brazil" in screen_text(app))


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [("5511999", "hello", "Too short for Brazil"), ("+55 11 99999-0000", "", "Type a text"), ("sales", "hello", "Only digits")],
)
async def test_what_cannot_be_sent_says_why(opened: Open, number: str, words: str, said: str) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await form(app, pilot)
        await pilot.press(*number, "tab", *words, "enter")
        await until(pilot, lambda: said in screen_text(app))
        assert not isinstance(app.screen, Question) and account.messaging.sent == []


async def test_a_doubted_number_is_asked_about_in_words(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await form(app, pilot)
        await fill(pilot, DOUBTED, "hello")
        await until(pilot, lambda: isinstance(app.screen, Question) and "gives out no number like this" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: bool(account.messaging.sent))


@pytest.mark.parametrize("name", ["sales", "ops", "billing"])
async def test_an_instance_that_is_not_connected_sends_nothing(opened: Open, name: str) -> None:
    async with opened(size=(80, 24)) as (app, _account, pilot):
        app.main.select(name)
        await pilot.press("m")
        await until(pilot, lambda: f"{name} is not connected" in screen_text(app))
        assert app.screen is app.main


async def test_read_only_sends_nothing(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.read_only = True
        app.main.select("support")
        await pilot.press("m")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert app.screen is app.main


async def test_a_connection_lost_while_the_question_stands_is_no_ground_to_send(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await form(app, pilot)
        await fill(pilot, "+55 11 99999-0000", "hello")
        await until(pilot, lambda: isinstance(app.screen, Question))
        account.turn("support", "disconnected")
        await pilot.press("y")
        await until(pilot, lambda: app.screen is screen and "is not connected" in screen_text(app))
        account.vanish("support")
        await pilot.press("enter")
        await until(pilot, lambda: "is not there any more" in screen_text(app))
        assert account.messaging.sent == []


async def test_the_servers_own_words_are_shown_and_nothing_hostile(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await form(app, pilot)
        account.messaging.answer = Posted(Outcome(False, "no such number \x1b[31mon WhatsApp", 400))
        await fill(pilot, "+55 11 99999-0000", "hello")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "Not sent: no such number ␛[31mon WhatsApp" in screen_text(app))
        account.messaging.answer = Posted(Outcome(False, "no answer in 75 s", None, doubtful=True))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "Nobody knows whether it was sent" in screen_text(app))


async def test_receipts_show_as_they_come(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        await form(app, pilot)
        await fill(pilot, "+55 11 99999-0000", "hello")
        await until(pilot, lambda: isinstance(app.screen, Question))
        account.messaging.go.clear()
        await pilot.press("y")
        await until(pilot, lambda: "Sending…" in screen_text(app))
        assert account.on_event is not None
        account.on_event(status("delivered"), 1.0)  # before the answer that tells the id
        await pilot.press("escape", "ctrl+q")
        await until(pilot, lambda: "wait for the server's answer" in screen_text(app))
        account.messaging.go.set()
        await until(pilot, lambda: "14:13:20 delivered" in screen_text(app))
        account.on_event(status("read", ident="another"), 2.0)
        account.on_event(status("read", instance="vip"), 2.0)
        assert "14:13:20 read" not in screen_text(app)
        account.on_event(status("read"), 3.0)
        await until(pilot, lambda: "14:13:20 read" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_doubted_number_of_a_pairing_code_is_asked_about(opened: Open) -> None:
    async with opened(size=(80, 24)) as (app, account, pilot):
        app.main.select("new-number")
        await pilot.press("p")
        await until(pilot, lambda: "Phone number" in screen_text(app))
        await pilot.press(*DOUBTED, "enter")
        await until(pilot, lambda: "gives out no number like this" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Phone number" in screen_text(app) and "+55 11 9999-0000" in screen_text(app))
        assert not account.sessions
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: bool(account.sessions))
        assert account.did[-1] == ("pair", "new-number", "551199990000")
