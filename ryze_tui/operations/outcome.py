"""What came of something a person asked for, in words."""

from __future__ import annotations

from dataclasses import dataclass

from ..api.errors import RyzeError


@dataclass(frozen=True, slots=True)
class Outcome:
    """`message`: the server's own text where there is one, else ours. `status`: the HTTP status, None without an answer."""

    ok: bool
    message: str
    status: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to bring an instance back. `action`: reconnect, connect, wait or none; `why`: in words."""

    action: str
    why: str


def failed(error: RyzeError, name: str = "") -> Outcome:
    """The outcome that an error stands for."""
    return Outcome(False, error.message, error.status, name)


class Unconfirmed(Exception):
    """What was to be looked at again before doing something could not be. `message`: why, the server's words or ours."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
