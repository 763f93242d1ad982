"""One pairing: a process of its own from the first code to the phone's yes, and killed whatever came of it.

It is never asked to stop: neonize's stop during a QR code never returns, and after a failed pairing it may crash. Once the phone
has accepted and WhatsApp has restarted the connection (or has had 15 seconds for it, which it now and then forgets) the process
is killed as well, and the session goes on in a worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ...clock import Clock, Timer
from ...errors import EngineError, StoreError
from ...table import Happening
from ...tunnel import TunnelError
from . import reasons, translate
from .frames import Event, Pair
from .link import Link
from .parent import Worker
from .sessions import NoDevice, SessionFiles

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 15.0
"""How long WhatsApp may take to restart the connection after the phone has accepted."""

FIRST_SECONDS: Final = 60
NEXT_SECONDS: Final = 20
NOT_KEPT: Final = "the phone accepted, but the session could not be kept"


class Pairing:
    """Begins at once. `tell` gets what is to be told; `handed` is called once, with whether there is a new session."""

    def __init__(
        self, link: Link, number: str, worker: Worker, files: SessionFiles, clock: Clock, *,
        tell: Callable[..., None], handed: Callable[[Link, Pairing, bool], None],
    ) -> None:  # fmt: skip
        self._link, self._number, self._worker, self._files, self._clock = link, number, worker, files, clock
        self._tell, self._handed = tell, handed
        self._path: Path = files.begin(link.instance, link.attempt)
        self._attempt = link.attempt
        self._timer: Timer | None = None
        self._cancelled = False
        self._given = False
        self.accepted = False
        """Whether a phone has said yes."""
        self.over: asyncio.Task[None] | None = None
        """Set from the moment that nothing more is told."""
        self._pool_ended = worker.ended
        worker.hear, worker.ended = self._hear, self._ended
        worker.ready.add_done_callback(self._begin)

    def cancel(self) -> None:
        """Nothing more is told. What a phone has accepted already is kept all the same."""
        self._cancelled = True
        self._end()

    def _begin(self, ready: asyncio.Future[None]) -> None:
        if self.over is not None or not self._worker.works:
            return
        link, proxy = self._link, ""
        if link.proxy is not None:
            assert self._worker.relay is not None
            proxy = self._worker.relay.url(link.instance, self._worker.port, link.proxy, self._way)
        self._worker.send(Pair(link.instance, self._attempt, str(self._path), self._number, link.history, proxy))

    def _way(self, error: TunnelError | None) -> None:
        self._link.way = error

    def _ended(self, worker: Worker, why: str) -> None:
        self._pool_ended(worker, why)
        if self.over is None:
            self._fail(Happening.CONNECT_FAILURE, f"the engine's worker failed: {why}; try again")

    def _fail(self, what: Happening, reason: str) -> None:
        if self.accepted:  # it needs nobody's worker any more
            self._end()
            return
        if not self._cancelled:
            self._tell(self._link, what, {"reason": reason})
        self._cancelled = True
        self._end()

    def _hear(self, event: Event) -> None:
        if self.over is not None or event.link != self._link.instance or event.attempt != self._attempt:
            return
        handler = _HANDLERS.get(event.what)
        if handler is not None:
            handler(self, event.data)

    def _qr(self, data: dict[str, Any]) -> None:
        if (code := translate.text(data, "code")) and not self.accepted:
            # The library hands its codes out one by one. (whatsmeow qrchan.go: of six, the first lives a minute.)
            lives, self._given = (FIRST_SECONDS if not self._given else NEXT_SECONDS), True
            self._tell(self._link, Happening.QR_READY, {"codes": [code], "codeSeconds": lives})

    def _code(self, data: dict[str, Any]) -> None:
        if code := translate.text(data, "code"):
            self._tell(self._link, Happening.PAIR_CODE, code=code.replace("-", ""))

    def _code_refused(self, data: dict[str, Any]) -> None:
        said = reasons.said(translate.text(data, "text"))
        reason = f"WhatsApp gave no pairing code for this number ({said}); wait a while, or pair by QR"
        self._fail(Happening.CONNECT_FAILURE, reason)

    def _login(self, data: dict[str, Any]) -> None:
        name = translate.text(data, "name")
        if name == "success" or self.accepted:
            return
        if name == "err-scanned-without-multidevice":
            self._tell(self._link, Happening.NO_MULTIDEVICE, {"reason": reasons.NO_MULTIDEVICE})
            return
        outcome = reasons.LOGINS.get(name) or reasons.LOGINS["error"]
        if outcome.what is Happening.CONNECT_FAILURE:
            self._tell(self._link, Happening.PAIR_ERROR, dict(outcome.data))
        self._fail(outcome.what, str(outcome.data["reason"]))

    def _failed(self, data: dict[str, Any]) -> None:
        if self._link.way is not None:
            self._fail(Happening.CONNECT_FAILURE, str(self._link.way))
            return
        outcome = reasons.failed(translate.text(data, "text"))
        self._fail(outcome.what, str(outcome.data["reason"]))

    def _paired(self, data: dict[str, Any]) -> None:
        if self.accepted:
            return
        self.accepted = True
        jid, business = translate.text(data, "jid"), translate.text(data, "business")
        about = {"jid": jid, "businessName": business, "platform": translate.text(data, "platform")}
        self._timer = self._clock.call_later(SETTLE_SECONDS, self._end)
        self._link.jid = jid
        self._tell(self._link, Happening.PAIR_SUCCESS, about, jid=jid, business_name=business)

    def _settled(self, data: dict[str, Any]) -> None:
        if self.accepted:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.over is None:
            self._worker.kill("its pairing is over")
            self.over = asyncio.get_running_loop().create_task(self._bury())

    async def _bury(self) -> None:
        await self._worker.gone()
        kept = False
        try:
            if self.accepted:
                await asyncio.to_thread(self._files.adopt, self._link.instance, self._path)
                kept = True
            else:
                await asyncio.to_thread(self._files.discard, self._path)
        except (NoDevice, StoreError, EngineError) as error:
            log.error("instance %s: %s: %s", self._link.instance, NOT_KEPT, error)
        self._handed(self._link, self, kept)


_HANDLERS: Final[dict[str, Callable[[Pairing, dict[str, Any]], None]]] = {
    "qr": Pairing._qr, "code": Pairing._code, "code_refused": Pairing._code_refused, "login": Pairing._login,
    "failed": Pairing._failed, "paired": Pairing._paired, "settled": Pairing._settled, "up": Pairing._settled,
}  # fmt: skip
