"""The person's own keys: they act, the old ones do not, and every text that names a key names theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui import keys
from ryze_tui.console.screens.edit import EditScreen
from ryze_tui.console.screens.help import HelpScreen
from ryze_tui.console.screens.log import LogScreen
from ryze_tui.keymap import Keymap, canonical
from ryze_tui.preferences import Preferences
from textual.keys import _character_to_key

from tests.fakes.blocks import FakeBlocks

from .conftest import Open, screen_text, until


def wanted(**table: object) -> Preferences:
    """Preferences with these keys, checked as those of the file are."""
    keymap = Keymap(table)
    assert keymap.complaints == []
    return Preferences(keys=keymap.chosen)


@pytest.fixture(autouse=True)
def own_keys_end_with_the_test() -> object:
    yield
    keys.use({})


async def test_a_changed_key_acts_and_the_old_one_does_not(opened: Open) -> None:
    async with opened(preferences=wanted(reconnect="f5", down="ctrl+n")) as (app, account, pilot):
        await pilot.press("ctrl+n", "j", "down")
        assert app.main.instances._at == 2
        name = app.main.instances.current_name
        await pilot.press("r")
        await pilot.pause()
        assert account.did == []
        await pilot.press("f5")
        await until(pilot, lambda: ("reconnect", name) in account.did)


async def test_two_keys_change_places(opened: Open) -> None:
    async with opened(preferences=wanted(sort="r", reconnect="s")) as (app, account, pilot):
        await pilot.press("r")
        await pilot.pause()
        assert account.did == []
        name = app.main.instances.current_name
        await pilot.press("s")
        await until(pilot, lambda: account.did == [("reconnect", name)])


async def test_footer_help_palette_and_sentences_name_the_own_keys(opened: Open) -> None:
    chosen = wanted(help="f1", connect="ctrl+t", filter="ctrl+f", palette="f4", reconnect="f5", sort="f6", down="ctrl+n")
    async with opened(preferences=chosen) as (app, account, pilot):
        for part in ("f1 Help", "ctrl+t Connect", "ctrl+f Filter", "f4 Commands"):
            assert part in screen_text(app)
        account.turn("zeta", "loggedout")
        await until(pilot, lambda: "out of order · f6" in screen_text(app))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        told = screen_text(app)
        assert "ctrl+t" in told and "↑ ↓ or ctrl+n k move" in told
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("f4")
        await until(pilot, lambda: "Type a command" in screen_text(app))
        await pilot.press(*"reconnect")
        await until(pilot, lambda: "f5   " in screen_text(app))


async def test_the_next_step_names_the_own_key(opened: Open) -> None:
    async with opened(preferences=wanted(reconnect="f5", connect="ctrl+t")) as (app, account, pilot):
        account.turn(app.main.instances.current_name, "loggedout")
        await until(pilot, lambda: "ctrl+t  connect with a new QR" in screen_text(app))


async def test_tabs_and_verbs_of_the_edit_screen(opened: Open) -> None:
    chosen = wanted(edit2="f2", edit3="f3", edit_review="ctrl+r", edit_revert="ctrl+u", edit1="f9")
    async with opened(preferences=chosen) as (app, account, pilot):
        account.configuring = FakeBlocks().configuring(Path("/"))
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        edit: EditScreen = app.screen  # type: ignore[assignment]
        assert edit.tabs.at == "3"
        told = screen_text(app)
        for part in ("f2 Set", "f3 Net", " 4 Web", "Review (ctrl+r)", "Revert (ctrl+u)", "f9 f2 f3"):
            assert part in told, told
        await pilot.press("f2")
        await until(pilot, lambda: edit.tabs.at == "2")
        await pilot.press("3")
        await pilot.pause()
        assert edit.tabs.at == "2"
        await pilot.press("f9")
        await until(pilot, lambda: app.screen is app.main)


async def test_escape_and_ctrl_c_work_whatever_the_keymap(opened: Open) -> None:
    async with opened(preferences=wanted(close="f12", close_too="f11", quit="f10", log="f8")) as (app, _account, pilot):
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("q", "L")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("q")
        await pilot.pause()
        assert app._exit is False
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


async def test_the_bell_is_silent_where_it_is_switched_off(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr("textual.app.App.bell", lambda app: rung.append("bell"))
    async with opened(preferences=Preferences(bell=False)) as (app, _account, _pilot):
        app.bell()
        assert rung == []
        app.rings = True
        app.bell()
        assert rung == ["bell"]


OPEN = {
    "the main screen": (),
    "the help": ("question_mark",),
    "the log of calls": ("L",),
    "the edit screen": ("2",),
    "probes": ("t",),
    "the pairing screen": ("home", "c"),
    "the words of a form": ("5", "down"),
    "menus": ("y",),
}


@pytest.mark.parametrize("where", OPEN)
async def test_what_really_hears_a_key_is_declared(opened: Open, where: str) -> None:
    """The bindings of the widget that has the focus and of all around it, as Textual sees them, are those of a chain."""
    async with opened() as (app, account, pilot):
        account.turn(app.main.instances.current_name, "disconnected")
        account.configuring = FakeBlocks().configuring(Path("/"))
        for key in OPEN[where]:
            await pilot.press(key)
            await pilot.pause()
        if OPEN[where]:
            await until(pilot, lambda: app.screen is not app.main)
        await pilot.pause()
        heard: dict[str, set[str]] = {}
        for _node, bindings in app.screen._modal_binding_chain:
            for key, binding in bindings:
                if binding.id is not None:
                    heard.setdefault(key, set()).add(binding.id)
        ids = {id for both in heard.values() for id in both}
        form = ids & {"mark", "field_next"}
        assert ids, where
        assert form or {key: both for key, both in heard.items() if len(both) > 1} == {}
        if not form:
            assert any(ids <= set(chain) for chain in keys.CHAINS.values()), (where, ids)


@pytest.mark.parametrize("character", [chr(code) for code in range(33, 127)])
def test_a_sign_is_the_key_that_textual_calls_so(character: str) -> None:
    assert canonical(character) == _character_to_key(character)
    assert keys.written(canonical(character)) == character


@pytest.mark.parametrize(
    ("text", "key"),
    [("Ctrl+PgUp", "ctrl+pageup"), ("shift+a", "A"), ("alt+shift+f1", "alt+shift+f1"), ("shift+alt+F1", "alt+shift+f1"),
     ("esc", "escape"), (" f5 ", "f5"), ("ctrl+A", "ctrl+a"), ("ctrl++", "ctrl+plus"), (" ", "space"), ("ç", "ç")],
)  # fmt: skip
def test_ways_of_writing_a_key(text: str, key: str) -> None:
    assert canonical(text) == key


NO_KEYS = ["", "f25", "ctrl+", "ctrl", "ctrl+ctrl+a", "strg+a", "rr", "+a", "ctrl+f+5", "\x1b", "😀", "shift+1"]


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_no_key(text: str) -> None:
    assert canonical(text) == ""
