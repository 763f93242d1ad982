"""The audit log: one JSON line for every write, kept on this machine only (0600). It never holds a secret."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from .. import paths
from ..redact import mask

_log = logging.getLogger(__name__)
_RESULTS: Final = {True: "ok", False: "failed", None: "unknown"}


def audit_path() -> Path:
    """Where the lines are."""
    return paths.state_dir() / "audit.log"


def record(*, at: float, action: str, profile: str, instance: str, ok: bool | None, message: str, status: int | None) -> None:
    """Append a line. `at`: Unix seconds; `ok`: None when nobody knows.

    A disk that refuses it is reported in the program's log and stops nobody's work.
    """
    line = {
        "when": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "action": action, "profile": profile, "instance": instance, "result": _RESULTS[ok], "status": status,
        "message": mask(message)[:300],
    }
    path = audit_path()
    try:
        paths.private_dir(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, (json.dumps(line, ensure_ascii=True) + "\n").encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        _log.warning("the audit line of %s could not be written to %s: %s", action, path, error.strerror)
