"""Which server and which token: what was typed, then the environment, then the profile; a token never goes to another server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ryze_tui import config
from ryze_tui.cli import target
from ryze_tui.cli.parser import Parser

FILE = """
default = "acme"
[profiles.acme]
url = "https://acme.example"
token = "token-of-acme"
[profiles.other]
url = "https://other.example"
token = "token-of-other"
"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of its own, and nothing in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("RYZE_URL", raising=False)


def find(*words: str, inherited: str = "") -> target.Target:
    """What those words lead to."""
    parser = Parser("x", "")
    target.add_arguments(parser)
    return target.find(parser.read(words), inherited)


def profiles() -> None:
    """Two of them."""
    config.path().parent.mkdir(parents=True)
    config.path().write_text(FILE)
    config.path().chmod(0o600)


def test_nobody_said_anything() -> None:
    assert find() == ("", "", "", False)
    assert find(inherited="from-the-environment").url == ""


def test_a_url_wants_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles()
    assert find("--url", "a.example", inherited="mine") == ("https://a.example", "mine", "", False)
    with pytest.raises(target.NoToken):
        find("--url", "a.example")
    monkeypatch.setenv("RYZE_URL", "b.example")
    assert find("--read-only", inherited="mine") == ("https://b.example", "mine", "", True)
    assert find("--url", "a.example", inherited="mine").url == "https://a.example"


def test_a_profile_that_was_typed_brings_its_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles()
    monkeypatch.setenv("RYZE_URL", "b.example")
    assert find("--profile", "other", inherited="of-b") == ("https://other.example", "token-of-other", "other", False)
    monkeypatch.delenv("RYZE_URL")
    assert find() == ("https://acme.example", "token-of-acme", "acme", False)
    assert find(inherited="mine").token == "mine"
    with pytest.raises(config.ConfigError, match="no profile"):
        find("--profile", "nobody")
    with pytest.raises(config.ConfigError, match="one of them"):
        find("--profile", "other", "--url", "a.example")


def test_a_token_file_is_one_line(tmp_path: Path) -> None:
    profiles()
    (tmp_path / "token").write_text("from-a-file\n")
    assert find("--token-file", str(tmp_path / "token")).token == "from-a-file"
    assert find("--token-file", str(tmp_path / "token"), "--profile", "other").token == "from-a-file"
    (tmp_path / "token").write_text("not a token\nat all\n")
    with pytest.raises(config.ConfigError) as error:
        find("--token-file", str(tmp_path / "token"))
    assert "not a token" not in str(error.value)
