"""Groups of people: who is in them, and what their members' devices are told when that changes."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .nodes import Node, node, now

if TYPE_CHECKING:
    from .double import WhatsAppDouble
    from .people import Person

STATUS = "status@broadcast"


class Group:
    """`lid`: whether its members are known by LID, as in groups made today. The first member has made it."""

    def __init__(self, double: WhatsAppDouble, jid: str, name: str, members: tuple[Person, ...], lid: bool = True) -> None:
        self.jid, self.name, self.members, self.lid = jid, name, list(members), lid
        self._double = double

    def known(self, person: Person) -> str:
        """By which JID somebody is known there."""
        return person.lid if self.lid else person.jid

    def described(self) -> Node:
        """As the server tells about it."""
        first = self.known(self.members[0])
        rights = ["superadmin", *[None] * (len(self.members) - 1)]
        return node("group", [self._listed(one, type=right) for one, right in zip(self.members, rights, strict=True)],
                    id=self.jid.split("@")[0], creator=first, subject=self.name, s_t=now(), creation=now(), s_o=first,
                    addressing_mode="lid" if self.lid else "pn", size=len(self.members))  # fmt: skip

    async def rename(self, name: str, by: Person) -> None:
        """Somebody gives it another name."""
        self.name = name
        await self._tell(by, node("subject", subject=name, s_t=now(), s_o=self.known(by)))

    async def add(self, person: Person, by: Person) -> None:
        """Somebody brings somebody in."""
        self.members.append(person)
        await self._tell(by, node("add", [self._listed(person)]))

    async def remove(self, person: Person, by: Person) -> None:
        """Somebody throws somebody out, or leaves."""
        await self._tell(by, node("remove", [self._listed(person)]))
        self.members.remove(person)

    async def promote(self, person: Person, by: Person) -> None:
        """Somebody makes somebody an administrator."""
        await self._tell(by, node("promote", [self._listed(person)]))

    def _listed(self, person: Person, **more: object) -> Node:
        other = {"phone_number": person.jid} if self.lid else {"lid": person.lid}
        return node("participant", None, **other, **more, jid=self.known(person))

    async def _tell(self, by: Person, change: Node) -> None:
        source = {"participant": self.known(by), "participant_pn": by.jid if self.lid else None}
        for device in self._double.devices:
            if device.phone in self.members:
                await device.send(node("notification", [change], **source, from_=self.jid, type="w:gp2", t=now(), notify=by.name,
                                       id=secrets.token_hex(8).upper(), addressing_mode="lid" if self.lid else "pn"))  # fmt: skip
