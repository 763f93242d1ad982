"""The command line: one module per command, imported when it is the one that was typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import __version__

COMMANDS = {
    "serve": "Run a server that speaks the RyzeAPI contract.",
    "demo": "Open the console on simulated numbers; nothing real, nothing kept.",
    "server": "Start, stop or look for the local server that keeps running.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `ryze-tui`; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:  # before any import: scripts ask this often
        print(f"ryze-tui {__version__}")
        return 0
    command = words[0] if words and words[0] in COMMANDS else ""
    if not command:
        from . import console

        return console.main(words)
    import argparse
    from importlib import import_module

    module = import_module(f".{command}", __name__)
    parser = argparse.ArgumentParser(prog=f"ryze-tui {command}", description=COMMANDS[command])
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(words[1:]))
    return code
