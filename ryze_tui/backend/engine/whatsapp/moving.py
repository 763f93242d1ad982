"""Taking one number's session out of a server that is stopped, and putting one in: a file that is the number to whoever has it.

Two copies of one session that run at once throw each other out and lose messages for good, so nothing is copied while a server
could be using it: the data directory's lock is held all the while.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import BackendError, StoreError
from .sessions import NoDevice, SessionFiles, device_of


class MovingError(BackendError):
    """It could not be done; the message says why and what to do, and nothing was changed."""


@contextmanager
def _stopped(data_dir: Path) -> Iterator[None]:
    """While no server runs on this data."""
    try:
        descriptor = os.open(data_dir / "server.lock", os.O_RDWR)
    except OSError:
        raise MovingError(f"{data_dir} holds no server's data; name the directory with --data-dir") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MovingError(f"a server runs on {data_dir}; stop it first: a session in use cannot be moved") from None
        yield
    finally:
        os.close(descriptor)


def _instance(database: Path, name: str) -> str:
    """The id of the instance with this name, or with this id."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as opened:
            query = "SELECT id FROM instances WHERE name = ?1 OR id = ?1"
            found = [str(row[0]) for row in opened.execute(query, (name,))]
    except sqlite3.Error as error:
        raise MovingError(f"{database} cannot be read ({error})") from None
    if not found:
        raise MovingError(f"there is no instance {name}")
    if len(found) > 1:
        raise MovingError(f"several accounts have an instance {name}; name it by its id: {', '.join(sorted(found))}")
    return found[0]


def take_out(data_dir: Path, database: Path, name: str, file: Path, *, move: bool) -> str:
    """Copy a session into a new file (0600), and have it here no more if it is to move; whose it is. Raises MovingError."""
    with _stopped(data_dir):
        files = SessionFiles(data_dir / "whatsapp")
        session = files.session(_instance(database, name))
        try:
            jid = device_of(session)
        except NoDevice as error:
            raise MovingError(f"{name} has no session that could be taken out: {error}") from None
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            raise MovingError(f"{file} exists already; name a new file") from None
        except OSError as error:
            raise MovingError(f"{file} cannot be written: {error.strerror}") from None
        try:
            _copy(session, file)
        except (sqlite3.Error, OSError) as error:
            file.unlink(missing_ok=True)
            raise MovingError(f"{file} cannot be written: {error}") from None
        if move:
            try:
                files.delete(session.stem)
            except StoreError as error:
                raise MovingError(f"{file} is written, but the session is still here as well: {error}") from None
        return jid


def put_in(data_dir: Path, database: Path, name: str, file: Path, *, replace: bool) -> str:
    """Make the session in a file that of an instance; returns whose it is. The file stays. Raises MovingError."""
    with _stopped(data_dir):
        files = SessionFiles(data_dir / "whatsapp")
        instance = _instance(database, name)
        if files.has(instance) and not replace:
            raise MovingError(f"{name} has a session already; with --replace the one in the file takes its place")
        if not file.is_file():
            raise MovingError(f"there is no file {file}")
        try:
            files.open()
            path = files.begin(instance, 0)
            try:
                _copy(file, path)
                _only_one(path)
                return files.adopt(instance, path)
            except BaseException:
                files.discard(path)
                raise
        except (NoDevice, sqlite3.Error) as error:
            raise MovingError(f"{file} is no session: {error}") from None
        except (StoreError, OSError) as error:
            raise MovingError(f"it could not be kept: {error}") from None


def _copy(source: Path, target: Path) -> None:
    """As SQLite does it, whatever lies beside the file; the whole of it is checked."""
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        (found,) = new.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _only_one(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        try:
            (count,) = database.execute("SELECT count(*) FROM whatsmeow_device").fetchone()
        except sqlite3.Error:
            raise NoDevice("it is not one of ours") from None
    if count != 1:
        raise NoDevice(f"it has {count} linked devices, and one is wanted")
