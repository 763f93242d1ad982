"""A block as JSON text, and such a text back as values: every fault with the line it stands in. Pure; sends nothing.

A hidden secret that is as stored is represented by its absence: a text without it leaves it as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from ..api.fields import CHOICE, NUMBER, SET, SWITCH, Field
from ..i18n import _
from ..redact import MASK
from .editing import KEEP, Edit, Values
from .positions import Fault, Member, Positioned, read_object

LONGEST: Final = 2000
"""Characters of one text; what a field of the form takes."""
LABEL: Final = "label"


@dataclass(frozen=True, slots=True)
class Written:
    """A block as text. `secret`: whether one is in it; `hidden`: titles of secrets that are stored and never told."""

    text: str
    secret: bool
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a text says. `faults`: in the order of their lines; `values` are to be used only when none of them is hard."""

    values: Values
    faults: tuple[Fault, ...]

    @property
    def hard(self) -> bool:
        """Whether it cannot be taken."""
        return any(not fault.soft for fault in self.faults)


def write(edit: Edit, *, secrets: str = "all") -> Written:
    """The block as the edit holds it. `secrets`: `all` as they are, `masked` (to be looked at), `none` (left out)."""
    found, secret = dict[str, Any](), False
    if edit.label:
        found[LABEL] = edit.label
    for field in edit.fields:
        value = edit.yours[field.name]
        if value is KEEP:
            continue
        if field.secret and value:
            if secrets == "none":
                continue
            secret = True
            value = MASK if secrets == "masked" else value
        found[field.name] = value
    hidden = tuple(_(field.title) for field in edit.fields if edit.yours[field.name] is KEEP)
    return Written(json.dumps(found, indent=2, ensure_ascii=False) + "\n", secret and secrets == "all", hidden)


def read(text: str, edit: Edit) -> Taken:
    """Compare a text with the declaration of the block that `edit` is about; the edit itself stays as it is.

    Unknown and missing names, wrong types and words that do not exist are hard faults. What the form would refuse too (a port of
    99999) is a soft one: the form can hold it, and says so.
    """
    found = read_object(text.removeprefix("\ufeff"))
    if isinstance(found, Fault):
        return Taken({}, (found,))
    values, faults = _members(found, edit)
    faults += _missing(found, edit, values)
    if not any(not fault.soft for fault in faults):
        faults += _problems(found, edit, values)
    return Taken(values, tuple(sorted(faults, key=lambda fault: fault.line)))


def use(edit: Edit, values: Values) -> list[Field]:
    """Put what was read into an edit; the fields that changed by it."""
    changed = [field for field in edit.fields if field.name in values and values[field.name] != edit.yours[field.name]]
    for field in changed:
        edit.set(field.name, values[field.name])
    return changed


def _members(found: Positioned, edit: Edit) -> tuple[Values, list[Fault]]:
    fields = {field.name: field for field in edit.fields}
    values, faults, seen = Values(), list[Fault](), set[str]()
    for member in found.members:
        if member.name in seen:
            faults.append(Fault(member.line, _("“{name}” is there twice").format(name=member.name)))
        elif member.name == LABEL and edit.label:
            if member.value != edit.label:
                words = _("the label names this webhook and stays “{label}”; another one is made with a on the form")
                faults.append(Fault(member.value_line, words.format(label=edit.label)))
        elif member.name not in fields:
            words = _("there is no “{name}” in this block: {names}")
            faults.append(Fault(member.line, words.format(name=member.name[:100], names=", ".join(fields))))
        else:
            faults += _wrong(fields[member.name], member, edit)
            values[member.name] = _value(fields[member.name], member.value)
        seen.add(member.name)
    return values, faults


def _value(field: Field, value: Any) -> Any:
    return str(value) if field.kind == "text" and type(value) is int else value  # a port; the contract takes both


def _wrong(field: Field, member: Member, edit: Edit) -> list[Fault]:
    """What is wrong with the type of a value, or with a word that has to be one of several."""
    value, name = _value(field, member.value), field.name
    if field.kind == SWITCH:
        words = "" if isinstance(value, bool) else _("“{name}” is true or false").format(name=name)
    elif field.kind == NUMBER:
        good = type(value) is int and 0 <= value < 10**15
        words = "" if good else _("“{name}” is a whole number, without quotes").format(name=name)
    elif field.kind == SET:
        return _wrong_items(field, member, edit)
    elif not isinstance(value, str):
        words = _("“{name}” is a text, in double quotes").format(name=name)
        if value is None and name in edit.wire.hidden:
            words = _("“{name}” is a text: leave the line out to keep what is stored, or write \"\" for none").format(name=name)
    else:
        words = _wrong_text(field, value)
        if field.kind == CHOICE and value not in (*field.choices, edit.was[name]):
            choices = ", ".join(filter(None, field.choices))
            words = _("“{value}” is no {name}: one of {choices}").format(value=value[:100], name=name, choices=choices)
    return [Fault(member.value_line, words)] if words else []


def _wrong_text(field: Field, value: str) -> str:
    if len(value) > LONGEST:
        return _("“{name}” has {n} characters; {most} is the most").format(name=field.name, n=len(value), most=LONGEST)
    if any("\ud800" <= character <= "\udfff" for character in value):
        return _("“{name}” holds half a character, which no server can store").format(name=field.name)
    if field.secret and value and not value.strip(MASK[0]):
        return _("“{name}” is the mask that hides a secret, not the secret").format(name=field.name)
    return ""


def _wrong_items(field: Field, member: Member, edit: Edit) -> list[Fault]:
    if not isinstance(member.value, list):
        return [Fault(member.value_line, _("“{name}” is a list in [ ]").format(name=field.name))]
    known, faults, seen = {*field.choices, *edit.was[field.name]}, list[Fault](), list[Any]()
    for line, item in zip(member.items, member.value, strict=True):
        if not isinstance(item, str):
            faults.append(Fault(line, _("“{name}” is a list of words in double quotes").format(name=field.name)))
        elif item not in known:
            words = _("“{word}” is none of the {name}: {choices}")
            faults.append(Fault(line, words.format(word=item[:100], name=field.name, choices=", ".join(field.choices))))
        elif item in seen:
            faults.append(Fault(line, _("“{word}” is there twice").format(word=item)))
        seen.append(item)
    return faults


def _missing(found: Positioned, edit: Edit, values: Values) -> list[Fault]:
    """Names that are not there. Of a block that is switched off the rest may be left out: it is erased anyway."""
    faults = []
    for field in edit.fields:
        if field.name in values:
            continue
        if field.name in edit.wire.hidden:
            values[field.name] = edit.was[field.name]  # left out: as it is stored
        elif values.get("enabled") is not False or field.name == "enabled":
            faults.append(Fault(found.end, _("“{name}” is missing").format(name=field.name)))
    return faults


def _problems(found: Positioned, edit: Edit, values: Values) -> list[Fault]:
    """What the form will say about these values, with their lines."""
    tried = Edit(edit.wire, None, label=edit.label, keeps_secrets=edit.keeps_secrets)
    tried.new, tried.was, tried.yours = edit.new, edit.was, edit.yours | values
    lines = {member.name: member.value_line for member in found.members}
    return [Fault(lines.get(name, found.end), f"“{name}”: {words}", soft=True) for name, words in tried.problems().items()]
