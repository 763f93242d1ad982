"""What one delivery to a webhook is, and what its answer means: pure rules, no I/O (contract §5.8).

An attempt ends in one of four ways: delivered, again after some seconds, dead (kept for inspection), or dead and the row paused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ... import __version__
from ...api.events import delivery_url as target

__all__ = ["target"]

SECONDS: Final = 10.0
"""One attempt, from dialling to the end of the answer."""
WAITS: Final = (1.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before the second, third … attempt, each +-20 %."""
JITTER: Final = 0.2
LONGEST_WAIT: Final = 3600.0
"""Seconds that a receiver's Retry-After may ask for."""
TRIES_REFUSED: Final = 2
"""Attempts for an answer that a later attempt will hardly change (400, 401, 404 …)."""
AGAIN: Final = frozenset({408, 425, 429})
USER_AGENT: Final = f"ryze-tui/{__version__}"

TEST_TOKEN: Final = "token-of-a-test"
"""In place of the instance's own, where its webhook is not set to go."""
DELIVERED: Final = "delivered"
PENDING: Final = "pending"
DEAD: Final = "dead"


@dataclass(frozen=True, slots=True)
class Fate:
    """`state`: DELIVERED, PENDING or DEAD. `wait`: seconds until a PENDING one is tried again. `pause`: no more to this row."""

    state: str
    wait: float = 0.0
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that is to be tried. `known`: its URL is the stored one; no other place is told the instance's token."""

    row: dict[str, Any]
    authorization: str = field(repr=False)
    known: bool


def fate(status: int | None, attempt: int, random: Callable[[], float], *, retry_after: str = "") -> Fate:
    """What the `attempt`-th attempt (from 1) led to. `status`: the answer's, None without one; `random`: a number in [0, 1)."""
    if status is not None and 200 <= status < 300:
        return Fate(DELIVERED)
    if status == 410:
        return Fate(DEAD, pause=True)
    temporary = status is None or status in AGAIN or status >= 500
    if attempt > len(WAITS) or (not temporary and attempt >= TRIES_REFUSED):
        return Fate(DEAD)
    wait = WAITS[attempt - 1] * (1 + JITTER * (2 * random() - 1))
    return Fate(PENDING, max(wait, asked_for(retry_after)) if temporary else wait)


def asked_for(retry_after: str) -> float:
    """Seconds of a Retry-After header; 0 for dates and nonsense, which our own schedule answers well enough."""
    text = retry_after.strip()
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def signature(secret: bytes, delivery_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature` of the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`."""
    signed = b"%s.%d.%s" % (delivery_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def headers(delivery_id: str, timestamp: int, body: bytes, *, authorization: str, secret: bytes | None) -> dict[str, str]:
    """Everything that is sent besides the body. `secret` None: the plain contract, without our own headers."""
    sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    if authorization:
        sent["Authorization"] = authorization
    if secret is not None:
        sent |= {
            "webhook-id": delivery_id, "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, delivery_id, timestamp, body),
        }
    return sent


def order_key(event: str, data: dict[str, object]) -> str:
    """Deliveries with the same key keep their order: one per chat, one per instance for everything without a chat."""
    message = data.get("message")
    for holder in (data, message if isinstance(message, dict) else {}):
        chat = holder.get("chat")
        if isinstance(chat, dict) and isinstance(jid := chat.get("jid") or chat.get("lid"), str) and jid:
            return f"chat:{jid}"
    group = data.get("groupJid")
    return f"chat:{group}" if isinstance(group, str) and group else f"event:{event}"
