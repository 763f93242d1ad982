"""What came of something a person asked for, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ..api.errors import INSTANCE_NOT_FOUND, BadReply, NoAnswer, RateLimited, RyzeError, Unreachable
from ..client.address import BadAddress
from ..i18n import _

REFUSED: Final = "refused"
NOT_FOUND: Final = "not_found"
NOT_ALLOWED: Final = "not_allowed"
RATE_LIMITED: Final = "rate_limited"
UNREACHABLE: Final = "unreachable"
NO_ANSWER: Final = "no_answer"
BAD_REPLY: Final = "bad_reply"
UNKNOWN: Final = "unknown"
USAGE: Final = "usage"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`message`: the server's own text where there is one, else ours. `status`: the HTTP status, None without an answer.

    `doubtful`: a write that may have been done although it failed. `kind`: what sort of failure it is, one of the words above
    (UNKNOWN of such a write); empty when it was done. `retry_after`: seconds, of RATE_LIMITED.
    """

    ok: bool
    message: str
    status: int | None = None
    name: str = ""
    doubtful: bool = False
    kind: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to bring an instance back. `action`: reconnect, connect, wait or none; `why`: in words."""

    action: str
    why: str


def failed(error: RyzeError, name: str = "") -> Outcome:
    """The outcome that an error stands for."""
    retry_after = error.retry_after if isinstance(error, RateLimited) else 0.0
    return Outcome(False, error.message, error.status, name, kind=kind_of(error), retry_after=retry_after)


def kind_of(error: RyzeError) -> str:
    """What sort of failure an error is."""
    if isinstance(error, BadAddress):
        return USAGE
    if isinstance(error, NoAnswer):
        return NO_ANSWER
    if isinstance(error, Unreachable):
        return UNREACHABLE
    if isinstance(error, BadReply):
        return BAD_REPLY
    if error.status == 404 and error.message.lower() == INSTANCE_NOT_FOUND.lower():
        return NOT_FOUND
    return {401: NOT_ALLOWED, 403: NOT_ALLOWED, 429: RATE_LIMITED}.get(error.status or 0, REFUSED)


def failed_write(error: RyzeError, name: str) -> Outcome:
    """The outcome of a write; says so where the server may have done it although its answer is missing."""
    outcome = failed(error, name)
    if not _in_doubt(error):
        return outcome
    end = "" if error.message.endswith((".", "?", "!")) else "."
    words = f"{error.message}{end} {_('It may have been done all the same.')}"
    return replace(outcome, message=words, doubtful=True, kind=UNKNOWN)


def _in_doubt(error: RyzeError) -> bool:
    """Sent, and what came of it is not known. A refused connection, or a refusal in the server's own words, is no such case."""
    if isinstance(error, BadReply):
        return error.status is None or error.status < 300 or error.status >= 500
    return isinstance(error, NoAnswer) or error.status in (502, 504)


class Unconfirmed(Exception):
    """What was to be looked at again before doing something could not be. `message`: why, the server's words or ours."""

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.outcome = outcome if outcome is not None else Outcome(False, message, kind=USAGE)
