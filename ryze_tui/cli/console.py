"""`ryze-tui`: the console. Finds out which server and token, then hands over to the screen."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__, config, i18n, redact
from ..i18n import _
from . import COMMANDS


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:10} {help_}" for name, help_ in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="ryze-tui",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Keeps WhatsApp numbers connected: a terminal console for RyzeAPI servers.",
        epilog=f"commands:\n{commands}\n\nThe token comes from RYZE_TOKEN, --token-file or the profile; never from an argument, "
        "which other users of this machine can read.",
    )
    parser.add_argument("--version", action="version", version=f"ryze-tui {__version__}")
    parser.add_argument("--url", default=os.environ.get("RYZE_URL", ""), help="the server, e.g. https://ryzeapi.cloud (RYZE_URL)")
    parser.add_argument("--token-file", metavar="PATH", help="read the token from a file, - for standard input")
    parser.add_argument("--profile", default="", help="a profile of the configuration file")
    parser.add_argument("--read-only", action="store_true", help="refuse everything that changes something")
    return parser


def _token(options: argparse.Namespace) -> str:
    """Take the token out of the environment, so that no child inherits it; a file wins over it."""
    token = os.environ.pop("RYZE_TOKEN", "")
    if options.token_file == "-":
        token = sys.stdin.readline()
    elif options.token_file:
        try:
            token = Path(options.token_file).read_text(encoding="utf-8")
        except OSError as error:
            raise config.ConfigError(
                _("{path} cannot be read: {problem}").format(path=options.token_file, problem=error.strerror)
            ) from error
    return token.strip()


def _account(options: argparse.Namespace) -> tuple[str, str, str]:
    """(url, token, profile name); an empty url means that nobody said which server yet. Raises ConfigError."""
    token = _token(options)
    if options.url:
        if not token:
            raise config.ConfigError(_("--url needs a token: set RYZE_TOKEN or use --token-file."))
        return config.clean_url(options.url), token, ""
    profile = config.load_profile(options.profile)
    if profile is None:
        return "", "", ""
    return profile.url, token or profile.token, profile.name


def main(words: Sequence[str]) -> int:
    """Parse, find the account, run the console."""
    gc.disable()  # until the list is on the screen: half of start-up would be spent collecting imports
    i18n.install()
    options = _parser().parse_args(words)
    try:
        url, token, profile = _account(options)
    except config.ConfigError as error:
        print(f"ryze-tui: {error}", file=sys.stderr)
        return 2
    return show(url, token, profile=profile, read_only=options.read_only)


def show(url: str, token: str, *, profile: str = "", read_only: bool = False) -> int:
    """Run the console on this terminal; refuses terminals that cannot show it before Textual is imported."""
    if os.environ.get("TERM", "") in ("", "dumb"):
        print(
            _("ryze-tui: this terminal (TERM={term}) cannot place text. Use a terminal emulator, or ssh -t.").format(
                term=os.environ.get("TERM", "")
            ),
            file=sys.stderr,
        )
        return 2
    if not (sys.stdin.isatty() or Path("/dev/tty").exists()) or not sys.stderr.isatty():
        print(_("ryze-tui: the console needs a terminal on standard input and error."), file=sys.stderr)
        return 2
    if token:
        redact.register(token)
    os.environ.setdefault("TEXTUAL_FPS", "120")  # read at import: our own coalescing draws 20 times a second, keys at once
    from .. import local
    from ..console.app import run

    try:
        return run(url, token, profile=profile, read_only=read_only)
    finally:
        local.end_children()
