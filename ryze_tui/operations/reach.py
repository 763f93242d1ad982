"""What else works on an account's connections: probes, blocks, bulks. Each is imported and made where it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..api.events import TRIALS

if TYPE_CHECKING:
    from ..client.clock import Clock
    from ..client.http import RyzeClient
    from ..fleet.feed import Feed
    from ..fleet.model import Changes, FleetModel, Row
    from .bulk.deeds import Means
    from .configuring import Configuring
    from .drafts import Drafts
    from .look import Look
    from .outcome import Outcome


@dataclass(frozen=True, slots=True)
class Reach:
    """`write`, `change`: the account's ways to change anything; `confirm`, `listen`: as in Means."""

    client: RyzeClient
    feed: Feed
    model: FleetModel
    clock: Clock
    write: Callable[..., Awaitable[Outcome]]
    change: Callable[..., Awaitable[Outcome]]
    confirm: Callable[[str], Awaitable[Row | None]]
    listen: Callable[[Callable[[Changes], None]], Callable[[], None]]
    extensions: Callable[[], frozenset[str]]

    @property
    def _drafts(self) -> Drafts:
        from .drafts import Drafts

        return Drafts(f"{self.client.base} {self.client.token}")

    def look(self) -> Look:
        """What a probe may look at."""
        from .look import Look

        return Look(self.client, self.feed, self.model, self.clock)

    def configuring(self) -> Configuring:
        """Reading and writing blocks."""
        from .configuring import Configuring

        return Configuring(
            self.client, self.write, self._drafts, keeps_secrets=lambda: bool(self.extensions()),
            tries=lambda: TRIALS in self.extensions(), token=self.feed.token_of,
        )

    def means(self) -> Means:
        """What a bulk works with."""
        from .bulk.deeds import Means

        return Means(
            self.client, self.feed, self.model, self.clock, self._drafts, self.write, self.change, self.confirm, self.listen,
            keeps_secrets=lambda: bool(self.extensions()),
        )

    def bulk_left(self) -> bool:
        """Whether a bulk of this account may have been left unfinished: a look at the end of one file."""
        from .bulk import left

        return left(self.client.base, self.client.token)
