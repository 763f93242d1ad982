"""`python -m tests.bench`: measure, print one table with the budgets, write RESULTS.md; exit 1 when a budget is missed."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..terminal.server import Server
from . import running, serving, startup
from .measure import Figure

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """What it was measured on."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    textual = importlib.metadata.version("textual")
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Linux {platform.release()}, "
            f"Python {platform.python_version()}, Textual {textual}")  # fmt: skip


def small(quick: bool) -> list[Figure]:
    """Everything with fifty instances."""
    with tempfile.TemporaryDirectory(prefix="ryze-bench-") as home, Server(Path(home), instances=50, rate_limit=0) as server:
        figures = startup.startup(server, 5 if quick else 11)
        figures += startup.listing(server, 5 if quick else 11, "50")
        with running.console(server) as term:
            figures += running.idle(term, 15 if quick else 60)
            figures += running.memory(term, "50 instances", 60)
            figures += running.moves(term, 10 if quick else 20, "50 instances")
            figures += running.flips(term, server, 4 if quick else 8)
    return figures + running.stock_flip() + startup.version(7 if quick else 15)


def large(quick: bool) -> list[Figure]:
    """Everything with ten thousand instances."""
    with (
        tempfile.TemporaryDirectory(prefix="ryze-bench-") as home,
        Server(Path(home), instances=10_000, rate_limit=0) as server,
        running.console(server) as term,
    ):
        figures = running.memory(term, "10,000 instances", 110)
        figures += running.moves(term, 10 if quick else 20, "10,000 instances")
        figures += running.filtering(term, "10,000 instances")
        figures += startup.listing(server, 3 if quick else 7, "10,000")
        return figures + running.storm(term, server, 8 if quick else 20)


def backend(quick: bool) -> list[Figure]:
    """The server alone, with a thousand instances."""
    with tempfile.TemporaryDirectory(prefix="ryze-bench-") as home:
        return serving.serving(Path(home), quick)


def table(figures: list[Figure]) -> str:
    """As a Markdown table, aligned for reading as it is."""
    rows = [("what", "measured", "budget", "", "")]
    for one in figures:
        digits = 2 if one.unit in ("x", "%") else 0 if one.unit in ("B", "ms") else 1
        budget = f"{'>=' if one.at_least else '<='} {one.budget:g} {one.unit}".strip() if one.budget is not None else "-"
        verdict = "MISS" if one.missed else "OK" if one.budget is not None else ""
        rows.append((one.name, f"{one.value:.{digits}f} {one.unit}".strip(), budget, verdict, one.note))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs and a shorter idle; RESULTS.md stays as it is")
    parser.add_argument("--only", choices=("small", "large", "backend"),
                        help="only the part with 50 or with 10,000 instances, or the server alone")  # fmt: skip
    options = parser.parse_args()
    parts: dict[str, Callable[[bool], list[Figure]]] = {"small": small, "large": large, "backend": backend}
    figures: list[Figure] = []
    for name, part in parts.items():
        if options.only in (None, name):
            figures += part(options.quick)
    text = f"{table(figures)}\n\nMeasured on {machine()}."
    print(text)
    if not options.quick and not options.only:
        head = "# Measured by `make bench`\n\nRatios are of medians in one run, A B A B."
        RESULTS.write_text(f"{head}\n\n{text}\n", encoding="utf-8")
    missed = [one.name for one in figures if one.missed]
    if missed:
        print(f"over budget: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
