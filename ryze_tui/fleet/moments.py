"""Moments that facts bring along: read from what a server says, and moved when our own clock is set."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..api.events import Event
    from .model import Row

AGREED: Final = 10.0
"""Seconds within which a moment that was told is one by our clock too."""


def unix(text: str) -> float | None:
    """RFC 3339 (or Python's ISO form) to Unix seconds; None when it is not a time with a zone, of these centuries."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo and 1970 < moment.year < 2200 else None


def happened(event: Event) -> float | None:
    """When it happened, in Unix seconds by the server's clock; None when the event does not say."""
    stamp = event.data.get("timestamp")
    return unix(stamp) if isinstance(stamp, str) else None


def shifted(row: Row, seconds: float) -> None:
    """Our clock was set by so much: what was read from it moves along. What the server dated is the server's."""
    row.seen += seconds
    for name in ("last_event", "until", "unwatched"):
        if moment := getattr(row, name):
            setattr(row, name, moment + seconds)
    if row.ours:
        row.since += seconds
        row.not_before += seconds if row.not_before else 0.0
        row.past = tuple(one._replace(after=one.after + seconds if one.after else 0.0, at=one.at + seconds) for one in row.past)
