"""Reading the file: everything that is wrong with it at once, the preferences, and one profile with its token."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..i18n import _
from ..preferences import DEFAULT, Preferences
from .common import ConfigError, clean_url, path

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, and where. `line` counts from 1; 0 when it is the whole file."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.path}: {self.text}"
        return _("{path}, line {line}: {problem}").format(path=self.path, line=self.line, problem=self.text)

    @property
    def for_editors(self) -> str:
        """`path:line: text`, which editors and terminals turn into a link."""
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True)
class Profile:
    """One server and one token under a name."""

    name: str
    url: str
    token: str = field(repr=False)
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """The file as it was read. With `problems` nothing of it is to be used: `preferences` are the defaults then."""

    document: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    preferences: Preferences = DEFAULT

    @property
    def language(self) -> str:
        """The language that was asked for, also in a file with problems elsewhere."""
        value = self.document.get("language")
        return value if isinstance(value, str) else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles, in the order of the file."""
        return tuple(self.document.get("profiles", ()))

    def demand(self) -> None:
        """Raises ConfigError with every problem, each on a line."""
        if self.problems:
            raise ConfigError("\n".join(map(str, self.problems)))

    def profile(self, name: str = "", *, silent: bool = False) -> Profile | None:
        """The named profile, else the default, else the only one, with its token; None when there is none. Raises ConfigError.

        A token command runs here: at most 10 s. `silent`: neither that nor a keyring is asked; their profile has no token then.
        """
        self.demand()
        if not name:
            name = self.document.get("default", "") or (self.names[0] if len(self.names) == 1 else "")
        if not name:
            return None
        if name not in self.names:
            known = ", ".join(self.names) or _("none")
            raise ConfigError(_("{path} has no profile {name}; it has: {known}.").format(path=path(), name=name, known=known))
        entry = self.document["profiles"][name]
        from .tokens import token_of

        token = "" if silent and not entry.keys() & {"token", "token_file"} else token_of(name, entry)
        return Profile(name, clean_url(entry["url"]), token, entry.get("read_only", False))


def load_profile(name: str = "") -> Profile | None:
    """As `Config.profile`, of the file as it is now. Raises ConfigError."""
    return load().profile(name)


def decoded() -> tuple[str, dict[str, Any]]:
    """The file as it is, and what it says; both empty when there is none. Raises ConfigError."""
    text, document, _open_to_others, problems = _read()
    if problems:
        raise ConfigError("\n".join(map(str, problems)))
    return text, document


def load(*, thorough: bool = False) -> Config:
    """Read and check the file; never raises. `thorough`: look at token files too, not only at what the file says."""
    text, document, open_to_others, problems = _read()
    if problems or not document:
        return Config(document, problems)
    from .check import Check

    check = Check(document, open_to_others=open_to_others, thorough=thorough)
    if check.complaints:
        from .positions import Positions

        positions = Positions(text)
        found = sorted((Problem(path(), positions.line(where), words) for where, words in check.complaints), key=_by_line)
        return Config(document, tuple(found))
    return Config(document, (), _preferences(document, check.keymap))


def _by_line(problem: Problem) -> int:
    return problem.line


def _preferences(document: Mapping[str, Any], keymap: Mapping[str, str]) -> Preferences:
    names = ("language", "theme", "ascii", "mouse", "bell", "notifications")
    return Preferences(**{name: document[name] for name in names if name in document}, keys=keymap)


def _read() -> tuple[str, dict[str, Any], bool, tuple[Problem, ...]]:
    """(text, what it says, whether others can read it, problems)."""
    try:
        with path().open("rb") as file:
            raw, mode = file.read(), os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return "", {}, False, ()
    except OSError as error:
        words = _("it cannot be read: {problem}.").format(problem=error.strerror)
        return "", {}, False, (Problem(path(), 0, words),)
    import tomllib  # 6 ms that a start without a file saves

    text = ""
    try:
        text = raw.decode("utf-8")
        return text, tomllib.loads(text), bool(mode & 0o077), ()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return "", {}, False, (Problem(path(), line, _("it is not valid TOML: not UTF-8.")),)
    except tomllib.TOMLDecodeError as error:
        return text, {}, False, _syntax(text, str(error))
    except RecursionError:
        return text, {}, False, (Problem(path(), 0, _("it is not valid TOML: brackets in brackets without end.")),)


def _syntax(text: str, said: str) -> tuple[Problem, ...]:
    from .positions import Positions

    found = re.search(r" \(at line (\d+), column (\d+)\)$", said)
    line = int(found[1]) if found else text.count("\n") + (not text.endswith("\n"))
    for where, first, second in Positions(text).twice:
        if second == line or not found:
            return (Problem(path(), second, _twice(where, first)),)
    what = said[: found.start()] if found else said.removesuffix(" (at end of document)")
    words = _("it is not valid TOML: {problem} (column {column})") if found else _("it is not valid TOML: {problem} (at the end)")
    more = _("Text stands in quotation marks; the rest is looked at once this is right.")
    return (Problem(path(), line, f"{words.format(problem=what, column=found[2] if found else '')}. {more}"),)


def _twice(where: Where, first: int) -> str:
    if len(where) == 2 and where[0] == "profiles":
        words = _("there is a profile {name} already, on line {first}; each needs a name of its own.")
    else:
        words = _("{name} is there already, on line {first}.")
    return words.format(name=where[-1], first=first)
