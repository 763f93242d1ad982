"""The fields of a control's body: read, checked, and refused in words."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from ...errors import EngineError

_GROUP: Final = re.compile(r"[0-9]{5,30}(-[0-9]{5,20})?@g\.us")


class Impossible(EngineError):
    """It cannot be done in the present state (409)."""


class Invalid(EngineError):
    """The body is not understood (400)."""


def text(body: dict[str, Any], key: str, default: str = "") -> str:
    """A text. Raises Invalid."""
    value = body.get(key, default)
    if not isinstance(value, str):
        raise Invalid(f"{key} is a text")
    return value


def number(body: dict[str, Any], key: str) -> str:
    """The digits of a phone number, empty when it was left out. Raises Invalid."""
    digits = "".join(character for character in str(text(body, key)) if character not in "+-() .")
    digits = digits.partition("@")[0]
    if digits and not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise Invalid(f"{key} is a phone number: 7 to 15 digits")
    return digits


def flag(body: dict[str, Any], key: str) -> bool:
    """Yes or no, no when it was left out. Raises Invalid."""
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise Invalid(f"{key} is true or false")
    return value


def group(body: dict[str, Any], key: str) -> str:
    """The JID of a group, empty when it was left out. Raises Invalid."""
    jid = text(body, key)
    if jid and not _GROUP.fullmatch(jid):
        raise Invalid(f"{key} is the JID of a group, e.g. 120363000000000001@g.us")
    return jid


def content(body: dict[str, Any], key: str) -> bytes:
    """What base64 stands for. Raises Invalid."""
    try:
        return base64.b64decode(text(body, key), validate=True)
    except ValueError:
        raise Invalid(f"{key} is base64") from None


def seconds(body: dict[str, Any], default: float, key: str = "seconds", most: float = 30 * 86400.0) -> float:
    """A number above 0. Raises Invalid."""
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise Invalid(f"{key} is a number above 0 and up to {most:g}")
    return float(value)
