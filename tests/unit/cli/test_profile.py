"""`ryze-tui profile`: what it makes of the configuration file, where tokens are kept, and what it refuses."""

from __future__ import annotations

import io
import json
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ryze_tui import cli, config
from ryze_tui.config import saving, tokens

TOKEN = "a-token-of-the-tests-1234"
WRITTEN = """\
# mine
language = "pt_BR"  # spoken here
default = "old"

[profiles.old]
url = "https://old.example"  # do not touch
token = "the-old-token-000"

[profiles."with space"]
url = "https://space.example"
token_command = ["pass", "show"]
read_only = true
"""


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("RYZE_URL", "RYZE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return config.path()


def write(file: Path, text: str = WRITTEN) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)


def said(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())


def run(monkeypatch: pytest.MonkeyPatch, *words: str, given: str = "") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    return cli.main(["profile", *words])


def test_the_first_one_is_the_default(file: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    assert run(monkeypatch, "add", "acme", "--url", "ryzeapi.cloud/", given=TOKEN + "\n") == 0
    kept = tokens.kept_file("acme")
    assert said(file) == {"default": "acme", "profiles": {"acme": {"url": "https://ryzeapi.cloud", "token_file": str(kept)}}}
    assert (kept.read_text(), kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (TOKEN + "\n", 0o600, 0o700)
    found = config.load_profile()
    assert found is not None and (found.token, found.read_only) == (TOKEN, False)
    assert run(monkeypatch, "add", "b", "--url", "http://b.example", "--read-only", "--token-command", "pass 'show me' b") == 0
    assert said(file)["default"] == "acme"
    command = ["pass", "show me", "b"]
    assert said(file)["profiles"]["b"] == {"url": "http://b.example", "token_command": command, "read_only": True}
    assert TOKEN not in "".join(capsys.readouterr())


def test_comments_and_everything_else_stay(file: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    write(file)
    assert run(monkeypatch, "add", "new", "--url", "https://new.example", "--use", given=TOKEN) == 0
    assert said(file)["default"] == "new"
    assert run(monkeypatch, "use", "with space") == 0
    assert run(monkeypatch, "remove", "new", "--yes") == 0
    assert file.read_text() == WRITTEN.replace('default = "old"', 'default = "with space"')
    assert not tokens.kept_file("new").exists()
    assert run(monkeypatch, "remove", "with space", "--yes") == 0
    assert "default" not in said(file) and "# do not touch" in file.read_text()
    assert run(monkeypatch, "remove", "old", "--yes") == 0
    assert said(file) in ({"language": "pt_BR"}, {"language": "pt_BR", "profiles": {}})
    assert config.load().problems == () and file.stat().st_mode & 0o777 == 0o600


def test_another_token(file: Path, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write(file)
    assert run(monkeypatch, "set-token", "old", given="another-token-111") == 0
    assert said(file)["profiles"]["old"] == {"url": "https://old.example", "token_file": str(tokens.kept_file("old"))}
    before = file.read_text()
    assert run(monkeypatch, "set-token", "old", given="a-third-token-2222") == 0
    assert file.read_text() == before and tokens.kept_file("old").read_text() == "a-third-token-2222\n"
    own = tmp_path / "own.token"
    own.write_text(TOKEN)
    own.chmod(0o644)
    assert run(monkeypatch, "set-token", "old", "--token-file", str(own)) == 2
    assert file.read_text() == before
    own.chmod(0o600)
    assert run(monkeypatch, "set-token", "old", "--token-file", str(own)) == 0
    assert said(file)["profiles"]["old"]["token_file"] == str(own) and not tokens.kept_file("old").exists()
    assert run(monkeypatch, "remove", "old", "--yes") == 0
    assert own.exists()  # it is the person's
    assert run(monkeypatch, "set-token", "with space", given=TOKEN) == 2


class Keyring:
    """In place of the desktop's."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, name: str, token: str) -> None:
        self.kept[service, name] = token

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def test_the_keyring(file: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import keyring

    mine = Keyring()
    for name in ("set_password", "get_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(mine, name))
    assert run(monkeypatch, "add", "acme", "--url", "https://a.example", "--keyring", given=TOKEN) == 0
    assert said(file)["profiles"]["acme"] == {"url": "https://a.example", "keyring": True}
    assert run(monkeypatch, "set-token", "acme", given="renewed-token-0000") == 0
    assert mine.kept == {("ryze-tui", "acme"): "renewed-token-0000"}
    assert run(monkeypatch, "remove", "acme", "--yes") == 0
    assert mine.kept == {}


def test_what_is_told_and_what_is_not(file: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    write(file)
    assert run(monkeypatch, "list") == run(monkeypatch, "show", "old") == 0
    out = capsys.readouterr().out
    assert "https://old.example" in out and "from pass" in out and "read-only" in out and "default" in out
    assert "the-old-token-000" not in out and "-000" in out
    assert run(monkeypatch, "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["default"] == "old"
    assert [(one["name"], one["source"], one["where"], one["token"]) for one in told["profiles"]] == [
        ("old", "token", "", "••••••••-000"), ("with space", "token_command", "pass", None),
    ]  # fmt: skip
    write(file, 'thema = "x"\n')
    assert run(monkeypatch, "list", "--json") == 2
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "config"


@pytest.mark.parametrize(("words", "given"), [
    ("add acme", TOKEN), ("add --url http://a", TOKEN), ("list old", ""), ("use", ""), ("use nobody", ""), ("use old --yes", ""),
    ("remove nobody --yes", ""), ("remove old", "old\n"), ("set-token nobody", TOKEN), ("show nobody", ""),
    ("add old --url http://a", TOKEN), ("add ../x --url http://a", TOKEN), ("add 'a b' --url http://a", TOKEN),
    ("add x --url ftp://a", TOKEN), ("add x --url http://a", ""), ("add x --url http://a", "two words\n"),
    ("add x --url http://a --keyring --token-command x", ""), ("add x --url http://a --token-command '\"'", ""),
    ("add x --url http://a --keyring --token-file /x", ""), ("add x --url http://a --token-file /no", ""),
])  # fmt: skip
def test_what_is_refused_leaves_everything_as_it_was(file: Path, monkeypatch, words, given) -> None:  # type: ignore[no-untyped-def]
    write(file)
    assert run(monkeypatch, *shlex.split(words), given=given) == 2
    assert file.read_text() == WRITTEN
    assert not list(file.parent.glob("tokens/*"))


def test_a_token_is_no_argument(file: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as left:
        run(monkeypatch, "add", "x", "--url", "http://a", "--token", TOKEN)
    assert left.value.code == 2 and TOKEN not in capsys.readouterr().err


def test_a_file_that_cannot_be_written_leaves_no_token_behind(file: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    write(file, "profiles = {}\n")  # right, but not to be changed safely
    monkeypatch.setattr(saving, "_same", lambda one, other: False)
    assert run(monkeypatch, "add", "acme", "--url", "http://a", given=TOKEN) == 2
    assert not tokens.kept_file("acme").exists() and file.read_text() == "profiles = {}\n"
