"""The whatsapp engine (see port.py): what is asked goes to worker processes, what they tell is put in the port's words."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from ...clock import Clock
from ...egress import Egress
from ...errors import EngineError, StoreError
from ...events import live
from ...table import Happening
from ...tunnel import TunnelError
from ..port import Media, Outgoing, ProxyUse, Saved, Sent, Tell, Told
from . import front, reasons, translate
from .asking import Asking
from .frames import Dial, Drop, Event, Taken
from .link import Link, Phase
from .pairing import NOT_KEPT, Pairing
from .pool import WORN, WORN_OUT, WORN_WORDS, Pool, Slot
from .reasons import Outcome, Then
from .sessions import SessionFiles

log = logging.getLogger(__name__)

BOOT_RATE: Final = 5.0
BOOT_AT_ONCE: Final = 20
STAGGER: Final = 0.15
"""Seconds between two dials of one worker that came back."""

DIAL_SECONDS: Final = 45.0
"""How long a dial may take before it is begun anew; the library itself gives a silent server 20 s."""

TAKE_OVER_SECONDS: Final = 30.0
"""How long the library may dial by itself after a drop: its pauses grow without bound, ours do not."""

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 60.0
RARELY_SECONDS: Final = 300.0


class WhatsAppEngine:
    """Engine (see port.py). `pool` and `files` are its own."""

    name: Final = "whatsapp"
    label: Final = ""
    boot_rate: Final = BOOT_RATE
    boot_at_once: Final = BOOT_AT_ONCE

    def __init__(
        self, files: SessionFiles, pool: Pool, clock: Clock, egress: Egress, *, random: Callable[[], float] = random.random
    ) -> None:
        self.files, self.pool, self._clock, self._egress, self._random = files, pool, clock, egress, random
        self.links: dict[str, Link] = {}
        self._asking = Asking(self.links, pool, egress)
        self._tell: Tell | None = None
        self._damaged: set[str] = set()
        self._closed = False
        pool.links = self

    @property
    def trouble(self) -> str:
        """For /health."""
        return self.pool.trouble

    async def open(self, tell: Tell) -> dict[str, Saved]:
        """Load neonize once, and look at the sessions. Raises EngineError, StoreError."""
        self._tell = tell
        saved = await asyncio.to_thread(self.files.open)
        await self.pool.open()
        for instance, session in saved.items():
            if session.broken:
                self._damaged.add(instance)
            else:
                self.links[instance] = Link(instance, jid=session.jid)
        return saved

    def _told(self, link: Link, what: Happening, data: dict[str, Any] | None = None, **more: Any) -> None:
        if self._tell is not None and not self._closed:
            self._tell(Told(link.instance, link.attempt, what, data or {}, **more))

    # -- commands ------------------------------------------------------------------------------------------------------

    def pair(self, instance: str, attempt: int, number: str, history: int | None, proxy: ProxyUse | None) -> None:
        """In a process of its own; the saved session stays until a phone accepts. Raises EngineError."""
        link = self.links.setdefault(instance, Link(instance))
        self._let_go(link)
        link.attempt, link.proxy, link.way, link.tries, link.trouble = attempt, proxy, None, 0, ""
        link.history, link.phase = -1 if history is None else history, Phase.PAIRING
        try:
            link.pairing = Pairing(
                link, number, self.pool.take(), self.files, self._clock, tell=self._told, handed=self._handed,
            )  # fmt: skip
        except (StoreError, EngineError) as error:
            link.phase = Phase.OFF
            raise EngineError(str(error)) from error

    def dial(self, instance: str, attempt: int, proxy: ProxyUse | None) -> None:
        """Raises EngineError when there is no session."""
        link = self.links.get(instance)
        accepted = link is not None and link.pairing is not None and link.pairing.accepted
        if link is None or not (accepted or self.files.has(instance)):
            raise EngineError("there is no saved session; pair it again")
        self._let_go(link)
        link.attempt, link.proxy, link.way, link.tries, link.trouble = attempt, proxy, None, 0, ""
        if accepted:
            link.phase = Phase.WAITING  # for what the phone accepted to be in its place: see _handed
        else:
            link.history = -1
            self._go(link)

    async def front(self) -> tuple[str, int]:
        """Where links dial."""
        return front.HOST, front.PORT

    async def greet(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Raises EngineError."""
        await front.greet(streams, self._egress.tls())

    def stop(self, instance: str) -> None:
        """Drop the link; tells nothing."""
        if (link := self.links.get(instance)) is None:
            if instance in self._damaged:  # logged out, or deleted: nobody will put a copy back
                self._damaged.discard(instance)
                self.files.delete(instance)
            return
        self._let_go(link)
        if link.pairing is None and not self.files.has(instance):
            self._forget(link)

    async def logout(self, instance: str) -> None:
        """Unlink, and delete the session's file. Raises StoreError; EngineError afterwards when WhatsApp could not be told."""
        link = self.links.get(instance)
        if link is None:
            return
        unlinked = ""
        try:
            await self._asking.logout(link)
        except EngineError as error:
            unlinked = str(error)
        pairing = link.pairing
        self._let_go(link)
        if pairing is not None and pairing.over is not None:
            await asyncio.wait({pairing.over})
        self.files.delete(instance)
        self._forget(link)
        if unlinked:
            raise EngineError(f"WhatsApp cannot be reached ({unlinked}); the phone goes on showing the device until it notices")

    async def send(self, instance: str, outgoing: Outgoing) -> Sent:
        """Raises EngineError."""
        return await self._asking.send(instance, outgoing, self._clock.now())

    async def mark_read(self, instance: str, chat: str, sender: str, ids: Sequence[str]) -> None:
        """Raises EngineError."""
        await self._asking.ask(instance, "mark_read", {"chat": chat, "sender": sender, "ids": list(ids)})

    async def reject_call(self, instance: str, caller: str, call_id: str) -> None:
        """Raises EngineError."""
        await self._asking.ask(instance, "reject_call", {"caller": caller, "id": call_id})
        if (link := self.links.get(instance)) is not None:  # the library tells of what others do only
            self._told(link, Happening.CALL, live.call(call_id, "rejected", self._clock.now(), caller))

    async def presence(self, instance: str, available: bool) -> None:
        """Raises EngineError."""
        await self._asking.ask(instance, "presence", {"available": available})

    async def download(self, instance: str, media: Media) -> bytes:
        """Raises EngineError."""
        return (await self._asking.ask(instance, "download", {"reference": media.reference})).blob

    async def close(self) -> None:
        """End every process, keep every session."""
        self._closed = True
        for link in self.links.values():
            link.quiet()
        await self.pool.close()
        burials = [link.pairing.over for link in self.links.values() if link.pairing is not None]
        if under_way := [burial for burial in burials if burial is not None]:
            await asyncio.wait(under_way)

    # -- links ---------------------------------------------------------------------------------------------------------

    def _let_go(self, link: Link) -> None:
        """Whatever the link does, it does no more."""
        link.quiet()
        if link.phase is Phase.PAIRING and link.pairing is not None:
            link.pairing.cancel()
        slot = self.pool.slot_of(link.instance)
        if slot is not None and slot.worker is not None and link.phase in (Phase.DIALLING, Phase.ONLINE, Phase.DROPPED):
            slot.worker.send(Drop(link.instance))
            if slot.worker.relay is not None:
                slot.worker.relay.forget(link.instance)
        link.phase = Phase.OFF

    def _forget(self, link: Link) -> None:
        self.pool.release(link.instance)
        if self.links.get(link.instance) is link and link.pairing is None:
            del self.links[link.instance]

    def _go(self, link: Link) -> None:
        """Have its worker dial; when there is none yet, `came` does it."""
        link.quiet()
        slot = self.pool.place(link.instance)
        if not slot.works:
            link.phase = Phase.WAITING
            return
        worker = slot.worker
        assert worker is not None and worker.relay is not None
        if slot.dials >= (WORN_OUT if self._any_up(slot) else WORN):
            link.phase = Phase.WAITING
            worker.kill(WORN_WORDS)
            return
        slot.dials += 1
        link.way, proxy = None, ""
        if link.proxy is not None:
            proxy = worker.relay.url(link.instance, worker.port, link.proxy, lambda error: self._way(link, error))
        link.phase = Phase.DIALLING
        link.timer = self._clock.call_later(DIAL_SECONDS, self._no_answer, link)
        worker.send(Dial(link.instance, link.attempt, str(self.files.session(link.instance)), link.history, proxy))

    def _any_up(self, slot: Slot) -> bool:
        return any(link.phase is Phase.ONLINE for name in slot.links if (link := self.links.get(name)) is not None)

    def _way(self, link: Link, error: TunnelError | None) -> None:
        link.way = error

    def _no_answer(self, link: Link) -> None:
        link.timer = None
        self._apply(link, Outcome(Happening.CONNECT_FAILURE, {"reason": reasons.SILENT}, Then.AGAIN))

    def _handed(self, link: Link, pairing: Pairing, kept: bool) -> None:
        """A pairing's process is gone, and its session is where sessions are."""
        if link.pairing is not pairing:  # another one has begun
            return
        link.pairing = None
        if self._closed:
            return
        if kept and link.phase in (Phase.PAIRING, Phase.WAITING):
            self._go(link)
        elif pairing.accepted and not kept:
            self._told(link, Happening.LOGGED_OUT, {"reason": f"{NOT_KEPT}; pair it again"})
            link.phase = Phase.OFF
        elif not self.files.has(link.instance):
            self._forget(link)
        elif link.phase is Phase.PAIRING:
            link.phase = Phase.OFF

    # -- what workers tell ---------------------------------------------------------------------------------------------

    def came(self, slot: Slot) -> None:
        """A worker is ready: its links are dialled, one after the other."""
        waiting = [link for name in sorted(slot.links) if (link := self.links.get(name)) and link.phase is Phase.WAITING]
        for position, link in enumerate(one for one in waiting if one.timer is None):
            link.timer = self._clock.call_later(position * STAGGER * (0.5 + self._random()), self._go, link)

    def fell(self, slot: Slot, why: str) -> None:
        """A worker ended: its links wait for the next one."""
        for name in list(slot.links):
            link = self.links.get(name)
            if link is None or link.phase not in (Phase.DIALLING, Phase.ONLINE, Phase.DROPPED, Phase.WAITING):
                continue
            was, link.phase = link.phase, Phase.WAITING
            link.quiet()
            if was is Phase.ONLINE:
                link.trouble = ""
                self._told(link, Happening.DISCONNECTED, {"reason": reasons.WORKER_ENDED})
            elif slot.exhausted and link.trouble != slot.why:
                link.trouble = slot.why
                self._told(link, Happening.CONNECT_FAILURE, {"reason": f"the engine's worker fails again and again: {slot.why}"})

    def hear(self, event: Event) -> None:
        """A link's event; what an older dial tells is nobody's business."""
        link = self.links.get(event.link)
        if link is None or link.attempt != event.attempt or link.phase in (Phase.OFF, Phase.PAIRING, Phase.WAITING):
            return
        if event.what in translate.LINK:
            self._apply(link, translate.LINK[event.what](event.data), event)
        elif link.phase is Phase.ONLINE:
            self._traffic(link, event)

    def _apply(self, link: Link, outcome: Outcome, event: Event | None = None) -> None:
        if outcome.what is Happening.CONNECTED:
            self._up(link, event.data if event is not None else {})
        elif outcome.what is Happening.CONNECT_FAILURE:
            self._unreached(link, outcome)
        elif outcome.then is Then.STAY:
            if outcome.what in (Happening.DISCONNECTED, Happening.STREAM_ERROR):
                link.quiet()
                link.phase = Phase.DROPPED
                link.timer = self._clock.call_later(TAKE_OVER_SECONDS, self._take_over, link)
            self._told(link, outcome.what, outcome.data)
        else:
            self._let_go(link)
            if outcome.then is Then.FORGET:
                self._erase(link)
            elif outcome.then is not Then.OVER:
                self._retry(link, outcome.then)
            self._told(link, outcome.what, outcome.data)

    def _up(self, link: Link, data: dict[str, Any]) -> None:
        link.quiet()
        link.phase, link.tries, link.trouble, link.history = Phase.ONLINE, 0, "", -1
        link.jid = translate.text(data, "jid") or link.jid
        name, business = translate.text(data, "name"), translate.text(data, "business")
        self._told(link, Happening.CONNECTED, jid=link.jid, profile_name=name, business_name=business)

    def _unreached(self, link: Link, outcome: Outcome) -> None:
        """A dial failed: told once, and done again."""
        reason, then, way = str(outcome.data["reason"]), outcome.then, link.way
        if way is not None:
            reason, then = str(way), Then.AGAIN if way.passing else Then.RARELY
        self._let_go(link)
        self._retry(link, then)
        if reason != link.trouble:
            link.trouble = reason
            self._told(link, outcome.what, {**outcome.data, "reason": reason})

    def _retry(self, link: Link, then: Then) -> None:
        link.tries += 1
        seconds = min(FIRST_SECONDS * 2 ** min(link.tries - 1, 10), MOST_SECONDS) if then is Then.AGAIN else RARELY_SECONDS
        link.phase = Phase.WAITING
        link.timer = self._clock.call_later(seconds * (0.8 + 0.4 * self._random()), self._go, link)

    def _take_over(self, link: Link) -> None:
        link.timer = None
        self._let_go(link)
        self._go(link)

    def _erase(self, link: Link) -> None:
        try:
            self.files.delete(link.instance)
        except StoreError as error:
            log.error("the worthless session of instance %s is still there: %s", link.instance, error)
        self.pool.release(link.instance)

    def _taken(self, link: Link, attempt: int, number: int) -> None:
        """A message is on the disk: its worker need not keep it any longer."""
        slot = self.pool.slot_of(link.instance)
        if slot is not None and slot.works and slot.worker is not None and link.attempt == attempt:
            slot.worker.send(Taken(link.instance, attempt, number))

    def _traffic(self, link: Link, event: Event) -> None:
        now, data = self._clock.now(), event.data
        if event.what in ("message", "history"):
            made, media = translate.message(data, link.jid, now)
            number = data.get("unsaved")
            taken = partial(self._taken, link, event.attempt, number) if type(number) is int else None
            self._told(link, Happening.MESSAGE, made, media=media, history=event.what == "history", accepted=taken)
        elif event.what == "receipt":
            if (receipt := translate.receipt(data, link.jid, now)) is not None:
                self._told(link, Happening.RECEIPT, receipt)
        elif event.what == "call":
            self._told(link, Happening.CALL, translate.call(data, now))
        elif event.what == "profile":
            self._told(link, Happening.PROFILE, picture_url=translate.https(data, "picture"))
        elif event.what == "group":
            self._told(link, Happening.GROUP, translate.group(data, now))
