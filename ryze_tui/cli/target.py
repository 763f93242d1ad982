"""Which server and which token: the one answer for the console and every command, from words, environment and profiles."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NamedTuple

from .. import config
from ..config.declared import LANGUAGES
from ..i18n import _, install


class NoToken(config.ConfigError):
    """Everything is there but the token."""


class Target(NamedTuple):
    """`url` empty: nobody said which server yet. `profile`: its name, empty without one. `read_only`: nothing may be changed."""

    url: str
    token: str
    profile: str
    read_only: bool


def add_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The words that name a server and a token."""
    parser.add_argument("--url", help=_("the server, e.g. https://ryzeapi.cloud (RYZE_URL)"))
    parser.add_argument("--token-file", metavar="PATH", help=_("read the token from a file, - for standard input"))
    parser.add_argument(
        "--profile", metavar="NAME", help=_("a profile of the configuration file; wins over RYZE_URL and RYZE_TOKEN")
    )
    parser.add_argument("--read-only", action="store_true", help=_("refuse everything that changes something"))


def configured() -> config.Config:
    """The configuration file as it is; from here on its language is spoken, unless RYZE_LANG names one."""
    settings = config.load()
    if settings.language in LANGUAGES and not os.environ.get("RYZE_LANG"):
        install(settings.language)
    return settings


def _line() -> str:
    """The first line of standard input; asked for without showing it when that is the terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    from getpass import getpass

    try:
        return getpass(_("Token: "))
    except EOFError:
        return ""


def given_token(path: str) -> str:
    """The token of --token-file. Raises ConfigError, which never repeats what was in the file."""
    try:
        token = (_line() if path == "-" else Path(path).read_text(encoding="utf-8")).strip()
    except OSError as error:
        raise config.ConfigError(_("{path} cannot be read: {problem}").format(path=path, problem=error.strerror)) from error
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        name = _("standard input") if path == "-" else path
        raise config.ConfigError(_("{path} holds no token: one line of letters, digits and signs.").format(path=name))
    return token


def find(
    options: argparse.Namespace, inherited: str, settings: config.Config | None = None, *, silent: bool = False
) -> Target:
    """The target; an empty url means that nobody said which server yet. Raises ConfigError, NoToken.

    `settings`: the configuration as it was read already. `silent`: no token command is run, and no keyring is opened.

    What was typed wins over the environment, which wins over the default profile. A profile that was typed brings its own
    token: `inherited`, of the environment, belongs to another server.
    """
    if options.url is not None and options.profile is not None:
        raise config.ConfigError(_("--url and --profile each name a server: give one of them."))
    if options.profile == "":
        raise config.ConfigError(_("--profile needs the name of a profile."))
    given = "" if options.token_file is None else given_token(options.token_file)
    url = options.url
    if url is None and options.profile is None:
        url = os.environ.get("RYZE_URL") or None
    if url is not None:
        url, token = config.clean_url(url), given or inherited.strip()
        if not token:
            raise NoToken(_("--url needs a token: set RYZE_TOKEN or use --token-file."))
        return Target(url, token, "", options.read_only)
    profile = (settings or config.load()).profile(options.profile or "", silent=silent)
    if profile is None:
        if given:
            raise config.ConfigError(_("--token-file needs a server: use --url or --profile."))
        return Target("", "", "", options.read_only)
    if options.profile is None:
        given = given or inherited.strip()
    return Target(profile.url, given or profile.token, profile.name, options.read_only or profile.read_only)
