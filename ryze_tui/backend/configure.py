"""Changing the blocks of an instance: what a write replaces, what it keeps, and the limits that hold (contract §2.8-2.12)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ..api import errors as texts
from ..api.blocks import S3, Block, Proxy, Settings, Webhook, secret_fields
from .blocks import DEFAULT_LABEL, Written, absolute_url, check_proxy, one_line, proxy_view, read_block, s3_saved_view, split
from .catalog import Catalog
from .engine.port import ProxyUse
from .errors import ApiError
from .events.delivery import Candidate
from .record import Record, Values
from .secrets import KeyRing
from .store.rows import Store

WEBHOOKS_ENABLED: Final = 3
LABEL_MOST: Final = 255
_IDENTITY: Final[dict[type[Block], tuple[str, ...]]] = {Proxy: ("host", "username"), S3: ("endpoint", "accessKey")}
"""A secret that is left out stays while these are what they were (contract §8 #51); of another account it would be wrong."""


class Configure:
    """One change of an instance's configuration at a time; reads and writes are in the answers' shapes."""

    def __init__(self, store: Store, catalog: Catalog, ring: KeyRing, *, signed: bool) -> None:
        self._store, self._catalog, self._ring, self._signed = store, catalog, ring, signed
        self._authorizations: dict[tuple[str, str], str] = {}
        self._unread = True

    async def settings(self, record: Record, body: dict[str, Any]) -> Values:
        """Merge some of the seven fields. Raises ApiError 400, 500."""
        sent = {name: body[name] for name in Settings.model_fields if name in body}
        if not sent:
            raise ApiError(400, texts.NO_SETTING)
        async with _lock(record):
            block = read_block(Settings, (record.blocks.get("settings") or {}) | sent)
            await self._catalog.configure(record, split("settings", block))
        return record.blocks["settings"]

    async def proxy(self, record: Record, body: dict[str, Any]) -> Values:
        """Replace the proxy; it acts at the next connect or reconnect. Raises ApiError 400, 500."""
        block = read_block(Proxy, body)
        assert isinstance(block, Proxy)
        check_proxy(block)
        if not block.enabled:
            block = Proxy(enabled=False)
        async with _lock(record):
            await self._catalog.configure(record, await self._keeping(record, "proxy", block, body))
        return proxy_view(record.blocks["proxy"])

    async def s3(self, record: Record, body: dict[str, Any]) -> Values:
        """Replace the store; switching it off deletes the credentials. Raises ApiError 400, 500."""
        block = _s3_block(body)
        async with _lock(record):
            await self._catalog.configure(record, await self._keeping(record, "s3", block, body))
        return s3_saved_view(record.blocks["s3"])

    async def s3_candidate(self, record: Record, body: dict[str, Any]) -> tuple[Values, dict[str, str]]:
        """What would be in force after `s3`, or is when nothing is sent: values and secrets. Raises ApiError 400, 409."""
        stored = record.blocks.get("s3") or {}
        if not body and stored.get("enabled"):
            async with _lock(record):
                return record.blocks["s3"], await self._store.block_secrets(record, "s3")
        written = await self._candidate(record, "s3", _s3_block({"enabled": True} | body), body) if body else None
        if written is None or not written.values["enabled"]:
            raise ApiError(409, texts.S3_OFF)
        return written.values, written.secrets

    async def proxy_candidate(self, record: Record, body: dict[str, Any]) -> ProxyUse:
        """What would be dialled through after `proxy`, or is when nothing is sent. Raises ApiError 400, 409."""
        if not body:
            use = await self.proxy_use(record)
        else:
            block = read_block(Proxy, {"enabled": True} | body)
            assert isinstance(block, Proxy)
            check_proxy(block)
            use = _use(await self._candidate(record, "proxy", block, body)) if block.enabled else None
        if use is None:
            raise ApiError(409, texts.PROXY_OFF)
        return use

    async def webhook_candidate(self, record: Record, body: dict[str, Any]) -> Candidate:
        """What would be in force after `webhook`. Raises ApiError 400, 409."""
        block = _webhook_block({"enabled": True} | body)
        if not block.enabled:
            raise ApiError(409, texts.WEBHOOK_OFF)
        async with _lock(record):
            before = record.webhooks.get(block.label) or {}
            known = bool(before.get("enabled")) and before.get("url") == block.url
            if "authorization" not in body and before.get("enabled"):
                stored = await self.authorization(record, block.label)
                if stored and not known:
                    raise missing("authorization", "url")
                block.authorization = stored
        return Candidate(split("webhook", block).values, block.authorization, known)

    async def _candidate(self, record: Record, kind: str, block: Block, body: dict[str, Any]) -> Written:
        """As `_keeping`; a secret that was left out and belongs to somewhere else is asked for. Raises ApiError 400.

        What is tried goes out at once: without it nobody would see why it failed, and the stored one is for its own place.
        """
        async with _lock(record):  # places and secrets of one write
            written = await self._keeping(record, kind, block, body)
            left_out = [name for name in secret_fields(type(block)) if name not in body and not written.secrets.get(name)]
            if left_out and (record.blocks.get(kind) or {}).get("enabled"):
                stored = await self._store.block_secrets(record, kind)
                if any(stored.get(name) for name in left_out):
                    raise missing(left_out[0], " and ".join(_IDENTITY[type(block)]))
        return written

    async def _keeping(self, record: Record, kind: str, block: Block, body: dict[str, Any]) -> Written:
        """The block as it is stored; a secret that was left out is the one that is stored already, where it still fits."""
        written, before = split(kind, block), record.blocks.get(kind) or {}
        same = before.get("enabled") and all(before.get(name) == written.values[name] for name in _IDENTITY[type(block)])
        missing = [name for name in secret_fields(type(block)) if name not in body]
        if written.values["enabled"] and same and missing:
            stored = await self._store.block_secrets(record, kind)
            written.secrets |= {name: stored[name] for name in missing if name in stored}
        return written

    async def proxy_use(self, record: Record) -> ProxyUse | None:
        """What the next link dials through, with its password; None: directly. Raises StoreError."""
        if not record.proxied:
            return None
        async with _lock(record):  # address and password of one write
            values = record.blocks["proxy"]
            if not values["enabled"]:
                return None
            secrets = await self._store.block_secrets(record, "proxy")
        return _use(Written("proxy", values, secrets))

    # -- webhooks ------------------------------------------------------------------------------------------------------

    async def webhook(self, record: Record, body: dict[str, Any]) -> Values:
        """Replace the row of one label, every field of it. Raises ApiError 400, 409, 500."""
        block = _webhook_block(body)
        if not block.enabled:
            block = Webhook(label=block.label, enabled=False)
        async with _lock(record):
            others = sum(one["enabled"] for label, one in record.webhooks.items() if label != block.label)
            if block.enabled and others >= WEBHOOKS_ENABLED:
                raise ApiError(409, texts.WEBHOOKS_FULL)
            await self._catalog.configure(record, split("webhook", block))
            self._authorizations[record.id, block.label] = block.authorization
        return _with_authorization(record.webhooks[block.label], block.authorization)

    async def webhooks(self, record: Record) -> list[Values]:
        """Every row, enabled or not, sorted by label, with its authorization in clear (contract §2.12)."""
        return [await self.webhook_of(record, label) for label in sorted(record.webhooks)]

    async def webhook_of(self, record: Record, label: str) -> Values:
        """The row of one label. Raises ApiError 404."""
        if (values := record.webhooks.get(label)) is None:
            raise ApiError(404, texts.WEBHOOK_NOT_FOUND)
        return _with_authorization(values, await self.authorization(record, label))

    # -- what deliveries need ------------------------------------------------------------------------------------------

    def changed(self, record: Record, kind: str) -> None:
        """A block was replaced, or the instance removed (kind ""): then nothing of it stays in memory."""
        if not kind:
            self._authorizations = {where: text for where, text in self._authorizations.items() if where[0] != record.id}

    def find(self, instance_id: str) -> Record | None:
        """The instance, while it exists."""
        return self._catalog.by_id.get(instance_id)

    async def authorization(self, record: Record, label: str) -> str:
        """The Authorization of a webhook row, in clear; kept in memory once it was needed. Raises StoreError."""
        where = (record.id, label)
        if self._unread:
            # After a restart everything that was pending wants its own at once: one look at the disk for all of them.
            self._unread = False
            self._authorizations = await self._store.all_secrets("webhook", "authorization") | self._authorizations
        if where not in self._authorizations:
            stored = await self._store.block_secrets(record, "webhook", label)
            self._authorizations[where] = stored.get("authorization", "")
        return self._authorizations[where]

    async def pause(self, record: Record, label: str) -> None:
        """Nothing more to this row until it is written again; what it holds stays. Raises StoreError."""
        async with _lock(record):
            if (values := record.webhooks.get(label)) is None or record.gone:
                return
            secrets = {"authorization": await self.authorization(record, label)}
            await self._catalog.configure(record, Written("webhook", values, secrets, label, paused=True))

    def signing_key(self, record: Record, label: str) -> bytes | None:
        """What deliveries of a row are signed with; None for the plain contract."""
        return self._ring.derived("webhook", f"{record.id}/{label}") if self._signed else None


def _with_authorization(values: Values, authorization: str) -> Values:
    """In the documented order of fields; two clients compare the whole."""
    return {
        "label": values["label"], "enabled": values["enabled"], "url": values["url"], "authorization": authorization,
        "byEvents": values["byEvents"], "events": values["events"], "mediaBase64": values["mediaBase64"],
    }


def missing(secret: str, parts: str) -> ApiError:
    """A secret is stored for other `parts` than are to be tried: it goes nowhere else."""
    return ApiError(400, f"{texts.INVALID_BODY}: {secret} is required: the stored one is kept for the {parts} it was set with")


def _use(written: Written) -> ProxyUse:
    values = written.values
    password = written.secrets.get("password", "")
    return ProxyUse(values["protocol"], values["host"], int(values["port"]), values["username"], password)


def _webhook_block(body: dict[str, Any]) -> Webhook:
    """Raises ApiError 400."""
    block = read_block(Webhook, {"label": DEFAULT_LABEL} | body)
    assert isinstance(block, Webhook)
    if not 0 < len(block.label) <= LABEL_MOST:
        raise ApiError(400, f"{texts.INVALID_BODY}: label must have 1 to {LABEL_MOST} characters")
    if block.enabled and not absolute_url(block.url):
        raise ApiError(400, texts.INVALID_WEBHOOK_URL)
    if not one_line(block.authorization):
        raise ApiError(400, f"{texts.INVALID_BODY}: authorization must be one line")
    return block


def _s3_block(body: dict[str, Any]) -> S3:
    """Raises ApiError 400."""
    block = read_block(S3, body)
    assert isinstance(block, S3)
    if not block.enabled:
        return S3(enabled=False)
    if not block.bucket:
        raise ApiError(400, f"{texts.INVALID_BODY}: bucket is required")
    if block.endpoint and not absolute_url(block.endpoint):
        raise ApiError(400, f"{texts.INVALID_BODY}: endpoint must be an http or https URL")
    return block


def _lock(record: Record) -> asyncio.Lock:
    """Configuring never waits for the lifecycle, whose lock a connect may hold for a minute."""
    if record.configuring is None:
        record.configuring = asyncio.Lock()
    return record.configuring
