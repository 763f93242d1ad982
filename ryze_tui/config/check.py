"""What is wrong with a configuration file that is valid TOML: all of it at once, each with where it is.

Cheap when nothing is: what makes suggestions is imported when there is something to suggest. No value is ever repeated that
may be a token or hold a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..i18n import _
from ..redact import clean
from .common import ConfigError, clean_url, path
from .declared import FLAG, PROFILE, SOURCES, TEXT, TOP, WORDS, Setting

Where = tuple[str | int, ...]
Complaint = tuple[Where, str]

_TABLES: Final = ("keys", "profiles")


def near(word: str, words: Iterable[str]) -> str:
    """`; did you mean "theme"?`, or nothing. Takes the end of the sentence."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), list(words), 1)
    return _('; did you mean "{near}"?').format(near=found[0]) if found else "."


def shown(name: object) -> str:
    """A name of the file, fit for the terminal and not too long."""
    return clean(str(name))[:40]


class Check:
    """`complaints`: where and what. `keymap`: what `[keys]` makes of the keys, when nothing is wrong with it."""

    def __init__(self, document: Mapping[str, Any], *, open_to_others: bool = False, thorough: bool = False) -> None:
        self.complaints: list[Complaint] = []
        self.keymap: Mapping[str, str] = {}
        self._document, self._thorough = document, thorough
        self._settings((), document, TOP, _TABLES)
        profiles = document.get("profiles", {})
        if isinstance(profiles, dict):
            for name, entry in profiles.items():
                self._profile(name, entry)
            self._default(profiles)
        else:
            self._say(("profiles",), _("profiles must be a table, as in [profiles.acme]."))
        if "keys" in document:
            self._keys(document["keys"])
        if open_to_others:
            self._mode(profiles)

    def _say(self, where: Where, words: str) -> None:
        self.complaints.append((where, words))

    def _settings(self, where: Where, table: Mapping[str, Any], known: tuple[Setting, ...], more: tuple[str, ...] = ()) -> None:
        by_name = {setting.name: setting for setting in known}
        for name, value in table.items():
            if name in by_name:
                self._value((*where, name), by_name[name], value)
            elif name not in more:
                words = _('there is no setting "{name}" here').format(name=shown(name))
                close = near(name, [*by_name, *more])
                if close == ".":
                    close = _("; there are: {known}.").format(known=", ".join([*by_name, *more]))
                self._say((*where, name), words + close)

    def _value(self, where: Where, setting: Setting, value: Any) -> None:
        if not _fits(setting.kind, value):
            words = _("{name} must be {kind}, like {name} = {example}.")
            self._say(where, words.format(name=setting.name, kind=_(setting.kind), example=setting.example))
        elif setting.choices and value not in setting.choices:
            words = _('{name} "{value}" is not known; there are: {known}')
            known = ", ".join(setting.choices)
            words = words.format(name=setting.name, value=shown(value), known=known)
            self._say(where, words + near(value, setting.choices))

    def _default(self, profiles: Mapping[str, Any]) -> None:
        name = self._document.get("default", "")
        if isinstance(name, str) and "default" in self._document and name not in profiles:
            words = _('default: there is no profile "{name}"; there are: {known}')
            known = ", ".join(map(shown, profiles)) or _("none")
            self._say(("default",), words.format(name=shown(name), known=known) + near(name, profiles))

    # -- profiles --------------------------------------------------------------------------------------------------

    def _profile(self, name: str, entry: Any) -> None:
        where = ("profiles", name)
        if not name.strip():
            self._say(where, _("a profile needs a name, as in [profiles.acme]."))
        if not isinstance(entry, dict):
            words = _("profile {name} must be a table: [profiles.{name}] and below it its url.")
            self._say(where, words.format(name=shown(name)))
            return
        self._settings(where, entry, PROFILE)
        if "url" not in entry:
            self._say(where, _('profile {name} has no url: add one, like url = "https://ryzeapi.cloud".').format(name=shown(name)))
        elif isinstance(entry["url"], str):
            try:
                clean_url(entry["url"])
            except ConfigError as error:
                self._say((*where, "url"), f"url: {error}")
        self._source(name, entry)

    def _source(self, name: str, entry: Mapping[str, Any]) -> None:
        given = [source for source in SOURCES if source in entry and entry[source] is not False]
        where = ("profiles", name)
        if not given:
            words = _("profile {name} says nowhere where its token is: add one of {sources}.")
            self._say(where, words.format(name=shown(name), sources=", ".join(SOURCES)))
        elif len(given) > 1:
            last = max(given, key=list(entry).index)
            words = _("profile {name} has {given}: keep one of them.").format(name=shown(name), given=_(" and ").join(given))
            self._say((*where, last), words)
        else:
            self._token((*where, given[0]), given[0], entry[given[0]])

    def _token(self, where: Where, source: str, value: Any) -> None:
        from .tokens import file_problem, is_token

        if source == "token" and isinstance(value, str) and not is_token(value):
            self._say(where, _("token must be one word of letters, digits and signs, without spaces."))
        elif source == "token_command" and _fits(WORDS, value) and not (value and value[0].strip()):
            self._say(where, _('token_command needs a program, like token_command = ["pass", "show", "ryzeapi/acme"].'))
        elif source == "token_file" and isinstance(value, str) and (not value or self._thorough):
            problem = file_problem(value) if value else _("token_file needs the path of a file.")
            if problem:
                self._say(where, problem)

    def _mode(self, profiles: Any) -> None:
        """A token in a file that others can read is no secret."""
        entries = profiles.items() if isinstance(profiles, dict) else ()
        for name, entry in entries:
            if isinstance(entry, dict) and "token" in entry:
                words = _("here is a token, and others on this machine can read the file. Mend it with: chmod 600 {path}")
                self._say(("profiles", name, "token"), words.format(path=path()))
                return

    # -- keys ------------------------------------------------------------------------------------------------------

    def _keys(self, table: Any) -> None:
        if not isinstance(table, dict):
            self._say(("keys",), _('keys must be a table: [keys] and below it lines like sort = "f5".'))
            return
        from ..keymap import Keymap

        keymap = Keymap(table)
        self.complaints += [(("keys", *where), words) for where, words in keymap.complaints]
        self.keymap = keymap.chosen


def _fits(kind: str, value: Any) -> bool:
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == TEXT:
        return isinstance(value, str)
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
