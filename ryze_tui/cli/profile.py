"""`ryze-tui profile`: servers under a name, each with its URL and where its token is; a token never is an argument."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any, Final

from .. import config, inherited
from ..i18n import _
from . import exits, session, target
from .exits import Failure
from .output import Out
from .parser import Parser

WHAT: Final = ("list", "add", "show", "use", "remove", "set-token")
_SETS: Final = ("add", "set-token")


def add_arguments(parser: Parser) -> None:
    """What to do, and with which profile."""
    parser.no_token = _("It is asked for, or comes from standard input or --token-file.")
    parser.description = _(
        "list             every profile: its URL, where its token is\n"
        "add NAME         a new one, with --url; its token is asked for and kept in a file of its own (0600)\n"
        "show NAME        everything of one, the token masked\n"
        "use NAME         make it the one that is opened without --profile\n"
        "remove NAME      take it out, and the token that was kept for it\n"
        "set-token NAME   another token, asked for; or another place for it"
    )
    add = parser.add_argument
    add("what", choices=WHAT, metavar="|".join(WHAT), help=_("what to do"))
    add("name", nargs="?", default="", metavar="PROFILE", help=_("the profile: letters, digits, . _ @ -, up to 64"))
    add("--url", help=_("add: the server, e.g. https://ryzeapi.cloud"))
    add("--token-file", metavar="PATH", help=_("it is in this file and stays there (0600); - reads it from standard input"))
    add("--token-command", metavar="WORDS", help=_("a command that prints the token, in quotes: 'pass show ryzeapi/acme'"))
    add("--keyring", action="store_true", help=_("keep the token in the desktop's keyring (ryze-tui[keyring])"))
    add("--read-only", action="store_true", help=_("add: refuse everything that changes something there"))
    add("--use", action="store_true", help=_("add: make it the default, as the first one is anyway"))
    add("--yes", action="store_true", help=_("remove: do not ask"))
    add("--json", action="store_true", help=_("the profiles as JSON, errors as JSON on standard error"))
    parser.epilog = exits.epilog()


def run(options: argparse.Namespace) -> int:
    """0 done; 2 something in the words or the configuration is wrong."""
    out = Out(as_json=options.json)
    inherited.take_secrets()
    target.configured()
    try:
        _check(options)
        _DOES[options.what](options, out)
    except Failure as problem:
        return out.failed(problem)
    except config.ConfigError as problem:
        return out.failed(Failure(str(problem), "config"))
    except KeyboardInterrupt:
        return out.failed(Failure(_("interrupted."), "interrupted"))
    return exits.DONE


def _check(options: argparse.Namespace) -> None:
    """Raises Failure. A name that cannot be one is not repeated: it may be a token, pasted into the wrong place."""
    from ..config.saving import NAME_PATTERN

    what, name = options.what, options.name
    if what == "list" and name:
        raise Failure(_("list takes no name; show does."), "usage")
    if what != "list" and not name:
        raise Failure(_("{what} needs the name of a profile.").format(what=what), "usage")
    if what == "add" and not re.fullmatch(NAME_PATTERN, name):
        raise Failure(_("the name of a profile has letters, digits, . _ @ and -, 1 to 64 of them."), "usage")
    if what == "add" and options.url is None:
        raise Failure(_("add needs --url URL."), "usage")
    for given, flag, where in (
        (options.url is not None, "--url", ("add",)), (options.token_file is not None, "--token-file", _SETS),
        (options.token_command is not None, "--token-command", _SETS), (options.keyring, "--keyring", _SETS),
        (options.read_only, "--read-only", ("add",)), (options.use, "--use", ("add",)), (options.yes, "--yes", ("remove",)),
    ):  # fmt: skip
        if given and what not in where:
            raise Failure(_("{flag} goes with {commands} only.").format(flag=flag, commands=", ".join(where)), "usage")
    if options.token_command is not None and (options.token_file is not None or options.keyring):
        raise Failure(_("a token comes from one place: --token-command stands alone."), "usage")
    if options.keyring and options.token_file not in (None, "-"):
        raise Failure(_("a token comes from one place: --keyring takes it from standard input or asks for it."), "usage")


# -- what is there -----------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace, out: Out) -> None:
    settings = config.load()
    settings.demand()
    found = [_told(settings, name) for name in settings.names]
    if out.as_json:
        out.document(_document(settings, found))
        return
    if not found:
        out.say(_("There is no profile yet: ryze-tui profile add NAME --url URL makes one."))
        return
    from ..config.tokens import in_words
    from . import table

    rows = [[one["name"], one["url"], in_words(one["source"], one["where"]), " ".join(_flags(one))] for one in found]
    head = [_("NAME"), _("URL"), _("TOKEN"), ""]
    for line in table.lines(head, rows, give=((2, 12), (1, 16), (0, 8)), width=table.width_of_output()):
        out.line(line)


def _show(options: argparse.Namespace, out: Out) -> None:
    settings = config.load(thorough=True)
    settings.demand()
    from ..config.saving import known

    known(options.name, settings.document.get("profiles", {}))
    one = _told(settings, options.name)
    if out.as_json:
        out.document(_document(settings, [one]))
        return
    from ..config.tokens import in_words
    from ..redact import clean

    rows = [(_("name"), one["name"]), (_("URL"), one["url"]), (_("token"), in_words(one["source"], one["where"])),
            ("", one["token"] or ""), ("", one["problem"]), (_("options"), ", ".join(_flags(one)))]  # fmt: skip
    for title, words in rows:
        if words:
            out.line(f"{title:<8} {clean(words)}")


def _document(settings: config.Config, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"path": str(config.path()), "default": settings.document.get("default"), "profiles": found}


def _told(settings: config.Config, name: str) -> dict[str, Any]:
    """One profile as cli/schemas/profile.json says. No command is run and no keyring opened for it."""
    from ..config.tokens import origin
    from ..redact import tail

    entry, names = settings.document["profiles"][name], settings.names
    source, where = origin(entry)
    token, problem = "", ""
    try:
        found = settings.profile(name, silent=True)
        token = found.token if found is not None else ""
    except config.ConfigError as error:
        problem = str(error)
    return {
        "name": name, "url": config.clean_url(entry["url"]),
        "default": name == settings.document.get("default") or len(names) == 1,
        "read_only": entry.get("read_only") is True, "source": source, "where": where,
        "token": tail(token) if token else None, "problem": problem,
    }  # fmt: skip


def _flags(one: dict[str, Any]) -> list[str]:
    return [words for flag, words in (("default", _("default")), ("read_only", _("read-only"))) if one[flag]]


# -- changing them -----------------------------------------------------------------------------------------------------


def _add(options: argparse.Namespace, out: Out) -> None:
    from ..config.saving import put_profile
    from ..config.tokens import forget_token

    settings = config.load()
    settings.demand()
    name, url = options.name, config.clean_url(options.url)
    if name in settings.names:
        words = _("there is a profile {name} already: set-token changes its token, `ryze-tui config edit` the rest.")
        raise Failure(words.format(name=name), "usage")
    values: dict[str, Any] = {"url": url, **_kept(options, name)}
    if options.read_only:
        values["read_only"] = True
    try:
        put_profile(name, values, default=options.use or not settings.names)
    except BaseException:
        forget_token(values, name)
        raise
    out.say(_("added; look whether it works with: ryze-tui doctor --profile {name}").format(name=name))
    _tell(name, out)


def _set_token(options: argparse.Namespace, out: Out) -> None:
    from ..config.declared import SOURCES
    from ..config.saving import known, put_profile
    from ..config.tokens import forget_token

    name, entry = options.name, _entry(options.name)
    known(name, config.load().document.get("profiles", {}))
    typed = options.token_command is not None or options.keyring or options.token_file not in (None, "-")
    source = next((one for one in SOURCES if entry.get(one)), "")
    if source == "token_command" and not typed and options.token_file is None:
        words = _("its token comes from a command, which has to be told of it; --token-file - or --keyring keep it here.")
        raise Failure(words, "usage")
    if source == "keyring" and not typed:
        options.keyring = True
    values = _kept(options, name)
    if any(entry.get(key) != value for key, value in values.items()):
        put_profile(name, values, default=False)
        forget_token({key: value for key, value in entry.items() if values.get(key) != value}, name)
    out.say(_("done; look whether it works with: ryze-tui doctor --profile {name}").format(name=name))
    _tell(name, out)


def _use(options: argparse.Namespace, out: Out) -> None:
    from ..config.saving import choose_profile

    choose_profile(options.name)
    out.say(_("{name} is opened without --profile from now on").format(name=options.name))
    _tell(options.name, out)


def _remove(options: argparse.Namespace, out: Out) -> None:
    from ..config.saving import known, remove_profile
    from ..config.tokens import forget_token

    name, entry = options.name, _entry(options.name)
    known(name, config.load().document.get("profiles", {}))
    if not options.yes:
        title = _("Remove the profile {name}? The token that is kept for it here goes with it; the server is not asked.")
        session.ask(out, title.format(name=name), name, _("Type its name to go on:"))
    remove_profile(name)
    forget_token(entry, name)
    out.say(_("removed"))
    _tell("", out)


def _entry(name: str) -> dict[str, Any]:
    profiles = config.load().document.get("profiles", {})
    entry = profiles.get(name) if isinstance(profiles, dict) else None
    return entry if isinstance(entry, dict) else {}


def _tell(name: str, out: Out) -> None:
    """With --json what is there now (of all of them without a name); what is still wrong with the file is a warning."""
    settings = config.load()
    for problem in settings.problems:
        out.warn(str(problem))
    if out.as_json:
        names = [] if settings.problems else [name] if name else settings.names
        out.document(_document(settings, [_told(settings, one) for one in names]))


# -- tokens ------------------------------------------------------------------------------------------------------------


def _kept(options: argparse.Namespace, name: str) -> dict[str, Any]:
    """Where the token is from now on, as the file says it; one that was typed is there already. Raises Failure, ConfigError."""
    from ..config.tokens import file_problem, keep_in_file, keep_in_keyring

    if options.token_command is not None:
        return {"token_command": _command(options.token_command)}
    if options.token_file not in (None, "-"):
        path = Path(options.token_file).expanduser().absolute()
        if problem := file_problem(str(path)):
            raise Failure(problem, "config")
        target.given_token(str(path))  # whether it holds one
        return {"token_file": str(path)}
    token = target.given_token("-")
    if options.keyring:
        keep_in_keyring(name, token)
        return {"keyring": True}
    return {"token_file": keep_in_file(name, token)}


def _command(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words:
        raise Failure(_("--token-command needs a command, like --token-command 'pass show ryzeapi/acme'."), "usage")
    return words


_DOES: Final = {"list": _list, "add": _add, "show": _show, "use": _use, "remove": _remove, "set-token": _set_token}
