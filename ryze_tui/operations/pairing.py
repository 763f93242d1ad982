"""Drives one pairing: gives the state machine its facts and does what it wishes. `connect` is sent from here only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..api import states
from ..api.errors import RyzeError
from ..api.events import Event
from ..client.clock import Clock, wait
from ..client.replies import Connecting
from ..fleet.model import Row
from ..pairing.flow import CONNECT, CONNECTED, ENDED, FAILED, Flow, View
from ..redact import register
from .outcome import Outcome, failed

if TYPE_CHECKING:
    from .numbers import Number

PROFILE_WAIT = 3.0
"""Seconds after success in which the profile's name may still arrive."""
SLEPT = 5.0
"""Seconds that are worth a look at the codes."""


@dataclass(slots=True)
class Ports:
    """What a session needs of its account. `connect` and `read` raise RyzeError; `read` gives the row as a list tells it now."""

    clock: Clock
    connect: Callable[[str, str], Awaitable[Connecting]]
    read: Callable[[str], Awaitable[Row | None]]
    row: Callable[[str], Row | None]
    refusal: Callable[[], str]
    follow: Callable[[PairingSession], None]
    leave: Callable[[PairingSession], None]


class PairingSession:
    """One pairing of one instance. `run` it once; it returns when it is connected, has failed or has ended.

    After that `renew` starts again and returns like `run`. `on_view` is called in the event loop whenever the view changed.
    """

    def __init__(self, ports: Ports, name: str, number: str = "") -> None:
        self.name = name
        self.on_view: Callable[[View], None] | None = None
        self._ports = ports
        read = _read(number)
        self._number, self._wrong = ("", read) if isinstance(read, str) else (read.digits, "")
        self.problem: Outcome | None = None
        """Why the last connect failed; None when it did not."""
        self._flow: Flow | None = None
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self._cancelled = False
        self._shown = View("asking", number=self._number)
        self._awake = 0.0
        self._slept = 0.0

    @property
    def view(self) -> View:
        """What may be seen now: never a code that is dead at this moment."""
        if self._flow is None:
            return self._shown
        view = self._flow.view(self._now())
        return replace(view, expires_at=view.expires_at - self._slept) if self._slept and view.expires_at else view

    async def run(self) -> View:
        """Pair; returns the final view."""
        reason = self._ports.refusal() or self._wrong
        if reason or self._cancelled:
            return self._publish(View(FAILED if reason else ENDED, message=reason, number=self._number))
        if self._flow is None:
            row = self._ports.row(self.name)
            self._awake, self._slept = self._ports.clock.elapsed() - self._ports.clock.monotonic(), 0.0
            state, known = (row.state, row.number) if row is not None else ("", "")
            self._flow = Flow(self._now(), number=self._number, state=state, known_number=known)
            self._ports.follow(self)
        return await self._drive(self._flow)

    async def renew(self) -> View:
        """The person asks for a new code. When `run` has returned, this drives the pairing anew and returns its final view."""
        if self._flow is None:
            return await self.run()
        self._flow.renew(self._now())
        self._news.set()
        return self.view if self._running else await self._drive(self._flow)

    def cancel(self) -> None:
        """Stop showing and asking. A connect that is under way is left to end by itself: breaking it off undoes nothing."""
        self._cancelled = True
        if self._flow is not None:
            self._flow.cancel()
        self._ports.leave(self)
        for task in self._tasks:
            task.cancel()
        self._news.set()

    # -- facts ---------------------------------------------------------------------------------------------------------

    def heard(self, event: Event, live: bool) -> None:
        """An event of this instance."""
        if self._flow is None or (not self._running and event.state_word not in ("connected", "pair_success")):
            return
        for code in event.codes:
            register(code)
        self._flow.event(
            event.state_word, self._now(), codes=event.codes, number=event.number, reason=event.reason, live=live,
            seconds=event.code_seconds,
        )  # fmt: skip
        self._told()

    def row_changed(self, row: Row | None) -> None:
        """The model's row changed; None: the instance is gone."""
        if self._flow is not None and row is None:
            self._flow.gone()
            self._told()
        elif self._flow is not None and row is not None:
            self._flow.row(
                self._now(), state=row.state, as_of=row.heard + self._slept, number=row.number, profile=row.item.profile_name
            )
            self._told()

    def _told(self) -> None:
        self._news.set()
        if not self._running:
            self._publish(self.view)

    # -- driving -------------------------------------------------------------------------------------------------------

    async def _drive(self, flow: Flow) -> View:
        self._running = True
        try:
            while not flow.done:
                for wish in flow.take_wishes():
                    self._start(self._connect(flow) if wish == CONNECT else self._list(flow))
                self._publish(self.view)
                wake = flow.wake_at()
                await wait(self._ports.clock, self._news, None if wake is None else max(0.001, wake - self._now()))
                self._news.clear()
                flow.tick(self._now())
            self._publish(self.view)
            if self.view.stage == CONNECTED and not self._cancelled:
                await self._await_profile()
                self._ports.leave(self)
            return self._publish(self.view)
        finally:
            self._running = False
            for task in self._tasks:
                task.cancel()

    async def _await_profile(self) -> None:
        """A number that has just been linked gets its profile's name a moment later."""
        until = self._now() + PROFILE_WAIT
        while not self.view.profile and not self._cancelled and self._now() < until:
            await wait(self._ports.clock, self._news, until - self._now())
            self._news.clear()
            self._publish(self.view)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, flow: Flow) -> None:
        try:
            reply = await self._ports.connect(self.name, self._number)
        except RyzeError as error:
            self.problem = failed(error, self.name)
            flow.refused(error.message, self._now())
        else:
            self.problem = None
            for code in (reply.qr, reply.pairing_code):
                register(code)
            flow.answered(self._now(), qr=reply.qr, code=reply.pairing_code, connected=reply.connected)
        self._news.set()

    async def _list(self, flow: Flow) -> None:
        try:
            row = await self._ports.read(self.name)
        except RyzeError as error:
            flow.read_failed(error.message, self._now())
        else:
            state = row.state if row is not None else None
            number, profile = (row.number, row.item.profile_name) if row is not None else ("", "")
            if state == states.CONNECTING and row is not None and row.phase == "linking":
                flow.event("pair_success", self._now(), number=number)
            flow.read(self._now(), state=state, number=number, profile=profile)
        self._news.set()

    def _publish(self, view: View) -> View:
        if view != self._shown:
            self._shown = view
            if self.on_view is not None:
                self.on_view(view)
        return view

    def _now(self) -> float:
        """Monotonic seconds, plus the time that the machine slept: codes die during that too."""
        monotonic = self._ports.clock.monotonic()
        slept = self._ports.clock.elapsed() - monotonic - self._awake
        if self._flow is not None and slept > self._slept + SLEPT:
            self._slept = slept
        return monotonic + self._slept


def _read(number: str) -> Number | str:
    """The number to be linked, or what is wrong with it; none at all is a pairing by QR, and nothing wrong."""
    from .numbers import read  # with the first number: it is large

    return read(number) if number.strip() else ""
