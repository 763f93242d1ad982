"""`ryze-tui server start|stop|status`: the local server that keeps running after you leave."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .. import i18n, local


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do."""
    parser.add_argument("what", choices=("start", "stop", "status"))
    parser.add_argument("--port", type=int, default=8080, help="where it listens on 127.0.0.1 (8080)")


def run(options: argparse.Namespace) -> int:
    """0 done or running; 1 could not; 3 not running (status)."""
    i18n.install()
    try:
        if options.what == "start":
            server = asyncio.run(local.start_detached(port=options.port))
            print(f"running on {server.url} (process {server.pid}); stop it with: ryze-tui server stop")
        elif options.what == "stop":
            print(f"stopped {local.stop_detached()}")
        elif found := local.running():
            print(f"running on {found[1]} (process {found[0]})")
        else:
            print("not running")
            return 3
    except local.ServerError as error:
        print(f"ryze-tui: {error}", file=sys.stderr)
        return 1
    return 0
