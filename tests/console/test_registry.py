"""The action registry: the documented keys, none bound twice, everything described."""

import re
from pathlib import Path

from ryze_tui.console.actions import ACTIONS, BY_ID
from ryze_tui.console.moves import MOVES
from ryze_tui.console.panes.instances import InstanceList
from ryze_tui.console.screens.main import MainScreen
from ryze_tui.console.verbs import VERBS

KEYS = {
    "open": "enter",
    "back": "escape",
    "filter": "slash",
    "sort": "s",
    "refresh": "R",
    "new": "n",
    "connect": "c",
    "code": "p",
    "bring_back": "b",
    "reconnect": "r",
    "logout": "x",
    "delete": "d",
    "phone": "S",
    "log": "L", "stream": "w", "probe": "t",
    "copy": "y",
    "edit": "e", "edit2": "2", "edit3": "3", "edit4": "4", "edit5": "5", "edit6": "6",
    "palette": "colon",
    "help": "question_mark",
    "quit": "q",
}


def test_the_keys_are_the_documented_ones() -> None:
    assert {action.id: action.keys[0] for action in ACTIONS} == KEYS


def test_ctrl_c_and_ctrl_q_quit() -> None:
    assert {"ctrl+c", "ctrl+q"} <= set(BY_ID["quit"].keys)


def test_no_key_is_bound_twice_in_one_focus_chain() -> None:
    keys = [key for owner in (MainScreen, InstanceList) for binding in owner.BINDINGS for key in binding.key.split(",")]
    assert sorted(keys) == sorted(set(keys))


def test_every_binding_has_an_id_and_a_tooltip() -> None:
    assert all(binding.id and binding.tooltip for binding in MainScreen.BINDINGS)


def test_every_action_is_either_a_move_or_a_verb() -> None:
    assert not MOVES.keys() & VERBS.keys()
    assert MOVES.keys() | VERBS.keys() == BY_ID.keys()


def test_the_footer_has_at_most_seven_hints_and_help_first() -> None:
    hints = sorted((action.footer, action.id) for action in ACTIONS if action.footer)
    assert len(hints) <= 7 and hints[0][1] == "help"


def test_readme_names_only_keys_that_exist() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = text.split("| key | what it does |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([^`]+)`", table.split("|---|---|")[1])) - {"state:connected", "block:webhook", "!word"}
    known = {key for keys in KEYS.values() for key in [keys]} | {"↑", "↓", "j", "k", "esc", "/", ":"}
    assert named <= known, named - known
