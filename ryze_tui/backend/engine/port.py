"""What the lifecycle wants of an engine, and what an engine tells.

Commands begin something and return at once; what comes of it is told. Every link has the `attempt` number it was begun
with, and the lifecycle drops what an older attempt tells. Commands for messages, presence and media come with the routes
that need them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ..table import Happening


@dataclass(slots=True)
class Told:
    """Something happened to one link.

    `data` is what an event carries besides state, timestamp and instance (contract §5.6), or the whole data of a message or
    call. `jid`, `profile_name`, `business_name`: told when a link comes up. `code`: the pairing code for the one who asked.
    """

    instance: str
    attempt: int
    what: Happening
    data: dict[str, Any] = field(default_factory=dict, repr=False)
    jid: str = ""
    profile_name: str = ""
    business_name: str = ""
    code: str = field(default="", repr=False)

    @property
    def reason(self) -> str:
        """Why, for people."""
        for key in ("reason", "error", "message"):
            if isinstance(text := self.data.get(key), str):
                return text
        return ""


Tell = Callable[[Told], None]


@dataclass(slots=True, frozen=True)
class Saved:
    """A session that is kept. `jid`: whose it is, when that is known. `broken`: why it is of no use; empty when it is fine."""

    jid: str = ""
    broken: str = ""


UNREADABLE: Final = "the saved session cannot be read: put the key back that it was saved with, or pair it again"


class Sessions(Protocol):
    """Where an engine keeps its sessions; each write is on the disk when it returns. Raises StoreError."""

    async def sessions(self) -> dict[str, str | None]:
        """Instance id -> session; None when there is one and it cannot be decrypted."""

    async def save_session(self, instance_id: str, data: str) -> None:
        """Replace a session."""

    async def delete_session(self, instance_id: str) -> None:
        """Forget a session."""


@dataclass(slots=True, frozen=True)
class ProxyUse:
    """What a link dials through. `protocol`: http, https or socks5; `host` may be a name."""

    protocol: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)


class Engine(Protocol):
    """Holds the links of all instances, by instance id."""

    @property
    def name(self) -> str:
        """What /health calls it."""

    @property
    def label(self) -> str:
        """Put before every displayStatus; empty for the real thing."""

    @property
    def boot_rate(self) -> float:
        """How many saved sessions a second may be dialled when the server starts."""

    @property
    def boot_at_once(self) -> int:
        """How many of them may be dialling at the same time."""

    async def open(self, tell: Tell) -> dict[str, Saved]:
        """Get ready; returns every session that is kept, by instance id, also those that cannot be used."""

    def pair(self, instance: str, attempt: int, number: str, history: int | None, proxy: ProxyUse | None) -> None:
        """Begin a pairing: by code when `number` (digits) is given, else by QR. Raises EngineError."""

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        """Begin a link with the saved session. Raises EngineError.

        With a proxy the link goes through it or not at all, also when it comes back by itself, until the next `dial` or `pair`.
        """

    async def front(self) -> tuple[str, int]:
        """Host and port that a link dials, which is what a proxy is asked for. Raises EngineError."""

    async def greet(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Exchange the first words with the front, so that it is known to be at the other end. Raises EngineError."""

    def stop(self, instance: str) -> None:
        """Drop the link; tells nothing."""

    async def logout(self, instance: str) -> None:
        """Unlink at WhatsApp as well as it can, and forget the session for good. Raises StoreError, EngineError."""

    async def close(self) -> None:
        """Drop every link, keep every session."""
