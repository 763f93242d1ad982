"""Adding a profile to the file, comments and all; imported when somebody does."""

from __future__ import annotations

import re
from typing import Any

from .. import paths
from ..i18n import _
from .common import ConfigError, path
from .declared import SOURCES
from .loading import Profile, decoded


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
        for source in SOURCES:
            if source != "token" and source in entry:
                del entry[source]
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
    text, document = decoded()  # never write over a file that cannot be understood
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError(_("{path}: profiles must be a table, as in [profiles.acme].").format(path=path()))
    kept = profiles.get(profile.name, {})
    if not isinstance(kept, dict):
        raise ConfigError(_("{path}: profile {name} needs url and token, both text.").format(path=path(), name=profile.name))
    if not isinstance(document.get("default", ""), str):
        raise ConfigError(_("{path}: default must be the name of a profile.").format(path=path()))
    others = {name: value for name, value in kept.items() if name not in SOURCES}  # one token, from one place
    wanted = {**others, "url": profile.url, "token": profile.token}
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


def save_setting(name: str, value: str) -> None:
    """Set one text at the top of the file, `theme = "nord"`; comments and the rest stay. Raises ConfigError."""
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    text, document = decoded()
    by_hand = ConfigError(_("{path} cannot be changed safely: write {name} there by hand.").format(path=path(), name=name))
    try:
        changed = tomlkit.parse(text)
        changed[name] = value
        new = tomlkit.dumps(changed)
        safe = _same(tomllib.loads(new), {**document, name: value})
    except (ValueError, TypeError, LookupError, AttributeError, TOMLKitError) as error:
        raise by_hand from error
    if not safe:
        raise by_hand
    try:
        paths.write_private(path().resolve(), new)  # a link stays a link
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {problem}").format(path=path(), problem=error.strerror)) from error
