"""Reading what an engine told: which chat, whether settings drop it, and the row that counts it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..blocks import settings_view
from ..engine.port import Told
from ..events.live import OUTGOING, STORIES
from ..record import Record, Values
from ..store.messages import DELIVERED, SENT, MessageRow
from ..table import Happening


def text_of(data: Values, *path: str) -> str:
    """A text somewhere inside, empty when there is none."""
    value: Any = data
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def chat_of(data: Values) -> str:
    """The chat's JID."""
    return text_of(data, "chat", "jid") or text_of(data, "chat", "lid")


def is_group(data: Values) -> bool:
    """Whether it is of a group's chat."""
    return chat_of(data).endswith("@g.us") or text_of(data, "chat", "type") == "group"


def setting(record: Record, name: str) -> Any:
    """One of the instance's seven settings, as it is now."""
    return settings_view(record.blocks.get("settings"))[name]


def is_dropped(record: Record, told: Told) -> bool:
    """Whether the settings drop it as it arrives (contract §2.8)."""
    if told.what is Happening.GROUP or (told.what is Happening.MESSAGE and is_group(told.data)):
        return bool(setting(record, "ignoreGroupMessages"))
    if told.what in (Happening.MESSAGE, Happening.RECEIPT) and chat_of(told.data) == STORIES:
        return bool(setting(record, "ignoreStatus"))
    return False


def seconds_of(data: Values, default: float) -> float:
    """Its timestamp as Unix seconds."""
    try:
        return datetime.fromisoformat(text_of(data, "timestamp")).timestamp()
    except (ValueError, OverflowError):
        return default


def row_of(record: Record, data: Values, now: float) -> MessageRow:
    """What counts a message."""
    outgoing = data.get("direction") == OUTGOING
    return MessageRow(
        instance_id=record.id, message_id=text_of(data, "id"), chat=chat_of(data), type=text_of(data, "message", "type"),
        outgoing=outgoing, is_group=is_group(data), media=text_of(data, "message", "media", "type"),
        sent_at=seconds_of(data, now), status=SENT if outgoing else DELIVERED,
    )  # fmt: skip
