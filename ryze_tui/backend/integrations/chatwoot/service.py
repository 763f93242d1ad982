"""The Chatwoot bridge as the rest of the server sees it: set, list, delete; messages in, callbacks in (contract §6)."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets as entropy
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

from ....api import errors as texts
from ....api.blocks import Chatwoot as Block
from ... import conditions
from ...access import CALLBACK_PATH
from ...blocks import absolute_url, split
from ...clock import Clock, rfc3339
from ...egress import Egress
from ...errors import ApiError, StoreError
from ...record import Record, Values
from ...store.chatwoot import SENDING, ChatwootRows, Content, Item
from ...table import Stage
from . import words
from .activation import SECONDS, activate, refusal
from .api import ChatwootError
from .inward import Inward
from .links import KIND, TOKEN, Link, Links, is_set, values_of
from .outward import Outward, Send, new_id, read
from .queue import MESSAGE, REPLY, Follow, NotYet, Queue
from .rules import ACTIVE, ERROR
from .trial import Step, attempt

log = logging.getLogger(__name__)

INLINE_SECONDS: Final = 20.0
"""How long a creation waits for its inline block."""
PATIENCE: Final = 60.0
"""How long a reply waits for a link that is coming up, before its agent is told that it was not sent."""


class Bridge:
    """One per server. `send` is how replies reach WhatsApp; `seconds`: of one call to Chatwoot."""

    def __init__(
        self, rows: ChatwootRows, links: Links, egress: Egress, clock: Clock, *, random: Callable[[], float],
        base_url: Callable[[], str], public: bool,
    ) -> None:
        self._rows, self._links, self._clock, self._base_url, self._public = rows, links, clock, base_url, public
        self._inward, self._outward = Inward(rows), Outward(rows, egress, clock)
        self._queue = Queue(rows, clock, self._work, self._told, random=random)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._notes: set[asyncio.Task[None]] = set()
        self._began = clock.now()

    async def open(self) -> None:
        """Take up what was not finished, before anything new can come. Raises StoreError."""
        self._links.open()
        await self._queue.open()

    def start(self) -> None:
        """Begin with it: instances know by now how they are."""
        self._began = self._clock.now()
        self._queue.start()

    async def close(self) -> None:
        """Nothing new is begun."""
        await self._queue.close()
        await asyncio.gather(*self._notes, return_exceptions=True)

    @property
    def send(self) -> Send:
        """Hands a reply to WhatsApp."""
        return self._outward.send

    @send.setter
    def send(self, send: Send) -> None:
        self._outward.send = send

    @property
    def seconds(self) -> float:
        """One call to Chatwoot may take so long."""
        return self._links.seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        self._links.seconds = seconds

    # -- messages (Bridge) ---------------------------------------------------------------------------------------------

    def wants(self, record: Record, data: Values) -> bool:
        """Whether a message.exchange in the live layout is for Chatwoot."""
        values = values_of(record)
        if not values.get("enabled"):
            return False
        who = words.person(data)
        return who is not None and not (who.is_group and values.get("ignoreGroups") is True)

    async def accept(self, record: Record, data: Values, content: bytes | None) -> None:
        """On the disk when it returns; it will be in Chatwoot, once. Raises StoreError."""
        who = words.person(data)
        if who is None or record.gone or not self.wants(record, data):
            return
        content = _inside(data) if content is None else content
        item = Item(
            id=new_id(), instance_id=record.id, kind=MESSAGE, key=words.source_id(data), lane=f"chat:{who.jid}",
            created_at=self._clock.now(), media=content is not None,
        )
        await self._queue.put(item, Content(_without_base64(data), content))

    # -- callbacks -----------------------------------------------------------------------------------------------------

    def of_callback(self, secret: str) -> Record | None:
        """Whose callback has this secret."""
        return self._links.of_callback(secret)

    async def called_back(self, record: Record, body: Values) -> bool:
        """Chatwoot tells something; on the disk when it returns, if it is a reply. Raises StoreError."""
        data = read(body, int(values_of(record).get("inboxId") or 0))
        if data is None:
            return False
        return await self._queue.put(self._outward.item(record, data), Content(data))

    # -- the integration -----------------------------------------------------------------------------------------------

    async def set(self, record: Record, block: Block) -> Values:
        """Connect an instance; what it answers (contract §6). Raises ApiError, StoreError."""
        check(block)
        async with self._locks[record.id]:
            conditions.check(record, KIND)  # before anything is made there
            await self._connect(record, block, SECONDS)
        self._queue.wake(record.id)
        values = values_of(record)
        return {
            "instance": record.name, "status": values["status"], "bridge_integration_id": values["integrationId"],
            "message": "chatwoot integration activated",
        }

    async def stored_token(self, record: Record, base: str) -> Values:
        """The API token as `set` takes it, for the Chatwoot it was set with and no other. Raises ApiError 400, StoreError."""
        values = values_of(record)
        token = (await self._links.secrets(record)).get(TOKEN, "") if values.get("chatwootBaseUrl") else ""
        if token and values["chatwootBaseUrl"] != base.rstrip("/"):
            words = f"{TOKEN} is required: the stored one is kept for the chatwootBaseUrl it was set with"
            raise ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: {words}")
        return {TOKEN: token} if token else {}

    async def trial(self, record: Record, block: Block) -> tuple[list[Step], Values]:
        """What `set` would find: steps, and the inbox that would be used. Nothing is changed. Raises ApiError, StoreError."""
        check(block)
        before, callback = values_of(record), await self._links.callback(record)
        values = split(KIND, block).values
        values["chatwootBaseUrl"] = base = block.chatwootBaseUrl.rstrip("/")
        same = (before.get("chatwootBaseUrl"), before.get("chatwootAccountId")) == (base, block.chatwootAccountId)
        return await attempt(
            self._links.api(values, block.chatwootApiToken), block.chatwootAccountId, block.inboxName,
            f"{self._base_url()}{CALLBACK_PATH}{callback}", known=int(before.get("inboxId") or 0) if same else 0,
            in_use=lambda secret: self._links.of_callback(secret) not in (None, record), monotonic=self._clock.monotonic,
        )

    async def created(self, record: Record) -> None:
        """Connect the inline block of a new instance, if it has one that is to be on; a failure is shown and aborts nothing."""
        values = values_of(record)
        if values.get("status") != ERROR or values.get("integrationId"):
            return
        async with self._locks[record.id]:
            try:
                fields = {name: values[name] for name in Block.model_fields if name in values} | {"enabled": True}
                secrets = await self._links.secrets(record)
                block = Block(**fields | {"chatwootApiToken": secrets.get("chatwootApiToken", "")})
                block.inboxName = block.inboxName or record.name
                check(block)
                await self._connect(record, block, INLINE_SECONDS)
            except (ApiError, StoreError) as error:
                await self._failed(record, error.message if isinstance(error, ApiError) else str(error))

    async def _failed(self, record: Record, why: str) -> None:
        try:
            await self._links.note(record, status=ERROR, error=why)
        except (ApiError, StoreError) as error:
            log.warning("why Chatwoot was not connected to %s could not be kept: %s", record.name, error)

    async def _connect(self, record: Record, block: Block, seconds: float) -> None:
        before, callback = values_of(record), await self._links.callback(record)
        values = split(KIND, block).values
        values["chatwootBaseUrl"] = base = block.chatwootBaseUrl.rstrip("/")
        api = self._links.api(values, block.chatwootApiToken)
        same = (before.get("chatwootBaseUrl"), before.get("chatwootAccountId")) == (base, block.chatwootAccountId)
        try:
            async with asyncio.timeout(seconds):
                inbox = await activate(
                    api, block.inboxName, f"{self._base_url()}{CALLBACK_PATH}{callback}",
                    known=int(before.get("inboxId") or 0) if same else 0,
                    in_use=lambda secret: self._links.of_callback(secret) not in (None, record),
                )
        except ChatwootError as error:
            raise refusal(error, base, block.chatwootAccountId) from error
        except TimeoutError:
            late = ChatwootError(0, f"no answer within {seconds:g} s")
            raise refusal(late, base, block.chatwootAccountId) from None
        about = {
            "enabled": True, "status": ACTIVE, "error": "", "inboxId": inbox, "callbackBase": self._base_url(),
            "integrationId": before.get("integrationId") or f"cwi_{entropy.token_hex(8)}",
            "createdAt": before.get("createdAt") or rfc3339(self._clock.now()),
        }
        await self._links.connect(record, values | about, block.chatwootApiToken, callback)
        if not self._public:
            log.warning("Chatwoot is told to call %s: start with --public-url when it cannot reach that", self._base_url())

    async def read(self, record: Record) -> Values:
        """How it is, with the token in clear (contract §6). Raises ApiError 404, StoreError."""
        values = values_of(record)
        if not is_set(record):
            raise ApiError(404, texts.NO_CHATWOOT)
        secrets = await self._links.secrets(record)
        return {
            "instance_name": record.name, "status": values["status"], "bridge_integration_id": values.get("integrationId", ""),
            "chatwoot_base_url": values["chatwootBaseUrl"], "chatwoot_account_id": values["chatwootAccountId"],
            "chatwoot_api_token": secrets.get("chatwootApiToken", ""), "chatwoot_inbox_id": values.get("inboxId", 0),
            "chatwoot_inbox_name": values["inboxName"], "last_error": values.get("error", ""),
            "created_at": values.get("createdAt") or rfc3339(record.created_at),
            "sign_messages": values["signMessages"], "ignore_groups": values["ignoreGroups"],
            "start_as_pending": values["startAsPending"], "reopen_resolved": values["reopenResolved"],
        }

    async def delete(self, record: Record) -> None:
        """Disconnect it; the inbox stays. Raises ApiError 404, StoreError."""
        async with self._locks[record.id]:
            if not is_set(record):
                raise ApiError(404, texts.NO_CHATWOOT_TO_DELETE)
            conditions.check(record, KIND)
            await self._links.erase(record)
            self._queue.forget(record.id)
            await self._rows.forget(record.id)

    def changed(self, record: Record, kind: str) -> None:
        """A block was replaced, or the instance removed (kind "") and its rows with it."""
        if not kind:
            self._queue.forget(record.id)
            self._links.forget(record)
            self._locks.pop(record.id, None)

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _work(self, item: Item, content: Content) -> Sequence[Follow]:
        link = await self._link(item)
        if link is None:
            return ()  # disconnected or deleted meanwhile
        if item.kind == MESSAGE:
            await self._moved(link)
            await self._inward.show(link, item, content)
            return ()
        if item.kind == REPLY:
            if self._may_come_up(link.record, item):
                raise NotYet
            return await self._outward.reply(link, item, content, self.seconds)
        await self._inward.note(link, item, content)
        return ()

    def _may_come_up(self, record: Record, item: Item) -> bool:
        """Its link is not up, and probably will be: after a restart, or when it broke a moment ago."""
        waited = self._clock.now() - max(item.created_at, self._began)
        coming = record.paired and record.stage in (Stage.LINKING, Stage.DIALLING, Stage.IDLE)
        return coming and item.state != SENDING and 0 <= waited < PATIENCE  # less: the clock was set back

    async def _moved(self, link: Link) -> None:
        """The server has another address than when the inbox was told: tell it, or agents' replies go nowhere."""
        base, record = self._base_url(), link.record
        if not base or link.values.get("callbackBase") == base:
            return
        async with self._locks[record.id]:
            if values_of(record).get("callbackBase") == base:
                return
            try:
                await link.api.update_inbox(link.inbox, f"{base}{CALLBACK_PATH}{await self._links.callback(record)}")
            except ChatwootError as error:
                if error.away:
                    raise
                log.warning("the inbox of %s could not be told where this server is now: %s", record.name, error.words)
            await self._links.note(record, callbackBase=base)

    async def _link(self, item: Item) -> Link | None:
        record = self._links.find(item.instance_id)
        return await self._links.of(record) if record is not None else None

    def _told(self, instance_id: str, status: str, why: str) -> None:
        """What an attempt says of the integration; written when it is news."""
        record = self._links.find(instance_id)
        if record is None or not _news(record, status, why):
            return
        task = asyncio.get_running_loop().create_task(self._note(record, status, why), name=f"chatwoot status {record.id}")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, record: Record, status: str, why: str) -> None:
        async with self._locks[record.id]:
            if not _news(record, status, why):
                return
            try:
                await self._links.note(record, status=status, error=why)
            except (ApiError, StoreError) as error:
                log.warning("how Chatwoot is for %s could not be kept: %s", record.name, error)


def _news(record: Record, status: str, why: str) -> bool:
    values = values_of(record)
    if status == ACTIVE and not why and values.get("status") == ACTIVE:
        return False  # that one message could not be shown is still worth knowing when the next one could
    return bool(values.get("enabled")) and (values.get("status"), values.get("error", "")) != (status, why)


def check(block: Block) -> None:
    """What a block needs to be set. Raises ApiError 400."""
    base = block.chatwootBaseUrl
    if not absolute_url(base) or "@" in base or "?" in base or "#" in base or not base.isprintable() or " " in base:
        raise _invalid("chatwootBaseUrl must be an http or https URL without user, query or fragment")
    if block.chatwootAccountId <= 0:
        raise _invalid("chatwootAccountId must be greater than 0")
    if not block.chatwootApiToken or not block.chatwootApiToken.isascii() or not block.chatwootApiToken.isprintable():
        raise _invalid("chatwootApiToken is required, printable ASCII in one line")
    if not block.inboxName.strip() or len(block.inboxName) > 255:
        raise _invalid("inboxName is required, up to 255 characters")


def _invalid(detail: str) -> ApiError:
    return ApiError(400, f"{texts.CHATWOOT_INVALID_BODY}: {detail}")


def _inside(data: Values) -> bytes | None:
    """The media that a message itself carries."""
    sent = words.part(words.part(data, "message"), "media").get("base64")
    try:
        return base64.b64decode(sent, validate=True) if isinstance(sent, str) and sent else None
    except ValueError:
        return None


def _without_base64(data: dict[str, Any]) -> Values:
    """The media is kept beside it, once."""
    message, media = words.part(data, "message"), words.part(words.part(data, "message"), "media")
    if "base64" not in media:
        return data
    return data | {"message": message | {"media": {name: value for name, value in media.items() if name != "base64"}}}
