"""`T`: what stands in a form is tried before it is saved, from the server or from here; escape gives up; secrets stay hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui.console.screens.trying import TryScreen

from tests.fakes.blocks import HELD, WEBHOOK, FakeBlocks

from ..e2e.receivers import HANG, Receiver
from .conftest import Open, screen_text, until
from .test_edit import edit, into

WORKS = {"proxy": {"works": True, "steps": [{"name": "tcp", "milliseconds": 3.2, "error": ""}]}}
PLAIN = {"ours": False, "tries": False}


async def test_what_is_not_saved_is_tried_as_it_would_be_saved(opened: Open) -> None:
    server = FakeBlocks()
    server.tried = WORKS
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server)
        await into(screen, pilot, "port")
        await pilot.press("end", "1", "escape", "T")
        await until(pilot, lambda: "It works" in screen_text(app))
        sent = HELD["proxy"] | {"port": "10801"}
        assert server.sent == [("try proxy", sent)], "the hidden password is the server's: host and user are what they were"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.dirty, "nothing was saved"


async def test_a_stored_secret_for_another_host_is_asked_for(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server)
        await into(screen, pilot, "host")
        await pilot.press("end", "x", "escape", "T")
        await until(pilot, lambda: "belongs to another Host" in screen_text(app))
        assert screen.form is not None and screen.focused is screen.form.control("password") and server.sent == []
        server.tried = WORKS
        await pilot.press(*"anew-secret", "escape", "T")
        await until(pilot, lambda: "It works" in screen_text(app))
        assert server.sent[0][1]["password"] == "anew-secret" and "anew-secret" not in screen_text(app)


async def test_a_server_that_cannot_and_a_secret_that_only_it_holds(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "s3", server, **PLAIN)
        await pilot.press("T")
        await until(pilot, lambda: "Type the secret again" in screen_text(app))
        assert screen.form is not None and screen.focused is screen.form.control("secretKey") and server.sent == []


async def test_a_webhook_from_here_where_the_server_cannot(opened: Open) -> None:
    server = FakeBlocks()
    async with Receiver() as receiver, opened(size=(80, 24)) as (app, account, pilot):
        server.rows["default"] = WEBHOOK | {"url": receiver.url}
        screen = await edit(app, account, pilot, "webhook", server, **PLAIN)
        await into(screen, pilot, "url")
        await pilot.press("end", *"/in", "escape", "T")
        await until(pilot, lambda: "answered 200" in screen_text(app) and "It works" in screen_text(app))
        assert receiver.got[0].path == "/in" and server.sent == []
        assert "the server's network may see it otherwise" in screen_text(app) and "from the server" not in screen_text(app)
        await pilot.press("v")
        await until(pilot, lambda: "it is an extension of" in screen_text(app))
        assert len(receiver.got) == 1


async def test_the_other_vantage_and_again(opened: Open) -> None:
    server = FakeBlocks()
    server.tried = {"steps": [{"name": "post", "ok": True, "milliseconds": 7, "error": ""}], "httpStatus": 204, "answer": ""}
    async with Receiver() as receiver, opened(size=(80, 24)) as (app, account, pilot):
        server.rows["default"] = WEBHOOK | {"url": receiver.url}
        await edit(app, account, pilot, "webhook", server)
        await pilot.press("T")
        await until(pilot, lambda: "answered 204" in screen_text(app) and "h from this machine" in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: "answered 200" in screen_text(app) and "v from the server" in screen_text(app))
        await pilot.press("t")
        await until(pilot, lambda: len(receiver.got) == 2 and "It works" in screen_text(app))
        await pilot.press("v")
        await until(pilot, lambda: "answered 204" in screen_text(app) and len(server.sent) == 2)


@pytest.mark.parametrize("here", [True, False])
async def test_a_try_under_way_is_given_up(opened: Open, here: bool) -> None:
    server = FakeBlocks()
    server.hangs = True
    async with Receiver(lambda number, key, body: HANG) as receiver, opened(size=(80, 24)) as (app, account, pilot):
        server.rows["default"] = WEBHOOK | {"url": receiver.url}
        screen = await edit(app, account, pilot, "webhook", server, **(PLAIN if here else {}))
        await pilot.press("T")
        await until(pilot, lambda: receiver.got if here else server.sent)
        assert "…" in screen_text(app) and "esc gives up" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "given up" in screen_text(app) and "t tries again" in screen_text(app))
        assert isinstance(app.screen, TryScreen) and "Verdict" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)


async def test_the_review_tries_it_before_it_is_saved(opened: Open) -> None:
    server = FakeBlocks()
    server.tried = {"steps": [{"name": "post", "ok": False, "milliseconds": 7, "error": "no"}], "httpStatus": 404, "answer": ""}
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await into(screen, pilot, "url")
        await pilot.press("end", "x")
        server.rows["default"] |= {"url": "https://theirs.acme.com"}
        await pilot.press("escape", "r")
        await until(pilot, lambda: "T tries it out" in screen_text(app))
        await pilot.press("T")
        await until(pilot, lambda: "It does not work" in screen_text(app))
        assert server.sent[-1][1]["url"] == WEBHOOK["url"] + "x"
        await pilot.press("escape", "space", "T")
        await until(pilot, lambda: len(server.sent) == 2)
        assert server.sent[-1][1]["url"] == "https://theirs.acme.com", "what would be saved, with theirs where theirs stays"
        await until(pilot, lambda: "It does not work" in screen_text(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is screen)
        assert all(kind == "try webhook" for kind, _body in server.sent) and screen.dirty


async def test_there_is_nothing_to_try_of_what_is_off(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await pilot.press("down", "space", "escape", "T")
        await until(pilot, lambda: "switch it on to try it out" in screen_text(app))
        await pilot.press("escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        assert "T tries it out" not in screen_text(app)
        await pilot.press("T", "escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("2", "T")
        await until(pilot, lambda: "nothing to try out" in screen_text(app))
        assert server.sent == []


async def test_a_session_that_only_reads_tries_nothing_but_the_stream(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.read_only = True
        await edit(app, account, pilot, "webhook", server)
        await pilot.press("T")
        await until(pilot, lambda: "read-only" in screen_text(app))
        assert server.sent == [] and not isinstance(app.screen, TryScreen)


@pytest.mark.long
async def test_a_new_instances_blocks_are_tried_from_here(opened: Open) -> None:
    server = FakeBlocks()
    async with Receiver() as receiver, opened(size=(80, 24)) as (app, account, pilot):
        account.configuring = server.configuring(Path("/"))
        await pilot.press("n")
        await until(pilot, lambda: "New instance" in screen_text(app))
        await pilot.press(*"north", "tab", "tab", "enter")
        await until(pilot, lambda: "Reject calls" in screen_text(app))
        await pilot.press("right", "right", "right", "T")
        await until(pilot, lambda: "switch it on to try it out" in screen_text(app))
        await pilot.press("space", "down", *receiver.url, "/", "T", "escape", "T")
        await until(pilot, lambda: "It works" in screen_text(app))
        assert [sight.path for sight in receiver.got] == ["/T"], "in a field a letter is a letter"
        await pilot.press("escape", "right", "T")
        await until(pilot, lambda: "A stream can be tried once its instance is there: T on its" in screen_text(app))
