"""The sessions on the disk: one SQLite file per instance, as neonize writes it, for its owner's eyes only.

A pairing writes into a file of its own, which takes the session's place once a phone has accepted: until then, and whatever
happens meanwhile, the session from before is what there is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
from pathlib import Path
from typing import Final

from .... import paths
from ...errors import StoreError
from ..port import Saved

log = logging.getLogger(__name__)

SESSION: Final = ".session"
PAIRING: Final = ".pairing"
UNSAVED: Final = ".unsaved"
"""Beside a session: messages that it got and the server has not yet on its disk (worker/unsaved.py)."""
BROKEN: Final = "the saved session's file is damaged: put a copy back, or pair it again"
_BESIDE: Final = ("", "-journal", "-wal", "-shm")
_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PATIENCE: Final = 2.0


class NoDevice(Exception):
    """There is no linked device in a file; the text says what there is instead."""


class SessionFiles:
    """Blocking, and quick; instances by id. Everything raises StoreError when the disk does not do its part."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def session(self, instance: str) -> Path:
        """Where an instance's session is, or would be."""
        return self._file(instance, SESSION)

    def pairing(self, instance: str, attempt: int) -> Path:
        """Where one attempt at a pairing is written."""
        return self._file(instance, f".{attempt}{PAIRING}")

    def _file(self, instance: str, suffix: str) -> Path:
        if not _NAME.fullmatch(instance):
            raise StoreError("an instance's id that cannot be a file's name")
        return self.directory / f"{instance}{suffix}"

    def open(self) -> dict[str, Saved]:
        """Every session that is there, by instance; pairings that were cut off are finished, or thrown away."""
        try:
            paths.private_dir(self.directory)
            for file in sorted(self.directory.glob(f"*{PAIRING}")):
                self._finish(file)
            found = {}
            for file in sorted(self.directory.glob(f"*{SESSION}")):
                file.chmod(0o600)
                found[file.stem] = _look(file)
        except OSError as error:
            raise StoreError(f"{self.directory} cannot be used: {error.strerror}") from error
        return found

    def _finish(self, file: Path) -> None:
        instance = file.name.partition(".")[0]
        try:
            self.adopt(instance, file)
            log.info("a pairing of instance %s that was cut off after the phone accepted it is kept", instance)
        except NoDevice:
            self.discard(file)

    def has(self, instance: str) -> bool:
        """Whether a session is kept."""
        return self.session(instance).exists()

    def begin(self, instance: str, attempt: int) -> Path:
        """An empty file for a pairing."""
        path = self.pairing(instance, attempt)
        self._remove(path)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(f"{self.directory} cannot be written: {error.strerror}") from error
        return path

    def adopt(self, instance: str, path: Path) -> str:
        """What was paired is the session from now on; whose it is. Nobody may have the file open. Raises NoDevice as well."""
        session = self.session(instance)
        jid = device_of(path)
        if not _is_of(session, jid):
            self._remove(unsaved_of(session))  # another number's
        try:
            for suffix in _BESIDE[1:]:
                Path(f"{session}{suffix}").unlink(missing_ok=True)
            path.replace(session)
            for suffix in _BESIDE[1:]:
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            self._settle()
        except OSError as error:
            raise StoreError(f"{self.directory} cannot be written: {error.strerror}") from error
        return jid

    def discard(self, path: Path) -> None:
        """Nothing came of a pairing."""
        self._remove(path)

    def delete(self, instance: str) -> None:
        """Forget a session for good, and what it got and nobody has."""
        session = self.session(instance)
        self._remove(session)
        self._remove(unsaved_of(session))

    def _remove(self, path: Path) -> None:
        try:
            there = path.exists()
            for suffix in reversed(_BESIDE):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            if there:
                self._settle()
        except OSError as error:
            raise StoreError(f"{path.name} cannot be deleted: {error.strerror}") from error

    def _settle(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def unsaved_of(session: Path) -> Path:
    """Where what it got waits."""
    return session.with_suffix(UNSAVED)


def device_of(path: Path) -> str:
    """Whose device is linked in a file: the user's JID; what a crash left half written is undone. Raises NoDevice."""
    if not path.exists():
        raise NoDevice("there is no such file")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as database:
            row = database.execute("SELECT jid FROM whatsmeow_device").fetchone()
            # Everything in the one file: nothing beside it matters once it is closed.
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        empty = "no such table" in str(error)
        raise NoDevice("nothing was paired in it" if empty else f"it cannot be read as a session ({error})") from None
    if row is None or not isinstance(row[0], str) or "@" not in row[0]:
        raise NoDevice("no device is linked in it")
    user, _, server = row[0].partition("@")
    return f"{user.partition(':')[0].partition('.')[0]}@{server}"


def _is_of(session: Path, jid: str) -> bool:
    try:
        return device_of(session) == jid
    except NoDevice:
        return False


def _look(file: Path) -> Saved:
    try:
        return Saved(device_of(file))
    except NoDevice as error:
        log.warning("%s: %s", file.name, error)
        return Saved(broken=BROKEN)
