"""The command line: one module per command, imported when it is the one that was typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .. import __version__

COMMANDS = ("serve", "demo", "server", "account", "config")  # what each does: parser.descriptions
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `ryze-tui`; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:  # before any import: scripts ask this often
        print(f"ryze-tui {__version__}")
        return 0
    try:
        return _run(words)
    except KeyboardInterrupt:  # before the console took the keyboard, or while it was given back
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python says so once more when it flushes
        return BROKEN_PIPE


def _run(words: list[str]) -> int:
    from .. import i18n

    i18n.install()
    if not words or words[0] not in COMMANDS:
        from . import console

        return console.main(words)
    from importlib import import_module

    from .parser import Parser, descriptions

    command = words[0]
    module = import_module(f".{command}", __name__)
    parser = Parser(f"ryze-tui {command}", descriptions()[command])
    module.add_arguments(parser)
    code: int = module.run(parser.read(words[1:]))
    return code
