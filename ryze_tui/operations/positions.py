"""Where in a JSON text things stand: an object's members with their lines, and syntax errors in words. Pure.

The standard library's decoder tells a position for errors only, and the libraries that keep positions are not kept up. So the
text is first read by `json`, which decides whether it is JSON, and then walked with `json`'s own decoder, which then cannot fail.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ..i18n import _, mark

MOST: Final = 1 << 20
"""Characters of a text that is looked at."""
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_WORDS: Final = (
    ("Expecting ',' delimiter", mark("a comma is missing")),
    ("Expecting property name", mark("a name in double quotes is wanted here")),
    ("Illegal trailing comma", mark("a comma too many")),
    ("Expecting ':' delimiter", mark("a colon is missing")),
    ("Expecting value", mark("a value is missing, or is not one (texts stand in double quotes)")),
    ("Unterminated string", mark("the text that begins here has no closing quote")),
    ("Invalid control character", mark("a text goes over the end of its line, or holds a control character")),
    ("Invalid \\", mark("a backslash that means nothing (write \\\\ for one)")),
    ("Extra data", mark("something stands after the end")),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a text. `line`: counted from 1; `column`: from 1, 0 where only the line matters.

    `soft`: the text can be taken all the same; whatever it goes into says again what is wrong.
    """

    line: int
    words: str
    column: int = 0
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object. `line`: of its name; `value_line`: where its value begins; `items`: lines of a list's items."""

    name: str
    value: Any
    line: int
    value_line: int
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Positioned:
    """An object. `members`: in their order, names twice as well; `end`: the line of its closing brace."""

    members: tuple[Member, ...]
    end: int


def read_object(text: str) -> Positioned | Fault:
    """The object that a text holds, or what is wrong with it."""
    if len(text) > MOST:
        return Fault(1, _("this is too long to be a block"))
    if not text.strip():
        return Fault(1, _("there is nothing in it"))
    try:
        value = json.loads(text, parse_constant=_no_number, parse_int=_int)
    except json.JSONDecodeError as error:
        return _fault(text, error)
    except RecursionError:
        return Fault(1, _("it is nested too deeply"))
    except ValueError as error:  # NaN and the like, and numbers of thousands of digits
        at = text.find(str(error))
        return Fault(_line(text, max(at, 0)), _("a number that JSON does not have"))
    if not isinstance(value, dict):
        return Fault(1, _("an object is wanted: it begins with {{ and ends with }}").format())
    return _walk(text)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _int(word: str) -> int:
    return int(word) if len(word) < 400 else _no_number(word)


def _fault(text: str, error: json.JSONDecodeError) -> Fault:
    words = next((_(ours) for theirs, ours in _WORDS if error.msg.startswith(theirs)), error.msg)
    at, before = error.pos, len(text[: error.pos].rstrip())
    if error.msg.startswith("Expecting ',' delimiter"):
        at = before  # it belongs after what stands before, often on the line above
    elif error.msg.startswith("Expecting") and text[at : at + 1] in ("}", "]") and text[:before].endswith(","):
        at, words = before - 1, _("a comma too many")
    if at >= len(text.rstrip()) and error.msg.startswith("Expecting"):
        words = _("the text ends too early: a closing bracket is missing")
        at = max(len(text.rstrip()) - 1, 0)
    return Fault(_line(text, at), words, at - text.rfind("\n", 0, at))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _walk(text: str) -> Positioned:
    """The members of a text that is known to be an object."""
    decode = json.JSONDecoder().raw_decode
    members = []
    at = _after_blanks(text, _after_blanks(text, 0) + 1)
    while text[at] != "}":
        begin = at
        name, at = decode(text, at)
        at = _after_blanks(text, _after_blanks(text, at) + 1)
        value_at = at
        value, at = decode(text, at)
        items = _items(text, value_at) if isinstance(value, list) else ()
        members.append(Member(name, value, _line(text, begin), _line(text, value_at), items))
        at = _after_blanks(text, at)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return Positioned(tuple(members), _line(text, at))


def _items(text: str, at: int) -> tuple[int, ...]:
    decode = json.JSONDecoder().raw_decode
    lines = []
    at = _after_blanks(text, at + 1)
    while text[at] != "]":
        lines.append(_line(text, at))
        _value, at = decode(text, at)
        at = _after_blanks(text, at)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return tuple(lines)
