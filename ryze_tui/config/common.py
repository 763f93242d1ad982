"""What all of the configuration needs: its error, where the file is, addresses as people type them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from .. import paths
from ..i18n import _


class ConfigError(Exception):
    """Something in the configuration is wrong; the text says what and where."""


def path() -> Path:
    """Where the configuration file is."""
    return paths.config_dir() / "config.toml"


def _with_scheme(text: str) -> str:
    """What was typed, as a whole URL: https, but plain http for this machine itself, where nobody has a certificate."""
    if "://" in text:
        return text
    place = text.partition("/")[0]
    if "[" not in place and "@" not in place and place.count("::") == 1:
        text = text.replace(place, f"[{place}]", 1)  # a bare IPv6 address; its colons are no port
    host = (urlsplit(f"//{text}").hostname or "").lower()
    here = host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){1,3}", host)
    return f"{'http' if here else 'https'}://{text}"


def clean_url(text: str) -> str:
    """`host`, `http://host/` … -> a base URL without query or credentials. Raises ConfigError."""
    try:
        text = _with_scheme(text.strip())
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:  # not repeated: there may be a password in it
        raise ConfigError(_("That is not a URL; it must look like https://host or http://host:port.")) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or any(character.isspace() for character in text):
        raise ConfigError(_("The URL must look like https://host or http://host:port."))
    if parts.username or parts.password:
        raise ConfigError(_("Leave user name and password out of the URL: RyzeAPI knows tokens only."))
    if parts.query or parts.fragment:
        raise ConfigError(_("Leave everything after the host out of the URL."))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def host_of(url: str) -> str:
    """The host of a URL, as a profile's default name; it need not be a URL yet."""
    try:
        return urlsplit(_with_scheme(url)).hostname or "server"
    except ValueError:
        return "server"
