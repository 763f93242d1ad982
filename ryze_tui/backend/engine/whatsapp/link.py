"""One instance's link, as the engine keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ....outside.proxy import ProxyUse
from ...clock import Timer
from ...tunnel import TunnelError

if TYPE_CHECKING:
    from .pairing import Pairing


class Phase(StrEnum):
    """Where the link is."""

    OFF = "off"
    PAIRING = "pairing"
    WAITING = "waiting"  # for its worker, or for the next try
    DIALLING = "dialling"  # its worker is at it
    ONLINE = "online"
    DROPPED = "dropped"  # was up; the library dials again by itself


@dataclass(slots=True, eq=False)
class Link:
    """`history`: days that the first dial after a pairing asks for, -1 = none. `tries`: dials that failed since it last was up.

    `trouble`: what was told about that; `way`: why its proxy let nobody through, when that was the last thing heard of it.
    """

    instance: str
    attempt: int = 0
    phase: Phase = Phase.OFF
    proxy: ProxyUse | None = None
    history: int = -1
    timer: Timer | None = None
    tries: int = 0
    trouble: str = ""
    way: TunnelError | None = field(default=None, repr=False)
    jid: str = ""
    pairing: Pairing | None = None

    def quiet(self) -> None:
        """Whatever was to happen at a time does not."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
