"""What can be said for a row, for those who look behind it: how it is streamed, and what the list says of it now."""

from __future__ import annotations

from typing import Final, NamedTuple

ACCOUNT: Final = "account"
OWN: Final = "own"
NONE: Final = "none"


class Streamed(NamedTuple):
    """How a row is streamed. `kind`: ACCOUNT (one stream for all), OWN (its own socket) or NONE.

    `covered`: proven at this moment. `heard_ago`: seconds since the stream's last sign of life. `problem`: why it is not open,
    in words; empty when nothing is wrong.
    """

    kind: str
    covered: bool = False
    heard_ago: float = 0.0
    problem: str = ""


class Listed(NamedTuple):
    """What a list said of an instance: our state, the word of the wire, the number (digits)."""

    state: str
    word: str
    number: str
