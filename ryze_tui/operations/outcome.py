"""What came of something a person asked for, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..api.errors import BadReply, NoAnswer, RyzeError
from ..i18n import _


@dataclass(frozen=True, slots=True)
class Outcome:
    """`message`: the server's own text where there is one, else ours. `status`: the HTTP status, None without an answer.

    `doubtful`: a write that may have been done although it failed.
    """

    ok: bool
    message: str
    status: int | None = None
    name: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to bring an instance back. `action`: reconnect, connect, wait or none; `why`: in words."""

    action: str
    why: str


def failed(error: RyzeError, name: str = "") -> Outcome:
    """The outcome that an error stands for."""
    return Outcome(False, error.message, error.status, name)


def failed_write(error: RyzeError, name: str) -> Outcome:
    """The outcome of a write; says so where the server may have done it although its answer is missing."""
    outcome = failed(error, name)
    if not _in_doubt(error):
        return outcome
    end = "" if error.message.endswith((".", "?", "!")) else "."
    return replace(outcome, message=f"{error.message}{end} {_('It may have been done all the same.')}", doubtful=True)


def _in_doubt(error: RyzeError) -> bool:
    """Sent, and what came of it is not known. A refused connection, or a refusal in the server's own words, is no such case."""
    if isinstance(error, BadReply):
        return error.status is None or error.status < 300 or error.status >= 500
    return isinstance(error, NoAnswer) or error.status in (502, 504)


class Unconfirmed(Exception):
    """What was to be looked at again before doing something could not be. `message`: why, the server's words or ours."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
