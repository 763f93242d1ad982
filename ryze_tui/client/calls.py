"""The log of every call: a bounded ring that the console shows and copies as curl. Secrets never enter it."""

from __future__ import annotations

import json
import shlex
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..redact import MASK, clean, mask

KEPT: Final = 500
"""Calls remembered."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `at`: Unix seconds; `status`: None when no answer came; `ms`: its duration; `message`: the server's words."""

    id: int
    at: float
    method: str
    path: str
    status: int | None
    ms: int
    message: str
    curl: str


class CallLog:
    """The last 500 calls, newest last."""

    def __init__(self) -> None:
        self._ring: deque[Call] = deque(maxlen=KEPT)
        self._next = 1
        self._subscribers: list[Callable[[Call], None]] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(self._ring)

    def __len__(self) -> int:
        return len(self._ring)

    def subscribe(self, callback: Callable[[Call], None]) -> Callable[[], None]:
        """Call back with every new call; returns a function that ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback) if callback in self._subscribers else None

    def record(
        self, base: str, method: str, path: str, *, at: float, status: int | None, ms: int, message: str = "", body: Any = None
    ) -> Call:
        """Remember a call; `path` carries its query, `body` is what was sent as JSON."""
        call = Call(
            self._next, at, method, clean(mask(path)), status, ms, clean(mask(message))[:500], as_curl(base, method, path, body)
        )
        self._next += 1
        self._ring.append(call)
        for callback in list(self._subscribers):
            callback(call)
        return call


def as_curl(base: str, method: str, path: str, body: Any = None) -> str:
    """The call as a shell command; the token is left to `$RYZE_TOKEN`."""
    parts = ["curl", "-sS"] + ([] if method == "GET" else ["-X", method])
    parts += [shlex.quote(mask(base + path)), "-H", '"token: $RYZE_TOKEN"']
    if body is not None:
        sent = mask(json.dumps(body, ensure_ascii=False))
        parts += ["-H", shlex.quote("Content-Type: application/json"), "-d", shlex.quote(sent)]
    return clean(" ".join(parts))


def said(body: Any, unsaid: str) -> Any:
    """A body as it is logged: without the value that nobody is to read there."""
    if not unsaid or not isinstance(body, dict):
        return body
    return {key: MASK if value == unsaid else value for key, value in body.items()}


def without(text: str, unsaid: str) -> str:
    """A server's words without a text that it repeats; of less than four characters nothing could be told from ordinary words."""
    return text.replace(unsaid, MASK) if len(unsaid) > 3 else text
