"""What `ryze-tui BLOCK set` is given: options, files of secrets and a JSON object; and whether every instance can hold it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _
from ..redact import MASK, clean
from . import blockflags
from .exits import Failure

if TYPE_CHECKING:
    from ..api.fields import Field
    from ..operations.editing import Edit
    from ..operations.outcome import Outcome

Values = dict[str, Any]
BYTES_MOST: Final = 1 << 20
_SHAPES: Final[dict[str, type]] = {"switch": bool, "number": int, "set": list}


def wanted(kind: str, options: argparse.Namespace) -> Values:
    """Field -> value, of everything that was given; options win over the JSON object. Raises Failure when that is nothing."""
    values = from_json(kind, options.from_json) if options.from_json is not None else {}
    values |= blockflags.given(options).get(kind, {})
    if getattr(options, "off", False):
        if values:
            raise Failure(_("--off erases it: give no fields with it."), "usage")
        return {"enabled": False}
    if not values:
        words = _("what is to be changed? Give {flag} or another field, or --from-json.")
        raise Failure(words.format(flag=blockflags.option_of(kind, blockflags.fields(kind)[0])), "usage")
    return values


def from_json(kind: str, path: str) -> Values:
    """The fields of a JSON object. Raises Failure, which names what is wrong and repeats no value."""
    try:
        text = sys.stdin.read(BYTES_MOST + 1) if path == "-" else _text(path)
        found = json.loads(text) if len(text) <= BYTES_MOST else None
    except OSError as error:
        raise Failure(_("{path} cannot be read: {problem}").format(path=path, problem=error.strerror), "config") from error
    except (ValueError, RecursionError) as error:
        raise Failure(_("{path} is no JSON: {problem}").format(path=path, problem=error), "config") from error
    if not isinstance(found, dict):
        raise Failure(_("{path} holds no JSON object.").format(path=path), "config")
    found.pop("label", None)
    values, wrong = {}, []
    fields = {field.name: field for field in blockflags.fields(kind)}
    for name, value in found.items():
        field = fields.get(name)
        if field is None:
            from ..config.check import near

            wrong.append(_('there is no field "{name}"').format(name=clean(name)[:40]) + near(name, fields))
        elif value is None and field.secret:
            continue  # as it is stored
        elif words := _unfit(field, value):
            wrong.append(f"“{name}”: {words}")
        else:
            values[name] = value if not (field.kind == "text" and type(value) is int) else str(value)
    if wrong:
        raise Failure("; ".join([f"{path}: {wrong[0]}", *wrong[1:]]), "config")
    return values


def _text(path: str) -> str:
    with Path(path).open(encoding="utf-8") as file:
        return file.read(BYTES_MOST + 1)


def _unfit(field: Field, value: Any) -> str:
    if isinstance(value, str) and MASK in value:
        return _("this is a mask, not the secret: leave it out to keep what is stored.")
    if field.kind == "set":
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not good or not set(value) <= set(field.choices):
            return _("a list of: {choices}.").format(choices=", ".join(field.choices))
        return ""
    kind = _SHAPES.get(field.kind, str)
    if field.kind == "text" and field.name == "port" and type(value) is int:
        return ""
    if type(value) is not kind:
        return {bool: _("true or false."), int: _("A whole number above 0.")}.get(kind, _("a text."))
    return ""


def edited(edit: Edit, values: Mapping[str, Any]) -> Edit:
    """The values put into an edit of what is held; what is off is switched on unless it is said to be off."""
    if "enabled" in edit.yours and "enabled" not in values:
        edit.set("enabled", True)
    for name, value in values.items():
        edit.set(name, value)
    return edit


def check(edits: Mapping[str, Edit | Outcome], hidden: str) -> None:
    """Raises Failure with everything that is wrong anywhere, before anything is written. `hidden`: of a secret left out."""
    from ..operations.editing import KEEP, Edit

    wrong: dict[str, list[str]] = {}
    for name, edit in edits.items():
        if not isinstance(edit, Edit):
            continue
        for field, words in edit.problems().items():
            option = blockflags.option_of(edit.wire.kind, next(one for one in edit.fields if one.name == field))
            wrong.setdefault(hidden if edit.yours[field] is KEEP else f"{option}: {words}", []).append(name)
    if wrong:
        told = [words if len(edits) == 1 else f"{', '.join(on)}: {words}" for words, on in wrong.items()]
        raise Failure("; ".join(told), "usage")
