"""`ryze-tui demo`: a simulated server as a child process, and the console on it. Nothing real, nothing kept."""

from __future__ import annotations

import argparse
import gc
import sys

from .. import i18n, local


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--no-extensions`: the server speaks the plain contract only."""
    parser.add_argument(
        "--no-extensions", action="store_true", help="the plain contract: one socket per instance, no account stream"
    )


def run(options: argparse.Namespace) -> int:
    """Start the server, show it, end it."""
    gc.disable()
    i18n.install()
    from . import console

    try:
        server = local.start_demo_now(*(["--no-extensions"] if options.no_extensions else []))
    except local.ServerError as error:
        print(f"ryze-tui: {error}", file=sys.stderr)
        return 1
    return console.show(server.url, server.token, profile="demo")
