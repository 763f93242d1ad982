"""Who hears what: instance sockets get the contract's envelope, account streams get numbered frames (contract §5, §9).

Everything here is synchronous: a subscription made in the same step as a snapshot misses nothing and hears nothing twice.
An event is turned into text once, and only when somebody listens.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from ...api.events import DELETED, HEARTBEAT, ROW, SNAPSHOT
from ..record import Record, Values, compact_row
from .layouts import MESSAGE, Layout, observed

REVOKED: Final = "token revoked"
"""Why a socket is closed with 1008 when the token that opened it is dead."""

SLICE: Final = 500
"""Rows of a snapshot frame, and frames of a step of a resume."""

ALWAYS: Final = frozenset({ROW, DELETED})
"""Frames that no `?events=` filter holds back: without them the rows would be wrong."""

Frames = Callable[[], list[str]]
"""Frames that are made when it is their turn to be sent."""


class Listener(Protocol):
    """A socket, as the bus sees it."""

    def push(self, frame: str | Frames) -> None:
        """Queue a frame; never blocks, never raises."""

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then close."""


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def has_media(data: Values | None) -> bool:
    """Whether it is the data of a message with `media.base64`."""
    message = data.get("message") if data is not None else None
    media = message.get("media") if isinstance(message, dict) else None
    return isinstance(media, dict) and "base64" in media


def without_media(data: Values) -> Values:
    """The data of an event without `media.base64`, wherever a message carries it."""
    if not has_media(data):
        return data
    message = data["message"]
    return data | {"message": message | {"media": {key: value for key, value in message["media"].items() if key != "base64"}}}


class _Frame:
    """An event on an account stream; its text is made on first use."""

    __slots__ = ("_data", "_text", "instance", "name", "number")

    def __init__(self, number: int, name: str, instance: str, data: Values) -> None:
        self.number, self.name, self.instance = number, name, instance
        self._data: Values | None = data
        self._text = ""

    def text(self, epoch: str) -> str:
        if self._data is not None:
            seq = f"{epoch}.{self.number}"
            self._text = _text({"seq": seq, "event": self.name, "data": self._data, "instance": self.instance})
            self._data = None
        return self._text


class _Account:
    """The stream of one account."""

    def __init__(self, ring_size: int) -> None:
        self.number = 0
        self.ring: deque[_Frame] = deque(maxlen=ring_size)
        self.listeners: dict[Listener, frozenset[str] | None] = {}


class Bus:
    """`epoch` names this run of the server; `base_url` is what envelopes tell; `layout` is that of their messages.

    `deliver` gets what webhooks may want.
    """

    def __init__(self, *, epoch: str, ring_size: int, extensions: bool, layout: Layout = observed) -> None:
        self.base_url = ""
        self._layout = layout
        self.deliver: Callable[[Record, str, Values], None] | None = None
        self._epoch = epoch
        self._ring_size = ring_size
        self._extensions = extensions
        self._accounts: dict[str, _Account] = {}
        self._sockets: dict[str, dict[Listener, str]] = {}
        self.published: Counter[str] = Counter()

    # -- speaking ------------------------------------------------------------------------------------------------------

    def publish(self, record: Record, name: str, data: Values) -> None:
        """One of the contract's six events."""
        self.tell(record, name, data)
        if self.deliver is not None and record.webhooks:
            self.deliver(record, name, data)

    def tell(self, record: Record, name: str, data: Values) -> None:
        """An event to those who listen now; its deliveries are somebody else's business."""
        self.published[name] += 1
        if record.id in self._sockets:
            self._to_sockets(record, name, data)
        self._to_account(record.account, name, record.name, data)

    def row(self, record: Record) -> None:
        """The compact row of an instance is new or changed, other than by an instance.state event."""
        self._to_account(record.account, ROW, record.name, compact_row(record))

    def deleted(self, record: Record) -> None:
        """The instance is gone: tell the account, close its sockets."""
        self._to_account(record.account, DELETED, record.name, {})
        for listener in list(self._sockets.pop(record.id, ())):
            listener.close(1008, "instance deleted")

    def revoke(self, account_id: str, opener: str) -> None:
        """A TokenAccount is dead: close its account streams, and the sockets of instances that `opener` opened."""
        account = self._account(account_id)
        listeners, account.listeners = list(account.listeners), {}
        for instance, sockets in list(self._sockets.items()):
            listeners += [listener for listener, by in sockets.items() if by == opener]
            if left := {listener: by for listener, by in sockets.items() if by != opener}:
                self._sockets[instance] = left
            else:
                del self._sockets[instance]
        for listener in listeners:
            listener.close(1008, REVOKED)

    def forget(self, account_id: str) -> None:
        """The account is gone."""
        self._accounts.pop(account_id, None)

    def _to_sockets(self, record: Record, name: str, data: Values) -> None:
        block = record.blocks.get("websocket", {})
        wanted = block.get("events") or ()
        if not block.get("enabled") or (wanted and name not in wanted):
            return
        if name == MESSAGE:
            data = self._layout(data)
        about = {"baseUrl": self.base_url, "instance": record.name, "token": record.token}
        text = _text({"event": name, "data": data if block.get("mediaBase64") else without_media(data), "instanceData": about})
        for listener in list(self._sockets[record.id]):
            listener.push(text)

    def _to_account(self, account_id: str, name: str, instance: str, data: Values) -> None:
        if not self._extensions:
            return
        account = self._account(account_id)
        account.number += 1
        frame = _Frame(account.number, name, instance, without_media(data))
        account.ring.append(frame)
        for listener, wanted in list(account.listeners.items()):
            if wanted is None or name in wanted or name in ALWAYS:
                listener.push(frame.text(self._epoch))

    def sockets(self) -> tuple[int, int]:
        """How many follow an instance, and how many an account."""
        return sum(map(len, self._sockets.values())), sum(len(account.listeners) for account in self._accounts.values())

    # -- listening -----------------------------------------------------------------------------------------------------

    def listeners_of_instance(self, record: Record) -> int:
        """How many sockets follow it."""
        return len(self._sockets.get(record.id, ()))

    def listeners_of_account(self, account_id: str) -> int:
        """How many account streams are open."""
        return len(self._account(account_id).listeners)

    def follow_instance(self, record: Record, listener: Listener, opener: str = "") -> None:
        """From now on it hears the instance. `opener`: the credential of the caller (see auth.Caller)."""
        self._sockets.setdefault(record.id, {})[listener] = opener

    def leave_instance(self, record: Record, listener: Listener) -> None:
        """It hears the instance no more."""
        if (sockets := self._sockets.get(record.id)) is not None:
            sockets.pop(listener, None)
            if not sockets:
                del self._sockets[record.id]

    def follow_account(
        self, account_id: str, listener: Listener, *, events: frozenset[str] | None, after: str, records: Iterable[Record]
    ) -> None:
        """What was missed since `after`, or a snapshot of `records`; then a heartbeat; then everything as it happens."""
        account = self._account(account_id)
        missed = self._missed(account, after)
        if missed is None:
            self._snapshot(account, listener, [compact_row(record) for record in records])
        else:
            wanted = [frame for frame in missed if events is None or frame.name in events or frame.name in ALWAYS]
            for start in range(0, len(wanted), SLICE):
                listener.push(partial(self._frames, wanted[start : start + SLICE]))
        account.listeners[listener] = events
        self.heartbeat(account_id, listener)

    def leave_account(self, account_id: str, listener: Listener) -> None:
        """It hears the account no more."""
        if (account := self._accounts.get(account_id)) is not None:
            account.listeners.pop(listener, None)

    def heartbeat(self, account_id: str, listener: Listener) -> None:
        """Everything up to here was sent."""
        listener.push(_text({"seq": self._seq(self._account(account_id)), "event": HEARTBEAT, "data": {}, "instance": ""}))

    def close(self, code: int, reason: str) -> None:
        """Close every socket."""
        everyone: list[Listener] = [listener for sockets in self._sockets.values() for listener in sockets]
        everyone += [listener for account in self._accounts.values() for listener in account.listeners]
        for listener in everyone:
            listener.close(code, reason)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _account(self, account_id: str) -> _Account:
        if (account := self._accounts.get(account_id)) is None:
            account = self._accounts[account_id] = _Account(self._ring_size)
        return account

    def _seq(self, account: _Account) -> str:
        return f"{self._epoch}.{account.number}"

    def _frames(self, frames: list[_Frame]) -> list[str]:
        return [frame.text(self._epoch) for frame in frames]

    def _missed(self, account: _Account, after: str) -> list[_Frame] | None:
        """What came after that position; None when it is not known any more, or never was."""
        epoch, _, number = after.rpartition(".")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()) or len(number) > 15:
            return None
        behind = account.number - int(number)
        if not 0 <= behind <= len(account.ring):
            return None
        return list(islice(account.ring, len(account.ring) - behind, None))

    def _snapshot(self, account: _Account, listener: Listener, rows: list[Values]) -> None:
        seq = self._seq(account)
        for start in range(0, max(len(rows), 1), SLICE):
            data: dict[str, Any] = {"rows": rows[start : start + SLICE], "last": start + SLICE >= len(rows)}
            listener.push(partial(_one, {"seq": seq, "event": SNAPSHOT, "data": data, "instance": ""}))


def _one(frame: Values) -> list[str]:
    return [_text(frame)]
