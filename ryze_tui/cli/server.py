"""`ryze-tui server start|stop|status`: the local server that keeps running after you leave."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .. import inherited, local
from ..i18n import _
from .parser import port


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do."""
    parser.add_argument("what", choices=("start", "stop", "status"), help=_("what to do with it"))
    parser.add_argument("--port", type=port, default=8080, help=_("where it listens on 127.0.0.1; 0 takes any free port (8080)"))


def run(options: argparse.Namespace) -> int:
    """0 done or running; 1 could not; 3 not running (status)."""
    inherited.take_secrets()
    try:
        if options.what == "start":
            server = asyncio.run(local.start_detached(port=options.port))
            print(
                _("running on {url} (process {pid}); stop it with: ryze-tui server stop").format(url=server.url, pid=server.pid)
            )
        elif options.what == "stop":
            print(_("stopped {url}").format(url=local.stop_detached()))
        elif found := local.running():
            print(_("running on {url} (process {pid})").format(url=found[1], pid=found[0]))
        else:
            print(_("not running"))
            return 3
    except local.ServerError as error:
        print(f"ryze-tui: {error}", file=sys.stderr)
        return 1
    return 0
