"""`ryze-tui account`: the accounts of a server on this machine. A token is shown once, or written to a file of its own."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import inherited, paths
from ..i18n import _, n_
from .parser import Parser, whole

if TYPE_CHECKING:
    from .tokenfile import TokenFile

WHAT: Final = ("add", "list", "rotate", "remove", "set")
DEFAULT: Final = "default"
"""A quota that is the server's, whatever that is."""
FAILED: Final = 1
WRONG: Final = 2


class _Wrong(Exception):
    """Words that do not fit together."""


def _quota_words(text: str) -> int | str:
    """A type for --quota: a whole number, or the word for the server's own."""
    from ..backend.admin.wire import MAX_QUOTA

    try:
        return DEFAULT if text == DEFAULT else whole(0, MAX_QUOTA)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(_("{words}, or the word default").format(words=error)) from None


def add_arguments(parser: Parser) -> None:
    """What to do, and with which account."""
    parser.no_token = _("Account commands need no token.")
    parser.epilog = _(
        "add NAME      a new account; its token is shown once\n"
        "list          name, instances, quota, created\n"
        "rotate NAME   a new token; the old one and its open sockets end at once\n"
        "remove NAME   log its instances out, delete them and the account\n"
        "set NAME      change its quota, with --quota N or --quota default\n\n"
        "The server must be running; it is found by its data directory."
    )
    add = parser.add_argument
    add("what", choices=WHAT, help=_("what to do"))
    add("name", nargs="?", default="", help=_("the account: letters, digits, - and _, up to 64"))
    quota = _("instances it may have; 0 = any number; default = as the server's --instance-quota, also without this option")
    add("--quota", type=_quota_words, metavar="N", help=quota)
    add("--token-file", metavar="PATH", help=_("add, rotate: write the token there (0600) and print only the path"))
    add("--yes", action="store_true", help=_("remove: do not ask"))
    add("--json", action="store_true", help=_("list: as JSON"))
    add("--data-dir", type=Path, metavar="DIR", help=_("the server's data directory (XDG data directory)"))


def _check(options: argparse.Namespace) -> None:
    """Raises _Wrong. A name is never repeated: it may be a token, pasted into the wrong place."""
    from ..backend.admin.wire import NAME_PATTERN

    what, name = options.what, options.name
    if what == "list" and name:
        raise _Wrong(_("list takes no name."))
    if what != "list" and not name:
        raise _Wrong(_("{what} needs the name of an account.").format(what=what))
    if what != "list" and not re.fullmatch(NAME_PATTERN, name):
        raise _Wrong(_("the name of an account has letters, digits, - and _, 1 to 64 of them."))
    for given, flag, where in (
        (options.quota is not None, "--quota", ("add", "set")),
        (options.token_file is not None, "--token-file", ("add", "rotate")),
        (options.yes, "--yes", ("remove",)),
        (options.json, "--json", ("list",)),
    ):
        if given and what not in where:
            raise _Wrong(_("{flag} goes with {commands} only.").format(flag=flag, commands=", ".join(where)))
    if what == "set" and options.quota is None:
        raise _Wrong(_("set needs --quota N, or --quota default."))


def run(options: argparse.Namespace) -> int:
    """0 done; 1 could not; 2 the words do not fit together."""
    from .admin import AdminError

    inherited.take_secrets()
    directory = (options.data_dir or paths.data_dir()).absolute()
    try:
        _check(options)
        if options.what == "list":
            return _list(directory, options.json)
        if options.what == "set":
            return _set(directory, options.name, options.quota)
        if options.what == "remove":
            return _remove(directory, options.name, options.yes)
        return _new_token(directory, options)
    except _Wrong as error:
        print(f"ryze-tui account: {error}", file=sys.stderr)
        return WRONG
    except AdminError as error:
        print(f"ryze-tui account: {error}", file=sys.stderr)
        return FAILED


def _say(text: str) -> None:
    """To people; standard output is for what was asked for."""
    print(text, file=sys.stderr)


# -- list, set ---------------------------------------------------------------------------------------------------------


def _quota(account: dict[str, Any]) -> str:
    return str(account["quota"]) if account["quota"] else _("any number")


def _list(directory: Path, as_json: bool) -> int:
    from .admin import ask

    accounts = ask(directory, {"do": "list"})["accounts"]
    if as_json:
        print(json.dumps({"accounts": accounts}, indent=2))
        return 0
    rows = [(_("NAME"), _("INSTANCES"), _("QUOTA"), _("CREATED"), "")]
    for account in accounts:
        note = _("being removed") if account["removing"] else ""
        created = str(account["createdAt"]).partition(".")[0].replace("T", " ")
        rows.append((account["name"], str(account["instances"]), _quota(account), created, note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, instances, quota, created, note in rows:
        cells = (name.ljust(widths[0]), instances.rjust(widths[1]), quota.rjust(widths[2]), created.ljust(widths[3]), note)
        print("  ".join(cells).rstrip())
    return 0


def _of(quota: int | str | None) -> dict[str, Any]:
    """The quota's part of a message; left out, it is the server's."""
    return {} if quota is None or quota == DEFAULT else {"quota": quota}


def _tell_quota(account: dict[str, Any]) -> None:
    if account["quota"] and account["instances"] > account["quota"]:
        words = n_(
            "It has {n} instance now: it stays, and the account gets no new one until it has fewer than {quota}.",
            "It has {n} instances now: they stay, and the account gets no new ones until it has fewer than {quota}.",
            account["instances"],
        )
        _say(words.format(quota=account["quota"]))


def _set(directory: Path, name: str, quota: int | str) -> int:
    from .admin import ask

    account = ask(directory, {"do": "set", "name": name} | _of(quota))["account"]
    words = _("quota: {quota}") if account["ownQuota"] else _("quota: {quota}, as the server says")
    print(words.format(quota=_quota(account)))
    _tell_quota(account)
    return 0


# -- add, rotate -------------------------------------------------------------------------------------------------------


def _new_token(directory: Path, options: argparse.Namespace) -> int:
    """Whatever can fail on this side is tried first: a token that cannot be handed over is lost."""
    from .tokenfile import TokenFile

    what = options.what
    if options.token_file is None:
        return _told(directory, options, None)
    path = Path(options.token_file)
    if what == "add" and (path.exists() or path.is_symlink()):
        raise _Wrong(_("{path} exists already: a new account gets a new file.").format(path=path))
    try:
        with TokenFile(path) as file:
            return _told(directory, options, file)
    except OSError as error:
        _say(f"ryze-tui account: {_('{path} cannot be written: {why}').format(path=path, why=error.strerror)}")
        return FAILED


def _told(directory: Path, options: argparse.Namespace, file: TokenFile | None) -> int:
    from .admin import ask

    done = ask(directory, {"do": options.what, "name": options.name} | _of(options.quota))
    try:
        if file is not None:
            file.keep(done["token"])
            print(file.path)
        elif sys.stdout.isatty():
            print(_("The account's token, shown once; it cannot be recovered, only replaced with `rotate`:"))
            print("\n" + done["token"] + "\n")
        else:
            print(done["token"])
        sys.stdout.flush()
    except OSError as error:
        _say(
            "ryze-tui account: "
            + _("the token could not be handed over ({why}) and is lost; get another one: ryze-tui account rotate {name}").format(
                why=error.strerror, name=options.name
            )
        )
        return FAILED
    if options.what == "rotate":
        _say(_("The old token no longer works; the sockets it had opened are closed."))
        if not done.get("fileKept", True):
            _say(_("The server could not write the new token into its own file, and removed that: its log says why."))
    return 0


# -- remove ------------------------------------------------------------------------------------------------------------


def _remove(directory: Path, name: str, sure: bool) -> int:
    from .admin import ask

    found = [account for account in ask(directory, {"do": "list"})["accounts"] if account["name"] == name]
    if not sure and found and not _confirmed(found[0]):
        return FAILED
    done = ask(directory, {"do": "remove", "name": name}, _progress if sys.stderr.isatty() else None)
    print(
        n_(
            "removed; {n} instance was logged out and deleted.",
            "removed; {n} instances were logged out and deleted.",
            done["instances"],
        )
    )
    return 0


def _progress(done: int, of: int) -> None:
    _say(n_("{done} of {n} instance deleted", "{done} of {n} instances deleted", of).format(done=done))


def _confirmed(account: dict[str, Any]) -> bool:
    if not sys.stdin.isatty():
        raise _Wrong(_("remove asks for the account's name, and there is no terminal to ask on; --yes does it unasked."))
    count = account["instances"]
    _say(
        n_(
            "{n} instance goes with it: it is logged out, and everything of the account is deleted for good.",
            "{n} instances go with it: they are logged out, and everything of the account is deleted for good.",
            count,
        )
    )
    print(_("Type the account's name to remove it: "), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() == account["name"]:
        return True
    _say(_("That is not its name: nothing was removed."))
    return False
