"""The whatsapp engine as a server's settings want it."""

from __future__ import annotations

import sys
from typing import Final

from ...clock import Clock
from ...egress import Egress
from ...settings import Settings
from .engine import WhatsAppEngine
from .pool import Pool
from .sessions import SessionFiles

WORKER: Final = "ryze_tui.backend.engine.whatsapp.worker"
DIRECTORY: Final = "whatsapp"


def whatsapp_engine(settings: Settings, clock: Clock, egress: Egress) -> WhatsAppEngine:
    """Nothing is started before it is opened."""
    command = settings.worker_command or (sys.executable, "-m", WORKER)
    pool = Pool(command, egress, clock, per_worker=settings.sessions_per_worker)
    return WhatsAppEngine(SessionFiles(settings.data_dir / DIRECTORY), pool, clock, egress)
