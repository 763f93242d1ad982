"""The configuration file: profiles (a name, a server's URL, a token), in TOML, readable by its owner only.

`~/.config/ryze-tui/config.toml`:

    default = "acme"

    [profiles.acme]
    url = "https://ryzeapi.cloud"
    token = "…"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from . import paths
from .i18n import _


class ConfigError(Exception):
    """Something in the configuration is wrong; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One server and one token under a name."""

    name: str
    url: str
    token: str = field(repr=False)


def path() -> Path:
    """Where the configuration file is."""
    return paths.config_dir() / "config.toml"


def clean_url(text: str) -> str:
    """`host`, `http://host/` … -> a base URL without path, query or credentials. Raises ConfigError."""
    text = text.strip().rstrip("/")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigError(_("That is not a URL: {text}").format(text=text)) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or any(character.isspace() for character in text):
        raise ConfigError(_("The URL must look like https://host or http://host:port."))
    if parts.username or parts.password:
        raise ConfigError(_("Leave user name and password out of the URL: RyzeAPI knows tokens only."))
    if parts.query or parts.fragment:
        raise ConfigError(_("Leave everything after the host out of the URL."))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def host_of(url: str) -> str:
    """The host of a URL, as a profile's default name."""
    return urlsplit(url if "://" in url else f"https://{url}").hostname or "server"


def _read() -> dict[str, object]:
    import tomllib

    try:
        with path().open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(_("{path} cannot be read: {problem}").format(path=path(), problem=error.strerror)) from error
    except ValueError as error:
        raise ConfigError(_("{path} is not valid TOML: {problem}").format(path=path(), problem=error)) from error


def load_profile(name: str = "") -> Profile | None:
    """The named profile, else the default, else the only one; None when there is none. Raises ConfigError."""
    document = _read()
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError(_("{path}: profiles must be a table, as in [profiles.acme].").format(path=path()))
    if not name:
        default = document.get("default")
        name = default if isinstance(default, str) and default in profiles else next(iter(profiles)) if len(profiles) == 1 else ""
        if not name:
            return None
    entry = profiles.get(name)
    if not isinstance(entry, dict):
        known = ", ".join(profiles) or _("none")
        raise ConfigError(_("{path} has no profile {name}; it has: {known}.").format(path=path(), name=name, known=known))
    url, token = entry.get("url"), entry.get("token")
    if not isinstance(url, str) or not isinstance(token, str):
        raise ConfigError(_("{path}: profile {name} needs url and token, both text.").format(path=path(), name=name))
    return Profile(name, clean_url(url), token)


def save_profile(profile: Profile) -> None:
    """Add or replace a profile and make it the default; comments and the rest of the file stay. Raises ConfigError."""
    import tomlkit

    _read()  # never write over a file that cannot be understood
    try:
        document = tomlkit.parse(path().read_text(encoding="utf-8")) if path().exists() else tomlkit.document()
        document["default"] = profile.name
        profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        entry = tomlkit.table()
        entry["url"], entry["token"] = profile.url, profile.token
        profiles[profile.name] = entry
        paths.write_private(path(), tomlkit.dumps(document))
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {problem}").format(path=path(), problem=error.strerror)) from error
