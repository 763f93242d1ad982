"""`ryze-tui config` and a broken file, as processes."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ..terminal.process import Terminal, environment, private_dirs

pytestmark = pytest.mark.e2e
BROKEN = 'theme = 3\n\n[profiles.acme]\nurl = "https://a.example"\ntoken = "t"\ntokn = "u"\n[keys]\nsort = "r"\n'


class Commands:
    """The command with files of its own."""

    def __init__(self, root: Path) -> None:
        self.env = private_dirs(root)
        self.file = Path(self.env["XDG_CONFIG_HOME"]) / "ryze-tui" / "config.toml"

    def put(self, text: str, mode: int = 0o600) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.touch(mode=mode)
        self.file.chmod(mode)
        self.file.write_text(text)

    def __call__(self, *words: str, **env: str) -> tuple[int, str, str]:
        argv, known = [sys.executable, "-m", "ryze_tui", *words], environment(self.env | env)
        done = subprocess.run(argv, env=known, timeout=60, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def run(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def test_check(run: Commands) -> None:
    code, out, err = run("config", "check")
    assert (code, out) == (0, "") and "is not there" in err
    run.put("ascii = true\n")
    assert run("config", "check")[:2] == (0, "")
    run.put(BROKEN)
    code, out, err = run("config", "check")
    assert (code, err) == (1, "")
    assert [line.removeprefix(f"{run.file}:").partition(":")[0] for line in out.splitlines()] == ["1", "6", "8"]
    run.put('[profiles.a]\nurl = "https://a.example"\ntoken = "t"\n', 0o644)
    code, out, _err = run("config", "check")
    assert code == 1 and out.startswith(f"{run.file}:3: ") and out.rstrip().endswith(f"chmod 600 {run.file}")


def test_path(run: Commands) -> None:
    assert run("config", "path") == (0, f"{run.file}\n", "")


def test_the_example_is_a_valid_file(run: Commands) -> None:
    code, out, err = run("config", "example")
    assert (code, err) == (0, "") and tomllib.loads(out) == {}
    assert "#sort = " in out and "#token_command = " in out and "{" not in out
    run.put(out)
    assert run("config", "check")[0] == 0


def test_the_example_speaks_the_language_of_the_file_and_stays_valid(run: Commands) -> None:
    run.put('language = "pt_BR"\n')
    code, out, _err = run("config", "example")
    assert code == 0 and tomllib.loads(out) == {}


def test_keys(run: Commands) -> None:
    run.put('[keys]\nsort = "f5,ctrl+t"\n')
    code, out, _err = run("config", "keys")
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert rows["sort"].split()[1:3] == ["f5", "ctrl+t"]
    assert rows["help"].split()[1] == "?" and "Every key, and what it does." in rows["help"]
    run.put('[keys]\nsort = "r"\n')
    code, out, err = run("config", "keys")
    assert code == 1 and "config check" in err and "sort" in out


def test_edit_makes_the_file_and_checks_what_was_written(run: Commands, tmp_path: Path) -> None:
    editor = tmp_path / "my editor.sh"
    editor.write_text('#!/bin/sh\ntest -z "$RYZE_TOKEN" || exit 9\ncp "$2" seen; printf "themm = 1\\n" >> "$2"\n')
    editor.chmod(0o700)
    words = f"'{editor}' --wait"
    code, out, err = run("config", "edit", EDITOR=words, RYZE_TOKEN="secret", VISUAL="")
    seen = Path("seen")
    try:
        assert tomllib.loads(seen.read_text()) == {}
    finally:
        seen.unlink(missing_ok=True)
    last = len(run.file.read_text().splitlines())
    assert (code, err) == (1, "")
    assert out.startswith(f"{run.file}:{last}: ") and 'did you mean "theme"?' in out
    assert stat.S_IMODE(run.file.stat().st_mode) == 0o600
    run.put("ascii = true\n")
    assert run("config", "edit", EDITOR="true", VISUAL="")[0] == 0
    code, _out, err = run("config", "edit", EDITOR="no-such-editor", VISUAL="")
    assert code == 1 and "no-such-editor cannot be opened: No such file or directory" in err


def test_the_console_says_everything_that_is_wrong_before_it_takes_the_screen(run: Commands) -> None:
    run.put(BROKEN)
    for words in ((), ("--profile", "acme"), ("demo",)):
        with Terminal([sys.executable, "-m", "ryze_tui", *words], 160, 24, run.env) as term:
            assert term.wait_exit() == 2
            told = term.text()
            for line in (1, 6, 8):
                assert f"config.toml, line {line}: " in told
            assert "\x1b[?1049h" not in told and "Traceback" not in told
    assert run("--version")[0] == 0
    assert run("--help")[0] == 0


def test_own_keys_and_options_in_a_real_terminal(run: Commands) -> None:
    run.put('mouse = false\n[keys]\nhelp = "f1"\nquit = "f2"\n')
    with Terminal([sys.executable, "-m", "ryze_tui", "demo"], 80, 24, run.env) as term:
        term.wait_for(lambda t: "f1 Help" in t.text() and "LIVE" in t.text(), 30, what="own keys in the footer")
        term.press("f1")
        term.press("G")
        term.wait_for("f2", 10)
        term.press("escape")
        term.press("f2")
        assert term.wait_exit() == 0
        term.assert_clean()
