"""What a probe yields: one step after the other, each with a verdict and words that a person understands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from ..i18n import _

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
SKIPPED: Final = "skipped"
RUNNING: Final = "running"

SECONDS: Final = 10.0
"""What one step of a look from this machine may take."""


@dataclass(frozen=True, slots=True)
class Step:
    """`title`: what is looked at. `result`: GOOD, WARN, BAD, SKIPPED, or RUNNING meanwhile. `words`: what came of it.

    A probe yields the RUNNING step first and then the same title again with its result. `name`: the step for programs.
    """

    title: str
    result: str
    words: str = ""
    name: str = ""


class Failed(Exception):
    """A step came to nothing; why, in words without secrets. `result`: BAD, or WARN where it may do all the same."""

    def __init__(self, words: str, result: str = BAD) -> None:
        super().__init__(words)
        self.words, self.result = words, result


def timed(seconds: float, words: str = "") -> str:
    """`12 ms · words`"""
    took = _("{ms} ms").format(ms=round(seconds * 1000))
    return f"{took} · {words}" if words else took


async def attempt(title: str, name: str, doing: Awaitable[str], seconds: float = SECONDS) -> Step:
    """Await one step, whose result are words, within `seconds`; what came of it and how long it took."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            result, words = GOOD, await doing
    except Failed as error:
        result, words = error.result, error.words
    except TimeoutError:
        result, words = BAD, _("no answer within {seconds} s").format(seconds=f"{seconds:g}")
    return Step(title, result, timed(time.perf_counter() - began, words), name)
