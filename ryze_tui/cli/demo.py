"""`ryze-tui demo`: a simulated server as a child process, and the console on it. Nothing real, nothing kept."""

from __future__ import annotations

import argparse
import gc
import signal
import sys

from .. import config, inherited, local
from ..i18n import _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--no-extensions`: the server speaks the plain contract only."""
    parser.add_argument(
        "--no-extensions", action="store_true", help=_("the plain contract: one socket per instance, no account stream")
    )
    from .console import add_looks

    add_looks(parser)


def _leave(number: int, frame: object) -> None:
    """A signal before the console has its own handlers: the way out goes through `finally`."""
    sys.exit(128 + number)


def run(options: argparse.Namespace) -> int:
    """Start the server, show it, end it."""
    gc.disable()
    inherited.take_secrets()
    from . import console, target

    if why := console.refusal():
        print(f"ryze-tui: {why}", file=sys.stderr)
        return 2
    try:
        preferences = console.preferred(target.configured(), options)
    except config.ConfigError as error:
        console.complain(error)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        server = local.start_demo_now(*(["--no-extensions"] if options.no_extensions else []))
        return console.show(server.url, server.token, profile="demo", keep=False, preferences=preferences)
    except local.ServerError as error:
        print(f"ryze-tui: {error}", file=sys.stderr)
        return 1
    finally:
        local.end_children()
