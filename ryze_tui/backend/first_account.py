"""The account that a server makes by itself, and where its token comes from: the environment, else a file beside the data."""

from __future__ import annotations

import logging
import secrets as entropy
from pathlib import Path
from typing import Final

from .. import paths
from .accounts import FIRST
from .errors import StartupError
from .secrets import new_token, token_digest
from .settings import Settings
from .store.rows import AccountRow, Store

log = logging.getLogger(__name__)

TOKEN_FILE: Final = "account-token"


def token_file(settings: Settings) -> Path:
    """Where the first account's token is kept when nobody gave one."""
    return settings.data_dir / TOKEN_FILE


def _write_token(file: Path, token: str) -> None:
    try:
        paths.write_private(file, token + "\n")
    except OSError as error:
        raise StartupError(f"the account's token could not be written to {file}: {error.strerror}") from error
    log.info("the account's token is in %s", file)


def _kept(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


async def _given(store: Store, settings: Settings, accounts: list[AccountRow], revoked: set[str]) -> str:
    """RYZE_ACCOUNT_TOKEN, unless it was revoked. Raises StartupError when somebody else has it."""
    token = settings.account_token
    if not token:
        return ""
    digest = token_digest(token)
    if digest in revoked:
        log.warning("RYZE_ACCOUNT_TOKEN holds a token that was revoked by `account rotate` or `account remove`; it is ignored")
        return ""
    if any(row.digest == digest and row.name != FIRST for row in accounts) or await store.is_instance_token(token):
        raise StartupError("RYZE_ACCOUNT_TOKEN is the token of another account or of an instance already; give another one")
    return token


async def first_account(store: Store, settings: Settings, now: float) -> str:
    """The first account's id; its token is the environment's, else the file's, else a new one in the file.

    Empty when it was removed, or is being removed: it is made anew only for a new token in RYZE_ACCOUNT_TOKEN.
    Raises StartupError, StoreError.
    """
    accounts, revoked = await store.accounts(), await store.revoked_tokens()
    first = next((row for row in accounts if row.name == FIRST), None)
    token, file = await _given(store, settings, accounts, revoked), token_file(settings)
    if (kept := _kept(file)) and token_digest(kept) in revoked:  # a kill came between the database and the file
        drop_token(settings)
    if first is None:
        return await _make(store, file, token, now) if token or not accounts else ""
    if first.removing:
        return ""
    if token and token_digest(token) != first.digest:
        await store.set_account_token(first.id, token_digest(token))
        file.unlink(missing_ok=True)
        log.info("the account's token was replaced by RYZE_ACCOUNT_TOKEN")
    elif not token and not settings.account_token and not file.exists():
        log.warning("the account's token was given at an earlier start and is not kept; set RYZE_ACCOUNT_TOKEN to give another")
    return first.id


async def _make(store: Store, file: Path, token: str, now: float) -> str:
    if not token:
        token = new_token()
        _write_token(file, token)
    account = entropy.token_hex(16)
    await store.add_account(account, FIRST, token_digest(token), now)
    return account


def keep_token(settings: Settings, token: str) -> bool:
    """After a rotation: a file that holds the dead token gets the new one. False when that failed; then no file is left."""
    file = token_file(settings)
    if not file.exists():
        return True
    try:
        paths.write_private(file, token + "\n")
    except OSError as error:
        log.error("the account's new token could not be written to %s: %s", file, error.strerror)
        drop_token(settings)
        return False
    return True


def drop_token(settings: Settings) -> None:
    """A token that is dead is not left lying about."""
    try:
        token_file(settings).unlink(missing_ok=True)
    except OSError as error:
        log.error("%s holds a token that is dead and cannot be removed: %s", token_file(settings), error.strerror)
