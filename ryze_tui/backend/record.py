"""One instance as the server holds it in memory, and what its answers are made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from ..api.instance import BLOCK_LETTERS, number_of
from .clock import Timer, rfc3339
from .errors import ApiError
from .table import STATE, Stage

Values = dict[str, Any]
"""A block's fields without its secrets, as the read routes answer them."""


@dataclass(slots=True)
class Asked:
    """Somebody waits for the first code of a pairing."""

    by_code: bool
    answer: asyncio.Future[str] = field(repr=False)

    def resolve(self, code: str) -> None:
        """Here it is."""
        if not self.answer.done():
            self.answer.set_result(code)

    def refuse(self, error: ApiError) -> None:
        """There will be none."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True, eq=False)
class Record:
    """An instance. Only `Instances` changes it.

    `since` is Unix seconds. `paired`: a session is saved. `attempt` numbers its links: what an older one says is dropped.
    `blocks` holds what was configured, without secrets; a block that was never written is not in it. `webhooks`: every
    webhook row by label, of which `blocks` holds the default one; `paused`: labels whose receiver said that it is gone for
    good (410). `revisions`: how often a kind of block was
    written since the server began. `available`: WhatsApp was told to show it as online (traffic/duties.py sets it).
    """

    id: str
    account: str
    name: str
    token: str = field(repr=False)
    created_at: float
    updated_at: float
    since: float
    stage: Stage = Stage.NEW
    reason: str = ""
    jid: str = ""
    paired: bool = False
    profile_name: str = ""
    business_name: str = ""
    picture_url: str = ""
    blocks: dict[str, Values] = field(default_factory=dict)
    webhooks: dict[str, Values] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    revisions: dict[str, int] = field(default_factory=dict)
    attempt: int = 0
    gone: bool = False
    lock: asyncio.Lock | None = None
    configuring: asyncio.Lock | None = None
    deadline: Timer | None = None
    available: bool = False
    asked: Asked | None = None
    settled: asyncio.Future[None] | None = None
    compact: Values | None = None
    item: str | None = None

    @property
    def state(self) -> str:
        """The contract's word."""
        return STATE[self.stage]

    @property
    def number(self) -> str:
        """Digits only, empty when never paired."""
        return number_of(self.jid)

    @property
    def proxied(self) -> bool:
        """Whether a proxy is configured: what the next link dials through, or not at all."""
        return self.blocks.get("proxy", _OFF).get("enabled") is True

    def changed(self) -> None:
        """Forget what was made for answers."""
        self.compact = self.item = None


def block_letters(blocks: dict[str, Values]) -> str:
    """Five characters, a letter for each block that is enabled (api.instance.BLOCK_LETTERS)."""
    return "".join(letter if blocks.get(kind, _OFF).get("enabled") is True else "·" for letter, kind in BLOCK_LETTERS)


_OFF: Final[Values] = {}


def compact_row(record: Record) -> Values:
    """The account stream's row; the same object until something in it changes."""
    if record.compact is None:
        record.compact = {
            "id": record.id, "name": record.name, "state": record.state, "since": rfc3339(record.since), "reason": record.reason,
            "number": record.number, "profileName": record.profile_name, "blocks": block_letters(record.blocks),
        }
    return record.compact


_DISPLAY: Final[dict[Stage, str]] = {
    Stage.NEW: "Disconnected",
    Stage.IDLE: "Disconnected",
    Stage.ASKING: "Waiting for a code",
    Stage.SCANNING: "Waiting for scan",
    Stage.LINKING: "Linking",
    Stage.DIALLING: "Dialling",
    Stage.CONNECTED: "Connected",
    Stage.LOGGEDOUT: "Logged out",
    Stage.BANNED: "Banned",
}


def display_status(record: Record, label: str) -> str:
    """A text for people; `label` (SIMULATED) comes first so that every client shows it."""
    return f"{label} · {_DISPLAY[record.stage]}" if label else _DISPLAY[record.stage]
