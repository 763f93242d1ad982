"""`ryze-tui`: the console. Finds out which server and token, then hands over to the screen."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import __version__, config, inherited, redact
from ..config.declared import LANGUAGES, THEMES
from ..i18n import _, install
from ..preferences import DEFAULT, Preferences
from . import COMMANDS
from .characters import needs_ascii
from .parser import Parser, descriptions

_STDIN = 0


def _parser() -> Parser:
    commands = "\n".join(f"  {name:10} {does}" for name, does in descriptions().items())
    parser = Parser(
        "ryze-tui",
        _("Keeps WhatsApp numbers connected: a terminal console for RyzeAPI servers."),
        usage=f"ryze-tui [options]\n       ryze-tui {{{','.join(COMMANDS)}}} [options]",
        epilog="\n\n".join(
            [
                _("commands:") + "\n" + commands,
                _(
                    "Without options the default profile is opened; without any profile the console asks.\n"
                    "The token comes from RYZE_TOKEN, --token-file or the profile; never from an argument,\n"
                    "which other users of this machine can read."
                ),
                _("ryze-tui COMMAND --help tells more about a command."),
            ]
        ),
    )
    parser.add_argument("--version", action="version", version=f"ryze-tui {__version__}")
    parser.add_argument("--url", help=_("the server, e.g. https://ryzeapi.cloud (RYZE_URL)"))
    parser.add_argument("--token-file", metavar="PATH", help=_("read the token from a file, - for standard input"))
    parser.add_argument(
        "--profile", metavar="NAME", help=_("a profile of the configuration file; wins over RYZE_URL and RYZE_TOKEN")
    )
    parser.add_argument("--read-only", action="store_true", help=_("refuse everything that changes something"))
    add_looks(parser)
    return parser


def add_looks(parser: argparse.ArgumentParser) -> None:
    """How the console looks; what is typed wins over the configuration file."""
    parser.add_argument("--theme", metavar="NAME", default="", help=_("its colours; ansi: the terminal's own 16"))
    parser.add_argument(
        "--ascii", action=argparse.BooleanOptionalAction, default=None,
        help=_("draw with ASCII only; by itself where the locale is not UTF-8"),
    )  # fmt: skip
    parser.add_argument("--no-mouse", action="store_true", help=_("leave the mouse to the terminal"))


def preferred(settings: config.Config, options: argparse.Namespace) -> Preferences:
    """The preferences of the file, and what was typed over them. Raises ConfigError with everything that is wrong."""
    settings.demand()
    kept = settings.preferences
    if options.theme and THEMES and options.theme not in THEMES:
        from ..config.check import near

        words = _('--theme "{name}" is not known; there are: {known}').format(name=options.theme, known=", ".join(THEMES))
        raise config.ConfigError(words + near(options.theme, THEMES))
    ascii = options.ascii if options.ascii is not None else kept.ascii or needs_ascii(os.environ)
    return replace(kept, theme=options.theme or kept.theme, ascii=ascii, mouse=kept.mouse and not options.no_mouse)


def configured() -> config.Config:
    """The configuration file as it is; from here on its language is spoken, unless RYZE_LANG names one."""
    settings = config.load()
    if settings.language in LANGUAGES and not os.environ.get("RYZE_LANG"):
        install(settings.language)
    return settings


def complain(error: Exception) -> None:
    """One line for each thing that is wrong, all of them at once."""
    for line in str(error).splitlines():
        print(f"ryze-tui: {redact.clean(line)}", file=sys.stderr)


def _line() -> str:
    """The first line of standard input; asked for without showing it when that is the terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    from getpass import getpass

    try:
        return getpass(_("Token: "))
    except EOFError:
        return ""


def _given_token(path: str) -> str:
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


def _account(options: argparse.Namespace, settings: config.Config, inherited: str) -> config.Profile | None:
    """The server and its token; None means that nobody said which server yet. Raises ConfigError.

    What was typed wins over the environment, which wins over the default profile. A profile that was typed brings its own
    token: `inherited`, of the environment, belongs to another server.
    """
    if options.url is not None and options.profile is not None:
        raise config.ConfigError(_("--url and --profile each name a server: give one of them."))
    if options.profile == "":
        raise config.ConfigError(_("--profile needs the name of a profile."))
    given = "" if options.token_file is None else _given_token(options.token_file)
    url = options.url
    if url is None and options.profile is None:
        url = os.environ.get("RYZE_URL") or None
    if url is not None:
        url, token = config.clean_url(url), given or inherited.strip()
        if not token:
            raise config.ConfigError(_("--url needs a token: set RYZE_TOKEN or use --token-file."))
        return config.Profile("", url, token)
    profile = settings.profile(options.profile or "")
    if profile is None:
        if given:
            raise config.ConfigError(_("--token-file needs a server: use --url or --profile."))
        return None
    if options.profile is None:
        given = given or inherited.strip()
    return replace(profile, token=given or profile.token)


def main(words: Sequence[str]) -> int:
    """Parse, find the account, run the console."""
    gc.disable()  # until the list is on the screen: half of start-up would be spent collecting imports
    stray = _("there is no such command; there are: {names}").format(names=", ".join(COMMANDS))
    given = inherited.take_secrets()
    settings = configured()
    options = _parser().read(words, stray)
    try:
        preferences = preferred(settings, options)
        account = _account(options, settings, given) or config.Profile("", "", "")
    except config.ConfigError as error:
        complain(error)
        return 2
    read_only = options.read_only or account.read_only
    return show(account.url, account.token, profile=account.name, read_only=read_only, preferences=preferences)


def refusal() -> str:
    """Why this terminal cannot show the console; empty when it can. The keyboard is on standard input afterwards."""
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        return _("this terminal (TERM={term}) cannot place text. Use a terminal emulator, or ssh -t.").format(term=term)
    if sys.__stdin__ is None or sys.__stderr__ is None or not sys.__stderr__.isatty():
        return _("the console needs a terminal on standard input and error.")
    if not os.isatty(_STDIN):  # a token came through it, or it is /dev/null: keys come from the terminal all the same
        try:
            terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError:
            return _("the console needs a terminal for its keys: standard input is none, and there is no /dev/tty.")
        os.dup2(terminal, _STDIN)
        os.close(terminal)
    return ""


def show(
    url: str, token: str, *, profile: str = "", read_only: bool = False, keep: bool = True, preferences: Preferences = DEFAULT
) -> int:
    """Run the console on this terminal; refuses terminals that cannot show it before Textual is imported.

    `keep`: remember the list for the next start (never with `RYZE_NO_CACHE=1`).
    """
    if why := refusal():
        print(f"ryze-tui: {why}", file=sys.stderr)
        return 2
    if token:
        redact.register(token)
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read at import: our own coalescing draws 20 times a second, keys at once
    from ..console.app import run

    try:
        return run(url, token, profile=profile, read_only=read_only, keep=keep, preferences=preferences)
    finally:
        from .. import local  # here: it would cost the start 10 ms

        local.end_children()
