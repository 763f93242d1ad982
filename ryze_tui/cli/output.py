"""What commands print: results on standard output, words and errors on standard error; nothing of strangers moves the cursor."""

from __future__ import annotations

import json
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final, TextIO

from ..redact import clean, mask
from . import exits, stuck

if TYPE_CHECKING:
    from .exits import Failure

TINTS: Final = {"banned": "31", "loggedout": "33", "disconnected": "33", "connecting": "36", "connected": "32", "unknown": "35"}
"""SGR of each state."""


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads it; a stream that was closed before we began is none."""
    return stream is not None and stream.isatty()


def coloured(stream: TextIO | None) -> bool:
    """Whether colours may be used on it (no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON in ASCII: whatever is in it, no terminal reads it as a command."""
    return json.dumps(value, indent=indent, separators=None if indent else (",", ":"))


def error_line(message: str, kind: str, status: int | None = None, retry_after: float | None = None) -> str:
    """The one line that says in JSON why a command failed."""
    return dumps({"error": {"message": mask(message), "status": status, "kind": kind, "retry_after": retry_after}})


class Out:
    """Where a command's output goes. `as_json`: results as JSON, and nothing in words; `quiet`: no words but errors."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.colour = not as_json and coloured(sys.stdout)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal of 1990 gets question marks, not a traceback

    def warn(self, text: str) -> None:
        """Something that stops nobody's work, but should be known."""
        if self.as_json:
            print(dumps({"warning": {"message": mask(text)}}), file=sys.stderr, flush=True)
        else:
            print(f"ryze-tui: {clean(mask(text))}", file=sys.stderr, flush=True)

    def line(self, text: str = "", *, flush: bool = False) -> None:
        """A line of the result, already fit for a terminal (`clean`). `flush`: at once."""
        with stuck.writing(sys.stdout):
            print(text, flush=flush)

    def document(self, value: Any) -> None:
        """The whole result as JSON: laid out for a person at a terminal, else one line."""
        with stuck.writing(sys.stdout):
            print(dumps(value, indent=2 if is_terminal(sys.stdout) else None))

    def event(self, value: Any) -> None:
        """One line of NDJSON, at once."""
        with stuck.writing(sys.stdout):
            print(dumps(value), flush=True)

    def say(self, text: str) -> None:
        """A word to a person; a program that reads JSON is not told."""
        if not self.as_json and not self.quiet:
            with stuck.writing(sys.stderr):
                print(clean(text), file=sys.stderr, flush=True)

    def complain(self, text: str) -> None:
        """One of several that failed; a program finds it in the result."""
        if not self.as_json:
            print(clean(mask(text)), file=sys.stderr, flush=True)

    def failed(self, failure: Failure) -> int:
        """Say why; the exit code."""
        if isinstance(failure, exits.Quiet):
            return failure.code
        if self.as_json:
            print(error_line(failure.message, failure.kind, failure.status, failure.retry_after), file=sys.stderr)
        else:
            print(f"ryze-tui: {clean(mask(failure.message))}", file=sys.stderr)
        return failure.code

    def tinted(self, text: str, state: str) -> str:
        """The text in its state's colour, where colours may be used."""
        return f"\x1b[{TINTS[state]}m{text}\x1b[0m" if self.colour and state in TINTS else text
