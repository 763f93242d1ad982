"""Which server and which token: what was typed wins over the environment; a token goes only to the server it was given for."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from ryze_tui import cli, config, inherited, local
from ryze_tui.cli import console

ACME = config.Profile("acme", "https://acme.example", "token-of-acme")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str, str]]:
    """(url, token, profile) the console would have opened, with one profile in the configuration."""
    for name in ("RYZE_URL", "RYZE_TOKEN", "RYZE_ACCOUNT_TOKEN", "RYZE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    config.save_profile(ACME)
    shown: list[tuple[str, str, str]] = []

    def show(url: str, token: str, *, profile: str = "", **more: object) -> int:
        shown.append((url, token, profile))
        return 0

    monkeypatch.setattr(console, "show", show)
    return shown


Opened = list[tuple[str, str, str]]


def test_a_profile_that_was_typed_wins_over_the_environment(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RYZE_URL", "https://other.example")
    monkeypatch.setenv("RYZE_TOKEN", "token-of-the-other")
    assert cli.main(["--profile", "acme"]) == 0
    assert opened == [(ACME.url, ACME.token, "acme")]
    assert "RYZE_TOKEN" not in os.environ


def test_the_environment_wins_over_the_default_profile(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RYZE_URL", "https://other.example")
    monkeypatch.setenv("RYZE_TOKEN", "token-of-the-other")
    assert cli.main([]) == 0
    assert opened == [("https://other.example", "token-of-the-other", "")]


def test_the_default_profile(opened: Opened) -> None:
    assert cli.main([]) == 0
    assert opened == [(ACME.url, ACME.token, "acme")]


def test_a_token_file_that_was_typed_wins_over_the_profile(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    assert cli.main(["--profile", "acme", "--token-file", str(tmp_path / "token")]) == 0
    assert opened == [(ACME.url, "from-the-file", "acme")]


def test_two_servers_are_one_too_many(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--profile", "acme", "--url", "https://other.example"]) == 2
    assert not opened
    said = capsys.readouterr().err
    assert "--url" in said
    assert "--profile" in said


@pytest.mark.parametrize("words", [["--profile", ""], ["--url", ""], ["--profile", "nobody"]])
def test_an_empty_or_unknown_server_is_no_server(opened: Opened, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RYZE_URL", "https://other.example")
    monkeypatch.setenv("RYZE_TOKEN", "token-of-the-other")
    assert cli.main(words) == 2
    assert not opened


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"two words", "tök".encode()])
def test_a_file_that_holds_no_token(opened: Opened, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_bytes(content)
    assert cli.main(["--profile", "acme", "--token-file", str(tmp_path / "token")]) == 2
    assert not opened
    said = capsys.readouterr().err
    assert "token" in said
    assert "words" not in said


def test_a_token_file_without_a_server(opened: Opened, tmp_path: Path) -> None:
    config.path().unlink()
    (tmp_path / "token").write_text("from-the-file")
    assert cli.main(["--token-file", str(tmp_path / "token")]) == 2
    assert cli.main([]) == 0
    assert opened == [("", "", "")]


def test_a_token_from_standard_input(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from-the-pipe\nmore\n"))
    assert cli.main(["--url", "localhost:8080", "--token-file", "-"]) == 0
    assert opened == [("http://localhost:8080", "from-the-pipe", "")]


def test_an_interrupted_question_ends_quietly(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Interrupted())
    assert cli.main(["--url", "localhost:8080", "--token-file", "-"]) == 130
    assert not opened


@pytest.mark.parametrize("words", [[], ["--profile", "acme"], ["--profile", "nobody"], ["--url", "https://x.example"]])
def test_no_child_inherits_a_secret(opened: Opened, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RYZE_TOKEN", "RYZE_ACCOUNT_TOKEN", "RYZE_KEY"):
        monkeypatch.setenv(name, "a-secret")
    cli.main(words)
    assert not [name for name, value in os.environ.items() if value == "a-secret"]


def test_the_server_that_stays_still_gets_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(inherited, "server_key", "")
    monkeypatch.setenv("RYZE_KEY", "the-key")
    monkeypatch.setenv("RYZE_TOKEN", "the-token")
    monkeypatch.setenv("RYZE_ACCOUNT_TOKEN", "the-account-token")
    assert inherited.take_secrets() == "the-token"
    given: list[dict[str, str]] = []

    def popen(argv: list[str], *, env: dict[str, str], **more: Any) -> None:
        given.append(env)
        raise OSError(11, "no process to be had")

    monkeypatch.setattr(local.subprocess, "Popen", popen)
    with pytest.raises(local.ServerError, match="no process"):
        local._start_detached("simulated", 0)
    with pytest.raises(local.ServerError, match="no process"):
        local.start_demo_now()
    local.end_children()
    kept, demo = given
    assert kept["RYZE_KEY"] == "the-key"
    assert not {"RYZE_TOKEN", "RYZE_ACCOUNT_TOKEN"} & set(kept)
    assert not {"RYZE_TOKEN", "RYZE_KEY"} & set(demo)
    assert demo["RYZE_ACCOUNT_TOKEN"] != "the-account-token"
