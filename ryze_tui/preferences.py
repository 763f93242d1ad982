"""How the console looks and behaves for this person: from the configuration file and the command line, handed to the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NO_KEYS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Preferences:
    """`language`, `theme`: empty for the default; `ascii` None: as the terminal needs it.

    `keys`: id of an action -> keys as Textual writes them, `r,f5`.
    """

    language: str = ""
    theme: str = ""
    ascii: bool | None = None
    mouse: bool = True
    bell: bool = True
    notifications: bool = True
    keys: Mapping[str, str] = field(default_factory=lambda: _NO_KEYS)


DEFAULT: Final = Preferences()
