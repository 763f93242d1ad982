"""Tags and held rows on disk: two programs at once, files that are not ours, disks that refuse."""

import json
from pathlib import Path

import pytest
from ryze_tui.fleet import notes
from ryze_tui.fleet.filtering import TROUBLE, parse_filter, sorted_rows
from ryze_tui.fleet.notes import Notes, NotesError, tag_problem

URL, TOKEN = "http://127.0.0.1:9", "token-0123456789abcdef"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("RYZE_NO_CACHE", raising=False)
    return tmp_path


def kept() -> Notes:
    return Notes(URL, TOKEN, keep=True)


def test_they_are_there_again_and_nobody_else_can_read_them(home: Path) -> None:
    kept().tag({"a": ["VIP", "night", "vip"], "b": ["old"]})
    kept().hold("a", "banned")
    again = kept()
    assert again.tags == {"a": ("vip", "night"), "b": ("old",)} and again.held == {"a": "banned"}
    (file,) = home.rglob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    assert TOKEN not in file.read_text() and URL not in file.read_text()
    again.tag({"a": []})
    again.forget("b")
    again.release(["a", "nobody"])
    assert (kept().tags, kept().held) == ({}, {})


def test_two_programs_keep_each_others_changes() -> None:
    one, other = kept(), kept()
    one.tag({"a": ["x"]})
    other.tag({"b": ["y"]})
    other.hold("c", "banned")
    one.hold("d", "loggedout")
    assert kept().tags == {"a": ("x",), "b": ("y",)} and kept().held == {"c": "banned", "d": "loggedout"}


def test_another_account_has_its_own_and_a_demo_keeps_nothing(home: Path) -> None:
    kept().tag({"a": ["x"]})
    assert Notes(URL, TOKEN + "1", keep=True).tags == {}
    demo = Notes(URL, "demo")
    demo.tag({"a": ["y"]})
    assert demo.tags == {"a": ("y",)} and len(list(home.rglob("*.json"))) == 1


ODD = '{"tags": {"a": "x", "b": [1, "a b", "ok"]}, "held": {"c": 5}}'


@pytest.mark.parametrize("text", ["{", "[]", '{"tags": 3, "held": []}', ODD])
def test_a_file_that_is_not_ours(home: Path, text: str) -> None:
    kept().tag({"a": ["x"]})
    (file,) = home.rglob("*.json")
    file.write_text(text)
    if text in ("{", "[]"):
        with pytest.raises(NotesError, match="move it away"):
            kept().tag({"a": ["y"]})
        assert file.read_text() == text
    else:
        kept().tag({"z": ["y"]})
        assert json.loads(file.read_text())["tags"]["z"] == ["y"]
        assert set(kept().tags) <= {"b", "z"}


def test_a_file_where_the_directory_should_be(home: Path) -> None:
    kept().tag({"a": ["x"]})
    where = notes.path("x").parent
    for file in where.iterdir():
        file.unlink()
    where.rmdir()
    where.write_text("")
    mine = kept()
    with pytest.raises(NotesError, match="cannot be written"):
        mine.hold("a", "banned")


def test_which_are_held_no_longer() -> None:
    mine = Notes()
    mine.hold("a", "banned")
    mine.hold("b", "banned")
    assert mine.moved({"a": "banned", "b": "connected", "c": "banned"}) == ["b"]


@pytest.mark.parametrize(("word", "fine"), [("vip", True), ("noite-3", True), ("", False), ("a:b", False), ("x" * 25, False),
                                            ("!a", False), ("a,b", False), ("\x1b[31m", False)])  # fmt: skip
def test_what_can_be_a_tag(word: str, fine: bool) -> None:
    assert (tag_problem(word) == "") is fine


def test_tags_in_the_filter_and_held_rows_last() -> None:
    from ryze_tui.api.instance import Instance
    from ryze_tui.fleet.model import FleetModel

    model = FleetModel()
    model.apply_list([Instance(name, state=state) for name, state in (("a", "banned"), ("b", "connected"), ("c", "banned"))],
                     asked_at=1, received_at=1, now=1)  # fmt: skip
    mine = Notes()
    mine.tag({"a": ["vip"], "b": ["vip", "night"]})
    named = {text: [row.name for row in parse_filter(text, mine.tags_of)(sorted_rows(model.rows.values(), TROUBLE, 1))]
             for text in ("tag:vip", "tag:ni", "!tag:vip", "tag:", "tag:none", "tag:vip state:banned")}  # fmt: skip
    assert named == {"tag:vip": ["a", "b"], "tag:ni": ["b"], "!tag:vip": ["c"], "tag:": ["a", "c", "b"], "tag:none": [],
                     "tag:vip state:banned": ["a"]}  # fmt: skip
