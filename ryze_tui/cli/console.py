"""`ryze-tui`: the console. Finds out which server and token, then hands over to the screen."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from .. import __version__, config, inherited, redact
from ..config.declared import THEMES
from ..i18n import _
from ..preferences import DEFAULT, Preferences
from ..spare import spare
from . import COMMANDS, target
from .characters import needs_ascii
from .parser import Parser, descriptions

_STDIN = 0


def make_parser() -> Parser:
    """The words of `ryze-tui` without a command."""
    commands = "\n".join(f"  {name:10} {does}" for name, does in descriptions().items())
    parser = Parser(
        "ryze-tui",
        _("Keeps WhatsApp numbers connected: a terminal console for RyzeAPI servers."),
        usage="ryze-tui [options]\n       ryze-tui COMMAND [options]",
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
    target.add_arguments(parser)
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
    ascii = next((said for said in (options.ascii, kept.ascii) if said is not None), needs_ascii(os.environ))
    return replace(kept, theme=options.theme or kept.theme, ascii=ascii, mouse=kept.mouse and not options.no_mouse)


def complain(error: Exception) -> None:
    """One line for each thing that is wrong, all of them at once."""
    for line in str(error).splitlines():
        print(f"ryze-tui: {redact.clean(line)}", file=sys.stderr)


def main(words: Sequence[str]) -> int:
    """Parse, find the account, run the console."""
    gc.disable()  # until the list is on the screen: half of start-up would be spent collecting imports
    stray = _("there is no such command; there are: {names}").format(names=", ".join(COMMANDS))
    if words and not words[0].startswith("-"):
        from ..config.check import near

        stray += near(words[0], COMMANDS)
        parser = make_parser()
        parser.json = "--json" in words
        parser.error(stray)  # before the options that only a command knows are called unknown
    given = inherited.take_secrets()
    settings = target.configured()
    options = make_parser().read(words, stray)
    try:
        preferences = preferred(settings, options)
        url, token, profile, read_only = target.find(options, given, settings)
    except config.ConfigError as error:
        complain(error)
        return 2
    return show(url, token, profile=profile, read_only=read_only, locked=options.read_only, preferences=preferences)


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
    url: str, token: str, *, profile: str = "", read_only: bool = False, locked: bool = False, keep: bool = True,
    preferences: Preferences = DEFAULT,
) -> int:  # fmt: skip
    """Run the console on this terminal; refuses terminals that cannot show it before Textual is imported.

    `keep`: remember the list for the next start (never with `RYZE_NO_CACHE=1`).
    """
    if why := refusal():
        print(f"ryze-tui: {why}", file=sys.stderr)
        return 2
    if token:
        redact.register(token)
    spare.take()
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read at import: our own coalescing draws 20 times a second, keys at once
    from ..console.app import run

    try:
        return run(url, token, profile=profile, read_only=read_only, locked=locked, keep=keep, preferences=preferences)
    finally:
        from .. import local  # here: it would cost the start 10 ms

        local.end_children()
