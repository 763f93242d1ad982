"""`python -m tests.bench`: measure, compare with the stored ratios, print one table; exit 1 when anything is over or worse."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .line import Line, chosen, measured
from .stored import Results, complaints, signature, table


def main(words: Sequence[str] | None = None, lines: Sequence[Line] | None = None, home: Path = Path(__file__).parent) -> int:
    """Measure what was asked for. Only a whole run in which nothing is wrong is kept."""
    if lines is None:
        from .lines import LINES

        lines = LINES
    names = ", ".join(f"{line.name} ({line.where})" for line in lines)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__, epilog=f"Lines (their parts): {names}")
    parser.add_argument("--quick", action="store_true", help="fewer runs and a shorter idle; the stored results stay as they are")
    parser.add_argument("--only", nargs="+", metavar="LINE", default=(), help="only these lines, or all of a part")
    options = parser.parse_args(words)
    results = Results(home)
    try:
        stored = results.ratios()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    figures = measured(chosen(lines, options.only), options.quick, stored)
    print(f"{table(figures)}\n\n{signature()}")
    wrong = complaints(figures, stored)
    for one in wrong:
        print(one, file=sys.stderr)
    if not wrong and not options.quick and not options.only:
        results.write(figures)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
