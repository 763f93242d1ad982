"""What the lifecycle wants of an engine, and what an engine tells.

Commands begin something and return at once; what comes of it is told. Every link has the `attempt` number it was begun
with, and the lifecycle drops what an older attempt tells. Commands for messages, calls, presence and media are awaited:
they have an answer of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ...outside.proxy import ProxyUse as ProxyUse  # what links dial through
from ..table import Happening


@dataclass(slots=True, frozen=True)
class Media:
    """What a message carries besides text, not fetched yet.

    `kind`: image, video, audio, document or sticker; `size` in bytes, 0 when it is not known; `reference`: the engine's own
    text by which it finds the media again, keys included.
    """

    kind: str
    mimetype: str
    file_name: str
    size: int
    reference: str = field(repr=False)


@dataclass(slots=True, frozen=True)
class Outgoing:
    """A message to be sent. `to` and `mentions` are JIDs; `kind` is that of `media`, empty for a text.

    `text` is the caption where there is media. `reply_to`: the id of a message; with `reply_private` the answer to a group's
    message goes to its author alone.
    """

    to: str
    text: str = field(default="", repr=False)
    media: bytes | None = field(default=None, repr=False)
    kind: str = ""
    mimetype: str = ""
    file_name: str = ""
    is_voice: bool = False
    reply_to: str = ""
    reply_private: bool = False
    mentions: tuple[str, ...] = ()
    mention_all: bool = False
    link_preview: bool = False


@dataclass(slots=True, frozen=True)
class Sent:
    """WhatsApp took a message. `timestamp`: Unix seconds; `chat_name`: what the group is called that it went to, if known."""

    message_id: str
    timestamp: float
    chat_name: str = ""


@dataclass(slots=True)
class Told:
    """Something happened to one link.

    `data` is what an event carries besides state, timestamp and instance (contract §5.6), or the whole data of a message,
    receipt, call, group's or label's change, in the live layout and without any media's content. `jid`, `profile_name`,
    `business_name`: told when a link comes up. `picture_url`: told by PROFILE, empty when there is none. `code`: the pairing
    code for the one who asked.

    `media`: what a message carries. `accepted` is called once everything that follows from it is on the disk, or nothing is to
    follow: an engine that can acknowledges to WhatsApp only then. `history`: a message from before the pairing.
    """

    instance: str
    attempt: int
    what: Happening
    data: dict[str, Any] = field(default_factory=dict, repr=False)
    jid: str = ""
    profile_name: str = ""
    business_name: str = ""
    picture_url: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    media: Media | None = None
    accepted: Callable[[], None] | None = None
    history: bool = False

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
        """Begin a pairing: by code when `number` (digits) is given, else by QR. Raises EngineError.

        `history`: so many days of what was said before are asked of the phone, None = nothing.
        """

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

    async def send(self, instance: str, outgoing: Outgoing) -> Sent:
        """Send a message; returns when WhatsApp took it. Raises EngineError."""

    async def mark_read(self, instance: str, chat: str, sender: str, ids: Sequence[str]) -> None:
        """Tell the sender (a JID; of a chat of two the chat itself) that these messages were read. Raises EngineError."""

    async def reject_call(self, instance: str, caller: str, call_id: str) -> None:
        """End a call that rings. Raises EngineError."""

    async def presence(self, instance: str, available: bool) -> None:
        """Show the number as online, or not. Raises EngineError."""

    async def download(self, instance: str, media: Media) -> bytes:
        """Fetch and decrypt. Raises EngineError."""

    async def close(self) -> None:
        """Drop every link, keep every session."""
