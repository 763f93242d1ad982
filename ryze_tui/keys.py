"""The keys of the whole console by binding id: the one table of them, and how the person's own are named on the screen.

`[keys]` of the configuration file changes them (keymap.py checks it). Here, on the ground floor, because sentences of every
layer name the key that mends something: `fill(_("{reconnect} dials again."))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .i18n import mark

FIXED: Final = frozenset(
    {"escape", "enter", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "ctrl+c", "ctrl+q", "ctrl+p"}
)
"""Keys that stay with what has them, whatever the person adds: nobody can lose the way out, or the arrows."""


class Key(NamedTuple):
    """`keys` as Textual names them, the one to be shown first. `what` it does (main screen: actions.py says it).

    `keep`: stays as those of FIXED do.
    """

    keys: tuple[str, ...]
    what: str = ""
    keep: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """What a keymap cannot take away."""
        return tuple(key for key in self.keys if key in FIXED or key in self.keep)


MAIN: Final = {
    "open": Key(("enter",)), "back": Key(("escape",)),
    "filter": Key(("slash",), mark("Which rows, events or calls are shown.")), "sort": Key(("s",)), "refresh": Key(("R",)),
    "new": Key(("n",)), "connect": Key(("c",)), "code": Key(("p",), mark("Pairing: by a code that is typed on the phone.")),
    "bring_back": Key(("b",)), "reconnect": Key(("r",)), "logout": Key(("x",)), "delete": Key(("d",)), "edit": Key(("e",)),
    **{f"edit{digit}": Key((digit,), mark("Opens that page of the instance under the cursor.")) for digit in "23456"},
    "phone": Key(("S",), mark("Pairing: the virtual phone.")), "stream": Key(("w",)), "probe": Key(("t",)),
    "message": Key(("m",)), "hold": Key(("h",)), "tags": Key(("number_sign",)),
    "tape": Key(("E",), mark("The tape of events; again closes it.")),
    "audit": Key(("A",), mark("The audit log; again closes it.")),
    "log": Key(("L",), mark("The log of calls; again closes it.")), "copy": Key(("y",), mark("Copies what is shown.")),
    "mark_row": Key(("space",)), "mark_all": Key(("asterisk",)), "mark_range": Key(("V",)),
    "bulk": Key(("B",), mark("The bulk; again hides it.")),
    "palette": Key(("colon", "ctrl+p")), "help": Key(("question_mark",), mark("The help; again closes it.")),
    "theme": Key(("T",)), "profiles": Key(("P",), mark("The profiles; again closes them.")),
    "quit": Key(("q", "ctrl+q", "ctrl+c"), mark("Leaves.")),
}  # fmt: skip
"""The actions of the main screen; some of them work on other screens as well."""

MOVES: Final = {
    "down": Key(("j", "down"), mark("The next line of a list.")),
    "up": Key(("k", "up"), mark("The line before.")),
    "page_down": Key(("pagedown",), mark("A page down.")),
    "page_up": Key(("pageup",), mark("A page up.")),
    "first": Key(("g", "home"), mark("The first line.")),
    "last": Key(("G", "end"), mark("The last line.")),
}
"""In the instance list, the log of calls, the help, deliveries, menus."""

KEYS: Final[dict[str, Key]] = {
    **MAIN,
    **MOVES,
    "close": Key(("escape",), mark("Closes a dialog or a screen; first leaves the field of a form.")),
    "close_too": Key(("q",), mark("Closes what only shows something: help, log, probe, deliveries.")),
    "page_down_too": Key(("space",), mark("A page down, where nothing can be marked.")),
    "choose": Key(("enter",), mark("Chooses the line of a menu.")),
    "yes": Key(("y",), mark("Yes to a question.")),
    "no": Key(("n",), mark("No to a question.")),
    "previous": Key(("left", "up"), mark("The button before.")),
    "next": Key(("right", "down"), mark("The next button.")),
    "again": Key(("t",), mark("Looks again, or tries again.")),
    "pairing_drawing": Key(("m",), mark("Pairing: draws the QR code the other way.")),
    "pairing_qr": Key(("q",), mark("Pairing: a QR code instead of a pairing code; leaves when there is one.")),
    "pairing_save": Key(("o",), mark("Pairing: saves the QR code as a picture.")),
    "pairing_again": Key(("enter",), mark("Pairing: tries again.")),
    "edit1": Key(("1",), mark("Editing: back to the overview.")),
    "edit_review": Key(("r",), mark("Editing: shows was, on the server now, and yours, and saves.")),
    "edit_save": Key(("ctrl+s",), mark("Editing: the same from within a field.")),
    "edit_revert": Key(("u",), mark("Editing: takes back what is not saved.")),
    "edit_add": Key(("a",), mark("Editing: another webhook.")),
    "edit_draft": Key(("f",), mark("Editing: fills in what was kept when the block was switched off.")),
    "edit_reread": Key(("R",), mark("Editing: reads the page again.")),
    "edit_try": Key(("T",), mark("Editing: tries out what stands in the form.")),
    "edit_deliveries": Key(("D",), mark("Editing: what became of a webhook's deliveries.")),
    "edit_json": Key(("J",), mark("Editing: the block as JSON; again closes it.")),
    "edit_editor": Key(("E",), mark("Editing: the block in your own editor.")),
    "json_secrets": Key(("s",), mark("JSON: shows secrets, or hides them.")),
    "faults_open": Key(("o", "enter"), mark("A text with faults: opens it again at the first one.")),
    "faults_take": Key(("t",), mark("A text with faults: takes it into the form all the same, where it can be.")),
    "faults_discard": Key(("d",), mark("A text with faults: discards it.")),
    "page_previous": Key(("left",), mark("Editing: the page before.")),
    "page_next": Key(("right",), mark("Editing: the next page.")),
    "into": Key(("down", "enter"), mark("Editing: into the form.")),
    "mark": Key(("space",), mark("A form: ticks or picks the word under the cursor.")),
    "mark_words": Key(("asterisk",), mark("A form: all of the words, as with none ticked.")),
    "mark_next": Key(("enter",), mark("A form: on to the next field.")),
    "button_previous": Key(("up", "left"), mark("Editing: from a button to the one before.")),
    "button_next": Key(("down", "right"), mark("Editing: from a button to the next one.")),
    "mark_left": Key(("left",), mark("A form: the word before.")),
    "mark_right": Key(("right",), mark("A form: the next word.")),
    "mark_up": Key(("up",), mark("A form: the line of words before, or the field before.")),
    "mark_down": Key(("down",), mark("A form: the next line of words, or the next field.")),
    "field_previous": Key(("up",), mark("A form: from a text to the field before.")),
    "field_next": Key(("down",), mark("A form: from a text to the next field.")),
    "turn": Key(("space", "left", "right"), mark("Review: whose value stays."), ("space",)),
    "review_save": Key(("s",), mark("Review: saves.")),
    "review_try": Key(("T",), mark("Review: tries out what would be saved.")),
    "try_here": Key(("h",), mark("Trying out: from this machine.")),
    "try_server": Key(("v",), mark("Trying out: from the server.")),
    "redeliver": Key(("r",), mark("Deliveries: sends the one under the cursor again.")),
    "deliveries_read": Key(("R",), mark("Deliveries: reads them anew.")),
    "bulk_pause": Key(("space",), mark("Bulk: pauses it, or goes on.")),
    "bulk_retry": Key(("f",), mark("Bulk: does the failed ones again.")),
    "bulk_faster": Key(("plus", "equals_sign"), mark("Bulk: more starts a second.")),
    "bulk_slower": Key(("minus",), mark("Bulk: fewer starts a second.")),
    "bulk_more": Key(("greater_than_sign",), mark("Bulk: more unfinished at a time.")),
    "bulk_fewer": Key(("less_than_sign",), mark("Bulk: fewer unfinished at a time.")),
    "bulk_view": Key(("v",), mark("Bulk: shows all, the failed ones, those left out, …")),
    "bulk_details": Key(("enter",), mark("Bulk: what came of one, in full.")),
    "bulk_save": Key(("o",), mark("Bulk: saves the results as NDJSON.")),
    "tape_pause": Key(("space",), mark("The tape: holds still, or goes on.")),
    "tape_save": Key(("o",), mark("The tape and the log: saves what is shown as NDJSON.")),
    "profile_add": Key(("a",), mark("Profiles: adds one.")),
    "profile_change": Key(("e",), mark("Profiles: changes the address or the token of one.")),
    "profile_remove": Key(("d",), mark("Profiles: removes one from this machine.")),
    "bulk_forget": Key(("F",), mark("Bulk: forgets one that is unfinished.")),
}

_READING: Final = (*MOVES, "page_down_too")
_PAGES: Final = ("page_previous", "page_next", "into")
CHAINS: Final[dict[str, tuple[str, ...]]] = {
    mark("the main screen"): (*MAIN, *MOVES),
    mark("the pairing screen"): (
        "close", "code", "phone", "copy", "help", "pairing_drawing", "pairing_qr", "pairing_save", "pairing_again",
    ),
    mark("the log of calls"): (*MOVES, "close", "close_too", "log", "copy", "filter", "tape_pause", "tape_save"),
    mark("the audit log"): (*MOVES, "close", "close_too", "audit", "copy", "filter", "choose", "tape_pause", "tape_save"),
    mark("the tape"): (*MOVES, "close", "close_too", "tape", "copy", "filter", "choose", "tape_pause", "tape_save"),
    mark("an event"): (*_READING, "close", "close_too", "copy", "json_secrets"),
    mark("the help"): (*_READING, "close", "close_too", "help"),
    mark("the themes"): (*_READING, "close", "choose"),
    mark("the profiles"): (
        *_READING, "close", "close_too", "choose", "profiles", "profile_add", "profile_change", "profile_remove",
    ),
    mark("questions"): ("close", "yes", "no", "previous", "next"),
    mark("menus"): ("close", "down", "up", "choose"),
    mark("the welcome screen"): ("close", "down", "up", "choose", "quit"),
    mark("probes"): ("close", "close_too", "again", "try_here", "try_server"),
    mark("the deliveries"): (*_READING, "close", "close_too", "redeliver", "deliveries_read"),
    mark("the review"): ("close", "down", "up", "turn", "review_save", "review_try"),
    mark("the edit screen"): (
        *_PAGES, "close", *(f"edit{digit}" for digit in "123456"), "edit_review", "edit_save", "edit_revert", "edit_add",
        "edit_draft", "edit_reread", "edit_try", "edit_deliveries", "edit_json", "edit_editor", "help",
    ),
    mark("a block as JSON"): (*MOVES, "close", "close_too", "copy", "edit_json", "edit_editor", "json_secrets"),
    mark("the faults of a text"): (*MOVES, "close", "faults_open", "faults_take", "faults_discard"),
    mark("the plan of a bulk"): (
        *_READING, "close", "yes", "bulk_faster", "bulk_slower", "bulk_more", "bulk_fewer", "bulk_forget",
    ),
    mark("a bulk"): (
        *MOVES, "close", "close_too", "bulk", "copy", "help", "bulk_pause", "bulk_retry", "bulk_faster", "bulk_slower",
        "bulk_more", "bulk_fewer", "bulk_view", "bulk_details", "bulk_save",
    ),
    mark("a result of a bulk"): ("close", "close_too", "choose"),
    mark("the texts of a form"): ("close", "field_previous", "field_next"),
    mark("the words of a form"): ("close", "mark", "mark_words", "mark_next", "mark_left", "mark_right", "mark_up", "mark_down"),
    mark("the buttons of a form"): ("close", "button_previous", "button_next"),
}  # fmt: skip
"""Which ids may hear the same key: the widget that has the focus and what is around it. No key twice in one of them."""

NAMES: Final = {
    "escape": "esc", "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn", "delete": "del",
    "slash": "/", "colon": ":", "question_mark": "?", "exclamation_mark": "!", "quotation_mark": '"', "number_sign": "#",
    "dollar_sign": "$", "percent_sign": "%", "ampersand": "&", "apostrophe": "'", "left_parenthesis": "(",
    "right_parenthesis": ")", "asterisk": "*", "plus": "+", "comma": ",", "minus": "-", "full_stop": ".", "semicolon": ";",
    "less_than_sign": "<", "equals_sign": "=", "greater_than_sign": ">", "at": "@", "left_square_bracket": "[",
    "backslash": "\\", "right_square_bracket": "]", "circumflex_accent": "^", "underscore": "_", "grave_accent": "`",
    "left_curly_bracket": "{", "vertical_line": "|", "right_curly_bracket": "}", "tilde": "~",
}  # fmt: skip
"""How keys are written on the screen, where not by their own name."""

COMMANDS: Final = {
    "connect": "connect", "code": "connect --number", "reconnect": "reconnect", "bring_back": "bring-back", "new": "create",
    "stream": "stream set", "logout": "logout", "delete": "delete", "refresh": "ls", "probe": "doctor", "audit": "audit",
    "message": "send",
}  # fmt: skip
"""What does on the command line what the action's key does in the console."""

_chosen: dict[str, tuple[str, ...]] = {}
_spoken: dict[str, str] = {}


def use(keymap: Mapping[str, str]) -> None:
    """From now on these keys (id -> `r,f5`) are the person's; the others are as in the table."""
    _chosen.clear()
    _chosen.update((id, tuple(keys.split(","))) for id, keys in keymap.items())


def speak_commands(spoken: bool = True) -> None:
    """From now on `fill` names commands: there are no keys where there is no screen."""
    _spoken.clear()
    _spoken.update({id: f"ryze-tui {words}" for id, words in COMMANDS.items()} if spoken else {})


def of(id: str) -> tuple[str, ...]:
    """The keys of an action, as Textual names them, the one to be shown first."""
    return _chosen.get(id) or KEYS[id].keys


def written(key: str) -> str:
    """How a key is written on the screen: `ctrl+pagedown` -> `ctrl+pgdn`."""
    *modifiers, name = key.split("+")
    return "+".join([*modifiers, NAMES.get(name, name)])


def name(id: str) -> str:
    """The key of an action, as it is written on the screen: the one function that every text which names a key goes through."""
    return written(of(id)[0])


class _Texts(dict[str, Any]):
    def __missing__(self, id: str) -> str:
        return _spoken.get(id) or name(id)


def fill(text: str, **more: object) -> str:
    """A text with ids in braces, `{reconnect} dials again`, and perhaps other values, with the person's keys in it."""
    return text.format_map(_Texts(more))
