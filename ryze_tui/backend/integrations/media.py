"""Received media goes to the instance's S3: kept on our disk first, its URL told at once, uploaded sooner or later.

The key of an object is settled when it is kept; endpoint, bucket and credentials are those of the configuration at the time of
the upload. When S3 is switched off or the instance is deleted, what still waits for it is dropped; what is in S3 stays there. How
often and for how long is tried: queues.py.
"""

from __future__ import annotations

import asyncio
import logging
import secrets as entropy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ...outside.s3 import probe_key
from ..clock import Clock
from ..errors import SecretError, StartupError, StoreError
from ..record import Record, Values
from ..store.uploads import Upload, UploadRows
from . import objects
from .objects import MediaLike
from .probe import Step, probe
from .queues import JITTER, LONGEST, WAITS, Queue, Queues, wait
from .s3 import OBJECT, TROUBLE, Client, Failure, Target, target
from .spool import Spool, SpoolFull

log = logging.getLogger(__name__)

PROBES: Final = 4
"""Probes at a time; further ones wait."""

Secrets = Callable[[Record], Awaitable[dict[str, str]]]
"""The secrets of a record's s3 block. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an instance's store. `answer`: why the last attempt failed, empty when it did not."""

    count: int
    size: int
    answer: str


class S3MediaStore:
    """Keeps and uploads. `records`: by id, those that exist; `random`: a number in [0, 1)."""

    def __init__(
        self, rows: UploadRows, spool: Spool, client: Client, secrets: Secrets, records: dict[str, Record], clock: Clock, *,
        random: Callable[[], float],
    ) -> None:
        self._rows, self._spool, self._client, self._secrets = rows, spool, client, secrets
        self._records, self._clock, self._random = records, clock, random
        self._queues = Queues()
        self._tasks: set[asyncio.Task[None]] = set()
        self._probing = asyncio.Semaphore(PROBES)
        self._closed = False

    async def open(self) -> None:
        """Take up what waited when the server ended; files of nobody are removed. Raises StartupError, StoreError."""
        uploads = {one.id: one for one in await self._rows.all()}
        try:
            there = set(await asyncio.to_thread(self._spool.open, {one.id: one.size for one in uploads.values() if one.key}))
        except OSError as error:
            raise StartupError(f"the media in {self._spool.directory} cannot be used: {error.strerror}; make it ours") from error
        lost = [one for ident, one in uploads.items() if ident not in there]
        if lost:
            log.error("%d uploads are lost: their files are gone from the directory for media, or were damaged", len(lost))
            await self._rows.remove(lost)
        for one in uploads.values():
            if one.id in there:
                self._queues.queue(one.instance_id).waiting.append(one)
        self._pump()

    async def close(self) -> None:
        """Nothing new is begun; uploads under way are broken off and made again after the next start."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def wants(self, record: Record) -> bool:
        """Whether what this instance receives goes to S3."""
        values = record.blocks.get("s3")
        return values is not None and values["enabled"] is True and not record.gone

    async def keep(self, record: Record, message_id: str, media: MediaLike, content: bytes) -> str:
        """The object's URL; the bytes are on our disk then. Empty, and a line in the log, when there is no room for them."""
        try:
            if not self.wants(record):
                return ""
            values = record.blocks["s3"]
            key = objects.object_key(values["pathPrefix"], record.name, message_id, self._clock.now(), media)
            url = target(values, {}).url(key)
            headers = {"Content-Type": objects.content_type(media), "Content-Disposition": objects.disposition(media)}
            upload = Upload(entropy.token_hex(16), record.id, self._clock.now(), len(content), key, headers)
            await self._write(upload, content)
        except Failure as error:
            why = error.words
        except (SpoolFull, StoreError) as error:
            why = str(error)
        except OSError as error:
            why = error.strerror or type(error).__name__
        else:
            if not self.wants(record):  # it was switched off or deleted meanwhile
                self._drop([upload])
                return ""
            self._queues.queue(record.id).waiting.append(upload)
            self._pump()
            return url
        log.error("%s: the media of message %s is not stored in S3, its event goes without: %s", record.name, message_id, why)
        return ""

    async def _write(self, upload: Upload, content: bytes) -> None:
        """File first, then its row. Raises SpoolFull, StoreError, OSError; then nothing of it is left."""
        self._spool.claim(upload.size)
        try:
            await asyncio.to_thread(self._spool.write, upload.id, content)
            await self._rows.add(upload)
        except BaseException:
            self._spool.release(upload.size)
            self._background(asyncio.to_thread(self._spool.remove, [upload.id]))
            raise

    # -- uploading -----------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while not self._closed and (taken := self._queues.next()) is not None:
            self._background(self._send(*taken))

    def _background(self, doing: Awaitable[None]) -> None:
        async def run() -> None:
            await doing

        task = asyncio.get_running_loop().create_task(run(), name="media")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, queue: Queue, upload: Upload, troubled: bool) -> None:
        era = queue.era
        try:
            record = self._records.get(upload.instance_id)
            if record is None or not self.wants(record):
                self._drop([upload])
            else:
                await self._attempt(record, upload)
                queue.failures, queue.kind, queue.answer = 0, "", ""
                self._drop([upload])
        except Failure as failure:
            self._failed(queue, upload, failure, era)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("an upload ended by a bug")
            self._failed(queue, upload, Failure(OBJECT, "an error of this server"), era)
        finally:
            self._queues.done(queue, troubled)
        self._pump()

    async def _attempt(self, record: Record, upload: Upload) -> None:
        """Raises Failure."""
        try:
            where = target(record.blocks["s3"], await self._secrets(record))
        except StoreError as error:
            raise Failure(TROUBLE, str(error)) from error
        try:
            content = await asyncio.to_thread(self._spool.read, upload.id)
        except (OSError, SecretError) as error:
            raise Failure(OBJECT, f"what was kept of it cannot be read ({type(error).__name__})") from error
        await self._client.put(where, upload.key, content, upload.headers)

    def _failed(self, queue: Queue, upload: Upload, failure: Failure, era: int) -> None:
        """Again, later; after seven days never."""
        record = self._records.get(upload.instance_id)
        if record is None or not self.wants(record):
            return self._drop([upload])
        upload.attempts += 1
        upload.answer = failure.words
        if self._clock.now() - upload.created_at >= LONGEST:
            log.error("%s: an upload is given up after %d attempts: %s", record.name, upload.attempts, failure.words)
            self._drop([upload])
            if not queue.all():
                queue.failures, queue.kind = 0, ""
            return None
        self._noted(self._rows.save(upload))
        if failure.kind == OBJECT:
            log.warning("%s: an upload failed and is tried again: %s", record.name, failure.words)
            queue.later.append(upload)
            pause = WAITS[min(upload.attempts, len(WAITS)) - 1] * (1 + JITTER * (2 * self._random() - 1))
            self._clock.call_later(pause, self._due, queue, upload)
            return None
        queue.waiting.append(upload)
        if era == queue.era:
            self._rest(record, queue, failure)
        return None

    def _rest(self, record: Record, queue: Queue, failure: Failure) -> None:
        """The store is in trouble: one attempt at a time from now on, and none for a while."""
        if queue.resting:
            return  # it is resting since an attempt that began beside this one
        if not queue.failures:
            log.warning("%s: S3 uploads fail and are tried again: %s", record.name, failure.words)
        queue.failures += 1
        queue.kind, queue.answer, queue.resting = failure.kind, failure.words, True
        self._clock.call_later(wait(queue.failures, failure.kind, self._random), self._rested, queue, queue.era)

    def _rested(self, queue: Queue, era: int) -> None:
        if era == queue.era:
            queue.resting = False
            self._pump()

    def _due(self, queue: Queue, upload: Upload) -> None:
        if upload in queue.later:
            queue.later.remove(upload)
            queue.waiting.append(upload)
            self._pump()

    def _drop(self, uploads: Sequence[Upload]) -> None:
        """Rows first: a file without a row is removed at the next start, a row without a file would be a loss."""
        if uploads:
            for one in uploads:
                self._spool.release(one.size)
            self._background(self._forget([*uploads]))

    async def _forget(self, uploads: list[Upload]) -> None:
        try:
            await self._rows.remove(uploads)
        except StoreError as error:
            log.error("uploads that are done could not be struck off; they are made again after a restart: %s", error)
            return
        await asyncio.to_thread(self._spool.remove, [one.id for one in uploads])

    def _noted(self, saving: asyncio.Future[None]) -> None:
        def done(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                log.error("the result of an upload could not be written: %s", error)

        saving.add_done_callback(done)

    # -- what others change and ask ------------------------------------------------------------------------------------

    def changed(self, record: Record, kind: str) -> None:
        """A block was replaced, or the instance removed (kind "")."""
        queue = self._queues.of.get(record.id)
        if queue is None or kind not in ("", "s3"):
            return
        queue.era += 1
        queue.resting = False
        if not self.wants(record):
            dropped = queue.all()
            queue.waiting.clear()
            queue.later.clear()
            queue.failures, queue.kind = 0, ""
            self._queues.forget(queue)
            if dropped:
                log.warning("%s: %d media that waited for S3 are dropped", record.name, len(dropped))
            self._drop(dropped)
            return
        queue.waiting.extend(queue.later)
        queue.later.clear()
        if not queue.waiting:
            queue.failures, queue.kind = 0, ""
        self._pump()

    def health(self) -> str | None:
        """`ok` while no store failed at the last attempt; None when no instance has S3. No names in it: anybody may ask."""
        count = sum(self.wants(record) for record in self._records.values())
        failing = [queue for queue in self._queues.of.values() if queue.failures]
        if not failing:
            return "ok" if count else None
        kinds = ", ".join(sorted({queue.kind for queue in failing}))
        return f"fail: uploads of {len(failing)} of {count} instances wait for a store ({kinds})"

    def waiting(self, record: Record) -> Waiting:
        """What waits for this instance's store, without what is under way."""
        queue = self._queues.of.get(record.id)
        found: Iterable[Upload] = queue.all() if queue is not None else ()
        sizes = [one.size for one in found]
        return Waiting(len(sizes), sum(sizes), queue.answer if queue is not None and queue.failures else "")

    async def probe(self, values: Values, secrets: dict[str, str]) -> list[Step]:
        """Put, get and delete an object with this configuration; the first step that fails says why."""
        async with self._probing:
            try:
                where: Target = target(values, secrets)
            except Failure as failure:
                return [Step("put", 0, failure.words)]
            key = probe_key(str(values["pathPrefix"]))
            return await probe(self._client, where, key, self._clock.monotonic)
