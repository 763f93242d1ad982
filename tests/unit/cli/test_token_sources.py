"""Where a profile's token comes from: each way, and every way it can fail, with words that never hold a token."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from ryze_tui import config, redact
from ryze_tui.config import ConfigError, load_profile, tokens

from ...pace import patient

TOKEN = "token-of-acme-0123456789"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    redact.forget_all()


def profile(source: str) -> None:
    """The file with one profile, and in it where its token is."""
    config.path().parent.mkdir(parents=True, exist_ok=True)
    config.path().write_text(f'[profiles.acme]\nurl = "https://a.example"\n{source}\n')


def command(script: str) -> None:
    profile(f"token_command = {[sys.executable, '-c', script]!r}".replace("'", '"') if '"' not in script and "'" not in script
            else f"token_command = ['''{sys.executable}''', '''-c''', '''{script}''']")  # fmt: skip


def refused() -> str:
    with pytest.raises(ConfigError) as error:
        load_profile()
    return str(error.value)


def test_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "acme.token"
    path.touch(mode=0o600)
    path.write_text(TOKEN + "\n")
    profile('token_file = "~/acme.token"\nread_only = true')
    assert load_profile() == config.Profile("acme", "https://a.example", TOKEN, read_only=True)
    path.chmod(0o640)
    assert refused() == f"profile acme: token_file: others on this machine can read {path}. Mend it with: chmod 600 {path}"
    path.chmod(0o600)
    path.write_bytes(b"two words of " + TOKEN.encode())
    assert TOKEN not in refused() and "holds no token" in refused()
    path.write_bytes(b"\xff")
    assert "holds no token" in refused()
    path.unlink()
    assert refused().endswith("cannot be read: No such file or directory.")
    path.mkdir()
    assert refused().endswith("is a directory.")


def test_a_program_prints_it() -> None:
    command(f'print("{TOKEN}"); print("more")')
    assert load_profile() == config.Profile("acme", "https://a.example", TOKEN)


def test_the_program_gets_no_token_of_ours_and_an_empty_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RYZE_TOKEN", "RYZE_ACCOUNT_TOKEN", "RYZE_KEY"):
        monkeypatch.setenv(name, "a-secret-of-the-environment")
    monkeypatch.setenv("MINE", "kept")
    command(
        'import os, sys; bad = "a-secret-of-the-environment" in os.environ.values(); '
        'print("leaked" if bad or sys.stdin.read() else os.environ["MINE"] + "-" + os.environ["RYZE_PROFILE"])'
    )
    found = load_profile()
    assert found is not None and found.token == "kept-acme"
    assert os.environ["RYZE_TOKEN"]  # ours is taken out by whoever starts us, not here


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    profile(f'token_command = ["echo", "$(touch {tmp_path}/made);x"]')
    assert "printed no token" in refused()  # it has a space; and nothing was run
    assert not (tmp_path / "made").exists()


def test_a_program_that_fails_is_quoted_masked() -> None:
    command(f'import sys; print("{TOKEN}"); print("first", file=sys.stderr); sys.exit("token: {TOKEN} \\x1b[2Jrefused")')
    said = refused()
    assert said.startswith(f"profile acme: token_command: {sys.executable} failed (exit code 1): ")
    assert TOKEN not in said and "\x1b" not in said and "refused" in said and "first" not in said
    command("raise SystemExit(3)")
    assert refused().endswith("failed (exit code 3) and said nothing.")
    command("pass")
    assert "printed no token" in refused()
    profile('token_command = ["no-such-program-anywhere"]')
    assert refused() == "profile acme: token_command: no-such-program-anywhere: No such file or directory."


def test_a_program_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "COMMAND_SECONDS", 0.3)
    # a grandchild holds the output open: nobody waits for that either
    profile('token_command = ["sh", "-c", "sleep 30 & sleep 30"]')
    began = time.monotonic()
    assert "did not end within" in refused()
    assert time.monotonic() - began < patient(10)


class Kept(KeyringBackend):
    """A keyring in memory, behind the real package."""

    priority = 1  # type: ignore[assignment]
    kept: dict[tuple[str, str], str] = {}
    locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked(f"it holds {TOKEN}")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_keyring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(kept := Kept())
    try:
        profile("keyring = true")
        assert refused().endswith("Store it with: keyring set ryze-tui acme")
        keyring.set_password("ryze-tui", "acme", TOKEN)
        assert load_profile() == config.Profile("acme", "https://a.example", TOKEN)
        kept.locked = True
        assert refused() == "profile acme: the keyring does not answer: KeyringLocked"
    finally:
        keyring.set_keyring(before)


def test_the_keyring_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as when it is not installed
    profile("keyring = true")
    assert refused().endswith('pip install "ryze-tui[keyring]"')


def test_saving_a_profile_leaves_it_one_token() -> None:
    profile('token_command = ["pass", "x"] # mine\nread_only = true')
    config.save_profile(config.Profile("acme", "https://b.example", TOKEN))
    assert load_profile() == config.Profile("acme", "https://b.example", TOKEN, read_only=True)
