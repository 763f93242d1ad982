"""What a block held before it was switched off, and what was typed when the terminal went away; kept on this machine (0600).

No secrets. `typed` tells the two apart.
"""

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

    def find(self, instance: str, wire: Wire, label: str = "", *, typed: bool = False) -> Values | None:
        """What was kept of a block; None when nothing was."""
        found = self._read().get(_name(instance, wire, label, typed))
        return dict(found) if isinstance(found, dict) else None

    def keep(self, instance: str, wire: Wire, values: Mapping[str, Any], label: str = "", *, typed: bool = False) -> None:
        """Before it is switched off, or before what was `typed` would be lost."""
        plain = {field.name: values[field.name] for field in wire.fields if not field.secret and field.name in values}
        drafts = self._read()
        drafts.pop(name := _name(instance, wire, label, typed), None)
        drafts[name] = plain
        self._write(dict(list(drafts.items())[-MOST:]))

    def drop(self, instance: str, wire: Wire, label: str = "", *, typed: bool = False) -> None:
        """It is on again, or saved, or was thrown away."""
        drafts = self._read()
        if drafts.pop(_name(instance, wire, label, typed), None) is not None:
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


def _name(instance: str, wire: Wire, label: str, typed: bool) -> str:
    whose = f"~{instance}" if typed else instance  # no name has a ~
    return f"{whose}/{wire.kind}/{label}" if label else f"{whose}/{wire.kind}"
