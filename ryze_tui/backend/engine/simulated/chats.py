"""The people on the other side of virtual phones: they get what is sent, write, call, and keep media to be fetched."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Protocol

from ...clock import Clock
from ...errors import EngineError
from ...events import live
from ...table import Happening
from ..port import Media, Outgoing, Sent
from . import wire
from .link import Link, Phase, Session

DELIVERED_AFTER: Final = 0.5
READ_AFTER: Final = 2.0
RINGS: Final = 20.0
TAKEN_SECONDS: Final = 30.0
"""How long whoever wrote waits for the server to take it; not divided by the speed."""

MARKED_MOST: Final = 100
MEDIA_BYTES: Final = 256 * 1024 * 1024
"""Media that can be fetched; what came first is forgotten first."""

HISTORY_A_DAY: Final = 2
HISTORY_MOST: Final = 60
DAY: Final = 86400.0
OFFLINE: Final = "the instance is not connected"


class Tell(Protocol):
    """How something is told of a link."""

    def __call__(self, link: Link, what: Happening, data: dict[str, Any], **more: Any) -> None:
        """Tell the lifecycle."""


class Chats:
    """`speed` divides what people need to look at their phones."""

    def __init__(self, clock: Clock, rng: random.Random, speed: float, tell: Tell) -> None:
        self._clock, self._rng, self._speed, self._tell = clock, rng, speed, tell
        self._media: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    # -- what comes in -------------------------------------------------------------------------------------------------

    async def deliver(self, link: Link, what: Happening, data: dict[str, Any], media: Media | None = None) -> None:
        """Tell, and wait until it was taken: acknowledged, as WhatsApp would see it. Raises EngineError when it was not."""
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        late = self._clock.call_later(TAKEN_SECONDS, _set, taken, False)
        try:
            self._tell(link, what, data, media=media, accepted=lambda: _set(taken, True))
            if not await taken:
                raise EngineError("the server did not take it")
        finally:
            late.cancel()

    def keep(self, kind: str, content: bytes, *, mimetype: str = "", file_name: str = "") -> Media:
        """Media that can be fetched by what is returned."""
        reference = self._rng.randbytes(16).hex()
        self._media[reference] = content
        self._bytes += len(content)
        while self._bytes > MEDIA_BYTES:
            self._bytes -= len(self._media.popitem(last=False)[1])
        name = file_name or f"simulated.{wire.EXTENSION[kind]}"
        return Media(kind, mimetype or wire.MIME[kind], name, len(content), reference)

    def ring(self, link: Link, caller: str) -> str:
        """Somebody (digits) calls, and gives up after a while; returns the call's id."""
        call_id = wire.identifier(self._rng)
        link.calls[call_id] = self._clock.call_later(RINGS / self._speed, self._ended, link, caller, call_id, "terminated")
        self._called(link, caller, call_id, "offer")
        return call_id

    def _ended(self, link: Link, caller: str, call_id: str, how: str) -> None:
        if (timer := link.calls.pop(call_id, None)) is not None:
            timer.cancel()
            self._called(link, caller, call_id, how)

    def _called(self, link: Link, caller: str, call_id: str, kind: str) -> None:
        self._tell(link, Happening.CALL, live.call(call_id, kind, self._clock.now(), wire.jid_of(caller)))

    def history(self, link: Link, session: Session, days: int) -> None:
        """What two people wrote in the last days, oldest first, as a phone hands it over after its first pairing."""
        count = min(days * HISTORY_A_DAY, HISTORY_MOST)
        for index in range(count):
            when = self._clock.now() - days * DAY * (count - index) / (count + 1)
            data = wire.message(self._rng, when, f"551190000000{index % 2}", session.number, text=f"SIMULATED {index + 1}")
            self._tell(link, Happening.MESSAGE, data, history=True)

    # -- what goes out -------------------------------------------------------------------------------------------------

    def send(self, link: Link, outgoing: Outgoing) -> Sent:
        """It arrives, and is read after a moment. Raises EngineError."""
        session, sent = _online(link), Sent(wire.identifier(self._rng), self._clock.now())
        for status, seconds in (("delivered", DELIVERED_AFTER), ("read", READ_AFTER)):
            self._clock.call_later(seconds / self._speed, self._receipt, link, link.attempt, session, outgoing.to, sent, status)
        return sent

    def _receipt(self, link: Link, attempt: int, session: Session, to: str, sent: Sent, status: str) -> None:
        if link.attempt != attempt or link.phase is not Phase.ONLINE:
            return
        group = to.endswith("@g.us")
        reader = wire.jid_of("5511900000000") if group else to
        author = session.jid if group else ""
        data = live.receipt(status, self._clock.now(), [sent.message_id], to, reader, author=author)
        self._tell(link, Happening.RECEIPT, data)

    def mark_read(self, link: Link, ids: Sequence[str]) -> None:
        """The senders see it. Raises EngineError."""
        _online(link)
        link.marked = [*link.marked, *ids][-MARKED_MOST:]

    def reject(self, link: Link, caller: str, call_id: str) -> None:
        """The caller hears that nobody answers. Raises EngineError."""
        _online(link)
        if call_id not in link.calls:
            raise EngineError("no such call rings")
        self._ended(link, caller.partition("@")[0], call_id, "rejected")

    def presence(self, link: Link, available: bool) -> None:
        """Raises EngineError."""
        _online(link)
        link.available = available

    def download(self, link: Link, media: Media) -> bytes:
        """Raises EngineError."""
        _online(link)
        try:
            return self._media[media.reference]
        except KeyError:
            raise EngineError("the media is not there any more") from None


def _online(link: Link) -> Session:
    if link.phase is not Phase.ONLINE or link.session is None:
        raise EngineError(OFFLINE)
    return link.session


def _set(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


