"""`make bench` fails when a ratio is a fifth worse than the stored one, after a second look, and keeps what was then."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.line import Line
from tests.bench.measure import Figure
from tests.bench.quiet import Traced, read_trace
from tests.bench.stored import Results, complaint


def ratio(value: float, **more: object) -> Figure:
    return Figure("start", value, "x", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figure", "was", "wrong"),
    [
        (ratio(1.19), 1.0, ""),
        (ratio(1.21), 1.0, "start: 1.21 was 1, which is more than 20 % worse"),
        (ratio(0.5), 1.0, ""),
        (ratio(1.6, budget=1.5), 1.6, "start: 1.60 x is more than its budget, 1.5 x"),
        (ratio(5.0), None, ""),
        (Figure("start", 90, "B"), 70.0, "start: 90 was 70, which is more than 20 % worse"),
        (Figure("start", 90, "ms"), 70.0, ""),
        (Figure("start", 90, "ms", reference=30), 2.0, "start: 3 was 2, which is more than 20 % worse"),
        (Figure("start", 90, "ms", reference=30, grain=20), 2.0, ""),
        (Figure("start", 90, "ms", reference=30, grain=10), 2.0, "start: 3 was 2, which is more than 20 % worse"),
        (Figure("start", 70, "/s", reference=10, at_least=True), 9.0, "start: 7 was 9, which is more than 20 % worse"),
        (Figure("start", 90, "/s", reference=10, at_least=True), 7.0, ""),
        (Figure("start", 70, "/s", 80, at_least=True), 7.0, "start: 70.0 /s is less than its budget, 80 /s"),
    ],
)
def test_what_is_wrong_with_a_figure(figure: Figure, was: float | None, wrong: str) -> None:
    assert complaint(figure, {} if was is None else {"start": was}) == wrong


class Lines:
    """Lines whose figures come from a list, one for each time that they are measured."""

    def __init__(self, **values: list[float]) -> None:
        self.values, self.opened = values, 0

        @contextlib.contextmanager
        def scene() -> Iterator[Lines]:
            self.opened += 1
            yield self

        self.lines = [self._line(name, scene) for name in values]

    def _line(self, name: str, part: object) -> Line:
        return Line(name, part, lambda scene, _quick: [Figure(name, scene.values[name].pop(0), "x", 5.0)])  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "RESULTS.json").write_text(json.dumps({"ratios": {"start": 1.0, "list": 2.0}}))
    (tmp_path / "RESULTS.md").write_text("as it was")
    return tmp_path


def bench(home: Path, lines: Lines, *words: str) -> int:
    return main(list(words), lines.lines, home)


def test_a_run_in_which_all_is_well_is_what_later_ones_are_compared_with(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(start=[1.1], list=[2.1], new=[3.0])
    assert bench(home, lines) == 0
    assert Results(home).ratios() == {"start": 1.1, "list": 2.1, "new": 3.0}
    text = (home / "RESULTS.md").read_text()
    assert "| start | 1.10 x " in text and "Measured on 20" in text and " cores of " in text
    assert "| start | 1.10 x " in capsys.readouterr().out
    assert lines.opened == 1, "one scene for all lines of a part"


def test_what_is_worse_is_measured_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(start=[1.3, 1.1], list=[2.1])
    assert bench(home, lines) == 0
    assert Results(home).ratios() == {"start": 1.1, "list": 2.1}
    assert "once more: start\n" in capsys.readouterr().err and lines.opened == 2


@pytest.mark.parametrize(
    ("seconds", "words"), [([1.3, 1.25], "start: 1.25 was 1, which is"), ([9.0, 6.0], "start: 6.00 x is more than its")]
)
def test_what_stays_worse_fails_and_is_not_kept(
    home: Path, capsys: pytest.CaptureFixture[str], seconds: list[float], words: str
) -> None:
    assert bench(home, Lines(start=seconds, list=[1.0])) == 1
    said = capsys.readouterr()
    assert words in said.err and "| list " in said.out
    assert Results(home).ratios() == {"start": 1.0, "list": 2.0} and (home / "RESULTS.md").read_text() == "as it was"


def test_what_was_right_the_first_time_stays_right(home: Path) -> None:
    values = iter([[Figure("start", 1.0, "x"), Figure("list", 9.0, "x")], [Figure("start", 9.0, "x"), Figure("list", 2.0, "x")]])

    @contextlib.contextmanager
    def scene() -> Iterator[None]:
        yield

    assert main([], [Line("both", scene, lambda _scene, _quick: next(values))], home) == 0
    assert Results(home).ratios() == {"start": 1.0, "list": 2.0}


def test_only_some_lines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(home, Lines(start=[1.1], list=[]), "--only", "start") == 0
    assert "| list " not in capsys.readouterr().out
    assert (home / "RESULTS.md").read_text() == "as it was"
    assert bench(home, Lines(start=[1.1], list=[2.0]), "--only", "scene") == 0, "a part by its name"
    assert bench(home, Lines(start=[1.1, 1.1], list=[2.0]), "--quick") == 0
    assert (home / "RESULTS.md").read_text() == "as it was"
    with pytest.raises(SystemExit, match="--only rubbish: no such line; there are: start, list, scene"):
        bench(home, Lines(start=[1.1], list=[2.0]), "--only", "rubbish")


@pytest.mark.parametrize("text", ["{", "[]", '{"ratios": {"start": "much"}}', '{"ratios": null}'])
def test_stored_ratios_that_cannot_be_read(home: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (home / "RESULTS.json").write_text(text)
    assert bench(home, Lines(start=[1.1])) == 1
    assert "RESULTS.json cannot be read" in capsys.readouterr().err
    assert (home / "RESULTS.json").read_text() == text


def test_the_stored_results_of_the_project_can_be_read() -> None:
    ratios = Results(Path(__file__).parents[1] / "bench").ratios()
    assert ratios["first text, against a one-Static app"] < 1.2


def test_a_line_that_cannot_be_measured_fails_and_the_others_are_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(start=[1.1], list=[2.0])

    def broken(_scene: object, _quick: bool) -> list[Figure]:
        raise AssertionError("the screen is wrong\nand so on")

    assert main([], [*lines.lines, Line("broken", lines.lines[0].part, broken)], home) == 1
    said = capsys.readouterr()
    assert "| start " in said.out and "broken could not be measured" in said.out and "| the screen is wrong " in said.out
    assert (home / "RESULTS.md").read_text() == "as it was"


TRACE = """\
11 epoll_wait(5<anon_inode:[eventpoll]>, [], 1, 100) = 0
12 write(2</dev/pts/3>, "\\33[?2026h"..., 120) = 120
11 write(7<socket:[1]>, "x", 1) = 1
12 write(2</dev/pts/3>, "abc"... <unfinished ...>
11 epoll_wait(5<anon_inode:[eventpoll]>, <unfinished ...>
12 <... write resumed>) = 30
13 <... write resumed>) = 7
11 <... epoll_wait resumed>[], 1, 100) = 0
12 futex(0x7f, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL) = -1 EAGAIN (Resource temporarily unavailable)
"""


def test_what_strace_saw() -> None:
    assert read_trace(TRACE.splitlines()) == Traced(written=150, waits=3)
