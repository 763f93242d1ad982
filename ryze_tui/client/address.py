"""The address of a server, checked before anything is sent: http(s), a host, no credentials, no query."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from ..api.errors import RyzeError
from ..i18n import _

_LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){1,3}|\[::1\])(?=[:/?#]|$)", re.ASCII | re.IGNORECASE)


class BadAddress(RyzeError):
    """The address or the token cannot be used at all; nothing was sent."""


def base_url(text: str) -> str:
    """`ryzeapi.cloud/` -> `https://ryzeapi.cloud`. No scheme: http on loopback, else https. Raises BadAddress."""
    text = text.strip()
    if "://" not in text:
        text = f"{'http' if _LOOPBACK.match(text) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadAddress(_("that is not an address: {reason}").format(reason=error)) from error
    if parts.scheme not in ("http", "https"):
        raise BadAddress(_("the address must begin with http:// or https://"))
    if not parts.hostname or any(char.isspace() or not char.isprintable() for char in parts.netloc):
        raise BadAddress(_("the address names no host"))
    if parts.username is not None or parts.password is not None:
        raise BadAddress(_("the address must not hold a user name or password; the token goes in its own field"))
    if parts.query or parts.fragment:
        raise BadAddress(_("the address must not hold a query"))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{parts.path.rstrip('/')}"


def checked_token(token: str) -> str:
    """A token that can stand in a header. Raises BadAddress."""
    token = token.strip()
    if not token:
        raise BadAddress(_("a token is needed"))
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadAddress(_("the token holds characters that cannot be sent; was it copied whole?"))
    return token


def quoted(text: str) -> str:
    """Percent-encoded for a path or a query. Raises BadAddress: a replacement could be the name of another instance."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise BadAddress(_("the name holds characters that cannot be sent")) from error


def segment(name: str) -> str:
    """An instance name as one path segment. Raises BadAddress."""
    # `.` and `..` would be resolved away by a client or a proxy even when written as they are.
    return quoted(name).replace(".", "%2E") if name in (".", "..") else quoted(name)
