"""Which hidden secrets this machine sent last: no read tells them, and the second apply is to know that it has nothing to do.

Of each only a keyed fingerprint of 64 bits is kept (fleet/keeping.py says why nothing leads back from it), 0600.
"""

from __future__ import annotations

import json
import logging

from ... import paths
from ...fleet import keeping

_log = logging.getLogger(__name__)


class Known:
    """Of one server and token. A disk that refuses, or `RYZE_NO_CACHE`: nothing is known, and secrets are sent again."""

    def __init__(self, url: str, token: str) -> None:
        name = keeping.fingerprint(url, token, make=True) if keeping.wanted() else ""
        self._path = paths.state_dir() / "apply" / f"{name}.secrets.json" if name else None
        self._salt = f"{url} {token}"
        self._all = self._read()

    def _read(self) -> dict[str, str]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}

    def same(self, instance: str, kind: str, field: str, value: str) -> bool:
        """Whether this was the last one that was sent."""
        return bool(value) and self._all.get(f"{instance}/{kind}/{field}") == self._print(instance, kind, field, value)

    def sent(self, instance: str, kind: str, field: str, value: str) -> None:
        """The server took it."""
        self._all = self._read() | {f"{instance}/{kind}/{field}": self._print(instance, kind, field, value)}
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            paths.write_private(self._path, json.dumps(self._all))
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)

    def forget(self, instance: str) -> None:
        """It was deleted, or made anew."""
        found = self._read()
        self._all = {key: value for key, value in found.items() if not key.startswith(f"{instance}/")}
        if len(self._all) < len(found):
            self._write()

    def _print(self, instance: str, kind: str, field: str, value: str) -> str:
        return keeping.fingerprint(self._salt, "\0".join((instance, kind, field, value)))
