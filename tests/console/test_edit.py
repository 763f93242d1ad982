"""Every block by keyboard: each field has a widget, one change leaves the rest alone, nothing unsaved is lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ryze_tui.api.blocks import BLOCKS, Block, Settings, _declare, create_names
from ryze_tui.api.deliveries import Delivery
from ryze_tui.api.errors import Refused, Unreachable
from ryze_tui.api.fields import Field, fields_of
from ryze_tui.api.wire import WIRES
from ryze_tui.console.app import RyzeConsole
from ryze_tui.console.forms.fields import Entry, widget_of
from ryze_tui.console.forms.pages import TABS
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.operations.editing import Edit
from textual.pilot import Pilot

from tests.fakes.blocks import HELD, SECRETS, WEBHOOK, FakeBlocks, shown

from .conftest import Open, screen_text, until
from .stub import StubAccount

TAB = {kind: (key, kinds.index(kind)) for key, _title, kinds in TABS for kind in kinds}


async def edit(
    app: RyzeConsole, account: StubAccount, pilot: Pilot[int], kind: str, server: FakeBlocks, **more: Any
) -> EditScreen:
    """Open the page of a block on `support`."""
    account.configuring = server.configuring(Path("/"), **more)
    app.main.select("support")
    key, page = TAB[kind]
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, EditScreen) and app.screen.form is not None)
    for _turn in range(page):
        await pilot.press("right")
    screen = app.screen
    assert isinstance(screen, EditScreen)
    await until(pilot, lambda: screen.form is not None and screen.form.edit.wire.kind == kind)
    return screen


async def into(screen: EditScreen, pilot: Pilot[int], name: str) -> None:
    """By arrow keys into a field."""
    assert screen.form is not None
    control = screen.form.control(name)
    if screen.focused is not screen.line:
        await pilot.press("escape")
    for _step in range(40):
        if screen.focused is control:
            return
        await pilot.press("down")
    raise AssertionError(f"{name} is not reached")


async def change(screen: EditScreen, pilot: Pilot[int], field: Field) -> Any:
    """Give a field another value by keyboard; what it is then."""
    await into(screen, pilot, field.name)
    if field.kind == "switch":
        await pilot.press("space")
    elif field.kind == "set":
        await pilot.press("right", "space")
    elif field.kind == "choice":
        await pilot.press("left")
    else:
        await pilot.press("end", "7")
    assert screen.form is not None
    return screen.form.edit.yours[field.name]


async def save(app: RyzeConsole, screen: EditScreen, pilot: Pilot[int]) -> None:
    if screen.focused is not screen.line:
        await pilot.press("escape")
    await pilot.press("r")
    await until(pilot, lambda: "on the server now" in screen_text(app))
    await pilot.press("s")
    await until(pilot, lambda: app.screen is screen)


def test_every_field_of_every_block_has_a_place() -> None:
    assert set(TAB) == set(BLOCKS) == set(WIRES)
    for kind, block in BLOCKS.items():
        assert set(shown(kind)) == set(block.model_fields) - {"label"}, kind
        for field in WIRES[kind].fields:
            assert field.help and field.title and widget_of(field, field.empty) is not None


def test_a_field_that_no_form_can_show_is_a_mistake_at_once() -> None:
    class Odd(Block):
        headers: dict[str, str] = {}

    with pytest.raises(TypeError, match="no form can show"):
        fields_of(Odd)
    with pytest.raises(TypeError, match="no widget for table"):
        widget_of(Field("headers", "Headers", "…", "table"), {})  # type: ignore[arg-type]


def test_one_line_makes_a_field_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a declaration come the widget and its help, the flag, the flat create body and what is sent."""

    class More(Settings):
        typingSeconds: int = _declare("Typing", "Seconds that it seems to type.", 0, create="typingSeconds")

    monkeypatch.setitem(BLOCKS, "settings", More)
    made = {field.name: field for field in WIRES["settings"].fields}
    assert list(made) == [*(field.name for field in fields_of(Settings)), "typingSeconds"]
    assert isinstance(widget_of(made["typingSeconds"], 0), Entry)
    assert made["typingSeconds"].help == "Seconds that it seems to type."
    assert ("typingSeconds", "typingSeconds") in create_names(More)
    edit = Edit(WIRES["settings"], {"typingSeconds": 4})
    edit.set("typingSeconds", 9)
    assert edit.body({"typingSeconds": 4}) == {"typingSeconds": 9}
    assert [line.yours for line in edit.review({"typingSeconds": 4})] == [9]


FIELDS = [
    pytest.param(kind, field, id=f"{kind}-{field.name}", marks=[pytest.mark.long] * (number > 1))
    for kind in WIRES for number, field in enumerate(field for field in WIRES[kind].fields if field.name != "enabled")
]  # fmt: skip
"""Two of each block in `make test`, all in `make test-all`."""


@pytest.mark.parametrize(("kind", "field"), FIELDS)
async def test_one_field_by_keyboard_and_the_rest_unchanged(opened: Open, kind: str, field: Field) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        screen = await edit(app, account, pilot, kind, server)
        value = await change(screen, pilot, field)
        typed: dict[str, str] = {}
        if field.name in WIRES[kind].kept_while:  # the stored secret belongs to another account now
            (secret,) = WIRES[kind].hidden
            await into(screen, pilot, secret)
            await pilot.press(*"anew")
            typed = {secret: "anew"}
        await save(app, screen, pilot)
        words = "next reconnect" if kind == "proxy" else "the server holds what was asked"
        await until(pilot, lambda: not screen.dirty and words in screen_text(app))
    if kind == "webhook":
        assert server.rows["default"] == WEBHOOK | {field.name: value}
    else:
        hidden = WIRES[kind].hidden
        expected = {name: was for name, was in HELD[kind].items() if name not in hidden}
        assert server.held[kind] == expected | ({field.name: value} if field.name not in hidden else {})
        typed |= {field.name: value} if field.name in hidden else {}
        assert server.secrets.get(kind, {}) == SECRETS.get(kind, {}) | typed
    assert len(server.sent) == 1 and server.wanted == ["support"]


async def test_what_somebody_else_changed_meanwhile_is_shown_and_kept(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await change(screen, pilot, next(field for field in WIRES["webhook"].fields if field.name == "url"))
        server.rows["default"] |= {"url": "https://theirs.acme.com", "byEvents": True}
        await pilot.press("escape", "r")
        await until(pilot, lambda: "changed by somebody else" in screen_text(app))
        await pilot.press("space")
        assert "theirs stays" in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: app.screen is screen and not screen.dirty)
    assert server.rows["default"] == WEBHOOK | {"url": "https://theirs.acme.com", "byEvents": True}


async def test_leaving_with_something_unsaved_asks(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "escape", "escape")
        await until(pilot, lambda: "is not saved" in screen_text(app))
        await pilot.press("k")
        await until(pilot, lambda: app.screen is screen)
        assert screen.dirty
        await pilot.press("escape")
        await until(pilot, lambda: "is not saved" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: app.screen is app.main)
    assert server.sent == []


async def test_quitting_with_something_unsaved_asks(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "ctrl+q")
        await until(pilot, lambda: "is not saved" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.dirty and app.is_running
    assert server.sent == []


async def test_switching_off_says_what_is_erased_and_keeps_a_draft(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        await pilot.press("down", "space", "escape", "r")
        await until(pilot, lambda: screen_text(app).count("erased on the server") == 3)
        await pilot.press("s")
        await until(pilot, lambda: not screen.dirty and "fills it in" in screen_text(app))
        assert server.rows["default"]["url"] == "" and "abc123" not in screen.drafts.path.read_text()
        await pilot.press("f")
        assert screen.form is not None and screen.form.edit.yours["url"] == WEBHOOK["url"]
        await save(app, screen, pilot)
        await until(pilot, lambda: not screen.dirty)
    assert server.rows["default"] == WEBHOOK | {"authorization": ""}


async def test_letters_in_a_field_are_never_verbs(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "u", "r", "4", "1", "R", "a", "f")
        assert app.screen is screen and screen.dirty and screen.tabs.at == "2"
        await pilot.press("escape", "u")
        assert not screen.dirty


async def test_a_hidden_secret_is_asked_for_where_the_server_may_erase_it(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "proxy", server, ours=False)
        await into(screen, pilot, "port")
        await pilot.press("end", "1")
        await until(pilot, lambda: "Type it again" in screen_text(app))
        await pilot.press("escape", "r")
        assert screen.form is not None and screen.focused is screen.form.control("password") and server.sent == []
        await pilot.press(*"anew", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        assert "anew" not in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: server.secrets["proxy"] == {"password": "anew"})


async def test_what_the_server_made_of_it_is_said(opened: Open) -> None:
    server = FakeBlocks()
    server.keeps = False
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "websocket", server)
        await change(screen, pilot, next(field for field in WIRES["websocket"].fields if field.name == "mediaBase64"))
        await pilot.press("escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "you asked for" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen and not screen.dirty)


async def test_a_refused_save_keeps_what_was_typed(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space", "escape", "r")
        await until(pilot, lambda: "on the server now" in screen_text(app))
        server.fails = Refused("the disk is full", status=500)
        await pilot.press("s")
        await until(pilot, lambda: "Not saved: the disk is full" in screen_text(app))
        assert screen.dirty
        await pilot.press("r")
        await until(pilot, lambda: "Nothing was saved" in screen_text(app))


async def test_a_block_that_cannot_be_read_says_why_and_is_read_again(opened: Open) -> None:
    server = FakeBlocks()
    server.fails = Unreachable("127.0.0.1:9 refused the connection")
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.configuring = server.configuring(Path("/"))
        await pilot.press("e")
        await until(pilot, lambda: "refused the connection" in screen_text(app))
        server.fails = None
        await pilot.press("R")
        await until(pilot, lambda: "Reject calls" in screen_text(app))


async def test_another_label(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        screen = await edit(app, account, pilot, "webhook", server)
        assert "crm ● on" in screen_text(app)
        await pilot.press("a")
        await until(pilot, lambda: "New webhook" in screen_text(app))
        await pilot.press(*"crm")
        await until(pilot, lambda: "of this label already" in screen_text(app))
        await pilot.press(*"-eu", "enter")
        await until(pilot, lambda: screen.page.label == "crm-eu" and screen.form is not None)
        await into(screen, pilot, "url")
        await pilot.press(*"https://eu.acme.com")
        await save(app, screen, pilot)
        await until(pilot, lambda: not screen.dirty)
    assert server.rows["crm-eu"]["url"] == "https://eu.acme.com" and server.rows["crm"]["url"] == "https://crm.acme.com"


async def test_read_only_shows_and_changes_nothing(opened: Open) -> None:
    server = FakeBlocks()
    async with opened() as (app, account, pilot):
        account.read_only = True
        screen = await edit(app, account, pilot, "settings", server)
        await pilot.press("down", "space")
        assert not screen.dirty
        await pilot.press("r")
        await until(pilot, lambda: "read-only" in screen_text(app))


# -- trying out --------------------------------------------------------------------------------------------------------


DELIVERED = {"steps": [{"name": "post", "ok": True, "milliseconds": 7, "error": ""}], "httpStatus": 200, "answer": "thanks"}
REFUSED = {"steps": [{"name": "post", "ok": False, "milliseconds": 7, "error": "refused"}], "httpStatus": None, "answer": ""}
KNOWN = [{"name": name, "ok": True, "milliseconds": 5, "error": ""} for name in ("token", "account", "inbox")]
WRONG = [{"name": "tcp", "milliseconds": 3.2, "error": ""}, {"name": "auth", "milliseconds": 1, "error": "wrong password"}]


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("webhook", DELIVERED, ("answered 200: thanks", "It works")),
        ("webhook", REFUSED, ("7 ms · refused", "not work", "Check URL and authorization")),
        ("proxy", {"proxy": {"works": False, "steps": WRONG}}, ("3 ms", "wrong password", "Check user name and password")),
        ("chatwoot", {"steps": KNOWN, "inbox": {"exists": True, "id": 3}}, ("Token", "there and would be used", "It works")),
        ("s3", {"steps": [{"name": "put", "ok": True, "milliseconds": 12, "error": ""}]}, ("Write", "12 ms", "It works")),
        ("s3", {"steps": "none"}, ("It does not work",)),
    ],
)
async def test_a_block_is_tried_out_by_the_server(
    opened: Open, kind: str, answer: dict[str, Any], words: tuple[str, ...]
) -> None:
    server = FakeBlocks()
    server.tried = answer
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, kind, server)
        await pilot.press("T")
        await until(pilot, lambda: all(text in screen_text(app) for text in words))
        values = WEBHOOK if kind == "webhook" else HELD[kind] | ({"enabled": True} if kind == "chatwoot" else {})
        sent = {name: value for name, value in values.items() if name not in WIRES[kind].hidden}
        assert server.sent == [(f"try {kind}", sent)], "hidden secrets are the server's own"


async def test_deliveries_are_listed_and_sent_again(opened: Open) -> None:
    server = FakeBlocks()
    server.log = [
        Delivery("msg_2", "message.exchange", "dead", 6, 500, "down for \x1b[31mmaintenance", "2026-11-23T04:00:00Z", ""),
        Delivery("msg_1", "instance.state", "delivered", 1, 200, "", "2026-11-23T03:00:00Z", ""),
    ]
    async with opened(size=(80, 24)) as (app, account, pilot):
        await edit(app, account, pilot, "webhook", server)
        await pilot.press("D")
        await until(pilot, lambda: "✖ dead" in screen_text(app) and "maintenance" in screen_text(app))
        assert "\x1b[31m" not in screen_text(app) and "6 tries" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: server.sent == [("redeliver", {"id": "msg_2"})])


# -- creating ----------------------------------------------------------------------------------------------------------


async def test_a_new_instance_is_created_with_its_blocks(opened: Open) -> None:
    server = FakeBlocks()
    async with opened(size=(80, 24)) as (app, account, pilot):
        account.configuring = server.configuring(Path("/"))
        await pilot.press("n")
        await until(pilot, lambda: "New instance" in screen_text(app))
        await pilot.press(*"north", "tab", "tab", "enter")
        await until(pilot, lambda: "Reject calls" in screen_text(app))
        await pilot.press("right", "down", "space", "escape", "escape")
        await until(pilot, lambda: "Proxy, Stream" in screen_text(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "Proxy, Host: Needed" in screen_text(app))
        assert ("create", "north") not in account.did
        await pilot.press("shift+tab", "shift+tab", "enter")
        await until(pilot, lambda: "Reject calls" in screen_text(app))
        await pilot.press("right", "down", "down", *"proxy.acme.com", "down", *"1080", "down", "right", "down", "down")
        await pilot.press(*"secret-pw", "escape", "escape")
        await until(pilot, lambda: "Proxy, Stream" in screen_text(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: ("create", "north") in account.did)
        assert account.blocks == {
            "proxyEnabled": True, "proxyHost": "proxy.acme.com", "proxyPort": "1080", "proxyProtocol": "https",
            "proxyPassword": "secret-pw", "websocketEnabled": True, "websocketEvents": ["instance.state"],
        }  # fmt: skip
        await until(pilot, lambda: "the server holds something else" in screen_text(app))  # user name, ports: another's proxy
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_without_blocks_a_new_instance_streams_its_states(opened: Open) -> None:
    async with opened() as (app, account, pilot):
        await pilot.press("n")
        await until(pilot, lambda: "New instance" in screen_text(app))
        await pilot.press(*"north", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: ("create", "north") in account.did)
        assert account.blocks is None
