"""The configuration file: how the console looks, its keys, and profiles (a name, a server's URL, where its token is), in TOML.

`~/.config/ryze-tui/config.toml`; `ryze-tui config example` prints all of it with words, `declared.py` says what there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .common import ConfigError, clean_url, host_of, path
from .loading import Config, Problem, Profile, load, load_profile

if TYPE_CHECKING:
    from .saving import save_profile

__all__ = [
    "Config", "ConfigError", "Problem", "Profile", "clean_url", "host_of", "load", "load_profile", "path", "save_profile",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "save_profile":  # not at start: nearly nobody adds a profile
        from .saving import save_profile

        return save_profile
    raise AttributeError(name)
