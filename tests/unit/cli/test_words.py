"""What was typed: nothing is abbreviated, no token is taken or repeated, help says everything, --version is quick."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ryze_tui import __version__, cli

SECRET = "s3cret-that-was-typed"
COMMANDS = [[], ["serve", "--engine", "simulated"], ["demo"], ["server", "status"], ["account", "list"]]
UNKNOWN = [[f"-t{SECRET}"], ["-t", SECRET], ["--key", SECRET], [f"--password={SECRET}"], [SECRET, SECRET]]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said about words that are refused, on both outputs."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "words", [["--token", SECRET], [f"--token={SECRET}"], ["--api-token", SECRET], [f"--token{SECRET}"], ["--tokens", SECRET]]
)
def test_a_token_never_goes_on_the_command_line(
    command: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused([*command, *words], capsys)
    assert SECRET not in said
    assert "never" in said
    assert "command line" in said


@pytest.mark.parametrize(("command", "hint"), [
    ([], "Use RYZE_TOKEN or --token-file."),
    (["account", "list"], "need no token"),
    (["serve", "--engine", "simulated"], "RYZE_ACCOUNT_TOKEN"),
])  # fmt: skip
def test_where_a_token_goes_instead(command: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([*command, "--token", SECRET], capsys).partition("error:")[2]
    assert hint in said
    assert ("RYZE_TOKEN" in said) == (not command)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("words", UNKNOWN)
def test_what_is_not_known_is_not_repeated(command: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([*command, *words], capsys)
    assert SECRET not in said
    if words[0].startswith("-"):
        assert words[0][:2] in said.partition("error:")[2]


@pytest.mark.parametrize(
    "words",
    [["--prof", "acme"], ["--read"], ["--token-f", "x"], ["demo", "--no-ext"], ["server", "start", "--por", "1"],
     ["serve", "--engine", "simulated", "--verb"]],
)  # fmt: skip
def test_nothing_is_abbreviated(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(words, capsys)


def test_a_word_that_is_no_command_gets_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["servr"], capsys)
    for command in cli.COMMANDS:
        assert command in said


@pytest.mark.parametrize("words", [["serve", "--engine", "simulated", "--port", "70000"], ["server", "start", "--port", "-1"],
                                   ["serve", "--engine", "simulated", "--simulator-speed", "0"]])  # fmt: skip
def test_numbers_are_refused_in_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(words, capsys)
    assert words[-2] in said
    assert "_port" not in said
    assert "_positive" not in said


def helped(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The help of a command."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_lists_the_commands_and_where_tokens_come_from(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = helped([word], capsys)
    for name in (*cli.COMMANDS, "--url", "--profile", "--token-file", "--read-only", "RYZE_TOKEN", "RYZE_URL"):
        assert name in said
    assert all(len(line) <= 90 for line in said.splitlines())


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = helped([command, "--help"], capsys)
    assert f"usage: ryze-tui {command}" in said
    assert len(said.splitlines()) > 4


def test_help_does_not_tell_the_environment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RYZE_URL", "RYZE_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    assert SECRET not in helped(["--help"], capsys)


def run(script: str) -> list[str]:
    """The lines a script prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def test_the_version_imports_nothing() -> None:
    script = "import sys; from ryze_tui.cli import main; code = main(['--version']); print(code); print(*sys.modules)"
    version, code, modules = run(script)
    assert (version, code) == (f"ryze-tui {__version__}", "0")
    assert not {"textual", "rich", "argparse", "asyncio", "httpx", "tomllib"} & set(modules.split())


def test_a_refusal_imports_no_screen() -> None:
    script = (
        "import sys, os; os.environ.pop('RYZE_URL', None); from ryze_tui.cli import main; "
        "code = main(['--url', 'x', '--profile', 'y']); print(code); print(*sys.modules)"
    )
    code, modules = run(script)
    assert code == "2"
    assert not {"textual", "rich", "httpx", "websockets"} & set(modules.split())
