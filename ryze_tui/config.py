"""The configuration file: profiles (a name, a server's URL, a token), in TOML, readable by its owner only.

`~/.config/ryze-tui/config.toml`:

    default = "acme"

    [profiles.acme]
    url = "https://ryzeapi.cloud"
    token = "…"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
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


def _read() -> tuple[str, dict[str, Any]]:
    """The file as it is, and what it says; both empty when there is none. Raises ConfigError."""
    import tomllib

    try:
        text = path().read_bytes().decode("utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        return "", {}
    except OSError as error:
        raise ConfigError(_("{path} cannot be read: {problem}").format(path=path(), problem=error.strerror)) from error
    except ValueError as error:
        raise ConfigError(_("{path} is not valid TOML: {problem}").format(path=path(), problem=error)) from error


def _profiles(document: dict[str, Any]) -> dict[str, Any]:
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError(_("{path}: profiles must be a table, as in [profiles.acme].").format(path=path()))
    return profiles


def profile_names() -> list[str]:
    """The profiles there are. Raises ConfigError."""
    return list(_profiles(_read()[1]))


def load_profile(name: str = "") -> Profile | None:
    """The named profile, else the default, else the only one; None when there is none. Raises ConfigError."""
    _text, document = _read()
    profiles = _profiles(document)
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


def _with_profile(text: str, profile: Profile) -> str:
    """The text of the file with the profile in it, comments and all. Raises whatever tomlkit stumbles over."""
    import tomlkit

    document = tomlkit.parse(text)
    document["default"] = profile.name
    profiles: Any = document.setdefault("profiles", tomlkit.table(is_super_table=True))
    entry: Any = profiles.get(profile.name)
    if entry is None:
        entry = tomlkit.table()
        entry["url"], entry["token"] = profile.url, profile.token
        profiles[profile.name] = entry
    else:
        entry["url"], entry["token"] = profile.url, profile.token
    return tomlkit.dumps(document)


def _same(one: object, other: object) -> bool:
    """Equal for TOML: 1 is not 1.0, nan is nan."""
    import json

    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)


def _by_hand(text: str, profile: Profile) -> ConfigError:
    """What to say when the file is right, but written in a way that cannot be changed safely."""
    lines = text.splitlines()
    line = next((number for number, line in enumerate(lines, 1) if re.match(r"\s*\[?\s*[\"']?profiles\b", line)), 1)
    return ConfigError(
        _(
            "{path}, line {line}: profiles are written there in a way that cannot be changed safely; the file is as it was. "
            "Write each one as a table of its own, [profiles.name] with url and token, or add {name} by hand."
        ).format(path=path(), line=line, name=profile.name)
    )


def save_profile(profile: Profile) -> None:
    """Add or replace a profile and make it the default; comments and the rest of the file stay. Raises ConfigError."""
    import tomllib

    from tomlkit.exceptions import TOMLKitError

    if not profile.name:
        raise ConfigError(_("A profile needs a name."))
    text, document = _read()  # never write over a file that cannot be understood
    profiles = _profiles(document)
    kept = profiles.get(profile.name, {})
    if not isinstance(kept, dict):
        raise ConfigError(_("{path}: profile {name} needs url and token, both text.").format(path=path(), name=profile.name))
    if not isinstance(document.get("default", ""), str):
        raise ConfigError(_("{path}: default must be the name of a profile.").format(path=path()))
    wanted = {**kept, "url": profile.url, "token": profile.token}
    expected = {**document, "default": profile.name, "profiles": {**profiles, profile.name: wanted}}
    try:
        new = _with_profile(text, profile)
        new.encode("utf-8")
        safe = _same(tomllib.loads(new), expected)
    except (ValueError, TypeError, LookupError, AttributeError, TOMLKitError) as error:
        raise _by_hand(text, profile) from error
    if not safe:
        raise _by_hand(text, profile)
    try:
        paths.write_private(path().resolve(), new)  # a link stays a link
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {problem}").format(path=path(), problem=error.strerror)) from error
