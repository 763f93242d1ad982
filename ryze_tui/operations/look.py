"""Reads of one account for probes and `show`: nothing here changes anything on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import RyzeError
from ..client.clock import Clock
from ..client.http import RyzeClient
from ..client.replies import Health
from ..fleet.evidence import Listed, Streamed
from ..fleet.feed import Feed
from ..fleet.model import FleetModel, Row
from .outcome import Outcome, failed

if TYPE_CHECKING:
    from ..client.stream import Socket


class Look:
    """What `probes.truth.Looking` asks for, from the account's own client, feed and model. The calls raise RyzeError."""

    def __init__(self, client: RyzeClient, feed: Feed, model: FleetModel, clock: Clock) -> None:
        self._client, self._feed, self._model, self._clock = client, feed, model, clock

    def row(self, name: str) -> Row | None:
        """What the screen shows."""
        return self._model.rows.get(name)

    def streamed(self, name: str) -> Streamed:
        """What proves it."""
        return self._feed.streamed(name)

    def now(self) -> float:
        """Unix seconds."""
        return self._clock.time()

    async def health(self) -> Health:
        """The server itself."""
        return await self._client.health()

    async def listed(self, name: str) -> Listed | None:
        """The server's list, narrowed to this name. It is a fact like any other list: the model is told."""
        asked_at = self._clock.monotonic()
        item = await self._client.item(name)
        listed = Listed(item.state, item.raw_state, item.number) if item is not None else None
        self._feed.looked(name, item, asked_at)
        return listed

    async def metrics(self, name: str) -> dict[str, Any] | Outcome:
        """Its counters as the server tells them; an Outcome that says why not."""
        try:
            return await self._client.metrics(name)
        except RyzeError as error:
            return failed(error, name)

    async def own_number(self, name: str) -> str:
        """The number, asked of WhatsApp through the instance."""
        return await self._client.own_profile(name)

    async def account_socket(self, after: str = "") -> Socket:
        """The account's stream (contract §9), every event of it: with a snapshot first, or what came `after` that position."""
        from urllib.parse import quote

        from ..client.stream import Dialler

        return await Dialler(self._client)(f"/ws?after={quote(after, safe='')}" if after else "/ws", self._client.token)
