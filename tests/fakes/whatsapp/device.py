"""A linked device as WhatsApp knows it: what it uploaded, what waits for it, and what a test can do to its line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .nodes import SERVER, Node, at, children, node, now
from .people import SECONDS, Person

if TYPE_CHECKING:
    from .link import Link
    from .phone import Phone

_KEPT: Final = ("message", "receipt", "notification")
"""Stanzas that are brought again at the next login when they were not acknowledged."""


class Gone(Exception):
    """The device is not connected."""


class Device:
    """`jid`, `lid`: with its number. `refusal`: what its next logins get (see double.failure); `mute`: no answers to anything.

    `greeted`: the phone has shared the key of its settings.
    """

    def __init__(self, jid: str, lid: str, phone: Phone, noise: bytes, identity: bytes) -> None:
        self.jid, self.lid, self.phone, self.noise, self.identity = jid, lid, phone, noise, identity
        self.keys: Node | None = None
        # not 0: a client that hears that makes 812 keys, which takes it more than a second
        self.key_count = 1
        self.refusal: dict[str, object] | None = None
        self.mute = self.greeted = False
        self.link: Link | None = None
        self.logins = 0
        self.outstanding: dict[str, Node] = {}
        self._active, self._came = asyncio.Event(), asyncio.Condition()
        self._told: list[Node] = []

    # ---------------------------------------------------------------- what it does

    async def online(self, seconds: float = SECONDS) -> None:
        """Until it has logged in and said that it is active. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._active.wait()

    async def offline(self, seconds: float = SECONDS) -> None:
        """Until its line has ended. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.link is not None:
                await self.link.ended.wait()

    async def wait(self, fits: Callable[[Node], bool], seconds: float = SECONDS) -> Node:
        """The first stanza from it, other than queries, that fits and was not taken yet. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._came:
            while (found := next((one for one in self._told if fits(one)), None)) is None:
                await self._came.wait()
            self._told.remove(found)
            return found

    async def receipt(self, message_id: str, kind: str = "", seconds: float = SECONDS) -> Node:
        """Its receipt for a message: "" for its arrival, else `read`, `played`, `retry`."""
        kinds = ("", "inactive") if not kind else (kind,)  # inactive: nobody looks at the screen, as far as the client says

        def fits(one: Node) -> bool:
            ids = [one.attrs.get("id"), *(item.attrs.get("id") for item in children(at(one, "list") or one))]
            return one.tag == "receipt" and one.attrs.get("type", "") in kinds and message_id in ids

        return await self.wait(fits, seconds)

    async def presence(self, seconds: float = SECONDS) -> Node:
        """Its next presence."""
        return await self.wait(lambda one: one.tag == "presence", seconds)

    # ------------------------------------------------------------ what happens to it

    async def send(self, stanza: Node) -> None:
        """Now, or at the next login if it is of a kind that is kept. Raises Gone for the others."""
        if stanza.tag in _KEPT:
            self.outstanding[stanza.attrs["id"]] = stanza
        elif self.link is None:
            raise Gone(f"{self.jid} has no line")
        if self.link is not None:
            await self.link.send(stanza)

    async def told_of_picture(self, person: Person) -> None:
        """Somebody's picture is another now, or gone."""
        change = node("set" if person.picture else "delete", jid=person.jid, id=now())
        await self.send(node("notification", [change], from_=person.jid, id=self.phone.double.next_id(), type="picture", t=now()))

    async def stream_error(self, code: int | None, *inside: Node) -> None:
        """The server ends the stream: 503, 515, or with a conflict. Raises Gone."""
        if self.link is None:
            raise Gone(f"{self.jid} has no line")
        await self.link.stream_error(code, *inside)

    async def removed(self) -> None:
        """Unlinked on the phone; it is told so now, or at its next login."""
        link, double = self.link, self.phone.double
        double.devices.remove(self)
        if link is not None:
            await link.stream_error(401, node("conflict", type="device_removed"))

    async def replaced(self) -> None:
        """Another program took its session over."""
        await self.stream_error(None, node("conflict", type="replaced"))

    async def fail(self, reason: int, **more: object) -> None:
        """The line ends, and every login from now on is refused: 401, 402 (with `code`, `expire`), 403, 405, 406, 503."""
        self.refusal = {"reason": reason, "location": "fake", **more}
        if self.link is not None:
            await self.link.stream_error(503)

    def drop(self) -> None:
        """The line is cut without a word. Raises Gone."""
        if self.link is None:
            raise Gone(f"{self.jid} has no line")
        self.link.cut()

    # ------------------------------------------------------------------ for the link

    async def came(self, link: Link) -> None:
        """It logged in."""
        self.link, self.logins = link, self.logins + 1
        await link.send(node("success", t=now(), lid=self.lid, location="fake"))
        kept = list(self.outstanding.values())
        for stanza in kept:
            await link.send(Node(stanza.tag, stanza.attrs | {"offline": "0"}, stanza.content))
        await link.send(node("ib", [node("offline", count=len(kept))], from_=SERVER))

    def activate(self) -> None:
        """It says that it is ready."""
        self._active.set()

    def went(self, link: Link) -> None:
        """That line has ended."""
        if self.link is link:
            self.link = None
            self._active.clear()

    async def tell(self, stanza: Node) -> None:
        """It says something."""
        if stanza.tag in ("ack", "receipt") and stanza.attrs.get("type") != "retry":
            self.outstanding.pop(stanza.attrs.get("id", ""), None)
        async with self._came:
            self._told.append(stanza)
            self._came.notify_all()

    def bundle(self) -> list[Node]:
        """What somebody needs who wants to write to it for the first time."""
        kept = [one for tag in ("registration", "type", "identity", "skey") if (one := at(self.keys, tag)) is not None]
        return [*kept, key] if (key := self.take_key()) is not None else kept

    def take_key(self) -> Node | None:
        """One of its one-time keys, that nobody has had; None when they are used up."""
        kept = children(at(self.keys, "list") or node("list"))
        if not kept:
            return None
        self.key_count -= 1
        return kept.pop()

    def upload(self, query: Node) -> None:
        """It brings one-time keys."""
        fresh = children(at(query, "list") or node("list"))
        self.key_count += len(fresh)
        if self.keys is not None:
            fresh[:0] = children(at(self.keys, "list") or node("list"))
        self.keys = query
