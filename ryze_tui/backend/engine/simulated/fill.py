"""The instances that an empty simulated account begins with: some in every state, the rest connected.

A restart dials every saved session, as a server with real numbers does: there is no state that a person could have asked
for in which a session is kept and not used. So what was filled as paired but disconnected comes up connected; bans last, a
phone that is out of reach stays so until somebody reconnects, and logged out is logged out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...table import Stage
from .engine import BANS, DROPPED, UNLINKED
from .link import Link, Phase, Session

DAY: Final = 86400.0
MIXED: Final = (
    Stage.CONNECTED, Stage.CONNECTED, Stage.IDLE, Stage.NEW, Stage.DIALLING, Stage.DIALLING, Stage.LOGGEDOUT, Stage.LOGGEDOUT,
    Stage.BANNED, Stage.BANNED,
)
"""The first ten; with fewer than ten instances every other one is taken first."""

REASONS: Final[dict[Stage, tuple[str, ...]]] = {
    Stage.IDLE: ("stream error 503: WhatsApp closed the connection", "no route to host"),
    Stage.NEW: ("",),
    Stage.DIALLING: (DROPPED,),
    Stage.LOGGEDOUT: (UNLINKED, "logged out: the phone was away for more than 14 days"),
    Stage.BANNED: (BANS[104], BANS[101]),
}

DEMO: Final[tuple[tuple[str, str, str, Stage, float], ...]] = (
    ("billing", "5511998764501", "Aurora Billing", Stage.CONNECTED, 6 * DAY),
    ("sales", "5511987123377", "Aurora Sales", Stage.LOGGEDOUT, 14 * 60),
    ("support", "5521996540042", "Aurora Support", Stage.CONNECTED, 2 * DAY),
    ("promo", "5511975508810", "Aurora Promo", Stage.BANNED, 3 * 3600),
    ("delivery", "5531988012266", "Aurora Delivery", Stage.DIALLING, 2 * 60),
    ("clinic-north", "5541991237754", "Clinica Norte", Stage.CONNECTED, 9 * 3600),
    ("clinic-south", "5551993348121", "Clinica Sul", Stage.IDLE, 41 * 60),
    ("newsletter", "5581994451187", "Aurora News", Stage.LOGGEDOUT, 2 * DAY),
    ("school", "5561982205599", "Escola Horizonte", Stage.CONNECTED, 11 * DAY),
    ("outreach", "5511963307718", "Aurora Outreach", Stage.BANNED, 26 * 3600),
    ("night-shift", "5511951120935", "Aurora Night", Stage.DIALLING, 5 * 60),
    ("spare", "", "", Stage.NEW, 30 * 60),
    ("pharmacy", "5571986671230", "Farmacia Boa Vida", Stage.CONNECTED, 5 * 3600),
    ("bookings", "5548991902244", "Pousada do Mar", Stage.CONNECTED, 26 * 3600),
)


@dataclass(slots=True)
class Seed:
    """An instance to be made: `ago` is how many seconds it has been in its stage."""

    name: str
    stage: Stage
    ago: float
    reason: str
    number: str
    profile: str
    session: Session | None


def _session(stage: Stage, number: str, profile: str, now: float) -> Session | None:
    if stage in (Stage.NEW, Stage.LOGGEDOUT):
        return None
    session = Session(number, profile, profile if profile.startswith("Aurora") else "")
    if stage is Stage.BANNED:
        session.banned_until, session.ban_code = now + 7 * DAY, 104
    elif stage is Stage.DIALLING:
        session.away_until = now + 7 * DAY
    return session


def _seed(name: str, stage: Stage, ago: float, number: str, profile: str, now: float, index: int) -> Seed:
    reasons = REASONS.get(stage, ("",))
    number, profile = ("", "") if stage is Stage.NEW else (number, profile)
    return Seed(name, stage, ago, reasons[index % len(reasons)], number, profile, _session(stage, number, profile, now))


def seeds(count: int, names: str, now: float) -> list[Seed]:
    """`names`: `numbered` (sim-00001…, since now) or `demo` (believable names and times; numbered after those)."""
    demo = DEMO[:count] if names == "demo" else ()
    made = [
        _seed(name, stage, ago, number, profile, now, index)
        for index, (name, number, profile, stage, ago) in enumerate(demo)
    ]
    mixed = () if demo else (MIXED if count >= len(MIXED) else MIXED[::2] + MIXED[1::2])
    for index in range(len(made), count):
        stage = mixed[index] if index < len(mixed) else Stage.CONNECTED
        number = f"55119{90_000_000 + index + 1:08d}"
        made.append(_seed(f"sim-{index + 1:05d}", stage, 0.0, number, f"Simulated {index + 1}", now, index))
    return made


PHASES: Final = {Stage.CONNECTED: Phase.ONLINE, Stage.DIALLING: Phase.DIALLING}


def link_of(instance: str, seed: Seed) -> Link | None:
    """The link as the seed says it is; None without a session."""
    if seed.session is None:
        return None
    return Link(instance, seed.session, phase=PHASES.get(seed.stage, Phase.OFF))
