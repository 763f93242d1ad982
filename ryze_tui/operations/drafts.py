"""What a block held before it was switched off, kept on this machine (0600) so that it can be switched on again; no secrets."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..api.wire import Wire

_log = logging.getLogger(__name__)
MOST: Final = 1000
"""Drafts of one account that are kept; the oldest go first."""

Values = dict[str, Any]


class Drafts:
    """Of one server and token; `key` tells accounts apart without naming them. A disk that refuses is a line in the log."""

    def __init__(self, key: str) -> None:
        self._path = paths.state_dir() / "drafts" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    @property
    def path(self) -> Path:
        """Where they are."""
        return self._path

    def find(self, instance: str, wire: Wire, label: str = "") -> Values | None:
        """What was kept of a block; None when nothing was."""
        found = self._read().get(_name(instance, wire, label))
        return dict(found) if isinstance(found, dict) else None

    def keep(self, instance: str, wire: Wire, values: Mapping[str, Any], label: str = "") -> None:
        """Before it is switched off."""
        plain = {field.name: values[field.name] for field in wire.fields if not field.secret and field.name in values}
        drafts = self._read()
        drafts.pop(name := _name(instance, wire, label), None)
        drafts[name] = plain
        self._write(dict(list(drafts.items())[-MOST:]))

    def drop(self, instance: str, wire: Wire, label: str = "") -> None:
        """It is on again, or was thrown away."""
        drafts = self._read()
        if drafts.pop(_name(instance, wire, label), None) is not None:
            self._write(drafts)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            _log.warning("drafts cannot be read from %s: %s", self._path, error)
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, drafts: Mapping[str, Any]) -> None:
        try:
            paths.write_private(self._path, json.dumps(drafts))
        except OSError as error:
            _log.warning("drafts cannot be written to %s: %s", self._path, error.strerror)


def _name(instance: str, wire: Wire, label: str) -> str:
    return f"{instance}/{wire.kind}/{label}" if label else f"{instance}/{wire.kind}"
