"""How a command ends: one table of exit codes, and the failures that lead to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ..i18n import _, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..operations.outcome import Outcome

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NO_INSTANCE: Final = 3
NOT_ALLOWED: Final = 4
UNREACHABLE: Final = 5
RATE_LIMITED: Final = 6
TIMED_OUT: Final = 7
PARTLY: Final = 8
UNKNOWN: Final = 9
CHANGES: Final = 10
WARNINGS: Final = 11
INTERRUPTED: Final = 130
PIPE: Final = 141

TABLE: Final = (
    (DONE, mark("done")),
    (FAILED, mark("the server refused it, or it failed, or you did not agree to it")),
    (USAGE, mark("wrong words, or something in the configuration")),
    (NO_INSTANCE, mark("there is no such instance")),
    (NOT_ALLOWED, mark("the token is missing or refused, or this may not be done (--read-only)")),
    (UNREACHABLE, mark("the server cannot be reached or did not answer; nothing was changed")),
    (RATE_LIMITED, mark("too many requests; nothing was changed")),
    (TIMED_OUT, mark("timed out: what was waited for did not come")),
    (PARTLY, mark("done for some of the instances, not for all")),
    (UNKNOWN, mark("sent, but no answer came: it may have been done; look before you repeat it")),
    (CHANGES, mark("plan: there are changes")),
    (WARNINGS, mark("doctor: nothing failed, but something deserves a look")),
    (INTERRUPTED, mark("interrupted (Ctrl-C)")),
    (PIPE, mark("whoever read the output went away (head, less)")),
)
KINDS: Final = {
    "refused": FAILED, "bad_reply": FAILED, "failed": FAILED, "declined": FAILED, "usage": USAGE, "config": USAGE,
    "not_found": NO_INSTANCE, "not_allowed": NOT_ALLOWED, "unreachable": UNREACHABLE, "no_answer": UNREACHABLE,
    "rate_limited": RATE_LIMITED, "timed_out": TIMED_OUT, "partly": PARTLY, "unknown": UNKNOWN, "interrupted": INTERRUPTED,
}
"""What `error.kind` says in JSON, and the exit code that goes with it."""
QUIET: Final = {"changes": CHANGES}


class Failure(Exception):
    """A command cannot go on. `kind` is one of KINDS; `status`: the HTTP status where there was an answer.

    `retry_after`: seconds until requests are taken again, where the server refuses them for now.
    """

    def __init__(self, message: str, kind: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.kind, self.status, self.retry_after = message, kind, status, retry_after

    @property
    def code(self) -> int:
        """The exit code."""
        return KINDS[self.kind]


class Quiet(Failure):
    """An end of which nothing is said: its code says all."""

    def __init__(self, kind: str) -> None:
        super().__init__("", kind)

    @property
    def code(self) -> int:
        """The exit code."""
        return QUIET[self.kind]


def failure_of(outcome: Outcome) -> Failure:
    """The failure that an outcome is; the name of its instance goes before its words, and after them what to do."""
    words = f"{outcome.name}: {outcome.message}" if outcome.name else outcome.message
    if more := advice(outcome):
        words = f"{words}{'' if words.endswith(('.', '?', '!')) else '.'} {more}"
    wait = outcome.retry_after if outcome.kind == "rate_limited" else None
    return Failure(words, outcome.kind or "failed", outcome.status, wait)


def advice(outcome: Outcome) -> str:
    """What to do about it, where the server's own words do not say; else empty."""
    if outcome.status == 401:
        return _("The token is that of RYZE_TOKEN, --token-file or the profile: is it whole, and this server's? "
                 "To create and to delete takes the account's token, not that of one instance.")  # fmt: skip
    if outcome.kind == "rate_limited" and outcome.retry_after > 0:
        return _("Requests are taken again in {n} s.").format(n=math.ceil(outcome.retry_after))
    return ""


def failure_of_many(outcomes: Sequence[Outcome]) -> Failure | None:
    """What several outcomes come to: None when all are done; their own failure when all failed alike; else partly or failed."""
    bad = [outcome for outcome in outcomes if not outcome.ok]
    if not bad:
        return None
    if len(outcomes) == 1:
        return failure_of(bad[0])
    words = _("{done} of {n} done").format(done=len(outcomes) - len(bad), n=len(outcomes))
    if len(bad) < len(outcomes):
        return Failure(words, "partly")
    kinds = {outcome.kind for outcome in bad}
    words = " ".join(filter(None, [f"{words}.", advice(bad[-1])])) if len(kinds) == 1 and advice(bad[-1]) else words
    return Failure(words, (kinds.pop() or "failed") if len(kinds) == 1 else "failed")


def epilog() -> str:
    """The table, for --help."""
    return "\n".join([_("exit codes:"), *(f"  {code:<4} {_(words)}" for code, words in TABLE)])
