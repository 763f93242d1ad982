"""Somebody on WhatsApp who has a phone: writes to linked devices, hears what they write, calls, and reads."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyaileys.auth.creds import KeyPair
from pyaileys.proto import WAProto_pb2 as proto

from .media import KINDS, Media, Medium
from .nodes import Node, at, node, now
from .signal import Sessions

if TYPE_CHECKING:
    from .device import Device
    from .groups import Group

SECONDS = 20.0
"""How long a test waits for something that should come at once."""


@dataclass(frozen=True)
class Heard:
    """A message that a linked device wrote, decrypted. `group`: its JID, if it was there; `medium`: what it carries, decrypted.

    `to`: whom it was for, where the hearer is the account's own phone.
    """

    id: str
    device: Device = field(repr=False)
    message: Any
    group: str = ""
    to: str = ""
    medium: Medium | None = None

    @property
    def text(self) -> str:
        """Or the caption."""
        message = self.message
        if self.medium is not None:
            return str(getattr(self.medium.part, "caption", ""))
        return str(message.conversation or message.extendedTextMessage.text)


class Call:
    """One that rings. `id` is its own."""

    def __init__(self, caller: Person, device: Device) -> None:
        self.caller, self.device, self.id = caller, device, secrets.token_hex(8).upper()

    async def send(self, tag: str, *inside: Node, **attributes: object) -> None:
        """A step of it."""
        step = node(tag, inside or None, call_id=self.id, call_creator=self.caller.jid, caller_lid=self.caller.lid, **attributes)
        await self.device.send(node("call", [step], from_=self.caller.jid, id=secrets.token_hex(8).upper(), t=now(),
                                    platform="android", version="2.26.1"))  # fmt: skip

    async def hang_up(self, reason: str = "timeout") -> None:
        """It rings no more."""
        await self.send("terminate", reason=reason)

    async def rejected(self, seconds: float = SECONDS) -> Node:
        """Until the device has refused it."""
        return await self.device.wait(
            lambda one: (step := at(one, "reject")) is not None and one.tag == "call" and step.attrs.get("call-id") == self.id,
            seconds,
        )


class Person:
    """`jid` by number, `lid` as WhatsApp hides it; `media` is the double's store, given by it."""

    media: Media
    _ids = itertools.count(1)

    def __init__(self, number: str, name: str = "") -> None:
        self.number, self.name = number, name or f"Person {number[-4:]}"
        self.lid_user = str(secrets.randbelow(9 * 10**14) + 10**14)
        self.jid, self.lid = f"{number}@s.whatsapp.net", f"{self.lid_user}@lid"
        self.sessions = Sessions()
        self.picture: bytes = b""
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()

    @property
    def identity(self) -> KeyPair:
        """Of the phone."""
        return self.sessions.identity

    async def say(self, device: Device, text: str, *, group: Group | None = None, by_lid: bool = False) -> str:
        """Send a text; its id."""
        return await self.send(device, proto.Message(conversation=text), group=group, by_lid=by_lid)

    async def show(
        self, device: Device, data: bytes, mimetype: str, *, kind: str = "image", group: Group | None = None, **fields: Any
    ) -> str:
        """Send media (`kind`: image, video, audio, document, sticker) with further fields of its message; the id."""
        part = self.media.keep(data, kind, mimetype=mimetype, **fields)
        return await self.send(device, proto.Message(**{KINDS[kind].field: part}), group=group, kind="media")

    async def send(
        self, device: Device, message: Any, *,
        group: Group | None = None, by_lid: bool = False, kind: str = "text", **more: object,
    ) -> str:  # fmt: skip
        """Any Message; `more`: attributes of its stanza. Its id."""
        number = str(more.pop("id", "")) or f"3EB0{secrets.token_hex(8).upper()}"
        if group is not None:
            own = group.known(self)
            inside = await self.sessions.encrypt_for_group(group.jid, own, device, message)
            source: dict[str, object] = {"from_": group.jid, "participant": own, "addressing_mode": "lid" if group.lid else "pn"}
            source |= {"participant_pn": self.jid} if group.lid else {"participant_lid": self.lid}
        else:
            inside = [await self.sessions.encrypt(device, message)]
            source = {"from_": self.lid, "sender_pn": self.jid, "addressing_mode": "lid"} if by_lid else {
                "from_": self.jid, "sender_lid": self.lid}  # fmt: skip
        about = {"id": number, "t": now(), "type": kind, "notify": self.name}
        await device.send(node("message", inside, **source | about | more))
        return number

    async def receipt(self, device: Device, message_id: str, kind: str = "", *, group: Group | None = None) -> None:
        """For what the device wrote: it has arrived ("") or was `read` or `played`."""
        source: dict[str, object] = {"from_": self.lid}
        if group is not None:
            source = {"from_": group.jid, "participant": self.lid}
        await device.send(node("receipt", **source, id=message_id, t=now(), type=kind or None))

    async def typing(self, device: Device, *, on: bool = True) -> None:
        """Begins or stops."""
        await device.send(node("chatstate", [node("composing" if on else "paused")], from_=self.lid))

    async def call(self, device: Device, *, video: bool = False) -> Call:
        """It begins to ring."""
        call = Call(self, device)
        parts = [node("audio", enc="opus", rate=16000)] + ([node("video", enc="vp8")] if video else [])
        await call.send("offer", *parts)
        return call

    async def heard(self, seconds: float = SECONDS) -> Heard:
        """The next message to this person, in the order they came. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            return await self._heard.get()

    @property
    def silence(self) -> bool:
        """Whether everything that came was taken."""
        return self._heard.empty()

    async def hear(self, device: Device, number: str, encs: list[Node], group: str = "") -> None:
        """The double brings a message."""
        message: Any = None
        for enc in encs:
            message = await self.sessions.decrypt(device, enc, group)
        to = ""
        if message.HasField("deviceSentMessage"):
            to, message = message.deviceSentMessage.destinationJid, message.deviceSentMessage.message
        self._heard.put_nowait(Heard(number, device, message, group, to, self.media.carried(message)))
