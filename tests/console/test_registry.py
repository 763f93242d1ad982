"""The action registry: the documented keys, none bound twice, everything described."""

import importlib
import pkgutil
import re
from pathlib import Path

import ryze_tui.console
from ryze_tui import keys
from ryze_tui.console.actions import ACTIONS, BY_ID
from ryze_tui.console.moves import MOVES
from ryze_tui.console.verbs import ASKING, VERBS
from textual.binding import Binding
from textual.dom import DOMNode

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
    "audit": "A", "log": "L", "stream": "w", "probe": "t", "message": "m",
    "copy": "y",
    "edit": "e", "edit2": "2", "edit3": "3", "edit4": "4", "edit5": "5", "edit6": "6",
    "mark_row": "space", "mark_all": "asterisk", "mark_range": "V", "bulk": "B",
    "palette": "colon",
    "help": "question_mark",
    "theme": "T", "profiles": "P", "hold": "h", "tags": "number_sign", "tape": "E",
    "quit": "q",
}

MORE_KEYS = {
    "palette": "colon ctrl+p", "quit": "q ctrl+q ctrl+c",
    "down": "j down", "up": "k up", "page_down": "pagedown", "page_down_too": "space", "page_up": "pageup",
    "first": "g home", "last": "G end",
    "close": "escape", "close_too": "q", "choose": "enter", "yes": "y", "no": "n", "previous": "left up", "next": "right down",
    "again": "t", "try_here": "h", "try_server": "v", "redeliver": "r", "deliveries_read": "R",
    "pairing_drawing": "m", "pairing_qr": "q", "pairing_save": "o", "pairing_again": "enter",
    "edit1": "1", "edit_review": "r", "edit_save": "ctrl+s", "edit_revert": "u", "edit_add": "a", "edit_draft": "f",
    "edit_reread": "R", "edit_try": "T", "edit_deliveries": "D", "page_previous": "left", "page_next": "right",
    "into": "down enter", "mark_words": "asterisk",
    "mark": "space", "mark_next": "enter", "button_previous": "up left", "button_next": "down right",
    "mark_left": "left", "mark_right": "right", "mark_up": "up", "mark_down": "down", "field_previous": "up",
    "field_next": "down", "turn": "space left right", "review_save": "s", "review_try": "T",
    "edit_json": "J", "edit_editor": "E", "json_secrets": "s", "faults_open": "o enter", "faults_take": "t",
    "faults_discard": "d",
    "bulk_pause": "space", "bulk_retry": "f", "bulk_faster": "plus equals_sign", "bulk_slower": "minus", "bulk_view": "v",
    "bulk_more": "greater_than_sign", "bulk_fewer": "less_than_sign", "bulk_details": "enter", "bulk_save": "o",
    "bulk_forget": "F",
    "tape_pause": "space", "tape_save": "o", "profile_add": "a", "profile_change": "e", "profile_remove": "d",
}  # fmt: skip
"""What `config keys` tells beside the actions of the main screen: a key that somebody has learned moves only on purpose."""


def test_the_keys_are_the_documented_ones() -> None:
    assert {action.id: keys.of(action.id)[0] for action in ACTIONS} == KEYS
    assert {id: " ".join(key.keys) for id, key in keys.KEYS.items()} == KEYS | MORE_KEYS


def test_ctrl_c_and_ctrl_q_quit() -> None:
    assert {"ctrl+c", "ctrl+q"} <= set(keys.KEYS["quit"].keys)


def test_no_key_is_bound_twice_in_one_focus_chain() -> None:
    for chain, ids in keys.CHAINS.items():
        bound = [key for id in ids for key in keys.KEYS[id].keys]
        twice = {key for key in bound if bound.count(key) > 1}
        assert not twice, (chain, twice)


def owners() -> list[type[DOMNode]]:
    """Every class of ours that binds keys."""
    for module in pkgutil.walk_packages(ryze_tui.console.__path__, "ryze_tui.console."):
        importlib.import_module(module.name)
    found: set[type[DOMNode]] = set()
    waiting: list[type[DOMNode]] = [DOMNode]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.__module__.startswith("ryze_tui.") and "BINDINGS" in vars(kind):
                found.add(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def test_every_binding_has_an_id_of_the_table_its_keys_and_a_tooltip() -> None:
    assert len(owners()) >= 17
    for kind in owners():
        for binding in kind.BINDINGS:
            assert isinstance(binding, Binding), (kind, binding)
            assert binding.tooltip, (kind, binding)
            assert binding.id in keys.KEYS, (kind, binding)
            assert tuple(binding.key.split(",")) == keys.KEYS[binding.id].keys, (kind, binding)


def test_what_one_class_binds_is_in_one_declared_chain() -> None:
    for kind in owners():
        inherited = {
            binding.id
            for base in kind.__mro__
            if base.__module__.startswith("ryze_tui.")
            for binding in vars(base).get("BINDINGS", [])
        }
        assert any(inherited <= set(ids) for ids in keys.CHAINS.values()), (kind, inherited)


def test_every_id_is_bound_somewhere_and_in_a_chain() -> None:
    bound = {binding.id for kind in owners() for binding in kind.BINDINGS if isinstance(binding, Binding)}
    assert bound == keys.KEYS.keys()
    assert {id for ids in keys.CHAINS.values() for id in ids} == keys.KEYS.keys()
    assert set(keys.MAIN) == set(BY_ID)


def test_every_action_is_either_a_move_or_a_verb() -> None:
    assert not MOVES.keys() & (VERBS.keys() | ASKING.keys())
    assert MOVES.keys() | VERBS.keys() | ASKING.keys() == BY_ID.keys()


def test_the_footer_has_at_most_seven_hints_and_help_first() -> None:
    hints = sorted((action.footer, action.id) for action in ACTIONS if action.footer)
    assert len(hints) <= 7 and hints[0][1] == "help"


def test_readme_names_only_keys_that_exist() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = text.split("| key | what it does |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([^`]+)`", table.split("|---|---|")[1])) - {"state:connected", "block:webhook", "tag:vip", "!word"}
    known = {key for keys in KEYS.values() for key in [keys]} | {"↑", "↓", "j", "k", "esc", "/", ":", "*", "#"}
    assert named <= known, named - known
