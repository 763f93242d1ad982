"""Editing one block: what was there, what a person made of it, what the server holds now, and what is to be sent. Pure.

Between opening a form and saving it somebody else may have changed the block. So it is read again before it is written, the
three are shown side by side, and only the fields that the person touched are taken from the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..api.fields import SET, Field
from ..api.wire import Wire
from ..i18n import _
from .checks import problem

Values = dict[str, Any]
KEEP: Final = None
"""In place of a hidden secret: it was not typed anew, so what is stored is to stay."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a review. `conflict`: it was changed on the server meanwhile, to something else. `erased`: by switching off.

    A secret's values are None (unknown or unchanged) or texts: whoever shows them masks them.
    """

    field: Field
    was: Any
    now: Any
    yours: Any
    conflict: bool = False
    erased: bool = False


class Edit:
    """`was`: the block as it was read, None when it was never written. `keeps_secrets`: the server is known to keep a hidden
    secret that is left out (ours does; of others that is not known).
    """

    def __init__(self, wire: Wire, was: Mapping[str, Any] | None, *, label: str = "", keeps_secrets: bool = False) -> None:
        self.wire, self.label, self.keeps_secrets = wire, label, keeps_secrets
        self.new = was is None
        self.was = complete(wire, was)
        self.yours: Values = dict(self.was)

    @property
    def fields(self) -> tuple[Field, ...]:
        """In the order of the form."""
        return self.wire.fields

    def set(self, name: str, value: Any) -> None:
        """What the person made of a field; None for a hidden secret means: as it is stored."""
        self.yours[name] = value

    def begin(self, name: str, value: Any) -> None:
        """What a new block begins with: as if it had been read."""
        self.was[name] = self.yours[name] = value

    def revert(self) -> None:
        """As it was."""
        self.yours = dict(self.was)

    @property
    def touched(self) -> tuple[Field, ...]:
        """The fields that differ from what was read."""
        return tuple(field for field in self.fields if self.yours[field.name] != self.was[field.name])

    @property
    def dirty(self) -> bool:
        """Whether there is anything to save."""
        return bool(self.touched)

    @property
    def switches_off(self) -> bool:
        """Whether saving erases the rest on the server."""
        return self.wire.erases and self.was.get("enabled") is True and self.yours.get("enabled") is False

    def revives(self, now: Mapping[str, Any] | None) -> bool:
        """Whether somebody else switched it off meanwhile, which erased it there: saving writes all of it anew."""
        on = self.was.get("enabled") is True and self.yours.get("enabled") is True
        return self.wire.erases and on and self.dirty and complete(self.wire, now)["enabled"] is False

    def lost(self, now: Mapping[str, Any] | None) -> dict[str, str]:
        """Hidden secrets that were erased meanwhile and would be missing after a save: field -> words."""
        words = _("Type it again (or del for none): somebody switched it off meanwhile, which erased the stored one.")
        hidden = [field for field in self.fields if self.yours[field.name] is KEEP] if self.revives(now) else []
        return {field.name: words for field in hidden if not self._secret_free}

    @property
    def _secret_free(self) -> bool:
        """A proxy that asks for no user asks for no password either."""
        return self.wire.kind == "proxy" and not self.yours["username"]

    def problems(self) -> dict[str, str]:
        """Field -> what is wrong with it, in words; of a block that is off only that the rest would be lost."""
        if "enabled" in self.yours and not self.yours["enabled"]:
            lost = self.was["enabled"] is False and any(field.name != "enabled" for field in self.touched)
            return {"enabled": _("While it is off nothing of this is kept: switch it on.")} if lost else {}
        found = {}
        for field in self.fields:
            value = self.yours[field.name]
            words = self._secret_problem(field) if value is KEEP else problem(self.wire.kind, field, value, self.yours)
            if words:
                found[field.name] = words
        return found

    def _secret_problem(self, field: Field) -> str:
        """A hidden secret that is left out: what the server makes of that."""
        if not self.dirty or self._secret_free:
            return ""
        if not self.keeps_secrets:
            return _("Type it again (or del for none): this server does not tell it, and may erase what is left out.")
        moved = [name for name in self.wire.kept_while if self.yours[name] != self.was[name]]
        if moved:
            titles = ", ".join(_(field.title) for field in self.fields if field.name in moved)
            return _("Type it again (or del for none): the stored one belongs to another {what}.").format(what=titles)
        return ""

    # -- review and sending --------------------------------------------------------------------------------------------

    def review(self, now: Mapping[str, Any] | None) -> list[Change]:
        """What saving would change, and what others changed: one line for each such field. `now`: the block as re-read."""
        held, revived = complete(self.wire, now), self.revives(now)
        lines = []
        for field in self.fields:
            was, there, yours = self.was[field.name], held[field.name], self.yours[field.name]
            touched, moved = yours != was, there != was and not (field.secret and KEEP in (there, was))
            gone = self.switches_off and field.name != "enabled" and there != field.empty
            erased = gone and not (there is KEEP and self.wire.kind == "proxy" and not held["username"])  # then there is none
            if not (touched or moved or erased):
                continue
            shown = field.empty if erased else yours if touched or revived else there
            conflict = field.name == "enabled" if revived else touched and self._conflicts(field, held)
            lines.append(Change(field, was, there, shown, conflict=conflict, erased=erased))
        return lines

    def moved(self, reviewed: Mapping[str, Any] | None, now: Mapping[str, Any] | None, theirs: frozenset[str]) -> bool:
        """Whether a write that was reviewed against one state of the block is another one against that of now."""
        if self.wire.merges:  # only what is sent is at stake
            names = {field.name for field in self.touched} - theirs
        else:
            names = {field.name for field in self.fields}
        before, after = complete(self.wire, reviewed), complete(self.wire, now)
        return any(before[name] != after[name] for name in names)

    def _conflicts(self, field: Field, held: Values) -> bool:
        """Whether somebody else changed a touched field too; a hidden secret with the fields that say what it belongs to."""
        names = self.wire.kept_while if field.name in self.wire.hidden else (field.name,)
        same = field.name not in self.wire.hidden and held[field.name] == self.yours[field.name]
        return not same and any(held[name] != self.was[name] for name in names)

    def body(self, now: Mapping[str, Any] | None, theirs: frozenset[str] = frozenset()) -> Values:
        """What to send: the server's own values with what the person touched. `theirs`: touched fields that stay as they are."""
        held, touched = complete(self.wire, now), {field.name for field in self.touched} - theirs
        if self.revives(now) and "enabled" not in theirs:
            touched = set(self.yours)
        if "enabled" in self.yours and not (self.yours if "enabled" in touched else held)["enabled"]:
            return {"enabled": False} | ({"label": self.label} if self.label else {})
        if self.wire.merges:
            return {name: self.yours[name] for name in self.yours if name in touched}
        sent = {name: self.yours[name] if name in touched else held[name] for name in self.yours}
        sent = {name: value for name, value in sent.items() if value is not KEEP}
        return sent | ({"label": self.label} if self.label else {})

    def sent(self, now: Mapping[str, Any] | None, body: Mapping[str, Any]) -> list[Change]:
        """What a body changes of what the server held: one line for each such field; a secret that is sent counts as changed."""
        held = complete(self.wire, now)
        off = self.wire.erases and body.get("enabled") is False
        found = []
        for field in self.fields:
            there = held[field.name]
            stays = not off and (self.wire.merges or field.name in self.wire.hidden)
            after = body.get(field.name, there if stays else field.empty)
            if after != there:
                found.append(Change(field, self.was[field.name], there, after, erased=off and field.name != "enabled"))
        return found

    def missing(self, body: Mapping[str, Any], held: Mapping[str, Any] | None) -> list[Change]:
        """Where what the server holds afterwards differs from what was asked for; secrets that no read tells are not compared."""
        after = complete(self.wire, held)
        wanted = complete(self.wire, body) if not self.wire.merges else after | dict(body)
        return [
            Change(field, self.was[field.name], after[field.name], wanted[field.name])
            for field in self.fields
            if field.name not in self.wire.hidden and KEEP not in (after[field.name], wanted[field.name])
            and _plain(field, after[field.name]) != _plain(field, wanted[field.name])
        ]  # fmt: skip


def complete(wire: Wire, values: Mapping[str, Any] | None) -> Values:
    """Every field of a block: a value that is missing, null or of another type is what the field holds when nothing was said."""
    made: Values = {}
    for field in wire.fields:
        value = (values or {}).get(field.name)
        if field.kind == "text" and type(value) is int:
            value = str(value)  # a port; the contract has it as a text, not every server does
        if field.name in wire.hidden and not isinstance(value, str):
            stored = values is not None and values.get("enabled") is not False  # switching off erased it
            made[field.name] = KEEP if stored else field.empty
        else:
            made[field.name] = value if _fits(field, value) else field.empty
    if wire.kind == "chatwoot":
        made["enabled"] = values is not None and (values.get("enabled") is not False)
    return made


def _fits(field: Field, value: Any) -> bool:
    kinds: dict[str, type] = {"switch": bool, "number": int, "set": list}
    if field.kind == SET and isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    return isinstance(value, kinds.get(field.kind, str)) and (field.kind != "number" or not isinstance(value, bool))


def _plain(field: Field, value: Any) -> Any:
    return value.rstrip("/") if field.kind == "text" and isinstance(value, str) else value
