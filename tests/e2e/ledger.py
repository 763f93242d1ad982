"""What a server acknowledged, and what therefore may be there after it was killed in the middle of everything.

Each instance is a set of possibilities: an operation adds its outcome when it is sent; a 2xx makes it the only one, a
refusal takes it back, and a connection that broke leaves both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

BLOCKS: Final = ("webhook", "chatwoot", "proxy", "settings", "s3")
Link = tuple[str, str]
"""State and, when connected, number."""

NEVER: Final[Link] = ("disconnected", "")
OUT: Final[Link] = ("loggedout", "")


@dataclass(slots=True)
class Entry:
    """One instance. `views`: its blocks as the creation was answered; `sent`: the create body, with the secrets."""

    name: str
    sent: dict[str, Any] = field(repr=False)
    token: str = field(default="", repr=False)
    views: dict[str, Any] | None = None
    exists: set[bool] = field(default_factory=lambda: {False})
    links: set[Link] = field(default_factory=lambda: {NEVER})
    sockets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def there(self) -> bool:
        """It certainly exists."""
        return self.exists == {True}

    def created(self, made: dict[str, Any]) -> None:
        """The creation was answered with this."""
        self.exists, self.token = {True}, made["token"]
        self.views, self.sockets = {kind: made[kind] for kind in BLOCKS}, [made["websocket"]]

    def wrong(self, item: dict[str, Any] | None) -> list[str]:
        """How the list item (None: not in the list) differs from everything that may be."""
        if item is None:
            return [] if False in self.exists else [f"{self.name} is lost"]
        if True not in self.exists:
            return [f"{self.name} was deleted and is back"]
        found = [] if item["token"] else [f"{self.name} has no token"]
        if self.token and item["token"] != self.token:
            found.append(f"{self.name} has another token")
        if self.views is not None:
            other = {kind: view for kind, view in self.views.items() if told(item[kind]) != told(view)}
            found += [f"{self.name}: {kind} is {item[kind]}, not {view}" for kind, view in other.items()]
        if self.sockets and item["websocket"] not in self.sockets:
            found.append(f"{self.name}: websocket is {item['websocket']}, not one of {self.sockets}")
        if link_of(item) not in self.links:
            found.append(f"{self.name} is {link_of(item)}, not one of {self.links} ({item['connection'].get('reason')})")
        return found

    def settle(self, item: dict[str, Any] | None) -> None:
        """After a restart what is there is what is on the disk: nothing else is possible any more."""
        self.exists = {item is not None}
        if item is not None:
            self.token, self.links, self.sockets = item["token"], {link_of(item)}, [item["websocket"]]
            self.views = {kind: item[kind] for kind in BLOCKS}


def told(view: dict[str, Any]) -> dict[str, Any]:
    """A block without the words of what went wrong: killed in between, it says that instead."""
    return {name: value for name, value in view.items() if name != "error"}


def link_of(item: dict[str, Any]) -> Link:
    """The state of a list item, with the number where it counts."""
    state = item["connection"]["state"]
    return (state, (item["connection"]["numberJid"] or "").partition("@")[0] if state == "connected" else "")
