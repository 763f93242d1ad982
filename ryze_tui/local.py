"""Servers on this machine, as child processes: one that ends with us (demo), one that stays (detached).

Only process handling: the console never imports the backend; it starts `python -m ryze_tui serve` and talks HTTP to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from . import inherited, paths
from .i18n import _

READY: Final = "ryze-tui: serving on "
_WAIT: Final = 30.0


class ServerError(Exception):
    """A server that could not be started or stopped; the text says why."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """Where it answers and the account's token."""

    url: str
    token: str = field(repr=False)
    pid: int = 0


_children: list[subprocess.Popen[bytes]] = []
_directories: list[Path] = []
_locks: list[int] = []


def _start(*words: str, **more: Any) -> subprocess.Popen[bytes]:
    """`ryze-tui serve` in a session of its own. Raises ServerError."""
    argv = [sys.executable, "-m", "ryze_tui", "serve", *words]
    try:
        return subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True, **more)
    except OSError as error:
        raise ServerError(_("The server did not start: {why}").format(why=error.strerror)) from error


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the ready line; returns the URL. Raises ServerError with what the server said instead."""
    assert process.stdout is not None
    told, _w, _x = select.select([process.stdout], [], [], _WAIT)
    line = process.stdout.readline().decode("utf-8", "replace").strip() if told else ""
    process.stdout.close()
    if line.startswith(READY):
        return line.removeprefix(READY)
    process.kill()
    process.wait()
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] if log.exists() else []
    raise ServerError(_("The server did not start: {why}").format(why=said[0] if said else _("it said nothing within 30 s")))


def _environment(token: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("RYZE_TOKEN", "RYZE_URL", "RYZE_KEY")}
    environment["RYZE_ACCOUNT_TOKEN"] = token
    return environment


async def start_demo(*extra: str) -> LocalServer:
    """A simulated server with a dozen instances; it ends with this process and keeps nothing. Raises ServerError."""
    return await asyncio.to_thread(start_demo_now, *extra)


def start_demo_now(*extra: str) -> LocalServer:
    """As `start_demo`, where no event loop runs yet."""
    token = secrets.token_hex(16)
    directory, lock = _demo_directory()
    log = directory / "server.log"
    with log.open("wb") as stderr:
        process = _start(
            *("--engine", "simulated", "--port", "0", "--simulator-instances", "12", "--simulator-names", "demo"),
            *("--data-dir", str(directory / "data"), "--key-file", str(directory / "key"), "--exit-with-parent"),
            *extra,
            stdin=subprocess.PIPE,
            stderr=stderr,
            env=_environment(token),
            pass_fds=(lock,),
        )
    _children.append(process)
    _remove_stale()  # now, while the server starts
    return LocalServer(_ready(process, log), token, process.pid)


_DEMO: Final = "ryze-tui-demo-"


def _demo_directory() -> tuple[Path, int]:
    """A directory for a demo, and its lock: it is held as long as we or the server, which inherits it, are there."""
    try:
        directory = Path(tempfile.mkdtemp(prefix=_DEMO))
        _directories.append(directory)
        lock = os.open(directory / "new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _locks.append(lock)
        with contextlib.suppress(OSError):  # a file system without locks: then nobody removes it but us
            fcntl.flock(lock, fcntl.LOCK_EX)
            (directory / "new").rename(directory / "lock")  # only now: a lock that is there and free is a stale one
    except OSError as error:
        raise ServerError(_("The server did not start: {why}").format(why=error.strerror)) from error
    return directory, lock


def _remove_stale() -> None:
    """Remove the directories of our own demos that were killed, program and server."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_DEMO}*"):
        try:
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            lock = os.open(directory / "lock", os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(directory)
        except OSError:
            continue
        finally:
            os.close(lock)


def end_children() -> None:
    """End the demo servers of this process and remove what they kept. Called at the very end; again, it does nothing."""
    for process in _children:
        process.terminate()
    for process in _children:
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for directory in _directories:
        remove_tree(directory)
    for lock in _locks:
        os.close(lock)
    for kept in (_children, _directories, _locks):
        kept.clear()


def remove_tree(directory: Path) -> None:
    """Remove a directory of ours with everything in it."""
    import shutil

    shutil.rmtree(directory, ignore_errors=True)


# -- the server that stays ---------------------------------------------------------------------------------------------


def pid_file() -> Path:
    """Where the detached server is noted: its process, start time and URL."""
    return paths.state_dir() / "server.json"


def _born(pid: int) -> str:
    """The kernel's start time of a process: tells it from another one that got the same number later."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


@dataclass(frozen=True, slots=True)
class Detached:
    """The server that stays. `started`: Unix seconds, 0 when it was noted without."""

    pid: int
    url: str
    born: str
    started: float


def noted() -> Detached | None:
    """The detached server, or None when none runs: the number alone proves nothing, the kernel gives it to others later."""
    try:
        note = json.loads(pid_file().read_text(encoding="utf-8"))
        started = note.get("started", 0)
        found = Detached(int(note["pid"]), str(note["url"]), str(note["born"]), float(started))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if found.born and _born(found.pid) == found.born else None


def running() -> tuple[int, str] | None:
    """(pid, URL) of the detached server, or None when none runs."""
    found = noted()
    return None if found is None else (found.pid, found.url)


def log_file() -> Path:
    """What the detached server says (0600)."""
    return paths.state_dir() / "server.log"


def token_file() -> Path:
    """Where the detached server keeps its account's token."""
    return paths.data_dir() / "account-token"


def _kept_token() -> str:
    try:
        return token_file().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ServerError(_("{path} cannot be read: {problem}").format(path=token_file(), problem=error.strerror)) from error


async def start_detached(engine: str = "simulated", port: int = 8080) -> LocalServer:
    """Start the server that stays, or find it running. Its data is in the XDG data directory. Raises ServerError."""
    return await asyncio.to_thread(_start_detached, engine, port)


def _start_detached(engine: str, port: int) -> LocalServer:
    if found := running():
        return LocalServer(found[1], _kept_token(), found[0])
    try:
        paths.private_dir(paths.data_dir())
        paths.private_dir(paths.state_dir())
    except OSError as error:
        raise ServerError(_("The server did not start: {why}").format(why=f"{error.filename}: {error.strerror}")) from error
    log = log_file()
    ours = ("RYZE_TOKEN", "RYZE_URL", "RYZE_ACCOUNT_TOKEN")  # it makes its own token, and keeps it where we look for it
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    if inherited.server_key:
        environment["RYZE_KEY"] = inherited.server_key
    words = ("--engine", engine, "--port", str(port), "--data-dir", str(paths.data_dir()))
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)  # one that was there already keeps its mode
    except OSError as error:
        raise ServerError(_("The server did not start: {why}").format(why=f"{log}: {error.strerror}")) from error
    with os.fdopen(descriptor, "wb") as stderr:
        process = _start(*words, stdin=subprocess.DEVNULL, stderr=stderr, env=environment)
    url = _ready(process, log)
    note = {"pid": process.pid, "born": _born(process.pid), "url": url, "started": time.time()}
    paths.write_private(pid_file(), json.dumps(note))
    _detached.append(process)
    return LocalServer(url, _kept_token(), process.pid)


_detached: list[subprocess.Popen[bytes]] = []  # kept, so that nobody warns about a child that is meant to stay


def stop_detached() -> str:
    """Stop the server that stays; returns its URL. Raises ServerError when none runs or it does not stop."""
    found = noted()
    if found is None:
        raise ServerError(_("No local server is running."))
    try:
        process = os.pidfd_open(found.pid)  # from here on it is this process and no other that is meant
    except OSError:
        raise ServerError(_("No local server is running.")) from None
    try:
        if _born(found.pid) != found.born:
            raise ServerError(_("No local server is running."))
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], 15)[0]:
            words = _("The server (process {pid}) does not stop within 15 s; its log is {log}.")
            raise ServerError(words.format(pid=found.pid, log=log_file()))
    except PermissionError as error:
        raise ServerError(_("The server (process {pid}) is another user's.").format(pid=found.pid)) from error
    finally:
        os.close(process)
    pid_file().unlink(missing_ok=True)
    return found.url
