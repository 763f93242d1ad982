"""Where our files are: the XDG directories, ours inside each, made 0700 when first used."""

from __future__ import annotations

import os
from pathlib import Path

from .i18n import _

APP = "ryze-tui"


class NoHome(RuntimeError):
    """Nobody knows where this user's files are."""


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    if value.startswith("/"):  # the specification says that a relative path is to be ignored
        return Path(value)
    try:
        return Path.home() / fallback
    except RuntimeError:
        raise NoHome(_(
            "this user has no home directory, so there is no place for configuration and logs: set HOME, or XDG_CONFIG_HOME, "
            "XDG_STATE_HOME, XDG_CACHE_HOME and XDG_DATA_HOME."
        )) from None


def config_dir() -> Path:
    """Configuration, profiles, keys."""
    return _base("XDG_CONFIG_HOME", ".config") / APP


def data_dir() -> Path:
    """The local server's database."""
    return _base("XDG_DATA_HOME", ".local/share") / APP


def state_dir() -> Path:
    """Logs, crash files, history."""
    return _base("XDG_STATE_HOME", ".local/state") / APP


def runtime_dir() -> Path:
    """What lives no longer than a session: in memory where the system has a place for that, else beside the state."""
    value = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(value) / APP if value.startswith("/") and Path(value).is_dir() else state_dir() / "run"


def cache_dir() -> Path:
    """What can be fetched again."""
    return _base("XDG_CACHE_HOME", ".cache") / APP


def private_dir(path: Path) -> Path:
    """Make a directory that only its owner can enter, and those above it that are missing alike; returns it."""
    for missing in reversed([above for above in path.parents if not above.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)  # `parents` would make them as the umask says
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file at once and readable by its owner only (0600)."""
    private_dir(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
