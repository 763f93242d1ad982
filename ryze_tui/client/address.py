"""The address of a server, checked before anything is sent: http(s), a host, no credentials, no query."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from ..api.errors import RyzeError
from ..i18n import _


class BadAddress(RyzeError):
    """The address or the token cannot be used at all; nothing was sent."""


def base_url(text: str) -> str:
    """`ryzeapi.cloud/` -> `https://ryzeapi.cloud`. No scheme: http on loopback, else https. Raises BadAddress."""
    text = text.strip()
    if "://" not in text:
        local = text.startswith(("localhost", "127.", "[::1]"))
        text = f"{'http' if local else 'https'}://{text}"
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


def segment(name: str) -> str:
    """An instance name as one path segment."""
    # `.` and `..` would be resolved away by a client or a proxy even when written as they are.
    return quote(name, safe="").replace(".", "%2E") if name in (".", "..") else quote(name, safe="")
