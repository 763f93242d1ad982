"""Messages that a worker keeps until the server has them: taken, told again, and a disk that does not do its part."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ryze_tui.backend.engine.whatsapp.worker import unsaved
from ryze_tui.backend.engine.whatsapp.worker.unsaved import Unsaved


def opened(path: Path) -> Unsaved:
    made = Unsaved(path)
    made.open()
    return made


def texts(made: Unsaved) -> list[str]:
    return [data["text"] for data in made.waiting.values()]


def test_what_was_not_taken_is_there_again_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.unsaved"
    first = opened(path)
    kept = [first.add({"text": text}) for text in "abc"]
    assert [data["unsaved"] for data in kept] == [1, 2, 3] and stat.S_IMODE(path.stat().st_mode) == 0o600
    first.taken(2)
    first.taken(99)
    again = opened(path)  # killed: nothing was closed
    assert texts(again) == ["a", "b", "c"], "told twice rather than lost: b was taken without the file being written anew"
    for number in list(again.waiting):
        again.taken(number)
    assert path.read_bytes() == b"" and texts(opened(path)) == []


def test_a_line_that_was_being_written_and_one_that_is_none_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.unsaved"
    path.write_bytes(b'{"text":"a"}\nnonsense\n[1]\n{"text":"b"}\n{"text":"c')
    made = opened(path)
    assert texts(made) == ["a", "b"]
    made.add({"text": "d"})
    assert texts(opened(path)) == ["a", "b", "d"]


def test_the_file_does_not_grow_while_something_always_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsaved, "COMPACT_BYTES", 2000)
    path = tmp_path / "a.unsaved"
    made = opened(path)
    for number in range(500):
        made.add({"text": "x" * 50, "n": number})
        if number:
            made.taken(number)
        assert path.stat().st_size < 2500
    assert [data["n"] for data in opened(path).waiting.values()][-1] == 499
    assert [one.name for one in tmp_path.iterdir()] == ["a.unsaved"]


def test_too_many_are_told_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsaved, "MOST", 2)
    made = opened(tmp_path / "a.unsaved")
    assert ["unsaved" in made.add({"text": text}) for text in "abc"] == [True, True, False]


@pytest.mark.parametrize("there", ["directory", "link", "nowhere"])
def test_a_disk_that_refuses_costs_only_this_safety(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    path = tmp_path / "a.unsaved"
    if there == "directory":
        path.mkdir()
    elif there == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path = tmp_path / "gone" / "a.unsaved"
    made = opened(path)
    assert "cannot be kept" in capsys.readouterr().err
    assert made.add({"text": "a"})["unsaved"] == 1 and texts(made) == ["a"]
    made.taken(1)
    made.close()
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_is_full_later(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened(tmp_path / "a.unsaved")
    made.add({"text": "a"})

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", full)
    made.add({"text": "b"})
    made.add({"text": "c"})
    assert texts(made) == ["a", "b", "c"] and capsys.readouterr().err.count("cannot be kept") == 1
    monkeypatch.undo()
    assert [json.loads(line)["text"] for line in (tmp_path / "a.unsaved").read_text().splitlines()] == ["a"]
