"""Keys and what is encrypted with them."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from ryze_tui.backend.errors import SecretError, StartupError
from ryze_tui.backend.secrets import KeyRing, default_key_file, load_keys, token_digest

OLD, NEW = b"o" * 32, b"n" * 32


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_secret_can_be_read_only_in_its_place() -> None:
    ring = KeyRing([OLD])
    sealed = ring.encrypt("s3cret", "blocks", "row", "password")
    assert ring.decrypt(sealed, "blocks", "row", "password") == "s3cret"
    assert sealed != ring.encrypt("s3cret", "blocks", "row", "password"), "never the same nonce"
    for place in (("other", "row", "password"), ("blocks", "other", "password"), ("blocks", "row", "other")):
        with pytest.raises(SecretError):
            ring.decrypt(sealed, *place)


@pytest.mark.parametrize("sealed", ["", "k1", "k1::", "k2:0000:AAAA", "plain text", "k1:{id}:!!!", "k1:{id}:AAAA"])
def test_what_was_not_made_by_us_is_refused(sealed: str) -> None:
    ring = KeyRing([OLD])
    key_id = ring.encrypt("", "t", "r", "c").split(":")[1]
    with pytest.raises(SecretError):
        ring.decrypt(sealed.replace("{id}", key_id), "t", "r", "c")


def test_a_changed_byte_is_noticed() -> None:
    ring = KeyRing([OLD])
    head, _, body = ring.encrypt("s3cret", "t", "r", "c").rpartition(":")
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1
    with pytest.raises(SecretError):
        ring.decrypt(f"{head}:{base64.b64encode(raw).decode()}", "t", "r", "c")


def test_an_older_key_still_reads_and_lookups_stay() -> None:
    old, both = KeyRing([OLD]), KeyRing([NEW, OLD])
    sealed = old.encrypt("x", "t", "r", "c")
    assert both.decrypt(sealed, "t", "r", "c") == "x"
    assert both.lookup("token") == old.lookup("token") != KeyRing([NEW]).lookup("token")
    with pytest.raises(SecretError, match="not in the key file"):
        KeyRing([NEW]).decrypt(sealed, "t", "r", "c")


def test_an_account_token_is_kept_as_sha_256() -> None:
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = load_keys(key="", key_file=None, data_exists=False)
    file = default_key_file()
    assert file == tmp_path / "config" / "ryze-tui" / "server.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = load_keys(key="", key_file=None, data_exists=True)
    assert again.decrypt(first.encrypt("x", "t", "r", "c"), "t", "r", "c") == "x"


def test_a_missing_key_is_never_replaced_while_there_is_data(tmp_path: Path) -> None:
    file = tmp_path / "server.key"
    with pytest.raises(StartupError, match="is missing"):
        load_keys(key="", key_file=file, data_exists=True)
    assert not file.exists()


@pytest.mark.parametrize(("content", "mode", "says"), [
    (text(OLD), 0o644, "chmod 600"), ("", 0o600, "is empty"),
    ("hello", 0o600, "does not hold a key"), ("\xff", 0o600, "does not hold a key"),
])  # fmt: skip
def test_key_files_that_cannot_be_used(tmp_path: Path, content: str, mode: int, says: str) -> None:
    file = tmp_path / "server.key"
    file.write_text(content, "latin-1")
    os.chmod(file, mode)
    with pytest.raises(StartupError, match=says):
        load_keys(key="", key_file=file, data_exists=False)


def test_the_environments_key_wins(tmp_path: Path) -> None:
    ring = load_keys(key=f"{text(NEW)},{text(OLD)}", key_file=tmp_path / "unused", data_exists=True)
    assert ring.decrypt(KeyRing([OLD]).encrypt("x", "t", "r", "c"), "t", "r", "c") == "x"
    with pytest.raises(StartupError, match="RYZE_KEY"):
        load_keys(key="short", key_file=None, data_exists=False)
