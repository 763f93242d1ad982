"""Event frames: the envelope of webhooks and instance sockets, and the frames of the account stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from ..i18n import _
from .errors import BadReply
from .instance import PROFILE_MOST, TEXT_MOST, Instance, blocks_of, name_of, number_of
from .nesting import flat
from .states import from_rest

EVENT_NAMES: Final = ("message.exchange", "message.status", "call.update", "group.flow", "instance.state", "label.update")
INSTANCE_STATE: Final = "instance.state"
SNAPSHOT: Final = "snapshot"
HEARTBEAT: Final = "heartbeat"
ROW: Final = "instance.row"
DELETED: Final = "instance.deleted"

ACCOUNT_STREAM: Final = "account-stream"
SINCE: Final = "since"
DELIVERIES: Final = "deliveries"
TRIALS: Final = "trials"
"""It tries out a block that is sent to it, stored or not."""
CONDITIONS: Final = "conditions"
"""Reads of blocks tell a tag, and a write that names it in `If-Match` is refused with 412 where the block was changed since."""
REVISION: Final = "ryze."
"""How such a tag begins; other servers put tags of their own, which mean nothing to a write, on everything."""
EXTENSIONS: Final = (ACCOUNT_STREAM, CONDITIONS, DELIVERIES, SINCE, TRIALS)
"""What our server adds to the plain contract today, as `/health` lists it."""

CODE_MOST: Final = 1500
"""Characters; a real QR text has about 260, and no QR code holds more than 2953 bytes."""
_CODES_MOST: Final = 20
_SECONDS_MOST: Final = 600.0
_SEQ_MOST: Final = 200
_EVENT_MOST: Final = 100
_LONGEST_BAN: Final = 10 * 365 * 86400
_VALUES_MOST: Final = 250_000
"""Values of a frame: a snapshot of 500 rows has 5,000. Each takes up to thirty times its size on the wire."""


def is_code(text: str) -> bool:
    """Whether a QR text can be one: printable ASCII, and short enough to be drawn."""
    return 0 < len(text) <= CODE_MOST and text.isascii() and text.isprintable()


@dataclass(slots=True)
class Event:
    """One event of one instance. `seq` is the account stream's position (`EPOCH.SEQ`), empty on an instance socket."""

    name: str
    instance: str
    data: dict[str, Any] = field(repr=False)
    seq: str = ""

    @property
    def state_word(self) -> str:
        """The word of an `instance.state` event; empty for any other event."""
        word = self.data.get("state")
        return word[:TEXT_MOST] if self.name == INSTANCE_STATE and isinstance(word, str) else ""

    @property
    def codes(self) -> tuple[str, ...]:
        """The QR texts of a `qr_ready` event; what cannot be one is left out. A credential: never logged."""
        codes = self.data.get("codes")
        if not isinstance(codes, list):
            return ()
        return tuple(code for code in codes[:_CODES_MOST] if isinstance(code, str) and is_code(code))

    @property
    def code_seconds(self) -> float:
        """How long the one code of a `qr_ready` event lives, where the server says so (an extension); else 0."""
        seconds = self.data.get("codeSeconds")
        right = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < seconds <= _SECONDS_MOST
        return float(seconds) if right else 0.0  # type: ignore[arg-type]

    @property
    def number(self) -> str:
        """The phone number that the event names, digits only."""
        jid = self.data.get("jid")
        return number_of(jid) if isinstance(jid, str) else ""

    @property
    def expire(self) -> float:
        """Seconds that a ban lasts, as a `temp_banned` event tells; 0 when it does not, or not credibly."""
        value = self.data.get("expire")
        told = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _LONGEST_BAN
        return float(value) if told else 0.0  # type: ignore[arg-type]

    @property
    def reason(self) -> str:
        """Why, in the server's words, when it says so."""
        for key in ("reason", "error", "message"):
            if isinstance(text := self.data.get(key), str) and text:
                return text[:TEXT_MOST]
        return ""


@dataclass(slots=True)
class Snapshot:
    """At most 500 compact rows of the account stream; `last` closes the snapshot."""

    rows: list[Instance]
    last: bool
    seq: str = ""


@dataclass(slots=True)
class Heartbeat:
    """The account stream is alive, and everything up to `seq` was sent."""

    seq: str


@dataclass(slots=True)
class RowChanged:
    """An instance was created, or something that its compact row shows changed (account stream only)."""

    row: Instance
    seq: str = ""


@dataclass(slots=True)
class RowDeleted:
    """An instance is gone (account stream only)."""

    instance: str
    seq: str = ""


Frame = Event | Snapshot | Heartbeat | RowChanged | RowDeleted


def _object(raw: str | bytes) -> dict[str, Any]:
    if (raw.count(b",") if isinstance(raw, bytes) else raw.count(",")) > _VALUES_MOST:
        raise BadReply(_("the server sent a frame of more than {most} values").format(most=f"{_VALUES_MOST:,}"))
    try:
        frame = flat(json.loads(raw), raw)
    except (ValueError, RecursionError) as error:
        raise BadReply(_("the server sent a frame that is not JSON")) from error
    if not isinstance(frame, dict):
        raise BadReply(_("the server sent a frame that is not an object"))
    return frame


def parse_envelope(raw: str | bytes) -> Event:
    """Read a frame of `/ws/:instance`. Raises BadReply."""
    frame = _object(raw)
    name, data, about = frame.get("event"), frame.get("data"), frame.get("instanceData")
    instance = about.get("instance") if isinstance(about, dict) else None
    if not isinstance(name, str) or not isinstance(data, dict):
        raise BadReply(_("the server sent a frame without event or data"))
    if not isinstance(instance, str):
        instance = data.get("instance")
    return Event(name[:_EVENT_MOST], name_of(instance), data)


def _compact(row: object) -> Instance:
    if not isinstance(row, dict) or not (name := name_of(row.get("name"))):
        return Instance(name="", readable=False)

    def text(key: str) -> str:
        value = row.get(key)
        return value[:TEXT_MOST] if isinstance(value, str) else ""

    number, word, blocks = text("number"), text("state"), blocks_of(text("blocks"))
    return Instance(
        name=name, id=text("id"), state=from_rest(word), raw_state=word, since=text("since"), reason=text("reason"),
        number_jid=f"{number[:40]}@s.whatsapp.net" if number else "", profile_name=text("profileName")[:PROFILE_MOST],
        blocks=blocks, streaming="S" in blocks, readable=bool(word),
    )


def parse_account_frame(raw: str | bytes) -> Frame:
    """Read a frame of the account stream `/ws`. Raises BadReply."""
    frame = _object(raw)
    name, seq, data = frame.get("event"), frame.get("seq"), frame.get("data")
    seq = seq if isinstance(seq, str) and seq.isascii() and len(seq) <= _SEQ_MOST else ""
    if name == HEARTBEAT:
        return Heartbeat(seq)
    if not isinstance(name, str) or not isinstance(data, dict):
        raise BadReply(_("the server sent a frame without event or data"))
    if name == SNAPSHOT:
        rows = data.get("rows")
        if not isinstance(rows, list):
            raise BadReply(_("the server sent a snapshot without rows"))
        return Snapshot([_compact(row) for row in rows], data.get("last") is True, seq)
    instance = name_of(frame.get("instance"))
    if name == ROW:
        return RowChanged(_compact(data), seq)
    if name == DELETED:
        return RowDeleted(instance, seq)
    return Event(name[:_EVENT_MOST], instance, data, seq)


def delivery_url(url: str, event: str, *, by_events: bool) -> str:
    """Where an event goes: the row's URL, or `<url>/<event>`, before a query string if there is one (contract §2.12)."""
    if not by_events:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{event}"))
