"""Reads lists into the model, item by item, letting others run in between; knows what a list proves about our token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..api.errors import Refused
from ..api.instance import ROWS_MOST, Instance, iter_items, too_many
from ..client.clock import Breath, Clock
from ..client.http import RyzeClient
from ..redact import register
from .model import Changes, FleetModel

SIMULATED = "SIMULATED"
"""How the display status of a simulated number begins: without extensions nothing else tells."""


async def _no_pause() -> None:
    """In place of a Breath."""


class Poller:
    """One list at a time or several: the facts sort themselves out by when they were asked for.

    `doubtful`: rows that the last whole list may have held unreadably.
    """

    def __init__(self, client: RyzeClient, model: FleetModel, clock: Clock, *, told: Callable[[Changes], None]) -> None:
        self._client, self._model, self._clock, self._told = client, model, clock, told
        self.took = 0.0
        """Seconds that a whole list takes: the quicker of the last two, since one slow answer says little."""
        self._took_last: float | None = None
        self.account_token: bool | None = None
        self.simulated = False
        self.doubtful: list[str] = []
        self.hurry = False
        """Nothing else wants to run meanwhile: no pauses (a quarter of the time that 10,000 items take)."""

    async def read(self, names: Sequence[str] | None = None) -> tuple[float, int]:
        """Read the whole list, or these names; returns (asked_at, items). Rows that are gone are dropped. Raises RyzeError."""
        asked_at = self._clock.monotonic()
        try:
            text = await self._client.list_text(names)
        except Refused as error:
            if names and len(names) == 1 and error.status == 404:
                self._told(self._model.drop_absent(names, set(), asked_at=asked_at))
                return asked_at, 0
            raise
        received_at = self._clock.monotonic()
        items: list[Instance] = []
        breath = _no_pause if self.hurry else Breath()
        for item in iter_items(text):
            if len(items) >= ROWS_MOST:
                raise too_many(ROWS_MOST)
            if item.token:
                register(item.token, passing=True)
            if item.display_status.startswith(SIMULATED):
                self.simulated = True
            items.append(item)
            await breath()
        changes = Changes()
        for start in range(0, len(items), 200):
            slice_ = items[start : start + 200]
            changes.merge(
                self._model.apply_list(slice_, asked_at=asked_at, received_at=received_at, now=self._clock.time(), complete=False)
            )
            await breath()
        seen = {item.name for item in items if item.name}
        nameless = sum(not item.name for item in items)
        # An item without a readable name may be any row that the list lacks: that one is asked for by its name before it goes.
        self.doubtful = [name for name in self._model.rows if name not in seen] if nameless and names is None else []
        if names is None:
            changes.merge(self._model.end_list(seen | {*self.doubtful}, asked_at=asked_at, unreadable=nameless))
            took = received_at - asked_at
            self.took, self._took_last = min(took, took if self._took_last is None else self._took_last), took
            self._judge_token(items)
        elif not nameless:
            changes.merge(self._model.drop_absent(names, seen, asked_at=asked_at))
        self._told(changes)
        return asked_at, len(seen)

    def _judge_token(self, items: Sequence[Instance]) -> None:
        """A TokenInstance sees one item, its own, and that item shows the very token (contract §2.3)."""
        if len(items) == 1 and items[0].token == self._client.token:
            self.account_token = False
        elif len(items) != 1 or items[0].token:
            self.account_token = True
