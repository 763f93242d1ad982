"""The key ring: AES-256-GCM for what must be read again, SHA-256 and HMAC for what must only be recognised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets as entropy
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .. import paths
from .errors import SecretError, StartupError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_VERSION: Final = "k1"


def token_digest(token: str) -> str:
    """SHA-256 of a TokenAccount, hex: all that is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """A token of 256 bits, safe in headers and URLs."""
    return entropy.token_urlsafe(32)


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"ryze-tui key id" + key).hexdigest()[:8]


class KeyRing:
    """Keys, the current one first; older ones only decrypt.

    A secret's text is `k1:<key id>:<base64 of nonce and ciphertext>`, bound to its place by AAD `table|row|column`, so that
    a ciphertext moved to another row or column cannot be read.
    """

    def __init__(self, keys: list[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise SecretError("a key is 32 bytes")
        self._current = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        # The oldest key of the ring, so that adding a new one in front keeps every lookup value as it is.
        self._lookup = HKDF(SHA256(), KEY_BYTES, None, b"ryze-tui token lookup").derive(keys[-1])

    def encrypt(self, text: str, table: str, row: str, column: str) -> str:
        """Encrypt `text` for exactly this place."""
        nonce = os.urandom(NONCE_BYTES)
        aad = f"{table}|{row}|{column}".encode()
        sealed = self._ciphers[self._current].encrypt(nonce, text.encode("utf-8", "surrogatepass"), aad)
        return f"{_VERSION}:{self._current}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, sealed: str, table: str, row: str, column: str) -> str:
        """Read what `encrypt` made for this place. Raises SecretError."""
        version, _, rest = sealed.partition(":")
        key_id, _, body = rest.partition(":")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise SecretError(f"{table}.{column} was written with a key that is not in the key file")
        try:
            raw = base64.b64decode(body, validate=True)
            text = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], f"{table}|{row}|{column}".encode())
        except (InvalidTag, ValueError) as error:
            raise SecretError(f"{table}.{column} cannot be decrypted: it was changed or moved") from error
        return text.decode("utf-8", "surrogatepass")

    def encrypt_bytes(self, data: bytes, table: str, row: str, column: str) -> bytes:
        """The same for what is no text: `k1:<key id>:`, nonce and ciphertext as they are."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, data, f"{table}|{row}|{column}".encode())
        return f"{_VERSION}:{self._current}:".encode() + nonce + sealed

    def decrypt_bytes(self, sealed: bytes, table: str, row: str, column: str) -> bytes:
        """Read what `encrypt_bytes` made for this place. Raises SecretError."""
        version, _, rest = sealed.partition(b":")
        key_id, _, raw = rest.partition(b":")
        cipher = self._ciphers.get(key_id.decode("latin-1"))
        if version != _VERSION.encode() or cipher is None:
            raise SecretError(f"{table}.{column} was written with a key that is not in the key file")
        try:
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], f"{table}|{row}|{column}".encode())
        except (InvalidTag, ValueError) as error:
            raise SecretError(f"{table}.{column} cannot be decrypted: it was changed or moved") from error

    def derived(self, purpose: str, row: str) -> bytes:
        """A key for one purpose and place, always the same while the ring's first key is."""
        return hmac.new(self._lookup, f"{purpose}|{row}".encode(), hashlib.sha256).digest()

    def lookup(self, token: str) -> str:
        """HMAC-SHA-256 of a TokenInstance, hex: how its row is found without decrypting any."""
        return hmac.new(self._lookup, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _parse_key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StartupError(f"{where} does not hold a key: 32 bytes in base64 are wanted (openssl rand -base64 32 makes one)")
    return key


def default_key_file() -> Path:
    """Outside every data directory, so that a copy of the data is of no use without it."""
    return paths.config_dir() / "server.key"


def _read_key_file(path: Path) -> list[bytes]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii", errors="replace")
    except OSError as error:
        raise StartupError(f"the key file {path} cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise StartupError(f"the key file {path} can be read by others; run: chmod 600 {path}")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise StartupError(f"the key file {path} is empty; put the key back that the data was written with")
    return [_parse_key(line, f"the key file {path}") for line in lines]


def _make_key_file(path: Path) -> None:
    """Whole or not at all: killed in between, nothing is there that looks like a key that was lost."""
    text = base64.b64encode(os.urandom(KEY_BYTES)).decode() + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        paths.private_dir(path.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _give_name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StartupError(f"no key file could be made at {path}: {error.strerror}; choose another with --key-file") from error


def _give_name(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:  # another server starting at the same moment made it
        return
    except OSError:  # a file system without links
        temporary.rename(path)


def load_keys(*, key: str, key_file: Path | None, data_exists: bool) -> KeyRing:
    """The key ring of a server. `key` (RYZE_KEY) wins over the file.

    A missing file is made only where there is no data yet: a new key could not read what is there. Raises StartupError.
    """
    if key:
        return KeyRing([_parse_key(part, "RYZE_KEY") for part in key.split(",")])
    path = key_file or default_key_file()
    if not path.exists():
        if data_exists:
            raise StartupError(
                f"the key file {path} is missing and the data was encrypted with it; put it back, or name it with --key-file"
            )
        _make_key_file(path)
    return KeyRing(_read_key_file(path))
