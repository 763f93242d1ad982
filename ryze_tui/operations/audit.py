"""The audit log: one JSON line for every write, kept on this machine only (0600). It never holds a secret.

Lines are only ever appended. A file that is full is renamed as it is (`audit.log.1`, `.2`, …) and the oldest goes. Writers of any
number of programs take turns with a lock on the file, so no line is glued to another one, even to one that a full disk cut off.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import paths
from ..redact import clean, mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..api.fields import Field
    from .editing import Change
    from .outcome import Outcome

_log = logging.getLogger(__name__)
_RESULTS: Final = {True: "ok", False: "failed", None: "unknown"}
BYTES_MOST: Final = 8 << 20
"""When a file is full; with some 400 bytes a line that is 20,000 writes."""
OLDER: Final = 4
"""Full files that are kept."""
_TURNS: Final = 50
"""Hundredths of a second that a writer waits for its turn: a program that was stopped with the lock holds nobody up."""
_TEXT_MOST: Final = 300
CONSOLE: Final = "console"
COMMAND: Final = "command"
SET: Final = "set"
CHANGED: Final = "changed"
Changes = dict[str, dict[str, Any]]
"""Field -> what it was before and after (`before`, `after`)."""


def audit_path() -> Path:
    """Where the newest lines are."""
    return paths.state_dir() / "audit.log"


def older(path: Path, number: int) -> Path:
    """A full file: 1 is the newest of them."""
    return path.with_name(f"{path.name}.{number}")


@dataclass(frozen=True, slots=True)
class Auditor:
    """Puts down the writes of one account. `program`: console or command."""

    profile: str
    program: str = CONSOLE

    def put(
        self, at: float, action: str, name: str, outcome: Outcome | None, *, request: str = "", changes: Changes | None = None
    ) -> None:
        """A write; None: it was broken off, and may have been done or not. `request`: the id that the server gave it."""
        from ..i18n import _

        record(
            at=at, action=action, profile=self.profile, instance=name, ok=outcome.ok if outcome is not None else None,
            message=outcome.message if outcome is not None else _("broken off while under way: result unknown"),
            status=outcome.status if outcome is not None else None, program=self.program, request=request, changes=changes,
        )


def changes_of(review: Sequence[Change], prefix: str = "") -> Changes:
    """What a review comes to, field by field; of secrets only that they are set, or changed."""
    return {prefix + change.field.name: shown(change.field, change.now, change.yours) for change in review}


def shown(field: Field, before: Any, after: Any) -> dict[str, Any]:
    """One field before and after. None: it was not there, or nobody knows."""
    if not field.secret:
        return {"before": _plain(before), "after": _plain(after)}
    kept = SET if before is None or before else ""
    return {"before": kept, "after": "" if after == "" else CHANGED if kept and before != after else SET}


def _plain(value: Any) -> Any:
    """Strings without what looks like a secret, and not too long."""
    if isinstance(value, str):
        return mask(value)[:_TEXT_MOST]
    if isinstance(value, list):
        return [_plain(one) for one in value[:100]]
    return value if value is None or isinstance(value, (bool, int, float)) else mask(str(value))[:_TEXT_MOST]


def record(
    *, at: float, action: str, profile: str, instance: str, ok: bool | None, message: str, status: int | None,
    program: str = CONSOLE, request: str = "", changes: Mapping[str, Any] | None = None,
) -> None:
    """Append a line. `at`: Unix seconds; `ok`: None when nobody knows.

    A disk that refuses it is reported in the program's log and stops nobody's work.
    """
    line = {
        "when": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "action": action, "profile": profile, "instance": instance, "result": _RESULTS[ok], "status": status,
        "message": mask(message)[:_TEXT_MOST], "program": program, "user": _user(), "uid": os.getuid(), "from": _origin(),
        "request": clean(mask(request))[:100] or None, "changes": dict(changes or {}),
    }
    path = audit_path()
    try:
        paths.private_dir(path.parent)
        _append(path, (json.dumps(line, ensure_ascii=True) + "\n").encode())
    except OSError as error:
        _log.warning("the audit line of %s could not be written to %s: %s", action, path, error.strerror)


def _user() -> str:
    from pwd import getpwuid

    try:
        return getpwuid(os.getuid()).pw_name
    except KeyError:  # a container knows the number only
        return ""


def _origin() -> str | None:
    """The address that the SSH session of this program came from."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    return clean(words[0])[:64] if words else None


# -- the file ----------------------------------------------------------------------------------------------------------


def _append(path: Path, data: bytes) -> None:
    descriptor = _open(path)
    try:
        full = os.fstat(descriptor).st_size + len(data) > BYTES_MOST
        if full and _locked(descriptor, wait=False) and not _moved(path, descriptor):
            _rotate(path)
            os.close(descriptor)
            descriptor = _open(path)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # a full disk cut the last line off
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """The newest file, ours alone for now; when others do not let go of it, as it is: one write of a line is never mixed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if not _locked(descriptor) or not _moved(path, descriptor):
            return descriptor
        os.close(descriptor)  # somebody renamed it while we waited


def _locked(descriptor: int, *, wait: bool = True) -> bool:
    for _turn in range(_TURNS if wait else 1):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return False  # a file system without locks
        else:
            return True
    return False


def _moved(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return True
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


def _rotate(path: Path) -> None:
    for number in range(OLDER - 1, 0, -1):
        if older(path, number).exists():
            older(path, number).replace(older(path, number + 1))
    path.replace(older(path, 1))


