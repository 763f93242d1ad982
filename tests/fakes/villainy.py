"""All that the malicious server can do, by name."""

from __future__ import annotations

from . import attacks_by_meaning, attacks_in_bodies, attacks_on_sockets
from .attack import attacks

__all__ = ["attacks", "attacks_by_meaning", "attacks_in_bodies", "attacks_on_sockets"]
