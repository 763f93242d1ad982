"""What one running server is made of, and how routes reach it: `app.state.backend`, no global."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from .catalog import Catalog
from .clock import Clock
from .configure import Configure
from .egress import Egress
from .egress_gateway import Gateway
from .engine.port import Engine
from .events.bus import Bus
from .events.outbox import Outbox
from .health import Health
from .instances import Instances
from .integrations.chatwoot.service import Bridge
from .integrations.media import S3MediaStore
from .limits import Limits
from .metrics import Requests
from .redating import Redating
from .settings import Settings
from .store.rows import Store
from .traffic import Traffic


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
    traffic: Traffic
    egress: Egress
    gateway: Gateway
    media_store: S3MediaStore
    chatwoot: Bridge
    limits: Limits
    health: Health
    redating: Redating
    started: float
    requests: Requests = field(default_factory=Requests)
    draining: bool = False

    async def drain(self) -> None:
        """Nothing new comes in; what is under way ends while there is still an engine for it; then the links. Twice is once.

        Media that is being fetched, and replies that are being sent, would otherwise fail for good because the server stops.
        """
        self.draining = True
        self.redating.close()
        self.bus.close(1001, "the server stops")
        await self.chatwoot.close()
        await self.traffic.close()
        await self.instances.close()


def backend_of(connection: HTTPConnection) -> Backend:
    """The backend of the app that this connection came to."""
    backend: Backend = connection.app.state.backend
    return backend
