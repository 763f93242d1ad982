"""The last events of the account that is open, as the tape shows them: a ring bounded by count and by size. Pure."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..i18n import _
from ..redact import mask, masked
from .words import safe

if TYPE_CHECKING:
    from ..api.events import Event

MOST: Final = 2000
BYTES: Final = 4 << 20
LONG: Final = 20_000
"""Characters of one text of an event that are kept: a picture is of no use to the tape."""
LOST: Final = "lost"
"""The name of a line that is no event: what came before it is not all."""


@dataclass(slots=True)
class Item:
    """`number` counts from 0; `at`: Unix seconds at which it arrived; `size`: about as many bytes as it takes."""

    number: int
    at: float
    instance: str
    event: str
    data: dict[str, Any]
    size: int
    _told: str | None = None
    _hay: str | None = None

    @property
    def told(self) -> str:
        """What happened, in a line; secrets masked. Made when somebody looks at it."""
        if self._told is None:
            self._told = safe(mask(summary(self.event, self.data)))
        return self._told

    @property
    def haystack(self) -> str:
        """What words of a filter are looked for in."""
        if self._hay is None:
            self._hay = f"{self.instance} {self.event} {self.told}".lower()
        return self._hay

    def line(self, *, reveal: bool = False) -> dict[str, Any]:
        """As JSON, like a line of `ryze-tui events`; secrets masked unless they are to be revealed."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at)) + f".{int(self.at * 1000) % 1000:03d}Z"
        data = self.data if reveal else masked(self.data)
        return {"at": stamp, "instance": self.instance, "event": self.event, "frame": {"event": self.event, "data": data}}


class Reel:
    """The newest `most` events, or as many as have room in `size` bytes."""

    def __init__(self, most: int = MOST, size: int = BYTES) -> None:
        self._most, self._size = most, size
        self._items: deque[Item] = deque()
        self._bytes = self.count = 0
        """How many came, dropped ones too."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def first(self) -> int:
        """The number of the oldest that is still there."""
        return self.count - len(self._items)

    def add(self, instance: str, event: str, data: dict[str, Any], at: float | None = None) -> None:
        """One more; the oldest ones make room."""
        short, size = _short(data)
        self._items.append(Item(self.count, time.time() if at is None else at, instance, event, short, size))
        self.count += 1
        self._bytes += size
        while self._items and (len(self._items) > self._most or self._bytes > self._size):
            self._bytes -= self._items.popleft().size

    def put(self, event: Event) -> None:
        """One more, as the console's own streams tell it."""
        self.add(event.instance, event.name, event.data)

    def since(self, number: int) -> Iterator[Item]:
        """Those from that number on."""
        return islice(self._items, max(0, number - self.first), None)

    def get(self, number: int) -> Item | None:
        """One of them, while it is there."""
        at = number - self.first
        return self._items[at] if 0 <= at < len(self._items) else None


def _short(value: Any) -> tuple[Any, int]:
    """The same without very long texts, and about how many bytes it takes."""
    if isinstance(value, str):
        if len(value) > LONG:
            value = f"{value[:200]}… ({len(value)} characters)"
        return value, 50 + len(value)
    if isinstance(value, dict):
        made, size = {}, 200
        for key, one in value.items():
            made[key], more = _short(one)
            size += more + 60 + len(key)
        return made, size
    if isinstance(value, list):
        parts = [_short(one) for one in value[:500]]
        return [one for one, _more in parts], 80 + sum(more for _one, more in parts)
    return value, 32


def summary(event: str, data: dict[str, Any]) -> str:
    """An event of the contract in words; of one that is not known its texts."""
    if event == LOST:
        return _("events were lost here: the stream was not open")
    message = data.get("message") if isinstance(data.get("message"), dict) else {}
    chat: dict[str, Any] = one if isinstance(one := data.get("chat"), dict) else {}
    if event == "instance.state":
        parts = [data.get("state"), data.get("reason")]
    elif event == "message.exchange":
        arrow = {"incoming": "←", "outgoing": "→"}.get(str(data.get("direction")), "")
        parts = [arrow, _named(chat) or _user(data.get("jid")), (message or data).get("type"), (message or data).get("content")]
    elif event == "group.flow":
        people = data.get("participants")
        parts = [data.get("type"), data.get("groupName") or _user(data.get("groupJid"))]
        parts += [_named(one) for one in people[:20] if isinstance(one, dict)] if isinstance(people, list) else []
    else:
        parts = [data.get(key) for key in ("status", "state", "action", "type", "recipient", "from", "name", "id", "messageId")]
    words = [" ".join(part.split()) for part in parts if isinstance(part, str) and part]
    if not words:
        words = [json.dumps(data, ensure_ascii=False, separators=(",", ":"))[:300]]
    return " ".join(words)[:400]


def _named(chat: dict[str, Any]) -> Any:
    """A group by its name, where that was told; a person by the number."""
    name = chat.get("name") if str(chat.get("jid")).endswith("@g.us") else ""
    return name or _user(chat.get("jid"))


def _user(jid: object) -> str:
    return jid.partition("@")[0] if isinstance(jid, str) else ""


def parse(text: str) -> Callable[[Item], bool]:
    """Words, `event:word`, `name:word`, each may be negated by `!`; all must hold."""
    tests: list[tuple[bool, str, str]] = []
    for word in text.lower().split():
        wanted, term = not word.startswith("!"), word.lstrip("!")
        key, colon, value = term.partition(":")
        if colon and key in ("event", "name"):
            if value:
                tests.append((wanted, key, value))
        elif term:
            tests.append((wanted, "", term))

    def matches(item: Item) -> bool:
        for wanted, key, value in tests:
            if key == "name":
                found = item.instance.lower().startswith(value)
            else:
                found = value in (item.event.lower() if key else item.haystack)
            if found is not wanted:
                return False
        return True

    return matches
