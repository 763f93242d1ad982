"""One virtual phone and its link: what is kept on the disk, and what is not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from ...clock import Timer
from ..port import ProxyUse
from .line import Line


@dataclass(slots=True)
class Session:
    """A linked device. Times are Unix seconds: until then the number is banned, or out of reach from the first dial on.

    `revoked`: unlinked on the phone while there was no link; told at the next dial.
    """

    number: str
    name: str = ""
    business: str = ""
    banned_until: float = 0.0
    ban_code: int = 0
    away_until: float = 0.0
    revoked: bool = False

    @property
    def jid(self) -> str:
        """The user's JID."""
        return f"{self.number}@s.whatsapp.net"

    def dump(self) -> str:
        """For the store."""
        return json.dumps(asdict(self))

    @staticmethod
    def load(text: str) -> Session:
        """From the store. Raises ValueError, TypeError."""
        return Session(**json.loads(text))


class Phase(StrEnum):
    """Where the link is."""

    OFF = "off"
    ASKING = "asking"
    SCANNING = "scanning"
    LINKING = "linking"
    DIALLING = "dialling"
    ONLINE = "online"
    DROPPED = "dropped"  # was up, comes back by itself


@dataclass(slots=True, eq=False)
class Link:
    """The link of one instance. At most one timer, and none while nothing happens.

    `proxy`: what it dials through; `line`: its connection through that, which stood since `stood_at` (monotonic), `tries`: how
    often it failed since it last stood for long, and `trouble`: what was told about that. Without a proxy there is no connection
    at all: 10,000 links cost no sockets.
    `history`: days that the pairing asked for. `calls`: those that ring, by id. `marked`: messages last marked as read.
    """

    instance: str
    session: Session | None = None
    attempt: int = 0
    phase: Phase = Phase.OFF
    timer: Timer | None = None
    number: str = ""
    codes: list[str] = field(default_factory=list, repr=False)
    code: str = field(default="", repr=False)
    given_at: float = 0.0
    down_until: float = 0.0
    history: int | None = None
    calls: dict[str, Timer] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    available: bool = False
    proxy: ProxyUse | None = None
    line: Line | None = None
    stood_at: float = 0.0
    tries: int = 0
    trouble: str = ""

    @property
    def reaches(self) -> bool:
        """Whether there is a way to WhatsApp as far as a proxy goes."""
        return self.proxy is None or (self.line is not None and self.line.stands)

    def quiet(self) -> None:
        """Whatever was to happen does not; a connection is hung up."""
        if self.line is not None:
            self.line.cut()
            self.line = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        for timer in self.calls.values():
            timer.cancel()
        self.calls, self.available = {}, False
        self.codes, self.code, self.number = [], "", ""
        self.phase = Phase.OFF
