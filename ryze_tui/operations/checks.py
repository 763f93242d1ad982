"""What is wrong with what was typed into a field, in words; what the server would refuse, and what it would take in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..api.fields import NUMBER, Field
from ..api.instance import NAME_PATTERN
from ..i18n import _
from ..redact import clean

_NEEDED: Final[dict[str, frozenset[str]]] = {
    "proxy": frozenset({"host", "port", "protocol"}),
    "s3": frozenset({"bucket", "accessKey"}),
    "webhook": frozenset({"url"}),
    "chatwoot": frozenset({"chatwootBaseUrl", "chatwootAccountId", "chatwootApiToken", "inboxName"}),
}
"""Kind -> what it cannot do without while it is on."""
_URLS: Final = frozenset({("webhook", "url"), ("s3", "endpoint"), ("chatwoot", "chatwootBaseUrl")})
_ONE_LINE: Final = frozenset({"authorization", "password", "secretKey", "accessKey", "username", "chatwootApiToken"})


def problem(kind: str, field: Field, value: Any, values: Mapping[str, Any]) -> str:
    """What is wrong with a field of a block that is on; empty when nothing is."""
    if value in ("", 0) and field.kind != "switch":
        return _("Needed while it is on.") if field.name in _NEEDED.get(kind, ()) else ""
    if field.choices and field.kind == "choice" and value not in field.choices:
        return _("One of: {choices}.").format(choices=", ".join(filter(None, field.choices)))
    if (kind, field.name) in _URLS:
        return url_problem(str(value))
    if kind == "proxy" and field.name == "port":
        return port_problem(str(value))
    if kind == "proxy" and field.name == "host":
        return host_problem(str(value))
    if field.kind == NUMBER and (not isinstance(value, int) or value < 0):
        return _("A whole number above 0.")
    if field.name in _ONE_LINE and not str(value).isprintable():
        return _("One line, without control characters.")
    return ""


def url_problem(text: str) -> str:
    """Of a URL that a server is to call."""
    if text != text.strip() or any(character.isspace() for character in text):
        return _("A URL has no spaces.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return _("This cannot be read as a URL.")
    if parts.scheme not in ("http", "https"):
        return _("It begins with https:// (or http://).")
    if not parts.hostname or port == 0:
        return _("It names no host: https://host/path.")
    return ""


def port_problem(text: str) -> str:
    """Of a port."""
    return "" if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535 else _("A number from 1 to 65535.")


def host_problem(text: str) -> str:
    """Of a host that is a field of its own."""
    if "://" in text or "/" in text:
        return _("Only the name or address: no http://, no path.")
    if "@" in text:
        return _("User name and password have fields of their own.")
    if any(character.isspace() for character in text):
        return _("A host has no spaces.")
    return ""


def name_problem(name: str) -> str:
    """Of a new instance's name."""
    if not name:
        return _("A name is needed.")
    if re.fullmatch(NAME_PATTERN, name):
        return ""
    bad = next((character for character in name if not re.fullmatch(NAME_PATTERN, character)), "")
    if not bad:
        return _("A name has at most 100 characters.")
    shown = _("a space") if bad == " " else f"“{clean(bad)}”"
    return _("A name has letters, digits, - and _ only: {bad} cannot be in it.").format(bad=shown)


def token_problem(token: str) -> str:
    """Of a new instance's own token; empty means that the server makes one."""
    if token and (len(token) < 16 or not token.isprintable() or not token.isascii() or " " in token):
        return _("A token has at least 16 plain characters without spaces.")
    return ""
