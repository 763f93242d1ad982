"""The lines of the table: which there are, how they are measured, and once more where something looks wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from .measure import Figure
from .stored import complaint, complaints

Part = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """What one measurement gives, from the scene that the lines of its part share: `measure(scene, quick)`."""

    name: str
    part: Part
    measure: Callable[[Any, bool], list[Figure]]

    @property
    def where(self) -> str:
        """Its part's name."""
        return self.part.__name__


def run(lines: Sequence[Line], quick: bool) -> dict[str, list[Figure]]:
    """Figures by line; each part's scene is set once for all of its lines, which come in their order."""
    found: dict[str, list[Figure]] = {}
    for part in dict.fromkeys(line.part for line in lines):
        with part() as scene:
            for line in lines:
                if line.part is part:
                    print(f"… {line.name}", file=sys.stderr)
                    found[line.name] = attempt(line, scene, quick)
    return found


def attempt(line: Line, scene: Any, quick: bool) -> list[Figure]:
    """Its figures; one that is over any budget when what it looks at is wrong, so that the others are not lost with it."""
    try:
        return line.measure(scene, quick)
    except AssertionError as error:
        print(error, file=sys.stderr)
        return [Figure(f"{line.name} could not be measured", 1, "", 0, str(error).partition("\n")[0][:80])]


def measured(lines: Sequence[Line], quick: bool, stored: Mapping[str, float]) -> list[Figure]:
    """Every figure; those that are over their budget or worse than they were are measured once more, with all of their line."""
    found = run(lines, quick)
    doubtful = [line for line in lines if complaints(found[line.name], stored)]
    if doubtful:
        print(f"once more: {', '.join(line.name for line in doubtful)}", file=sys.stderr)
        for name, again in run(doubtful, quick).items():
            before = {one.name: one for one in found[name]}
            found[name] = [better(one, before.get(one.name, one), stored) for one in again]
    return [one for line in lines for one in found[line.name]]


def better(again: Figure, before: Figure, stored: Mapping[str, float]) -> Figure:
    """A figure that was right the first time stays; the second time counts for what was wrong."""
    return again if complaint(before, stored) else before


def chosen(lines: Sequence[Line], only: Sequence[str]) -> list[Line]:
    """Those that are named, by their own name or by their part's; all without names. SystemExit for a name that is none."""
    known = [line.name for line in lines] + [line.where for line in lines]
    for name in only:
        if name not in known:
            raise SystemExit(f"--only {name}: no such line; there are: {', '.join(dict.fromkeys(known))}")
    return [line for line in lines if not only or line.name in only or line.where in only]
