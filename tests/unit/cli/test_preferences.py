"""What reaches the screen: the file's preferences, and what was typed over them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui import cli, config, i18n
from ryze_tui.cli import console, target
from ryze_tui.preferences import Preferences


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Preferences, bool]]:
    """(preferences, read-only) of every console that would have opened."""
    for name in ("RYZE_URL", "RYZE_TOKEN", "RYZE_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("LANG", "C.UTF-8")
    config.path().parent.mkdir()
    config.path().touch(mode=0o600)
    opened: list[tuple[Preferences, bool]] = []

    def show(url: str, token: str, *, profile: str, read_only: bool, locked: bool, preferences: Preferences) -> int:
        opened.append((preferences, read_only))
        return 0

    monkeypatch.setattr(console, "show", show)
    return opened


def test_nothing_said_is_as_it_comes(shown: list[tuple[Preferences, bool]]) -> None:
    assert cli.main([]) == 0
    assert shown == [(Preferences(ascii=False), False)]


def test_what_is_typed_wins(shown: list[tuple[Preferences, bool]]) -> None:
    config.path().write_text('theme = "nord"\nbell = false\n[keys]\nsort = "f5"\n')
    assert cli.main(["--theme", "dracula", "--ascii", "--no-mouse"]) == 0
    assert shown == [(Preferences(theme="dracula", ascii=True, mouse=False, bell=False, keys={"sort": "f5"}), False)]


def test_what_is_in_the_file_stays(shown: list[tuple[Preferences, bool]]) -> None:
    config.path().write_text('theme = "nord"\nascii = true\nmouse = false\n')
    assert cli.main([]) == 0
    assert shown == [(Preferences(theme="nord", ascii=True, mouse=False), False)]


@pytest.mark.parametrize(("said", "typed", "ascii"), [
    ("", [], True), ("ascii = false\n", [], False), ("ascii = true\n", [], True),
    ("ascii = false\n", ["--ascii"], True), ("ascii = true\n", ["--no-ascii"], False),
])  # fmt: skip
def test_ascii_by_the_locale_unless_somebody_says(
    shown: list[tuple[Preferences, bool]], monkeypatch: pytest.MonkeyPatch, said: str, typed: list[str], ascii: bool
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    config.path().write_text(said)
    assert cli.main(typed) == 0
    assert [preferences.ascii for preferences, _read_only in shown] == [ascii]


def test_a_profile_may_be_read_only(shown: list[tuple[Preferences, bool]]) -> None:
    config.path().write_text('[profiles.a]\nurl = "https://a.example"\ntoken = "t"\nread_only = true\n')
    assert cli.main(["--profile", "a"]) == 0
    assert [read_only for _preferences, read_only in shown] == [True]


@pytest.mark.parametrize(("environment", "installed"), [("", ["pt_BR"]), ("es", [])])
def test_the_language_of_the_file_unless_the_environment_names_one(
    shown: list[tuple[Preferences, bool]], monkeypatch: pytest.MonkeyPatch, environment: str, installed: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(target, "install", asked.append)
    monkeypatch.setattr(i18n, "install", lambda: None)
    monkeypatch.setenv("RYZE_LANG", environment)
    config.path().write_text('language = "pt_BR"\n')
    assert cli.main([]) == 0
    assert asked == installed


@pytest.mark.parametrize("words", [["serve"], ["server"], ["account"], ["session"], ["ls", "--nothing"], ["config"]])
def test_every_command_speaks_the_language_of_the_file(
    shown: list[tuple[Preferences, bool]], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """From the first word on, which is what is wrong with the others."""
    config.path().write_text('language = "pt_BR"\n')
    try:
        with pytest.raises(SystemExit):
            cli.main(words)
    finally:
        i18n.install("en")
    assert "uso: ryze-tui" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "hint"), [("lss", 'did you mean "ls"?'), ("recconect", 'did you mean "reconnect"?'), ("zzzz", "")]
)
def test_a_word_that_is_no_command(shown: object, capsys: pytest.CaptureFixture[str], word: str, hint: str) -> None:
    with pytest.raises(SystemExit):
        cli.main([word])
    said = capsys.readouterr().err
    assert "there is no such command" in said and (hint in said if hint else "did you mean" not in said) and word not in said


def test_a_broken_file_opens_nothing(shown: list[tuple[Preferences, bool]], capsys: pytest.CaptureFixture[str]) -> None:
    config.path().write_text('them = "x"\nascii = 3\n')
    for words in ([], ["--url", "https://a.example"]):
        assert cli.main(words) == 2
        assert [line.partition("line ")[2][0] for line in capsys.readouterr().err.splitlines()] == ["1", "2"]
    assert shown == []
