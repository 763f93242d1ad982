"""Changing the profiles of the file, comments and all; imported when somebody does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from .. import paths
from ..i18n import _
from .common import ConfigError, path
from .declared import SOURCES
from .loading import Profile, decoded
from .tokens import keep_in_file, kept_file

Values = dict[str, Any]
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}"
"""Names that can be typed, completed, and be those of files."""


def save_profile(profile: Profile) -> None:
    """Add or replace a profile, its token in a file of its own, and make it the default. Raises ConfigError."""
    keep_profile(profile.name, {"url": profile.url}, profile.token, default=True)


def keep_profile(name: str, values: Mapping[str, Any], token: str, *, default: bool) -> None:
    """`put_profile` with a token that goes into a file of its own; where one fails, both are as they were. Raises ConfigError."""
    if not name:
        raise ConfigError(_("A profile needs a name."))
    path = kept_file(name)
    before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    where = keep_in_file(name, token)
    try:
        put_profile(name, {**values, "token_file": where}, default=default)
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            paths.write_private(path, before)
        raise


def put_profile(name: str, values: Mapping[str, Any], *, default: bool) -> None:
    """Add a profile, or change these settings of it; comments and the rest of the file stay. Raises ConfigError.

    A source of tokens takes the place of the one that was there.
    """
    if not name:
        raise ConfigError(_("A profile needs a name."))
    text, document, profiles = _read()
    kept = profiles.get(name, {})
    if not isinstance(kept, dict):
        raise ConfigError(_("{path}: profile {name} needs url and token, both text.").format(path=path(), name=name))
    new_source = any(source in values for source in SOURCES)
    others = {key: value for key, value in kept.items() if not (new_source and key in SOURCES)}  # one token, from one place
    wanted = {**others, **values}
    expected = {**document, **({"default": name} if default else {}), "profiles": {**profiles, name: wanted}}

    def change(toml: Any) -> None:
        import tomlkit

        if default:
            toml["default"] = name
        tables: Any = toml.setdefault("profiles", tomlkit.table(is_super_table=True))
        entry: Any = tables.get(name)
        if entry is None:
            entry = tomlkit.table()
            entry.update(wanted)
            tables[name] = entry
            return
        for key in [key for key in entry if key not in wanted]:
            del entry[key]
        for key, value in values.items():
            entry[key] = value

    _write(text, expected, change, _by_hand(text, name))


def remove_profile(name: str) -> None:
    """Take a profile out; nor is it the default any more. Raises ConfigError."""
    text, document, profiles = _read()
    known(name, profiles)
    left = {key: value for key, value in profiles.items() if key != name}
    expected = {key: value for key, value in document.items() if key != "default" or value != name}
    expected = {**expected, "profiles": left}

    def change(toml: Any) -> None:
        if toml.get("default") == name:
            del toml["default"]
        del toml["profiles"][name]

    if not left:  # the last one leaves no empty table behind, or one that was written down: both are the same to us
        del expected["profiles"]
    _write(text, expected, change, _by_hand(text, name), emptied=not left)


def choose_profile(name: str) -> None:
    """Make a profile the default. Raises ConfigError."""
    _text, _document, profiles = _read()
    known(name, profiles)
    save_setting("default", name)


def save_setting(name: str, value: str) -> None:
    """Set one text at the top of the file, `theme = "nord"`; comments and the rest stay. Raises ConfigError."""
    text, document = decoded()

    def change(toml: Any) -> None:
        toml[name] = value

    words = _("{path} cannot be changed safely: write {name} there by hand.").format(path=path(), name=name)
    _write(text, {**document, name: value}, change, ConfigError(words))


def known(name: str, profiles: Mapping[str, Any]) -> None:
    """Raises ConfigError when there is no such profile."""
    if name not in profiles:
        names = ", ".join(profiles) or _("none")
        raise ConfigError(_("{path} has no profile {name}; it has: {known}.").format(path=path(), name=name, known=names))


def _read() -> tuple[str, Values, Values]:
    """The text, what it says, and its profiles: a file that cannot be understood is never written over. Raises ConfigError."""
    text, document = decoded()
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError(_("{path}: profiles must be a table, as in [profiles.acme].").format(path=path()))
    if not isinstance(document.get("default", ""), str):
        raise ConfigError(_("{path}: default must be the name of a profile.").format(path=path()))
    return text, document, profiles


def _write(text: str, expected: Values, change: Callable[[Any], None], wrong: ConfigError, *, emptied: bool = False) -> None:
    """Change the text, and write it when it says what is `expected` and nothing else. Raises ConfigError, else `wrong`."""
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        toml = tomlkit.parse(text)
        change(toml)
        new = tomlkit.dumps(toml)
        if new.endswith("\n\n") and not text.endswith("\n\n"):  # before a table that is gone
            new = new.rstrip("\n") + "\n"
        new.encode("utf-8")
        said = tomllib.loads(new)
        if emptied and said.get("profiles") == {}:
            del said["profiles"]
        safe = _same(said, expected)
    except (ValueError, TypeError, LookupError, AttributeError, TOMLKitError) as error:
        raise wrong from error
    if not safe:
        raise wrong
    try:
        paths.write_private(path().resolve(), new)  # a link stays a link
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {problem}").format(path=path(), problem=error.strerror)) from error


def _same(one: object, other: object) -> bool:
    """Equal for TOML: 1 is not 1.0, nan is nan."""
    import json

    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)


def _by_hand(text: str, name: str) -> ConfigError:
    """What to say when the file is right, but written in a way that cannot be changed safely."""
    lines = text.splitlines()
    line = next((number for number, line in enumerate(lines, 1) if re.match(r"\s*\[?\s*[\"']?profiles\b", line)), 1)
    return ConfigError(
        _(
            "{path}, line {line}: profiles are written there in a way that cannot be changed safely; the file is as it was. "
            "Write each one as a table of its own, [profiles.name] with url and token, or change {name} by hand."
        ).format(path=path(), line=line, name=name)
    )
