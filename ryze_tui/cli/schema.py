"""`ryze-tui schema`: the JSON Schema of what a command prints with --json."""

from __future__ import annotations

import argparse
from importlib.resources import files
from typing import Final

from ..i18n import _
from .parser import Parser

WITH_JSON: Final = (
    "ls", "show", "create", "connect", "reconnect", "bring-back", "logout", "delete", "wait", "watch", "send",
    "settings", "proxy", "s3", "webhook", "stream", "chatwoot", "plan", "apply", "audit",
    "doctor", "events", "profile", "server",
)  # fmt: skip
NAMES: Final = (*WITH_JSON, "error", "warning")


def text(name: str) -> str:
    """The schema of a command's output (of `error`: of the line on standard error), as JSON."""
    return files(__package__).joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")


def add_arguments(parser: Parser) -> None:
    """Of which command."""
    words = _("the command; error and warning: the lines on standard error of a command with --json")
    parser.add_argument("command", choices=NAMES, metavar="COMMAND", help=words)
    parser.epilog = _("There are schemas of: {names}\nFields may be added later; those that are there stay.").format(
        names=", ".join(NAMES)
    )


def run(options: argparse.Namespace) -> int:
    """Prints it."""
    print(text(options.command), end="")
    return 0
