"""`make coverage`: the share of branches that tests below the screens take, for each package below the screens.

Also what runs in processes of their own, servers and workers with the real library, unless those are killed.

    python -m tests.coverage [--least 90]

It ends with 1 where a package is below; what no test takes is in .coverage (`coverage report -m`, `coverage html`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("api", "client", "fleet", "pairing", "operations", "backend")
TESTS: Final = ("unit", "contract", "simulation", "whatsapp")
NOT: Final = (
    "tests/unit/cli/test_words.py::test_the_version_imports_nothing",  # coverage.py imports what it may not
    "tests/unit/backend/test_serve_boot.py::test_a_stop_at_any_moment_of_the_start_is_clean",  # it minds SIGTERM before we do
)


def shares(report: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Package -> percent of its branches and of its lines, from a report of coverage.py."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for path, file in report["files"].items():
        package, summary = Path(path).parts[1], file["summary"]
        for at, key in enumerate(("covered_branches", "num_branches", "covered_lines", "num_statements")):
            sums[package][at] += summary[key]
    return {name: (100 * b / (of or 1), 100 * n / (lines or 1)) for name, (b, of, n, lines) in sums.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is 0 when every package reaches it."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--least", type=float, default=90.0, help="percent of branches (90)")
    parser.add_argument("-n", default="4", help="processes (4)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "coverage.json"
        words = ["-m", "pytest", *(f"tests/{name}" for name in TESTS), "-m", "not long", "-n", options.n, "-q"]
        words += [f"--deselect={name}" for name in NOT]
        words += [*(f"--cov=ryze_tui.{name}" for name in PACKAGES), "--cov-config=pyproject.toml", f"--cov-report=json:{path}"]
        done = subprocess.run([sys.executable, *words, "--dist", "loadscope"], cwd=ROOT, check=False)
        found = shares(json.loads(path.read_text()))
    for name in PACKAGES:
        branches, lines = found[name]
        few = "" if branches >= options.least else "  too few"
        print(f"{name:<12} {branches:5.1f} % of branches, {lines:5.1f} % of lines{few}")
    return done.returncode or int(any(found[name][0] < options.least for name in PACKAGES))


if __name__ == "__main__":
    sys.exit(main())
