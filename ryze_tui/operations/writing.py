"""The one way in which an account changes anything on its server: allowed or not, sent once, put down in the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..api import states
from ..api.errors import RyzeError
from ..client.http import RyzeClient, request_id
from .outcome import NOT_ALLOWED, USAGE, Outcome, failed_write

if TYPE_CHECKING:
    from ..client.clock import Clock
    from ..client.replies import Written
    from ..fleet.feed import Feed
    from ..fleet.model import FleetModel
    from .audit import Auditor, Changes

Send = Callable[[RyzeClient, "Feed"], Awaitable[str]]


class Writing:
    """`may(action)`: why this is not allowed, or empty. Before `open`, and when the address cannot be used, nothing is sent."""

    def __init__(self, model: FleetModel, clock: Clock, auditor: Auditor, may: Callable[[str], str]) -> None:
        self._model, self._clock, self._auditor, self._may = model, clock, auditor, may
        self._client: RyzeClient | None = None
        self._feed: Feed | None = None

    def open(self, client: RyzeClient, feed: Feed) -> None:
        """Send with this client from now on."""
        self._client, self._feed = client, feed

    async def write(
        self, action: str, name: str, send: Send, *, detail: str = "", changes: Changes | None = None
    ) -> Outcome:
        """Every write goes through here: allowed or not, sent once, never repeated, and put down in the audit log.

        `changes`: what it does to a block; `send` may fill it in.
        """
        client, feed, reason = self._client, self._feed, self._may(action)
        if reason or client is None or feed is None:
            return Outcome(False, reason, name=name, kind=NOT_ALLOWED if client is not None else USAGE)
        at, outcome = self._clock.time(), None
        request_id.set("")
        try:
            outcome = Outcome(True, await send(client, feed), 200, name)
        except RyzeError as error:
            outcome = failed_write(error, name)
            if outcome.status != 429:
                feed.doubt()
        finally:
            if outcome is None:  # broken off under way
                feed.doubt()
            self._auditor.put(at, f"{action} {detail}".strip(), name, outcome, request=request_id.get(), changes=changes)
        return outcome

    async def change(
        self, action: str, name: str, call: Callable[[RyzeClient], Awaitable[Written]], state: str, *,
        via: Callable[[Send], Send] = lambda send: send, detail: str = "",
    ) -> Outcome:
        """A write whose answer names the state that the instance is in now. `via`: who sends it."""

        async def send(client: RyzeClient, feed: Feed) -> str:
            asked_at = self._clock.monotonic()
            written = await call(client)
            told = states.from_rest(written.status) if written.status else state
            feed.told(
                self._model.apply_written(
                    name, told, asked_at=asked_at, received_at=self._clock.monotonic(), now=self._clock.time()
                )
            )
            return written.message

        return await self.write(action, name, via(send), detail=detail)
