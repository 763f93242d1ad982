"""What earlier runs measured, kept beside the table: what is worse now, and how the table is written."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .measure import Figure

WORSE: Final = 1.2
"""A stored ratio may get so many times worse."""
HEAD: Final = """# Measured by `make bench`

Ratios are of medians in one run, A B A B; `against` is the same thing done by a reference in the same run. `RESULTS.json` holds
the ratios that later runs are compared with: one that is more than 20 % worse is measured again, and then fails the run."""


def machine() -> str:
    """What it is measured on."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    textual = importlib.metadata.version("textual")
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Linux {platform.release()}, "
            f"Python {platform.python_version()}, Textual {textual}")  # fmt: skip


class Results:
    """`RESULTS.json` and `RESULTS.md` in one directory."""

    def __init__(self, home: Path) -> None:
        self._json, self._table = home / "RESULTS.json", home / "RESULTS.md"

    def ratios(self) -> dict[str, float]:
        """The stored ratio of each line; empty before the first whole run. Raises ValueError for a file that is no such thing."""
        if not self._json.exists():
            return {}
        try:
            kept = json.loads(self._json.read_text(encoding="utf-8"))["ratios"]
            return {str(name): float(ratio) for name, ratio in kept.items()}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._json} cannot be read ({error}); take it back from git, or delete it") from error

    def write(self, figures: Sequence[Figure]) -> None:
        """This run is what later ones are compared with."""
        kept: dict[str, Any] = {
            "machine": machine(), "date": today(),
            "ratios": {one.name: round(one.ratio, 4) for one in figures if one.ratio is not None},
        }  # fmt: skip
        self._json.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self._table.write_text(f"{HEAD}\n\n{table(figures)}\n\n{signature()}\n", encoding="utf-8")


def today() -> str:
    """The date, in UTC."""
    return datetime.now(UTC).date().isoformat()


def signature() -> str:
    """When and where it was measured."""
    return f"Measured on {today()} on {machine()}."


def complaint(figure: Figure, stored: Mapping[str, float]) -> str:
    """What is wrong with a figure, in words: over its budget, or worse than it was; empty when nothing is."""
    if figure.missed:
        than = "less than" if figure.at_least else "more than"
        return f"{figure.name}: {shown(figure.value, figure.unit)} is {than} its budget, {figure.budget:g} {figure.unit}".strip()
    was, now = stored.get(figure.name), figure.ratio
    if was is None or now is None:
        return ""
    grain = figure.grain / (figure.reference or 1)
    worse = now < was / WORSE - grain if figure.at_least else now > was * WORSE + grain
    return f"{figure.name}: {now:.3g} was {was:.3g}, which is more than 20 % worse" if worse else ""


def complaints(figures: Sequence[Figure], stored: Mapping[str, float]) -> list[str]:
    """Everything that is wrong."""
    return [words for one in figures if (words := complaint(one, stored))]


def shown(value: float, unit: str) -> str:
    """A value as the table writes it."""
    digits = 2 if unit in ("x", "%") else 0 if unit in ("B", "ms") and value >= 10 else 1
    return f"{value:,.{digits}f} {unit}".strip()


def table(figures: Sequence[Figure]) -> str:
    """As a Markdown table, aligned for reading as it is."""
    rows = [("what", "measured", "budget", "", "against", "")]
    for one in figures:
        budget = f"{'>=' if one.at_least else '<='} {one.budget:,g} {one.unit}".strip() if one.budget is not None else "-"
        verdict = "MISS" if one.missed else "OK" if one.budget is not None else ""
        against = ""
        if one.reference is not None:
            against = f"{one.ratio:.2g} x {shown(one.reference, one.unit)}, {one.beside}"
        rows.append((one.name, shown(one.value, one.unit), budget, verdict, against, one.note))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
