"""What one running server is made of, and how routes reach it: `app.state.backend`, no global."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from .catalog import Catalog
from .clock import Clock
from .configure import Configure
from .egress import Egress
from .engine.port import Engine
from .events.bus import Bus
from .events.outbox import Outbox
from .instances import Instances
from .integrations.chatwoot.service import Bridge
from .limits import Limits
from .settings import Settings
from .store.rows import Store


@dataclass(slots=True)
class Backend:
    """The parts, open. `started` is monotonic seconds."""

    settings: Settings
    clock: Clock
    store: Store
    catalog: Catalog
    bus: Bus
    engine: Engine
    instances: Instances
    configure: Configure
    outbox: Outbox
    egress: Egress
    chatwoot: Bridge
    limits: Limits
    started: float


def backend_of(connection: HTTPConnection) -> Backend:
    """The backend of the app that this connection came to."""
    backend: Backend = connection.app.state.backend
    return backend
