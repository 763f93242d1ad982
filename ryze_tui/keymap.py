"""`[keys]` of the configuration file: what is wrong with it, and the keymap that it makes. Imported when there is one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from . import keys
from .i18n import _
from .redact import clean

Where = tuple[str | int, ...]
Complaint = tuple[Where, str]
"""Where in `[keys]`, and what is wrong there."""

_MODIFIERS: Final = ("alt", "ctrl", "hyper", "meta", "shift", "super")
_NAMED: Final = frozenset(
    {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete", "backspace", "enter", "escape",
     "space", "tab", *(f"f{number}" for number in range(1, 25))}
)  # fmt: skip
_ALIASES: Final = {
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown", " ": "space",
    **{written: name for name, written in keys.NAMES.items() if len(written) == 1},
}  # fmt: skip
_RESERVED: Final = keys.FIXED | {"tab", "shift+tab", "ctrl+z"}
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""What a terminal sends for these cannot be told from another key."""


def canonical(text: str) -> str:
    """A key as Textual names it, `?` -> `question_mark`, `Ctrl+PgUp` -> `ctrl+pageup`; empty when there is no such key."""
    text = text.strip(" ") or ("space" if text else "")
    *modifiers, key = ("+",) if text == "+" else (*text[:-2].split("+"), "+") if text.endswith("++") else text.split("+")
    modifiers = [modifier.strip().lower() for modifier in modifiers]
    key = key.strip() if len(key) > 1 else key
    key = _ALIASES.get(key, _ALIASES.get(key.lower(), key))
    if not (known := key if len(key) == 1 else key.lower()):
        return ""
    if any(modifier not in _MODIFIERS for modifier in modifiers) or len(set(modifiers)) != len(modifiers):
        return ""
    if len(known) == 1:
        if not known.isalnum() or (modifiers and not known.isascii()):
            return ""
        if modifiers == ["shift"]:
            return known.upper() if known.isalpha() else ""
        known = known.lower() if modifiers else known
    elif known not in _NAMED and known not in _ALIASES.values():
        return ""
    return "+".join([*sorted(modifiers), known])


def _listed(value: Any) -> list[tuple[Where, Any]]:
    """The keys of a value: `"r"`, `"r,f5"` or `["r", "f5"]`."""
    if isinstance(value, list):
        return [((index,), item) for index, item in enumerate(value)]
    if isinstance(value, str):
        return [((), part) for part in value.split(",")] if value != "," else [((), ",")]
    return [((), value)]


class Keymap:
    """Reads a table of keys; `complaints` says what is wrong, `chosen` is id -> `r,f5` when nothing is."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.complaints: list[Complaint] = []
        self._own: dict[str, dict[str, Where]] = {}
        for id, value in table.items():
            if id in keys.KEYS:
                self._read(id, value)
            else:
                self.complaints.append(((id,), _unknown(id)))
        self._clashes()

    @property
    def chosen(self) -> dict[str, str]:
        """The keymap: the person's keys first, then those that nobody can take away."""
        return {id: ",".join(self._keys(id)) for id in self._own}

    def _keys(self, id: str) -> tuple[str, ...]:
        own = self._own.get(id)
        if own is None:
            return keys.KEYS[id].keys
        return tuple(dict.fromkeys([*own, *keys.KEYS[id].kept]))

    def _read(self, id: str, value: Any) -> None:
        found: dict[str, Where] = {}
        parts = _listed(value)
        if not parts or value == "":
            words = _('{id} needs a key: "f5", or "r,f5" for two. Leave the line out for its own: {keys}.')
            own = ", ".join(keys.written(key) for key in keys.KEYS[id].keys)
            self.complaints.append(((id,), words.format(id=id, keys=own)))
            return
        for where, text in parts:
            problem, key = _key(id, text)
            if problem:
                self.complaints.append(((id, *where), problem))
            else:
                found[key] = (id, *where)
        if found:
            self._own[id] = found

    def _clashes(self) -> None:
        told: set[tuple[str, frozenset[str]]] = set()
        for chain, ids in keys.CHAINS.items():
            owners: dict[str, list[str]] = {}
            for id in ids:
                for key in self._keys(id):
                    owners.setdefault(key, []).append(id)
            for key, both in owners.items():
                changed = [id for id in self._own if id in both]
                if len(both) > 1 and changed and (key, frozenset(both)) not in told:
                    told.add((key, frozenset(both)))
                    self._clash(key, changed, both, chain)

    def _clash(self, key: str, changed: list[str], both: list[str], chain: str) -> None:
        last = next((id for id in reversed(changed) if key in self._own[id]), changed[-1])
        others = ", ".join(id for id in both if id != last)
        words = _('"{key}" cannot be the key of {id}: on {place} it is that of {others}. Give one of them another key.')
        where = self._own[last].get(key, (last,))
        self.complaints.append((where, words.format(key=keys.written(key), id=last, place=_(chain), others=others)))


def _unknown(id: str) -> str:
    near = difflib.get_close_matches(id, keys.KEYS, 1)
    words = _('"{id}" is no action. `ryze-tui config keys` lists them.')
    if near:
        words = _('"{id}" is no action; did you mean "{near}"?')
    return words.format(id=clean(id)[:40], near=near[0] if near else "")


def _key(id: str, text: Any) -> tuple[str, str]:
    """(what is wrong, key as Textual names it); one of them is empty."""
    if not isinstance(text, str):
        return _('{id} must be a key in quotation marks, "f5", or a list of them.').format(id=id), ""
    key = canonical(text)
    shown = clean(text.strip())[:40]
    if not key:
        words = _('{id}: "{key}" is no key. A key is one sign (r, R, ?), or a name: f5, pageup, space, ctrl+t, alt+x, comma')
        near = difflib.get_close_matches(shown.lower(), [*_NAMED, *_ALIASES.values()], 1)
        more = _('; did you mean "{near}"?').format(near=near[0]) if near and len(shown) > 1 else "."
        return words.format(id=id, key=shown) + more, ""
    if key in _SAME:
        words = _('{id}: a terminal sends the same for "{key}" as for {other}; take another key.')
        return words.format(id=id, key=shown, other=keys.written(_SAME[key])), ""
    if key in _RESERVED and key not in keys.KEYS[id].keys:
        words = _('{id}: "{key}" always does what it does everywhere; take another key.')
        return words.format(id=id, key=shown), ""
    return "", key
