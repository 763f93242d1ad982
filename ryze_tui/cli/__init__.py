"""The command line: one module per command, imported when it is the one that was typed."""

from __future__ import annotations

import errno
import os
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
"""As the shell calls the end by SIGPIPE."""
FULL = 1
WRONG = 2
VALUED = ("--url", "--token-file", "--profile", "--timeout")
BEFORE = (*VALUED, "--read-only", "--json", "-q", "--quiet")
"""Options of most commands: they may stand before the command, as many programs have it. VALUED: a word belongs to each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `ryze-tui`; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:  # before any import: scripts ask this often
        print(f"ryze-tui {__version__}")
        return 0
    code = 0
    if sys.stdin is None:  # closed by whoever started us: whoever reads it finds it empty
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123  # for as long as we live
    try:
        code = _run(_sorted(words))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _closed(CLOSED)
    except OSError as error:  # of the last flush; it was not said yet unless the command failed already
        if error.errno != errno.ENOSPC:
            raise
        if not code:
            from ..i18n import _

            _complain(_("the output could not be written: {problem}").format(problem=error.strerror), "failed", words)
        return _closed(FULL)
    except RuntimeError as error:
        from ..paths import NoHome

        if not isinstance(error, NoHome):
            raise
        _complain(str(error), "config", words)
        return WRONG
    except KeyboardInterrupt:  # before the console took the keyboard, or while it was given back
        return INTERRUPTED


def module_of(command: str) -> str:
    """The module of a command."""
    return "sessions" if command == "session" else command.replace("-", "_")  # session.py is what most commands run in


def _sorted(words: list[str]) -> list[str]:
    """The words with the command first: `--profile acme ls` is `ls --profile acme`."""
    at = 0
    while at < len(words) and words[at].partition("=")[0] in BEFORE:
        at += 2 if words[at] in VALUED else 1
    return [words[at], *words[:at], *words[at + 1 :]] if at < len(words) and not words[at].startswith("-") else words


def _complain(text: str, kind: str, words: list[str]) -> None:
    from .output import error_line

    print(error_line(text, kind) if "--json" in words else f"ryze-tui: {text}", file=sys.stderr)


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
    for number in (1, 2):
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        except OSError:
            continue
    return code
