"""What a probe yields: one step after the other, each with a verdict and words that a person understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
SKIPPED: Final = "skipped"
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Step:
    """`title`: what is looked at. `result`: GOOD, WARN, BAD, SKIPPED, or RUNNING meanwhile. `words`: what came of it.

    A probe yields the RUNNING step first and then the same title again with its result.
    """

    title: str
    result: str
    words: str = ""
