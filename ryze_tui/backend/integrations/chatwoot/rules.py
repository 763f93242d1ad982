"""What an attempt that failed leads to: pure rules, no I/O. The schedule is that of webhooks; an outage loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ...events.delivery import JITTER, WAITS, asked_for
from .api import ChatwootError

ACTIVE: Final = "active"
PAUSED: Final = "paused"
ERROR: Final = "error"

TRIES_REFUSED: Final = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait`: seconds until the next attempt; None: there is none. `status`: of the integration from now on.

    `everything`: nothing else of this instance needs to be tried before then.
    """

    wait: float | None
    everything: bool
    status: str


def judge(error: ChatwootError, attempt: int, failures: int, random: Callable[[], float], *, alone: bool) -> Verdict:
    """After the `attempt`-th attempt of an item (from 1), with `failures` in a row of the whole instance (this one counted).

    `alone`: others went through since this one was tried last, so it is the item and not Chatwoot. `random`: a number in [0, 1).
    """
    if error.refused or error.status == 404:
        return Verdict(_wait(len(WAITS), random), True, PAUSED)
    if error.away and not (alone and attempt > len(WAITS)):
        return Verdict(max(_wait(failures, random), asked_for(error.retry_after)), True, ERROR)
    tries = TRIES_REFUSED if 400 <= error.status < 500 else len(WAITS) + 1
    if attempt >= tries:
        return Verdict(None, False, ACTIVE)
    return Verdict(_wait(attempt, random), False, ERROR)


def _wait(number: int, random: Callable[[], float]) -> float:
    return WAITS[min(max(number, 1), len(WAITS)) - 1] * (1 + JITTER * (2 * random() - 1))
