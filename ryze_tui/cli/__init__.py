"""The command line: one module per command, imported when it is the one that was typed."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from .. import __version__

COMMANDS = (
    "ls", "show", "create", "connect", "reconnect", "bring-back", "logout", "delete", "wait", "watch", "send",
    "settings", "proxy", "s3", "webhook", "stream", "chatwoot", "export", "plan", "apply", "audit",
    "doctor", "events", "profile", "serve", "demo", "server", "account", "session", "config", "schema", "completion",
)  # fmt: skip  # what each does: parser.descriptions
INTERRUPTED = 130
CLOSED = 141
FULL = 1
"""As the shell calls the end by SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `ryze-tui`; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:  # before any import: scripts ask this often
        print(f"ryze-tui {__version__}")
        return 0
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _closed(CLOSED)
    except OSError as error:  # of the last flush; it was not said yet unless the command failed already
        if error.errno != errno.ENOSPC:
            raise
        return _closed(FULL)
    except KeyboardInterrupt:  # before the console took the keyboard, or while it was given back
        return INTERRUPTED


def module_of(command: str) -> str:
    """The module of a command."""
    return "sessions" if command == "session" else command.replace("-", "_")  # session.py is what most commands run in


def _run(words: list[str]) -> int:
    from .. import i18n

    i18n.install()
    if not words or words[0] not in COMMANDS:
        from . import console

        return console.main(words)
    from importlib import import_module

    from . import target
    from .parser import Parser, descriptions

    command = words[0]
    if command != "completion":  # asked at every tab
        target.configured()  # before any text is made: --help is in its language too
    module = import_module(f".{module_of(command)}", __name__)
    parser = Parser(f"ryze-tui {command}", descriptions()[command])
    module.add_arguments(parser)
    code: int = module.run(parser.read(words[1:]))
    return code


def _closed(code: int) -> int:
    """The output takes no more: nothing is said of it, not even by the interpreter on its way out."""
    import os

    for number in (1, 2):
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        except OSError:
            continue
    return code
