"""Webhook deliveries: accepted to the disk, then sent; first attempts in order per chat, and nothing holds up anything else.

A poison event is retried on its own while its chat goes on; a slow receiver keeps at most its own places busy. What is lost
when the server is killed is what had not been committed yet: the events of the last few milliseconds. What had been sent and
not been marked is sent again, under the same id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets as entropy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from ..clock import Clock
from ..egress import Egress, Forbidden
from ..errors import StoreError
from ..histogram import Histogram
from ..record import Record, Values
from ..store.database import Statement
from ..store.outbox import Delivery, OutboxRows
from .bus import has_media, without_media
from .delivery import DEAD, DELIVERED, PENDING, SECONDS, TEST_TOKEN, WAITS, Candidate, Fate, fate, headers, order_key, target
from .lanes import Lanes, Where
from .layouts import MESSAGE, Layout, observed

log = logging.getLogger(__name__)

IN_MEMORY: Final = 5_000
"""Deliveries whose data stays in memory until they are sent; of those behind them it is read again when their turn comes."""
PRUNE_EVERY: Final = 100
_ENCODED: Final = json.JSONEncoder(separators=(",", ":")).encode
LATENCY_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
PAUSED: Final = "the webhook is paused: its receiver answered 410; write it again to go on"
_REFUSED: Final = 403
"""What an address that may not be dialled counts as: tried once more, DNS may have been wrong."""


class Registry(Protocol):
    """What the outbox needs to know of webhooks."""

    def find(self, instance_id: str) -> Record | None:
        """The instance, while it exists."""

    async def authorization(self, record: Record, label: str) -> str:
        """The Authorization of a webhook row, in clear. Raises StoreError."""

    async def pause(self, record: Record, label: str) -> None:
        """The receiver says that it is gone for good: nothing more to this row until it is written again."""

    def signing_key(self, record: Record, label: str) -> bytes | None:
        """What deliveries of a row are signed with; None for the plain contract."""


class Outbox:
    """`accept` events; what was pending when the server ended is picked up by `open`.

    `random`: a number in [0, 1). `layout`: that of message events.
    """

    def __init__(
        self, rows: OutboxRows, egress: Egress, registry: Registry, clock: Clock, *, random: Callable[[], float],
        base_url: Callable[[], str], layout: Layout = observed,
    ) -> None:
        self._rows, self._egress, self._registry, self._clock, self._random = rows, egress, registry, clock, random
        self._lanes = Lanes(self._host)
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: Counter[Where] = Counter()
        self._unsaved: list[Delivery] = []
        self._closed = False
        self._base_url, self._layout = base_url, layout
        self.pending = 0
        """Deliveries that are not over, also those that wait for their next attempt."""
        self.outcomes: Counter[str] = Counter()
        self.latency = Histogram(LATENCY_SECONDS)
        self._moved = clock.monotonic()

    async def open(self) -> None:
        """Take up what was pending. Raises StoreError."""
        for delivery in await self._rows.pending():
            self.pending += 1
            self._later(delivery, min(delivery.next_at - self._clock.now(), WAITS[-1]))  # else a clock set back holds it for long
        self._pump()

    async def close(self) -> None:
        """Nothing new is sent; attempts under way are broken off and will be made again."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- accepting -----------------------------------------------------------------------------------------------------

    def accept(self, record: Record, event: str, data: Values) -> None:
        """An event happened: one delivery for each webhook that wants it. Never raises, never waits."""
        if deliveries := self.deliveries(record, event, data):
            self.put(deliveries)

    def deliveries(self, record: Record, event: str, data: Values) -> list[Delivery]:
        """One for each webhook that wants the event; they are nowhere yet."""
        now = self._clock.now()
        return [
            Delivery(
                id=f"msg_{entropy.token_hex(12)}", instance_id=record.id, label=label, event=event,
                lane=order_key(event, data), created_at=now, data=data if row["mediaBase64"] else without_media(data),
            )
            for label, row in record.webhooks.items() if wants(row, event) and label not in record.paused
        ]

    def statements(self, deliveries: Sequence[Delivery]) -> list[Statement]:
        """What puts them on the disk, for a unit that holds more; afterwards they are to `enter`."""
        return self._rows.statements(deliveries)

    def put(self, deliveries: list[Delivery]) -> None:
        """To the disk, then on their way. A disk that refuses them delays nothing: they are sent all the same, from memory."""
        self.pending += len(deliveries)
        saving = self._rows.add(deliveries)
        saving.add_done_callback(lambda done: self._kept(deliveries, done))

    def _kept(self, deliveries: Iterable[Delivery], saving: asyncio.Future[None]) -> None:
        if not saving.cancelled() and (error := saving.exception()) is not None:
            log.error("deliveries could not be written to the disk, they are sent from memory: %s", error)
            kept = False
        else:
            kept = True
        self._enter(deliveries, kept)

    def enter(self, deliveries: Sequence[Delivery], *, kept: bool) -> None:
        """On their way, in this order. `kept`: they are on the disk. What waits there holds no media in memory."""
        self.pending += len(deliveries)
        self._enter(deliveries, kept)

    def _enter(self, deliveries: Iterable[Delivery], kept: bool) -> None:
        for delivery in deliveries:
            delivery.kept = kept
            if kept and (self._lanes.waiting > IN_MEMORY or has_media(delivery.data)):
                delivery.data = None
            self._lanes.add(delivery)
        self._pump()

    # -- looking behind it ---------------------------------------------------------------------------------------------

    async def list(
        self, record: Record, *, label: str | None, state: str | None, limit: int, before: str | None = None
    ) -> Sequence[Delivery]:
        """The newest deliveries of an instance first, of those older than the one called `before`. Raises StoreError."""
        return await self._rows.list(record, label=label, state=state, limit=limit, before=before)

    async def find(self, record: Record, delivery_id: str) -> Delivery | None:
        """One delivery of an instance. Raises StoreError."""
        return await self._rows.find(record, delivery_id)

    async def again(self, delivery: Delivery) -> None:
        """A finished one once more, with all its attempts, under the same id; on the disk when it returns. Raises StoreError."""
        delivery.state, delivery.attempts, delivery.next_at, delivery.done_at = PENDING, 0, 0.0, 0.0
        delivery.status, delivery.answer = None, ""
        await self._rows.save([delivery])
        self.pending += 1
        self._lanes.add(delivery)
        self._pump()

    async def once(
        self, record: Record, label: str, event: str, data: Values, candidate: Candidate | None = None
    ) -> Delivery:
        """One attempt now, outside the queue and not kept; what came of it. `candidate`: in place of the stored row."""
        delivery = Delivery(
            id=f"msg_{entropy.token_hex(12)}", instance_id=record.id, label=label, event=event, lane="test",
            created_at=self._clock.now(), data=data, kept=False,
        )
        status, answer, _told = await self._exchange(
            record, candidate.row if candidate else record.webhooks[label], delivery, candidate
        )
        delivered = status is not None and 200 <= status < 300
        delivery.state, delivery.status, delivery.answer = (DELIVERED if delivered else DEAD), status, answer
        delivery.attempts, delivery.done_at = 1, self._clock.now()
        return delivery

    def oldest(self) -> float:
        """How many seconds the oldest delivery waits that was never attempted; 0 when none does."""
        created = self._lanes.oldest()
        return max(0.0, self._clock.now() - created) if created else 0.0

    def idle_for(self) -> float:
        """How many seconds ago an attempt ended, while some wait that were never attempted; 0 when none do."""
        return min(self.oldest(), self._clock.monotonic() - self._moved)

    # -- sending -------------------------------------------------------------------------------------------------------

    def _host(self, where: Where) -> str:
        record = self._registry.find(where[0])
        row = record.webhooks.get(where[1]) if record is not None else None
        return urlsplit(row["url"]).netloc.rpartition("@")[2].lower() if row is not None else ""

    def _later(self, delivery: Delivery, seconds: float) -> None:
        if seconds <= 0:
            self._lanes.add(delivery)
        else:
            self._clock.call_later(seconds, self._due, delivery)

    def _due(self, delivery: Delivery) -> None:
        if not self._closed:
            self._lanes.add(delivery)
            self._pump()

    def _pump(self) -> None:
        while not self._closed and (delivery := self._lanes.next()) is not None:
            task = asyncio.get_running_loop().create_task(self._send(delivery), name=f"delivery {delivery.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, delivery: Delivery) -> None:
        began = self._clock.monotonic()
        try:
            await self._attempt(delivery)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("delivery %s ended by a bug", delivery.id)
            self._settle(delivery, Fate(DEAD), None, "an error of this server")
        finally:
            self._moved = self._clock.monotonic()
            self._lanes.done(delivery, self._clock.monotonic() - began)
        self._pump()

    async def _attempt(self, delivery: Delivery) -> None:
        record = self._registry.find(delivery.instance_id)
        if record is None:
            self.pending -= 1
            return  # deleted meanwhile, and its rows with it
        row = record.webhooks.get(delivery.label)
        if row is None or not row["enabled"]:
            self._settle(delivery, Fate(DEAD), None, "the webhook was switched off")
            return
        if delivery.label in record.paused:
            self._settle(delivery, Fate(DEAD), None, PAUSED)
            return
        status, answer, told = await self._exchange(record, row, delivery)
        if told.pause:
            await self._registry.pause(record, delivery.label)
        self._settle(delivery, told, status, answer)

    async def _exchange(
        self, record: Record, row: Values, delivery: Delivery, candidate: Candidate | None = None
    ) -> tuple[int | None, str, Fate]:
        """One request and its answer: (status, words, what it leads to)."""
        status: int | None = None
        retry_after = ""
        try:
            body, sent = await self._request(record, delivery, candidate)
            url = target(row["url"], delivery.event, by_events=row["byEvents"])
            reply = await self._egress.post(url, content=body, headers=sent, seconds=SECONDS)
            status, answer, retry_after = reply.status, reply.text, reply.retry_after
        except Forbidden as error:
            return None, str(error), fate(_REFUSED, delivery.attempts + 1, self._random)
        except TimeoutError:
            answer = f"no answer within {SECONDS:g} s"
        except StoreError as error:
            answer = str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            answer = in_words(error)
        return status, answer, fate(status, delivery.attempts + 1, self._random, retry_after=retry_after)

    async def _request(
        self, record: Record, delivery: Delivery, candidate: Candidate | None
    ) -> tuple[bytes, dict[str, str]]:
        if delivery.data is None:
            delivery.data = await self._rows.data(delivery)
        token = record.token if candidate is None or candidate.known else TEST_TOKEN
        about = {"baseUrl": self._base_url(), "instance": record.name, "token": token}
        data = self._layout(delivery.data) if delivery.event == MESSAGE else delivery.data
        envelope = {"event": delivery.event, "data": data, "instanceData": about}
        body = _ENCODED(envelope).encode()
        if candidate is not None:
            authorization = candidate.authorization
        else:
            authorization = await self._registry.authorization(record, delivery.label)
        key = self._registry.signing_key(record, delivery.label)
        return body, headers(delivery.id, int(self._clock.now()), body, authorization=authorization, secret=key)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _settle(self, delivery: Delivery, told: Fate, status: int | None, answer: str) -> None:
        """The attempt led to this: note it, and come back later if it is not over."""
        now = self._clock.now()
        delivery.attempts += 1
        delivery.state, delivery.status, delivery.answer = told.state, status, answer
        delivery.next_at = now + told.wait if told.state == PENDING else 0.0
        delivery.done_at = 0.0 if told.state == PENDING else now
        self._save(delivery)
        self.outcomes["retried" if told.state == PENDING else told.state] += 1
        if told.state == PENDING:
            if delivery.kept:
                delivery.data = None  # a retry can wait for the disk; memory is for what is new
            self._clock.call_later(told.wait, self._due, delivery)
            return
        delivery.data = None
        self.pending -= 1
        if told.state == DELIVERED:
            self.latency.observe(max(0.0, now - delivery.created_at))
        where = (delivery.instance_id, delivery.label)
        self._finished[where] += 1
        if self._finished[where] >= PRUNE_EVERY:
            del self._finished[where]
            _noted(self._rows.prune(*where), "old deliveries could not be removed")

    def _save(self, delivery: Delivery) -> None:
        """Results of one turn of the loop go to the disk together."""
        if not self._unsaved:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsaved.append(delivery)

    def _flush(self) -> None:
        unsaved, self._unsaved = self._unsaved, []
        if unsaved:
            _noted(self._rows.save(unsaved), "results of deliveries could not be written; they may be sent again")


def wants(row: Values, event: str) -> bool:
    """Whether a webhook's row, or a socket's, lets an event through."""
    return bool(row["enabled"]) and (not row["events"] or event in row["events"])


def _noted(saving: asyncio.Future[None], words: str) -> None:
    def done(future: asyncio.Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            log.error("%s: %s", words, error)

    saving.add_done_callback(done)


def in_words(error: BaseException) -> str:
    """Why there was no answer; never the URL, which may hold a password."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            # asyncio's own text has the address in it, in Python's writing
            return os.strerror(seen.errno) if seen.errno and seen.errno > 0 else seen.strerror
        seen = seen.__cause__ or seen.__context__
    return {"ConnectError": "the connection was refused or could not be made", "ReadError": "the connection broke"}.get(
        type(error).__name__, type(error).__name__
    )

