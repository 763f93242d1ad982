"""One instance's part of a bulk: sent once, with the instance's own token where there is one, and followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ... import keys
from ...api import states
from ...api.errors import Refused, TokenRefused
from ...client.budget import KEPT_FOR_PERSON
from ...client.clock import Clock, wait
from ...fleet.model import Changes as RowChanges
from ...fleet.model import FleetModel, Row
from ...i18n import _
from ..audit import Changes
from ..configuring import Configuring, Held
from ..editing import complete
from ..outcome import Outcome, Unconfirmed
from ..streaming import switch_on
from .plan import APPLY, DIALS, LOGOUT, STREAM, Job

if TYPE_CHECKING:
    from ...client.http import RyzeClient
    from ...fleet.feed import Feed
    from ..drafts import Drafts

Values = dict[str, Any]
Send = Callable[["RyzeClient", "Feed"], Awaitable[str]]
SETTLES: Final = 60.0
"""Seconds that a dialling instance is followed for."""
LOOKS: Final = (5.0, 10.0, 20.0, 25.0)
"""Seconds between the looks at a row that no stream tells of."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a bulk needs of an account. `write`: its one way to change anything; `change`: the same, for calls whose answer names
    the new state; `confirm`: the row, read again unless a stream proves it (raises Unconfirmed); `listen`: call back with
    changes, returns what ends that.
    """

    client: RyzeClient
    feed: Feed
    model: FleetModel
    clock: Clock
    drafts: Drafts
    write: Callable[..., Awaitable[Outcome]]
    change: Callable[..., Awaitable[Outcome]]
    confirm: Callable[[str], Awaitable[Row | None]]
    listen: Callable[[Callable[[RowChanges], None]], Callable[[], None]]
    keeps_secrets: Callable[[], bool]


class Deeds:
    """Does a job to one instance at a time. `values`: of APPLY, what every instance is to hold, secrets with it."""

    word = "bulk"
    """What the audit log calls its writes of blocks."""

    def __init__(self, means: Means, job: Job, values: Mapping[str, Any] | None = None) -> None:
        self._means, self._job = means, job
        self._values = dict(values or {})
        self._refused: set[str] = set()
        """Instances whose own token the server did not take."""

    # -- whose token, whose budget -------------------------------------------------------------------------------------

    def _token(self, name: str) -> str:
        row = self._means.model.rows.get(name)
        return row.item.token if row is not None and name not in self._refused else ""

    @property
    def own_tokens(self) -> bool:
        """Whether instances pay from budgets of their own."""
        return any(self._token(name) for name in self._job.names)

    def pause(self, name: str) -> float:
        """Seconds before this instance's call may be sent; the account's budget keeps what a person needs."""
        client, token = self._means.client, self._token(name)
        budget = client.budgets.of(token or client.token)
        return budget.wait(keep=0 if token else KEPT_FOR_PERSON)

    def _acting(self, name: str, send: Send) -> Send:
        """The same call with the instance's own token; with the account's where the server does not take that one."""

        async def sent(client: RyzeClient, feed: Feed) -> str:
            token = self._token(name)
            if token:
                try:
                    return await send(client.acting_as(token), feed)
                except TokenRefused:
                    self._refused.add(name)
                except Refused as error:
                    if error.status != 403:
                        raise
                    self._refused.add(name)
            return await send(client, feed)

        return sent

    # -- doing ---------------------------------------------------------------------------------------------------------

    async def done_already(self, name: str) -> str:
        """Of one that may have been sent before the program ended: the words that say it was; empty when it is to be done.

        Raises Unconfirmed when that cannot be found out now.
        """
        if self._job.action in (APPLY, STREAM):
            return ""  # both look first, and write only what is not there
        row = await self._means.confirm(name)
        if row is None:
            return _("it is not there any more")
        if self._job.action == LOGOUT:
            return _("logged out") if row.state == states.LOGGEDOUT else ""
        if row.state == states.CONNECTED:
            return _("connected")
        if row.state == states.CONNECTING:
            outcome = await self._settle(name)
            return outcome.message if outcome.ok else ""
        return ""

    async def do(self, name: str) -> Outcome:
        """Send it once and wait for its end."""
        if self._job.action == APPLY:
            return await self._apply(name)
        if self._job.action == STREAM:
            return await self._stream(name)
        call = (lambda client: client.logout(name)) if self._job.action == LOGOUT else (lambda client: client.reconnect(name))
        action, state = ("logout", states.LOGGEDOUT) if self._job.action == LOGOUT else ("reconnect", states.CONNECTING)
        outcome = await self._means.change(action, name, call, state, via=lambda send: self._acting(name, send), detail="bulk")
        if outcome.ok and self._job.action in DIALS:
            return await self._settle(name)
        return outcome

    async def _stream(self, name: str) -> Outcome:
        pushed, changes = True, Changes()

        async def send(client: RyzeClient, feed: Feed) -> str:
            nonlocal pushed
            pushed, words = await switch_on(client, name, changes)
            feed.want(name)
            return words

        outcome = await self._means.write("configure", name, self._acting(name, send), detail="bulk websocket", changes=changes)
        return outcome if pushed else Outcome(False, outcome.message, outcome.status, name)

    async def _settle(self, name: str) -> Outcome:
        """Follow a dialling instance until it is connected or is not, at most a minute."""
        model, feed, clock = self._means.model, self._means.feed, self._means.clock
        changed = asyncio.Event()
        leave = self._means.listen(lambda changes: changed.set() if name in changes.rows else None)
        try:
            ends = clock.monotonic() + SETTLES
            looks = iter(LOOKS)
            look = clock.monotonic() + next(looks)
            while True:
                row = model.rows.get(name)
                if row is None:
                    return Outcome(False, _("it is not there any more"), name=name)
                if row.state != states.CONNECTING:
                    return Outcome(row.state == states.CONNECTED, _came_of(row), name=name)
                now = clock.monotonic()
                if now >= ends:
                    return Outcome(False, _("still connecting after {n} s").format(n=round(SETTLES)), name=name)
                if now >= look:
                    look = now + next(looks, SETTLES)
                    if not feed.covers(name):
                        feed.want(name)
                changed.clear()
                await wait(clock, changed, min(look, ends) - now)
        finally:
            leave()

    # -- giving a block to many ----------------------------------------------------------------------------------------

    def _configuring(self, name: str) -> Configuring:
        means, token = self._means, self._token(name)

        async def write(action: str, about: str, send: Send, *, detail: str = "", **more: Any) -> Outcome:
            return await means.write(action, about, self._acting(name, send), detail=f"{self.word} {detail}", **more)

        client = means.client.acting_as(token) if token else means.client
        return Configuring(client, write, means.drafts, keeps_secrets=means.keeps_secrets)

    async def _apply(self, name: str) -> Outcome:
        """Read, write what differs, read again; nothing is written where it is held already."""
        job = self._job
        configuring = self._configuring(name)
        held = await configuring.read(job.kind, name, job.label)
        if isinstance(held, Outcome) and held.status in (401, 403) and self._token(name):
            self._refused.add(name)
            configuring = self._configuring(name)
            held = await configuring.read(job.kind, name, job.label)
        if isinstance(held, Outcome):
            return held
        edit = configuring.edit(job.kind, held, job.label)
        wanted = complete(edit.wire, self._values)
        for field in edit.fields:
            edit.set(field.name, wanted[field.name])
        if not edit.dirty and not edit.new:
            return Outcome(True, _("it held that already"), name=name)
        if problems := edit.problems():
            return Outcome(False, next(iter(problems.values())), name=name)
        saved = await configuring.save(name, edit, held)
        if not saved.outcome.ok:
            return saved.outcome
        if saved.differs:
            titles = ", ".join(_(change.field.title) for change in saved.differs)
            return Outcome(False, _("taken, but the server holds something else of: {what}").format(what=titles), name=name)
        if saved.unread:
            return Outcome(True, _("taken; what the server holds could not be read: {why}").format(why=saved.unread), name=name)
        return saved.outcome


async def values_of(means: Means, job: Job) -> Values | Outcome:
    """What the source of an APPLY holds, without the secrets that no read tells; an Outcome that says why not."""
    configuring = Configuring(means.client, means.write, means.drafts, keeps_secrets=means.keeps_secrets)
    held = await configuring.read(job.kind, job.source, job.label)
    if not isinstance(held, Held):
        return held
    if held.values is None:
        return Outcome(False, _("{name} has nothing of that to give: it was never set.").format(name=job.source), name=job.source)
    return complete(configuring.edit(job.kind, held, job.label).wire, held.values)


def _came_of(row: Row) -> str:
    if row.state == states.CONNECTED:
        return _("connected")
    words = {
        states.LOGGEDOUT: keys.fill(_("logged out: {connect} shows a new QR")), states.BANNED: _("banned by WhatsApp"),
        states.DISCONNECTED: _("it did not connect"),
    }.get(row.state, row.raw_state or row.state)
    return f"{words} ({row.reason})" if row.reason else words


__all__ = ["Deeds", "Means", "Unconfirmed", "values_of"]
