"""The double of WhatsApp's server: who is on it, which devices are linked, and what happens to them next.

Loopback only. It proves how our engine reacts, not that WhatsApp acts so: its behaviour is derived from the clients' sources.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.asyncio.server import ServerConnection, serve

from ..authority import Authority
from .chain import REAL_ROOT, Root, curve
from .device import Device
from .gate import Gate, any_name
from .groups import STATUS, Group
from .keeper import Keeper
from .link import Link
from .media import Media
from .nodes import bare
from .people import SECONDS, Person
from .phone import PairingRefused, Phone, QrText

_INJECT = Path(__file__).with_name("inject.py")


class Faulty(AssertionError):
    """A client did what the double does not know, or the double itself failed: the test proves nothing."""


def failure(reason: int, **more: object) -> dict[str, object]:
    """What a login gets instead of success: 401, 402 (with `code` and `expire` in seconds), 403, 405, 406, 503."""
    return {"reason": reason, "location": "fake", **more}


class WhatsAppDouble:
    """Used as `async with`; at its end whatever it did not know is raised.

    `status`: what people say with it as `group` is for everybody; `refusal`: every login gets it; `code_refusal`: code and text
    for who asks for a pairing code; `ref_count`: QR texts of a pairing, 20 s each, the first one 60 s when there are 6;
    `skip_restart`: the line is cut after a pairing; `restart_delay`: seconds between a pairing and its 515; `linger`: between a
    last stanza and the end; `silent`: lines are taken and nothing is said; `greets`: phones tell new devices their name;
    `mute_groups`: JIDs of groups about which no question is answered.
    """

    def __init__(self, *, login: tuple[str, str] = ("", ""), cage: str = "", root: Root | None = None) -> None:
        self.root, self.gate, self.media = root or Root(), Gate(*login), Media()
        self._login, self._cage = login, cage
        self.refusal: dict[str, object] | None = None
        self.code_refusal: tuple[int, str] | None = None
        self.ref_count, self.linger, self.restart_delay = 6, 0.5, 0.0
        self.skip_restart = self.silent = False
        self.greets = True
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.mute_groups: set[str] = set()
        self.status = Group(self, STATUS, "", ())
        self.devices: list[Device] = []
        self.links: list[Link] = []
        self.logged_out: list[str] = []
        self.faults: list[str] = []
        self.transcript: list[str] = []
        self._ids = itertools.count(1000)
        self.renew()

    def renew(self, *, begins: float | None = None, ends: float | None = None, root: Root | None = None) -> None:
        """A new key and new certificates for the lines to come; by another root than the workers', if wanted."""
        self.static = curve.generate_keypair()
        self.chain = (root or self.root).chain(self.static.public, begins=begins, ends=ends)

    # --------------------------------------------------------------------- running

    async def __aenter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="wa-"))
        authority = Authority(self._home)
        self.ca_file = authority.file
        self._chat = await serve(
            self._accept, "127.0.0.1", 0, ssl=any_name(authority), compression=None, ping_interval=None, max_size=None
        )
        self._files = await asyncio.start_server(self.media.serve, "127.0.0.1", 0, ssl=any_name(authority))
        self.tls_port = self.gate.chat_port = next(iter(self._chat.sockets)).getsockname()[1]
        self.gate.media_port = self._files.sockets[0].getsockname()[1]
        await self.gate.start()
        told = {"ca": str(self.ca_file), "proxy": self.proxy_url, "old": REAL_ROOT.hex(), "new": self.root.public.hex()}
        self.keeper = Keeper(self._home / "control", told, self._cage)
        self.keeper.reach(self.gate.port)
        self.keeper.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for link in list(self.links):
            link.cut()
        await self.keeper.stop()
        await self.gate.stop()
        self._files.close()
        self._chat.close()
        await self._chat.wait_closed()
        shutil.rmtree(self._home, ignore_errors=True)
        if error is not None:
            error.add_note("what the double saw:\n" + "\n".join(self.transcript[-60:]))
        if self.faults:
            raise Faulty("; ".join(self.faults)) from error

    @property
    def proxy_url(self) -> str:
        """The same inside the cages and outside; with user and password if the double wants them."""
        login = "{}:{}@".format(*self._login) if self._login[0] else ""
        return f"http://{login}127.0.0.1:{self.gate.port}"

    @property
    def seen(self) -> list[str]:
        """Hosts that clients asked for, in order."""
        return [f"{host}:{port}" for host, port in self.gate.asked if host != "127.0.0.1"]

    def command(self, module: str) -> list[str]:
        """How a worker is started: `python -m MODULE`, caged, for whom the double is WhatsApp. Its arguments follow."""
        return [sys.executable, str(_INJECT), "--double", str(self.keeper.path), module]

    def reach(self, port: int) -> None:
        """Let workers have that port of our loopback."""
        self.keeper.reach(port)

    def log(self, line: str) -> None:
        """For a test that fails; no keys, no codes, no texts."""
        self.transcript.append(line)

    def fault(self, words: str) -> None:
        """The test fails at the end."""
        self.faults.append(words)
        self.log(f"FAULT {words}")

    def next_id(self) -> str:
        """For a query of the server's."""
        return str(next(self._ids))

    # ---------------------------------------------------------------------- people

    def phone(self, number: str, name: str = "", **more: str) -> Phone:
        """An account. `more`: platform, business."""
        phone = Phone(number, name, **more)
        phone.double = self
        self._add(phone)
        return phone

    def person(self, number: str, name: str = "") -> Person:
        """Somebody who is there to talk with."""
        person = Person(number, name)
        self._add(person)
        return person

    def _add(self, person: Person) -> None:
        assert person.number not in self.people, f"{person.number} is somebody else already"
        person.media = self.media
        self.people[person.number] = person

    def group(self, name: str, *members: Person, lid: bool = True) -> Group:
        """The first one has made it."""
        group = Group(self, f"1203630{secrets.randbelow(10**11):011d}@g.us", name, members, lid)
        self.groups[group.jid] = group
        return group

    def find(self, jid: str) -> Person | None:
        """By number or LID, with or without a device."""
        user = bare(jid).split("@")[0]
        if jid.endswith("@lid"):
            return next((one for one in self.people.values() if one.lid_user == user), None)
        return self.people.get(user)

    def device(self, jid: str) -> Device | None:
        """By number or LID."""
        return next((one for one in self.devices if jid in (one.jid, one.lid)), None)

    def numbers(self, person: Person) -> list[int]:
        """Of the linked devices of that account."""
        return [int(one.jid.split(":")[1].split("@")[0]) for one in self.devices if one.phone is person]

    # --------------------------------------------------------------------- pairing

    async def scan(self, phone: Phone, text: str) -> Device:
        """The phone's camera sees that QR text. Raises PairingRefused."""
        qr = QrText.parse(text)
        link = next((one for one in self.links if qr.ref in one.refs), None)
        if link is None:
            raise PairingRefused("this QR code is no longer valid")
        return await link.pair(phone, qr.secret, qr.identity)

    async def enter_code(self, phone: Phone, code: str, seconds: float = SECONDS) -> Device:
        """The phone's owner types what a client shows. Raises PairingRefused, TimeoutError."""
        link = next((one for one in reversed(self.links) if one.number == phone.number), None)
        if link is None:
            raise PairingRefused("nobody waits for a code with this number")
        return await link.type_code(phone, code)

    async def rotate(self) -> None:
        """Whoever waits to be scanned shows another QR text."""
        for link in list(self.links):
            if link.refs and link.device is None:
                await link.offer()

    # ---------------------------------------------------------------------- wires

    async def _accept(self, socket: ServerConnection) -> None:
        link = Link(self, socket)
        self.links.append(link)
        self.log("a line")
        try:
            await link.run()
        except Exception as error:
            self.fault(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.links.remove(link)
