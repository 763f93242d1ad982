"""The links of all instances, as WhatsApp would hold them. What the virtual phones can do is in controls.py."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

from ...clock import Clock
from ...egress import Egress
from ...errors import EngineError, StoreError
from ...table import Happening
from ..port import UNREADABLE, Media, Outgoing, ProxyUse, Saved, Sent, Sessions, Tell, Told
from .carried import Carried
from .chats import OFFLINE, Chats
from .codes import LIFE_SECONDS, alive, pairing_code, qr_texts
from .line import Lines
from .link import Link, Phase, Session

log = logging.getLogger(__name__)

CODES_AFTER: Final = 0.2
LINK_AFTER: Final = 0.3
DIAL_AFTER: Final = 0.3
STILL_DIALLING: Final = 30.0
"""Every so many seconds a link that cannot come up says that it is still trying; not divided by the speed."""

BOOT_RATE: Final = 2000.0
BOOT_AT_ONCE: Final = 1000

NO_SCAN: Final = "nobody scanned: WhatsApp ended the pairing after six codes"
DROPPED: Final = "connection to WhatsApp lost, dialling again"
UNLINKED: Final = "logged out from the phone"

BANS: Final[dict[int, str]] = {
    101: "sent too many messages to people who do not have you in their address book",
    102: "too many people blocked you",
    103: "created too many groups with people who do not have you in their address book",
    104: "sent the same message to too many people",
    106: "sent too many messages to a broadcast list",
}
"""WhatsApp's codes of temporary bans (whatsmeow types/events)."""


class SimulatedEngine:
    """Engine (see port.py). `speed` divides every wait. Links with a proxy really dial through it, by way of `egress`."""

    name: Final = "simulated"
    label: Final = "SIMULATED"

    def __init__(
        self, sessions: Sessions, clock: Clock, *, speed: float = 1.0, seed: int | None = None, egress: Egress | None = None
    ) -> None:
        self.sessions, self.clock, self.speed = sessions, clock, speed
        self.carried = Carried(self, Lines(egress or Egress(allow_private=False)))
        self.rng = random.Random(seed)
        self.links: dict[str, Link] = {}
        self.chats = Chats(clock, self.rng, speed, self.tell)
        self._tell: Tell | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def boot_rate(self) -> float:
        """Saved sessions dialled per second at the start."""
        return BOOT_RATE * self.speed

    @property
    def boot_at_once(self) -> int:
        """As many as are on their way at that rate, and some."""
        return BOOT_AT_ONCE

    async def open(self, tell: Tell) -> dict[str, Saved]:
        """Read the sessions."""
        self._tell = tell
        saved = {}
        for instance, text in (await self.sessions.sessions()).items():
            try:
                session = Session.load(text or "")
            except (ValueError, TypeError):
                log.warning("the session of instance %s cannot be read", instance)
                saved[instance] = Saved(broken=UNREADABLE)
                continue
            self.links[instance] = Link(instance, session, down_until=session.away_until)
            saved[instance] = Saved(session.jid)
        return saved

    def adopt(self, links: Iterable[Link]) -> None:
        """Links that are already as they are to be (the first fill); they have attempt 1."""
        for link in links:
            link.attempt, link.down_until = 1, link.session.away_until if link.session else 0.0
            self.links[link.instance] = link
            if link.phase is Phase.DIALLING:
                self.after(link, DIAL_AFTER, self._dialled)

    def tell(self, link: Link, what: Happening, data: dict[str, Any] | None = None, **more: Any) -> None:
        """Tell the lifecycle."""
        assert self._tell is not None
        self._tell(Told(link.instance, link.attempt, what, data or {}, **more))

    def after(self, link: Link, seconds: float, what: Any) -> None:
        """Do `what(link)` then, instead of whatever the link was to do."""
        if link.timer is not None:
            link.timer.cancel()
        link.timer = self.clock.call_later(seconds / self.speed, what, link)

    # -- commands ------------------------------------------------------------------------------------------------------

    def pair(self, instance: str, attempt: int, number: str, history: int | None, proxy: ProxyUse | None) -> None:
        """Codes come a moment later; the saved session stays until a phone accepts one of them."""
        link = self.links.setdefault(instance, Link(instance))
        link.quiet()
        link.attempt, link.number, link.phase, link.history = attempt, number, Phase.ASKING, history
        link.proxy, link.tries, link.trouble = proxy, 0, ""
        if proxy is None:
            self._ask_codes(link)
        else:
            self.carried.begin(link, self._ask_codes)

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        """Dial with the saved session. Raises EngineError when there is none.

        The first dial of a restored session finds WhatsApp as it was; a later one, asked for by a person, gets through.
        """
        link = self.links.get(instance)
        if link is None or link.session is None:
            raise EngineError("there is no saved session")
        link.quiet()
        link.down_until = 0.0 if link.attempt else link.down_until
        link.attempt, link.phase, link.history = attempt, Phase.DIALLING, None
        link.proxy, link.tries, link.trouble = proxy, 0, ""
        self.after(link, DIAL_AFTER, self.come_up)

    async def front(self) -> tuple[str, int]:
        """The simulated WhatsApp's own listener on loopback; it is there from the first question on. Raises EngineError."""
        return await self.carried.lines.front.address()

    async def greet(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Raises TunnelError."""
        await self.carried.lines.greet(streams)

    def stop(self, instance: str) -> None:
        """Drop the link."""
        if (link := self.links.get(instance)) is not None:
            link.quiet()
            if link.session is None:
                del self.links[instance]

    async def logout(self, instance: str) -> None:
        """Forget the session; EngineError afterwards when WhatsApp could not be told."""
        link = self.links.pop(instance, None)
        if link is None:
            return
        session, link.session, reached = link.session, None, link.reaches
        link.quiet()
        try:
            await self.sessions.delete_session(instance)
        except StoreError:
            link.session = session
            self.links.setdefault(instance, link)
            raise
        if session is not None and (link.down_until > self.clock.now() or not reached):
            raise EngineError("WhatsApp cannot be reached; the phone goes on showing the device until it notices")

    def _of(self, instance: str) -> Link:
        if (link := self.links.get(instance)) is None:
            raise EngineError(OFFLINE)
        return link

    async def send(self, instance: str, outgoing: Outgoing) -> Sent:
        """To a virtual chat partner, who gets it and reads it. Raises EngineError."""
        return self.chats.send(self._of(instance), outgoing)

    async def mark_read(self, instance: str, chat: str, sender: str, ids: Sequence[str]) -> None:
        """Raises EngineError."""
        self.chats.mark_read(self._of(instance), ids)

    async def reject_call(self, instance: str, caller: str, call_id: str) -> None:
        """The call ends as rejected. Raises EngineError."""
        self.chats.reject(self._of(instance), caller, call_id)

    async def presence(self, instance: str, available: bool) -> None:
        """Raises EngineError."""
        self.chats.presence(self._of(instance), available)

    async def download(self, instance: str, media: Media) -> bytes:
        """What a virtual phone sent; through the proxy, where there is one. Raises EngineError."""
        link = self._of(instance)
        return await self.carried.fetch(link, self.chats.download(link, media))

    async def close(self) -> None:
        """Drop every link, keep every session."""
        for link in self.links.values():
            link.quiet()
        await self.carried.lines.close()

    # -- what happens --------------------------------------------------------------------------------------------------

    def _ask_codes(self, link: Link) -> None:
        self.after(link, CODES_AFTER, self._give_codes)

    def _give_codes(self, link: Link) -> None:
        link.timer = None
        link.phase, link.codes, link.given_at = Phase.SCANNING, qr_texts(self.rng), self.clock.monotonic()
        self.after(link, LIFE_SECONDS, self._nobody_scanned)
        if link.number:
            link.code = pairing_code(self.rng)
        self.tell(link, Happening.QR_READY, {"codes": list(link.codes)})
        if link.code:
            self.tell(link, Happening.PAIR_CODE, code=link.code)

    def _nobody_scanned(self, link: Link) -> None:
        link.quiet()
        self.tell(link, Happening.DISCONNECTED, {"reason": NO_SCAN})

    def alive_code(self, link: Link) -> int | None:
        """Which QR code can be scanned now; None when none can."""
        if link.phase is not Phase.SCANNING:
            return None
        return alive((self.clock.monotonic() - link.given_at) * self.speed)

    async def linked(self, link: Link, session: Session) -> None:
        """A phone accepted: keep the session, tell it, and come up after WhatsApp's restart of the link."""
        attempt = link.attempt
        link.quiet()
        link.phase = Phase.LINKING
        await self.sessions.save_session(link.instance, session.dump())
        if link.attempt != attempt or link.phase is not Phase.LINKING:
            await self._keep(link)
            raise EngineError("the pairing was replaced meanwhile")
        link.session = session
        data = {"jid": session.jid, "businessName": session.business, "platform": "android"}
        self.after(link, LINK_AFTER, self.come_up)
        self.tell(link, Happening.PAIR_SUCCESS, data, jid=session.jid, profile_name=session.name, business_name=session.business)

    async def _keep(self, link: Link) -> None:
        """Put on the disk what is in memory."""
        if link.session is None:
            await self.sessions.delete_session(link.instance)
        else:
            await self.sessions.save_session(link.instance, link.session.dump())

    def come_up(self, link: Link) -> None:
        """Find out what WhatsApp says; through the proxy, where there is one."""
        link.timer = None
        if link.reaches:
            self._dialled(link)
        else:
            self.carried.begin(link, self._dialled)

    def _dialled(self, link: Link) -> None:
        link.timer = None
        session, now = link.session, self.clock.now()
        if session is None:
            return
        if session.revoked:
            self._begin(self.revoke(link, on_connect=True))
        elif session.banned_until > now:
            self.ban(link)
        elif link.down_until > now:
            self.tell(link, Happening.DIALLING, {"reason": DROPPED})
            link.timer = self.clock.call_later(min(link.down_until - now, STILL_DIALLING), self._dialled, link)
        else:
            self.online(link)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background; what could not be kept is only less true after a restart."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a session could not be kept: %s", error)

    def online(self, link: Link) -> None:
        """The link is up; with a proxy only when there is a connection through it."""
        assert link.session is not None
        if not link.reaches:
            self.carried.begin(link, self._dialled)
            return
        link.phase = Phase.ONLINE
        session = link.session
        if session.away_until:
            session.away_until = 0.0  # it is in reach again, after a restart too
            self._begin(self._keep(link))
        self.tell(link, Happening.CONNECTED, jid=session.jid, profile_name=session.name, business_name=session.business)
        days, link.history = link.history, None
        if days:
            self.chats.history(link, session, days)

    def ban(self, link: Link) -> None:
        """WhatsApp refuses the number for a while; the link does not come back by itself."""
        assert link.session is not None
        session = link.session
        link.quiet()
        data = {
            "code": session.ban_code, "reason": BANS.get(session.ban_code, "temporarily banned"),
            "expire": max(0, math.ceil(session.banned_until - self.clock.now())),
        }
        self.tell(link, Happening.TEMP_BANNED, data)

    def drop(self, link: Link, seconds: float) -> None:
        """The link breaks; the engine dials again and again, quietly as whatsmeow does, and gets through after `seconds`."""
        link.quiet()
        link.phase, link.down_until = Phase.DROPPED, self.clock.now() + seconds / self.speed
        self.tell(link, Happening.DISCONNECTED, {"reason": DROPPED})
        self.after(link, seconds, self._back)

    def _back(self, link: Link) -> None:
        link.down_until = 0.0
        self.come_up(link)

    async def revoke(self, link: Link, *, on_connect: bool) -> None:
        """The phone unlinked this device: the session is worthless and goes."""
        link.quiet()
        await self.sessions.delete_session(link.instance)
        link.session = None
        self.tell(link, Happening.LOGGED_OUT, {"reason": UNLINKED, "onConnect": on_connect})
