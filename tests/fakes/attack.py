"""How an attack of the malicious server is named, and where it strikes: everywhere, at the list, or on the open WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .villain import Attack, Guest

attacks: Final[dict[str, Attack]] = {}


def attack(name: str) -> Callable[[Attack], Attack]:
    def add(what: Attack) -> Attack:
        attacks[name] = what
        return what

    return add


def at_all(name: str, what: Attack) -> None:
    """Every request is answered so."""
    attacks[name] = what


def at_list(name: str, what: Attack) -> None:
    """Only the list is wrong."""
    attacks[name] = lambda guest: what(guest) if guest.wants_list else guest.good()


def at_socket(name: str, what: Attack) -> None:
    """The WebSocket is opened, and then this."""

    def opened(guest: Guest) -> None:
        if not guest.wants_socket:
            guest.good()
            return
        guest.upgrade()
        what(guest)

    attacks[name] = opened
