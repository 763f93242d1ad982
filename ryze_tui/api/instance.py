"""One item of `GET /api/instance/list`, read leniently: a bad item costs one row, never the list.

Plain functions and a slotted class, no pydantic: this is the console's list path, and it must hold for 10,000 items.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ..i18n import _
from . import states
from .errors import BadReply
from .nesting import flat

BLOCK_LETTERS: Final = (("W", "webhook"), ("S", "websocket"), ("C", "chatwoot"), ("P", "proxy"), ("B", "s3"))
"""The letter the list shows for each block that is enabled, in this order."""
NO_BLOCKS: Final = "·" * len(BLOCK_LETTERS)

NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,100}"
"""What our server accepts as an instance name (a comma would split list filters)."""
_DIGITS_MOST: Final = 32
ROWS_MOST: Final = 50_000
"""Instances of one account that are held; a server that tells of more is refused in words, before it fills the memory."""
NAME_MOST: Final = 200
"""Characters of a name; cut, it would be the name of another instance, so a longer one is not readable."""
TEXT_MOST: Final = 400
"""Characters of any other text of an item; more is no use on a screen."""
PROFILE_MOST: Final = 100
"""Characters of a profile's name; WhatsApp allows 25."""
ITEM_MOST: Final = 1 << 20
"""Characters of one item: a real one has about 1,500, and what it becomes in memory can be twenty times as much."""


@dataclass(slots=True)
class Instance:
    """What one list item says. Absent fields are empty; `state` is always one of ours.

    `since` is RFC 3339 as sent (only servers with the `since` extension). `raw_state` is the word of the wire.
    `readable` is False for an item whose shape could not be understood: only `name` is then to be trusted.
    """

    name: str
    state: str = states.UNKNOWN
    raw_state: str = ""
    id: str = ""
    token: str = field(default="", repr=False)
    number_jid: str = ""
    since: str = ""
    reason: str = ""
    display_status: str = ""
    profile_name: str = ""
    business_name: str = ""
    is_business: bool = False
    created_at: str = ""
    updated_at: str = ""
    blocks: str = NO_BLOCKS
    webhook_url: str = ""
    webhook_events: int = 0
    streaming: bool = False
    readable: bool = True

    @property
    def number(self) -> str:
        """The phone number, digits only; empty when never paired."""
        return number_of(self.number_jid)


def number_of(jid: str) -> str:
    """`5511…:3@s.whatsapp.net` -> `5511…`."""
    head = jid.partition("@")[0].partition(":")[0]
    return head if head.isascii() and head.isdigit() and len(head) <= _DIGITS_MOST else ""


def name_of(value: object) -> str:
    """An instance name that can be sent back to the server, which lone surrogates cannot; else empty."""
    if not isinstance(value, str) or len(value) > NAME_MOST:
        return ""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return ""
    return value


def token_of(value: object) -> str:
    """A token that can stand in a header; else empty."""
    fits = isinstance(value, str) and len(value) <= TEXT_MOST and value.isascii() and value.isprintable() and " " not in value
    return value if fits else ""  # type: ignore[return-value]  # mypy does not follow `fits`


def too_many(most: int) -> BadReply:
    """What is said of a server that tells of more than `most` instances."""
    return BadReply(_("the server tells of more than {most} instances, which is more than can be held").format(most=f"{most:,}"))


def blocks_of(text: str) -> str:
    """The block letters of a compact row: each in its own place, or a dot; anything else counts as unknown."""
    fits = len(text) == len(NO_BLOCKS) and all(
        char in (letter, "·") for char, (letter, _key) in zip(text, BLOCK_LETTERS, strict=True)
    )
    return text if fits else NO_BLOCKS


def _text(value: object) -> str:
    return value[:TEXT_MOST] if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def streams_state(block: dict[str, Any]) -> bool:
    """Whether a websocket block lets `instance.state` through: an empty filter means every event."""
    events = block.get("events")
    return block.get("enabled") is True and (not events or (isinstance(events, list) and "instance.state" in events))


def _is_on(key: str, block: dict[str, Any]) -> bool:
    """Chatwoot says `status: active` where every other block says `enabled: true`."""
    return block.get("enabled") is True or (key == "chatwoot" and block.get("status") == "active")


def parse_item(item: object) -> Instance:
    """Read one list item. Never raises; an item that is not an object with a usable name comes back unreadable."""
    if not isinstance(item, dict) or not (name := name_of(item.get("name"))):
        return Instance(name="", readable=False)
    connection, profile = _dict(item.get("connection")), _dict(item.get("profile"))
    word = connection.get("state") if isinstance(connection.get("state"), str) else item.get("status")
    webhook, events = _dict(item.get("webhook")), _dict(item.get("webhook")).get("events")
    letters = "".join(letter if _is_on(key, _dict(item.get(key))) else "·" for letter, key in BLOCK_LETTERS)
    return Instance(
        name=name,
        state=states.from_rest(word),
        raw_state=_text(word),
        id=_text(item.get("id")),
        token=token_of(item.get("token")),
        number_jid=_text(connection.get("numberJid")) or _text(item.get("numberJid")),
        since=_text(connection.get("since")),
        reason=_text(connection.get("reason")),
        display_status=_text(connection.get("displayStatus")),
        profile_name=_text(profile.get("name"))[:PROFILE_MOST],
        business_name=_text(profile.get("businessName"))[:PROFILE_MOST],
        is_business=profile.get("isBusiness") is True,
        created_at=_text(item.get("createdAt")),
        updated_at=_text(item.get("updatedAt")),
        blocks=letters,
        webhook_url=_text(webhook.get("url")) if webhook.get("enabled") is True else "",
        webhook_events=len(events) if isinstance(events, list) else 0,
        streaming=streams_state(_dict(item.get("websocket"))),
        readable=isinstance(word, str),
    )


def iter_items(text: str) -> Iterator[Instance]:
    """Yield the items of a whole list body one at a time, so that a caller can let others run in between.

    Raises BadReply when the body is not the contract's `{"instances": [...]}`.
    """
    at = text.find('"instances"')
    start = text.find("[", at) if at >= 0 else -1
    if start < 0 or text[at + 11 : start].strip() != ":":
        raise BadReply(_("the server's list holds no instances at all; is this the address of a RyzeAPI server?"))
    decode, i, end = json.JSONDecoder().raw_decode, start + 1, len(text)
    window, origin, edge = "", i, 0  # a piece of the text in which items are decoded: what cannot be costs no more than that
    while True:
        while i < end and text[i] in " \t\r\n,":
            i += 1
        if i >= end:
            raise BadReply(_("the server's list ends in the middle"))
        if text[i] == "]":
            return
        try:
            item, at = decode(window, i - origin)
            flat(item, window, i - origin, at)
        except (ValueError, RecursionError, IndexError):
            at = edge
        if at >= edge:  # it may go on behind the window
            window, origin = text[i : i + ITEM_MOST], i
            item, at = _whole(decode, window, last=i + ITEM_MOST >= end)
            edge = len(window)
        i = origin + at
        yield parse_item(item)


def _whole(decode: Callable[[str, int], tuple[Any, int]], window: str, *, last: bool) -> tuple[Any, int]:
    """The value at the window's beginning, and where it ends. `last`: the text ends with the window. Raises BadReply."""
    try:
        item, at = decode(window, 0)
        flat(item, window, 0, at)
    except (ValueError, RecursionError) as error:
        if last:
            raise BadReply(_("the server's list is not JSON; is this the address of a RyzeAPI server?")) from error
        at = len(window)
    if at >= len(window) and not last:
        words = _("the server's list holds an item larger than {most} MB, or is not JSON")
        raise BadReply(words.format(most=ITEM_MOST >> 20))
    return item, at
