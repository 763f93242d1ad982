"""What a bulk will do, before it does it: which instances, which not and why, and how long it takes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ...api import states
from ...fleet.model import Row
from ...i18n import _, mark
from .. import remedy

RECONNECT: Final = "reconnect"
BRING_BACK: Final = "bring_back"
LOGOUT: Final = "logout"
STREAM: Final = "stream"
APPLY: Final = "apply"
ACTIONS: Final[dict[str, str]] = {
    RECONNECT: mark("Reconnect"), BRING_BACK: mark("Bring back"), LOGOUT: mark("Log out"), STREAM: mark("Streaming on"),
    APPLY: mark("Apply"),
}
"""Action -> its title."""
APPLIED: Final = ("settings", "proxy", "webhook", "s3", "websocket")
"""Kinds of blocks that can be taken from one instance and given to many. Not Chatwoot: each set-up makes an inbox there."""
CODE: Final = "code"
"""Making instances what a file says (operations/ascode); it has a record of its own, and no place among the others."""
DIALS: Final = frozenset({RECONNECT, BRING_BACK})
"""Actions that make a number log in at WhatsApp."""

WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
ENDED: Final = frozenset({DONE, FAILED, SKIPPED})


@dataclass(frozen=True, slots=True)
class Pace:
    """`starts` a second (each put off by up to `jitter` of the interval), `flying` of them unfinished at a time.

    A burst of logins from one address is what hurts numbers, so dialling is paced whatever the server allows.
    """

    starts: float = 1.0
    flying: int = 5
    jitter: float = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done. Of APPLY: the block `kind` (of webhooks the one of `label`) as `source` holds it."""

    action: str
    names: tuple[str, ...]
    kind: str = ""
    label: str = ""
    source: str = ""


@dataclass(slots=True)
class Entry:
    """One instance of a bulk. `begun`: it was about to be sent, or its answer is missing: nobody knows whether it was done.

    `tries`: how often the server put it off (429).
    """

    name: str
    state: str = WAITING
    words: str = ""
    status: int | None = None
    begun: bool = False
    tries: int = 0


def plan(job: Job, rows: Mapping[str, Row], now: float) -> list[Entry]:
    """An entry for each name, in their order; those that make no sense now are skipped, with the reason. `now`: Unix seconds."""
    entries = []
    for name in dict.fromkeys(job.names):
        reason = refusal(job, name, rows.get(name), now)
        entries.append(Entry(name, SKIPPED if reason else WAITING, reason))
    return entries


def refusal(job: Job, name: str, row: Row | None, now: float) -> str:
    """Why this instance is left out; empty when it is not."""
    if row is None:
        return _("it is not there any more")
    if job.action == APPLY:
        return _("it is the one that the values come from") if name == job.source else ""
    check = _CHECKS.get(job.action)
    return check(row, now) if check is not None else ""


def _reconnect(row: Row, now: float) -> str:
    if row.state == states.CONNECTED:
        return ""  # what was changed of its proxy acts from the next dialling on
    choice = remedy.choose(row, now)
    return "" if choice.action == "reconnect" else choice.why


def _bring_back(row: Row, now: float) -> str:
    choice = remedy.choose(row, now)
    return "" if choice.action == "reconnect" else choice.why


def _logout(row: Row, now: float) -> str:
    if row.state == states.LOGGEDOUT:
        return _("it is logged out already")
    return "" if row.number or row.state == states.CONNECTED else _("it was never paired")


_CHECKS: Final[dict[str, Callable[[Row, float], str]]] = {RECONNECT: _reconnect, BRING_BACK: _bring_back, LOGOUT: _logout}


def calls_each(job: Job) -> int:
    """Requests that one instance costs at the most."""
    return {APPLY: 3, STREAM: 2, CODE: 20}.get(job.action, 1)


def seconds(job: Job, entries: Iterable[Entry], pace: Pace, *, own_tokens: bool, budget: int = 70) -> float:
    """How long the rest takes, roughly. `own_tokens`: instances pay from own budgets; else `budget` requests a minute."""
    left = sum(entry.state not in ENDED for entry in entries)
    if not left:
        return 0.0
    paced = (left - 1) / pace.starts + 2.0
    return paced if own_tokens else max(paced, (left * calls_each(job) / max(budget, 1) - 1.0) * 60.0)


def counts(entries: Iterable[Entry]) -> dict[str, int]:
    """State -> how many, for every state."""
    found = dict.fromkeys((WAITING, RUNNING, DONE, FAILED, SKIPPED), 0)
    for entry in entries:
        found[entry.state] += 1
    return found
