"""Files, terminal and versions: what is wrong is said with the command that mends it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ryze_tui.doctor import files, surroundings
from ryze_tui.doctor.finding import FAIL, OK, SECTIONS, SKIP, TITLES, WARN, Finding


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; nothing of ours in it yet."""
    for variable, name in (("XDG_CONFIG_HOME", "c"), ("XDG_DATA_HOME", "d"), ("XDG_STATE_HOME", "s"), ("XDG_CACHE_HOME", "x")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def of(name: str) -> Finding:
    return next(one for one in files.directories() if one.name == name)


def test_what_is_not_there_can_be_made(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of("config").result == OK and "~/c/ryze-tui is not there yet" in of("config").seen
    monkeypatch.setattr(os, "access", lambda *_words: False)
    assert of("config").result == FAIL and "not writable" in of("config").seen


def test_permissions_and_owners(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = places / "s" / "ryze-tui"
    (ours / "history").mkdir(parents=True, mode=0o700)
    ours.chmod(0o700)
    (ours / "audit.log").touch(mode=0o600)
    assert of("state").result == OK and "drwx------ yours, 1 file, all yours alone" in of("state").seen
    (ours / "history" / "open.json").touch()
    (ours / "history" / "open.json").chmod(0o644)
    assert of("state").result == WARN and "open.json" in of("state").seen and of("state").advice == "chmod -R go= ~/s/ryze-tui"
    ours.chmod(0o755)
    assert of("state").result == WARN and of("state").advice == "chmod 700 ~/s/ryze-tui"
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert of("state").result == FAIL and "sudo chown" in of("state").advice


def test_a_file_where_a_directory_belongs(places: Path) -> None:
    (places / "c").mkdir()
    (places / "c" / "ryze-tui").touch()
    assert of("config").result == FAIL and "no directory" in of("config").seen


def test_a_disk_that_is_full(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from types import SimpleNamespace

    for free, result in ((1 << 40, OK), (50 << 20, WARN), (1 << 20, FAIL)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert of("disk").result == result


def test_every_problem_of_the_configuration_has_its_line(places: Path) -> None:
    assert [one.result for one in files.configuration()] == [OK]
    (places / "c" / "ryze-tui").mkdir(parents=True)
    file = places / "c" / "ryze-tui" / "config.toml"
    file.write_text('thema = "dark"\n[profiles.acme]\nurl = "https://a.example"\ntoken = "a-secret-that-is-long"\n')
    file.chmod(0o644)
    found = list(files.configuration())
    assert {one.result for one in found} == {FAIL}
    assert ["config.toml:1" in one.seen or "config.toml:4" in one.seen for one in found] == [True, True]
    assert not any("a-secret" in one.seen for one in found)
    file.write_text('[profiles.acme]\nurl = "https://a.example"\ntoken_command = ["true"]\n')
    assert [one.result for one in files.configuration()] == [OK] and "acme" in next(files.configuration()).seen


@pytest.mark.parametrize(("environment", "size", "name", "result", "words"), [
    ({"TERM": "xterm-256color"}, (80, 24), "terminal", OK, "TERM=xterm-256color"),
    ({"TERM": "dumb"}, (80, 24), "terminal", WARN, "TERM=dumb"),
    ({}, (80, 24), "terminal", WARN, "TERM=?"),
    ({"TERM": "xterm-256color", "TMUX": "/tmp/x"}, (80, 24), "terminal", WARN, "tmux"),
    ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "SSH_CONNECTION": "x"}, (80, 24), "terminal", OK, "tmux · ssh"),
    ({"TERM": "x", "COLORTERM": "truecolor"}, (80, 24), "colours", OK, "16 million"),
    ({"TERM": "screen-256color"}, (80, 24), "colours", OK, "256"),
    ({"TERM": "xterm", "NO_COLOR": "1"}, (80, 24), "colours", OK, "NO_COLOR"),
    ({"TERM": "xterm", "LANG": "pt_BR.UTF-8"}, (80, 24), "locale", OK, "LANG=pt_BR.UTF-8"),
    ({"TERM": "xterm"}, (39, 24), "size", WARN, "39x24"),
    ({"TERM": "xterm"}, (60, 20), "size", OK, "works"),
    ({"TERM": "xterm"}, (120, 40), "size", OK, "120x40"),
])  # fmt: skip
def test_a_terminal(environment: dict[str, str], size: tuple[int, int], name: str, result: str, words: str) -> None:
    found = {one.name: one for one in surroundings.terminal(environment, size, poor=False)}
    assert found[name].result == result and words in found[name].seen
    assert bool(found[name].advice) is (result == WARN)


def test_characters_that_cannot_be_drawn_and_no_terminal_at_all() -> None:
    found = surroundings.characters({"LC_ALL": "C"}, poor=True)
    assert (found.result, found.seen) == (WARN, "LC_ALL=C") and "ASCII" in found.advice
    assert [one.result for one in surroundings.terminal({}, None, poor=True)] == [SKIP]
    hostile = next(surroundings.terminal({"TERM": "\x1b]0;x\x07"}, (80, 24), poor=False))
    assert "\x1b" not in hostile.seen


@pytest.mark.parametrize(("version", "limits", "fits"), [
    ("8.2.8", ">=8.2.8,<8.3", True), ("8.3.0", ">=8.2.8,<8.3", False), ("8.2", ">=8.2.0", True), ("9.0.42", ">=9", True),
    ("8.10", ">=8.9", True), ("15", ">15", False), ("15.0", "<=15", True), ("1.0rc1", ">=0.9", True), ("1", "", True),
    ("1", "~=2", True),
])  # fmt: skip
def test_versions_and_their_limits(version: str, limits: str, fits: bool) -> None:
    assert surroundings.fits(version, limits) is fits


def test_libraries_that_are_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {one.result for one in surroundings.versions()} == {OK}
    wanted = ["httpx>=99", "not-there-at-all>=1", "textual>=8", 'keyring>=25; extra == "keyring"']
    monkeypatch.setattr(surroundings.metadata, "requires", lambda name: wanted)
    found = next(one for one in surroundings.versions() if one.name == "libraries")
    assert found.result == FAIL and "httpx" in found.seen and "not-there-at-all is missing" in found.seen and found.advice


def test_every_finding_has_a_title() -> None:
    for one in [*surroundings.versions(), *surroundings.terminal({"TERM": "x"}, (80, 24), poor=False), *files.directories()]:
        assert one.title and one.section in SECTIONS and one.name in TITLES


def test_directories_of_ours_are_private_all_the_way(places: Path) -> None:
    """Found by the doctor: those on the way were made as the umask says."""
    from ryze_tui import paths

    before = os.umask(0o022)
    try:
        made = paths.private_dir(paths.cache_dir() / "lists")
    finally:
        os.umask(before)
    assert [one.stat().st_mode & 0o777 for one in (made, made.parent, made.parent.parent)] == [0o700] * 3
