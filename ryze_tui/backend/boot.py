"""Opening a server's parts in the right order, and closing them; every way it can fail says what to do."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import random
import secrets as entropy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from .. import paths
from ..api.blocks import WebSocket
from .admin.listener import listening
from .app import Backend
from .blocks import Written, split
from .catalog import Catalog
from .clock import Clock, LoopClock
from .configure import Configure
from .egress import Egress
from .egress_gateway import Gateway
from .engine.port import Engine, Outgoing, Sessions
from .engine.simulated.engine import SimulatedEngine
from .engine.simulated.fill import link_of, seeds
from .engine.whatsapp import requirements
from .engine.whatsapp.make import whatsapp_engine
from .errors import EngineError, StartupError, StoreError
from .events.bus import Bus
from .events.layouts import LAYOUTS
from .events.outbox import Outbox
from .first_account import first_account
from .health import Health
from .instances import Instances
from .integrations.chatwoot.links import Links
from .integrations.chatwoot.outward import Reply, Send
from .integrations.chatwoot.service import Bridge
from .integrations.chatwoot.words import SOURCE
from .integrations.media import S3MediaStore
from .integrations.s3 import Client
from .integrations.spool import Spool
from .limits import Limits
from .metrics import SHORTEST_TOKEN
from .record import Record
from .redating import Redating
from .secrets import KeyRing, load_keys
from .settings import Settings
from .store.chatwoot import ChatwootRows
from .store.database import Database
from .store.outbox import OutboxRows
from .store.rows import Store
from .store.uploads import UploadRows
from .traffic import Traffic

log = logging.getLogger(__name__)

EngineFactory = Callable[[Settings, Sessions, Clock, Egress], Engine]

DATABASE_FILE: Final = "ryze.db"
MADE_FILE: Final = "ryze.db.made"
"""Says that this directory had a database: one that is gone afterwards is not taken for a new beginning."""
MEDIA_DIR: Final = "media"
_SMALLEST: Final = 512
"""Bytes of SQLite's smallest page: of less than one it makes a new database."""


def refuse_early(settings: Settings) -> None:
    """What cannot work is refused before anything is made. Raises StartupError."""
    if settings.engine == "whatsapp":
        try:
            requirements.check()
        except EngineError as error:
            raise StartupError(str(error)) from None


def make_engine(settings: Settings, sessions: Sessions, clock: Clock, egress: Egress) -> Engine:
    """The engine that the settings name. Raises StartupError."""
    if settings.engine == "whatsapp":
        return whatsapp_engine(settings, clock, egress)
    return SimulatedEngine(sessions, clock, speed=settings.simulator_speed, egress=egress)


def _database_url(settings: Settings) -> str:
    if not settings.database:
        return f"sqlite+aiosqlite:///{settings.data_dir / DATABASE_FILE}"
    try:
        url = make_url(settings.database)
    except ArgumentError:
        raise StartupError("--database is not a database URL; for example sqlite:////var/lib/ryze-tui/ryze.db") from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StartupError("--database must name a SQLite file for now; for example sqlite:////var/lib/ryze-tui/ryze.db")
    return url.set(drivername="sqlite+aiosqlite").render_as_string(hide_password=False)


def _check_metrics_token(settings: Settings, catalog: Catalog) -> None:
    """Whoever reads /metrics is somebody else than whoever has an account. Raises StartupError."""
    token = settings.metrics_token
    if token and len(token) < SHORTEST_TOKEN:
        raise StartupError(f"the metrics token must have at least {SHORTEST_TOKEN} characters; try openssl rand -hex 24")
    if token and (catalog.account_of(token) is not None or catalog.instance_of(token) is not None):
        raise StartupError("the metrics token is the token of an account or an instance; give it one of its own")


def _has_data(url: str) -> bool:
    file = Path(make_url(url).database or "")
    return file.exists() and file.stat().st_size >= _SMALLEST


def _where(settings: Settings, url: str) -> str:
    """The database's place, which stays true when the directory is moved as a whole."""
    return os.path.relpath(make_url(url).database or "", settings.data_dir)


def _check_kept(settings: Settings, url: str) -> None:
    """A database that was there and is gone or empty is somebody's loss, not a new beginning. Raises StartupError."""
    mark = settings.data_dir / MADE_FILE
    try:
        had = mark.read_text(encoding="utf-8") == _where(settings, url)
    except (OSError, ValueError):
        return
    if had and not _has_data(url):
        raise StartupError(
            f"the database {make_url(url).database} is gone or empty, and it was there before; restore a copy of it, "
            f"choose another --data-dir, or remove {mark} to begin afresh"
        )


def _note_made(settings: Settings, url: str) -> None:
    try:
        paths.write_private(settings.data_dir / MADE_FILE, _where(settings, url))
    except OSError as error:
        log.warning("%s could not be written: %s", MADE_FILE, error.strerror)


@asynccontextmanager
async def _data_dir(path: Path) -> AsyncIterator[None]:
    """Make the directory and keep it to ourselves. Raises StartupError."""
    try:
        paths.private_dir(path)
        descriptor = os.open(path / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        words = f"the data directory {path} cannot be written: {error.strerror}; choose another with --data-dir"
        raise StartupError(words) from error
    try:
        _lock(descriptor, f"another ryze-tui server uses {path}; stop it, or choose another with --data-dir")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, otherwise: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StartupError(otherwise) from None


def _file_of(url: str) -> str:
    return os.path.realpath(make_url(url).database or "")


@asynccontextmanager
async def _one_server(url: str) -> AsyncIterator[None]:
    """Two servers with data directories of their own must not share a database either. Raises StartupError."""
    file = _file_of(url)
    try:
        descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield  # where nothing can be made the database cannot be opened either, and says so
        return
    try:
        _lock(descriptor, f"another ryze-tui server uses the database {file}; stop it, or choose another with --database")
        yield
    finally:
        os.close(descriptor)


async def _fill(backend: Backend, account: str) -> None:
    """Make the simulator's first instances, when the account has none."""
    settings, engine = backend.settings, backend.engine
    if not settings.simulator_instances or not isinstance(engine, SimulatedEngine):
        return
    if not account or backend.catalog.of_account(account):
        return
    now = backend.clock.now()
    records: list[Record] = []
    links, sessions, blocks = [], {}, dict[str, list[Written]]()
    for seed in seeds(settings.simulator_instances, settings.simulator_names, now):
        block = split("websocket", WebSocket(enabled=True))
        record = backend.catalog.new_record(account, seed.name, "", [block])
        record.stage, record.since, record.reason = seed.stage, now - seed.ago, seed.reason
        if seed.number:
            record.jid, record.profile_name = f"{seed.number}@s.whatsapp.net", seed.profile
        if seed.ago:
            record.created_at = record.updated_at = now - seed.ago
        if (link := link_of(record.id, seed)) is not None and seed.session is not None:
            record.paired, record.business_name = True, seed.session.business
            links.append(link)
            sessions[record.id] = seed.session.dump()
        blocks[record.id] = [block]
        records.append(record)
    await backend.catalog.add_many(records, blocks, sessions)
    engine.adopt(links)
    backend.instances.adopt(records)


def _media_store(settings: Settings, store: Store, ring: KeyRing, catalog: Catalog, client: Client, clock: Clock) -> S3MediaStore:
    spool = Spool(settings.data_dir / MEDIA_DIR, ring, limit=settings.media_spool_bytes)
    made = S3MediaStore(
        UploadRows(store.database, ring), spool, client, lambda record: store.block_secrets(record, "s3"), catalog.by_id, clock,
        random=random.random,
    )
    catalog.listeners.append(made.changed)
    return made


def _replies(traffic: Traffic) -> Send:
    """Agents' replies go the way of every message, but not back to where they came from."""

    async def send(record: Record, reply: Reply) -> str:
        outgoing = Outgoing(
            reply.to, reply.text, reply.content, reply.kind, reply.mimetype, reply.file_name, reply.is_voice,
        )
        return str((await traffic.send(record, outgoing, source=SOURCE, bridged=False))["messageId"])

    return send


async def _open(settings: Settings, factory: EngineFactory, clock: Clock, base_url: str) -> Backend:
    url = _database_url(settings)
    if settings.key_file is not None and settings.key_file.is_relative_to(settings.data_dir):
        log.warning("the key file lies in the data directory: whoever copies that has the key as well")
    _check_kept(settings, url)
    ring = load_keys(key=settings.key, key_file=settings.key_file, data_exists=_has_data(url))
    store = Store(Database(url), ring)
    try:
        await store.open()
        _note_made(settings, url)
        account = await first_account(store, settings, clock.now())
        bus = Bus(
            epoch=entropy.token_hex(4), ring_size=settings.ring_size, extensions=settings.extensions,
            layout=LAYOUTS[settings.messages],
        )
        bus.base_url = settings.public_url or base_url
        catalog = Catalog(store, ring, bus, clock, quota=settings.instance_quota, short_tokens=settings.loopback)
        await catalog.open()
        egress = Egress(allow_private=settings.allow_private)
        engine = factory(settings, store, clock, egress)
        configure = Configure(store, catalog, ring, signed=settings.extensions)
        rows = OutboxRows(store.database, ring)
        layout = LAYOUTS[settings.messages]
        outbox = Outbox(
            rows, egress, configure, clock, random=random.random, base_url=lambda: bus.base_url, layout=layout,
        )
        bus.deliver = outbox.accept
        gateway = Gateway(egress)
        media_store = _media_store(settings, store, ring, catalog, Client(egress, gateway), clock)
        chatwoot = Bridge(
            ChatwootRows(store.database, ring), Links(store, catalog, egress, ring), egress, clock, random=random.random,
            base_url=lambda: bus.base_url.rstrip("/"), public=bool(settings.public_url),
        )
        catalog.listeners += [chatwoot.changed, configure.changed]
        traffic = Traffic(store.database, bus, outbox, engine, clock)
        traffic.media_store, traffic.bridge = media_store, chatwoot
        chatwoot.send = _replies(traffic)
        instances = Instances(catalog, store, bus, engine, clock, traffic, configure.proxy_use)
        backend = Backend(
            settings=settings, clock=clock, store=store, catalog=catalog, bus=bus, engine=engine, instances=instances,
            configure=configure, outbox=outbox, traffic=traffic, egress=egress, gateway=gateway, media_store=media_store,
            chatwoot=chatwoot,
            limits=Limits(settings.rate_limit, clock), started=clock.monotonic(),
            health=Health(store.database, outbox, engine, settings.data_dir, clock),
            redating=Redating(catalog, store, bus, clock),
        )
        _check_metrics_token(settings, catalog)
        await outbox.open()
        await media_store.open()
        await chatwoot.open()
        await instances.open()
        chatwoot.start()
        backend.redating.start()
        await _fill(backend, account)
    except StoreError as error:
        await store.database.close()
        raise StartupError(f"the database cannot be used ({error}); restore a copy, or choose another --data-dir") from error
    except EngineError as error:
        await store.database.close()
        raise StartupError(f"the engine cannot be used: {error}") from error
    except BaseException:
        await store.database.close()
        raise
    return backend


@asynccontextmanager
async def opened(
    settings: Settings, factory: EngineFactory = make_engine, clock: Clock | None = None, base_url: str = ""
) -> AsyncIterator[Backend]:
    """A backend that works; closed afterwards, with everything written. Raises StartupError.

    `base_url`: where it can be reached when no public URL says so; what waits from before is told it at once.
    """
    refuse_early(settings)
    async with _data_dir(settings.data_dir), _one_server(_database_url(settings)):
        backend = await _open(settings, factory, clock or LoopClock(), base_url)
        try:
            backend.health.lag.start()
            async with listening(backend):
                yield backend
        finally:
            await backend.health.close()
            await backend.drain()
            await backend.outbox.close()
            await backend.media_store.close()
            await backend.gateway.close()
            await backend.egress.close()
            await backend.store.database.close()
