"""`make mutants`: small mistakes put into reducer, state table and outbox, one at a time: which of them does no test notice?

    python -m tests.mutants [--file model|table|outbox] [--most 60] [--seed 1]

Each mutant is tried in a copy of the tree with the tests of its module. A survivor is printed with its line; those that are known
and explained stand in EXPLAINED (a piece of the mutated line, and why no test can or should see it). It ends with 1 for others.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TARGETS: Final = {
    "model": ("ryze_tui/fleet/model.py", ["tests/unit/fleet"]),
    "table": ("ryze_tui/backend/table.py", ["tests/unit/backend/test_table.py", "tests/unit/backend/test_every_state.py",
                                            "tests/unit/backend/test_lifecycle.py"]),
    "outbox": ("ryze_tui/backend/events/outbox.py", [
        "tests/unit/backend/test_outbox.py", "tests/unit/backend/test_outbox_sides.py", "tests/unit/backend/test_delivery.py",
        "tests/contract/test_webhooks.py",
    ]),
}  # fmt: skip
"""Name -> the module, and the tests that are to notice."""
_CHOSEN: Final = "chosen, not derived: another number would do"
EXPLAINED: Final = {
    "model": {
        "100  ->  101": _CHOSEN, "180.0  ->  181.0": _CHOSEN, "120.0  ->  121.0": _CHOSEN, "86400.0  ->  86401.0": _CHOSEN,
        "20000  ->  20001": _CHOSEN, "20  ->  21": _CHOSEN, "2  ->  3   in   self._gone, self._crowded": _CHOSEN,
        "len(self._gone) >= self._crowded": _CHOSEN, "now - at <= AGREED": _CHOSEN,
        "AHEAD_MOST  ->  told <= now + AHEAD_MOST": "which of the two a clock is that is wrong by exactly so much",
        "in   @dataclass(slots=True": "memory, which a benchmark measures",
        "changes.rows.add(row.name)  ->  pass": "an item that says another since or reason is another item: _details has told it",
    },
    "outbox": {
        **{f"{edge}  ->  {edge + 1}": _CHOSEN for edge in (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)},
        "12  ->  13": _CHOSEN, "100  ->  101": _CHOSEN, "5000  ->  5001": _CHOSEN,
        "seconds <= 0  ->  seconds < 0": "a timer of no time is due in the next turn, which is as good",
        "in   created_at=self._clock.now(), data=data, kept=False": "a trial comes to no place where it would be asked",
        "0  ->  1   in   return os.strerror(seen.errno)": "of errno 1 the error itself has the same words",
        "seen.errno > 0  ->  seen.errno >= 0": "0 is not asked: it is no errno, and false",
    },
    "table": {},
}  # fmt: skip
"""Module -> a piece of the mutated line -> why no test can, or should, see it."""
_SWAPS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add,
}  # fmt: skip


def mutated(node: ast.AST) -> ast.AST | None:
    """One small mistake in place of this node; None where there is none to make."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=[operator]) if type(operator) in _SWAPS:
            new.ops = [_SWAPS[type(operator)]()]  # type: ignore[list-item]
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) if type(operator) in _SWAPS:
            new.op = _SWAPS[type(operator)]()  # type: ignore[assignment]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Constant(value=bool() as value):
            new.value = not value
        case ast.Constant(value=int() | float() as number):
            new.value = number + 1
        case ast.If(test=test):
            new.test = ast.UnaryOp(ast.Not(), test)
        case ast.Expr(value=ast.Call() | ast.Await()):
            return ast.Pass()
        case _:
            return None
    return new


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """(line, what it says then and the line that it is in, the whole source) of every mistake that can be made."""
    tree, lines = ast.parse(source), source.splitlines()
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            for at, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or not hasattr(child, "lineno") or (made := mutated(child)) is None:
                    continue
                ast.copy_location(made, child)
                if isinstance(value, list):
                    value[at] = made
                else:
                    setattr(parent, name, made)
                before, after = (ast.unparse(one).splitlines()[0] for one in (child, made))
                shown = f"{before}  ->  {after}   in   {lines[child.lineno - 1].strip()}"
                yield child.lineno, shown, ast.unparse(ast.fix_missing_locations(tree))
                if isinstance(value, list):
                    value[at] = child
                else:
                    setattr(parent, name, child)


def survives(where: Path, path: str, source: str, tests: Sequence[str]) -> bool:
    """Whether the tests pass with it. One that never ends is noticed, too."""
    (where / path).write_text(source)
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not long", "-p", "no:cacheprovider", "--timeout", "20", *tests]
    try:
        return subprocess.run(words, cwd=where, capture_output=True, timeout=120, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def tried(name: str, most: int, seed: int) -> list[str]:
    """The survivors of a module that nobody explained."""
    path, tests = TARGETS[name]
    source, wrong = (ROOT / path).read_text(), []
    chosen = list(mutants(source))
    random.Random(seed).shuffle(chosen)
    with tempfile.TemporaryDirectory(prefix="ryze-mutants-") as scratch:
        where, killed, known = Path(scratch), 0, 0
        for tree in ("ryze_tui", "tests"):
            shutil.copytree(ROOT / tree, where / tree, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", where)
        if not survives(where, path, ast.unparse(ast.parse(source)), tests):
            raise SystemExit(f"{name}: its tests fail without any mutant")
        for line, shown, text in chosen[:most]:
            if not survives(where, path, text, tests):
                killed += 1
            elif any(piece in shown for piece in EXPLAINED[name]):
                known += 1
            else:
                wrong.append(f"{path}:{line}: {shown}")
                print(f"survived: {wrong[-1]}", flush=True)
    print(f"{name}: {min(most, len(chosen))} of {len(chosen)} mutants, {killed} killed, {known} explained, {len(wrong)} survived")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is 0 when every survivor is explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--file", choices=sorted(TARGETS), action="append", help="only this one; may be repeated")
    parser.add_argument("--most", type=int, default=10_000, help="mutants of each file (all)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    options = parser.parse_args(arguments)
    return int(sum(len(tried(name, options.most, options.seed)) for name in options.file or TARGETS) > 0)


if __name__ == "__main__":
    sys.exit(main())
