"""The life of an instance as one table: stage x what happens -> what follows. Pure data, no I/O.

A stage is finer than the contract's five states: `connecting` has four, and `disconnected` two (whether a session is saved).
Every pair is there; a test fails when one is missing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from ..api import states


class Stage(StrEnum):
    """Where an instance is; the value is what the database holds."""

    NEW = "new"  # never paired, or its session is gone without a logout
    IDLE = "idle"  # a session is saved, no link
    ASKING = "asking"  # a pairing began, WhatsApp has not given a code yet
    SCANNING = "scanning"  # a code is shown
    LINKING = "linking"  # the phone accepted; WhatsApp restarts the link
    DIALLING = "dialling"  # dialling with the saved session
    CONNECTED = "connected"
    LOGGEDOUT = "loggedout"
    BANNED = "banned"


STATE: Final[dict[Stage, str]] = {
    Stage.NEW: states.DISCONNECTED,
    Stage.IDLE: states.DISCONNECTED,
    Stage.ASKING: states.CONNECTING,
    Stage.SCANNING: states.CONNECTING,
    Stage.LINKING: states.CONNECTING,
    Stage.DIALLING: states.CONNECTING,
    Stage.CONNECTED: states.CONNECTED,
    Stage.LOGGEDOUT: states.LOGGEDOUT,
    Stage.BANNED: states.BANNED,
}
"""Stage -> the contract's state (contract §5.6)."""

DEADLINE: Final[dict[Stage, tuple[float, str]]] = {
    Stage.ASKING: (60.0, "WhatsApp gave no code within a minute"),
    Stage.SCANNING: (190.0, "nobody scanned the code in time"),
    Stage.LINKING: (60.0, "the phone accepted the code but the link did not come up within a minute"),
    Stage.DIALLING: (90.0, "WhatsApp did not answer for a minute and a half"),
}
"""Every stage that passes by itself, how many seconds it may last, and the reason given when it lasts longer."""


class Operation(StrEnum):
    """What a caller asks for."""

    CONNECT = "connect"
    RECONNECT = "reconnect"
    LOGOUT = "logout"
    DELETE = "delete"


class Do(StrEnum):
    """What an operation does in a stage."""

    PAIR = "pair"  # a new pairing; one that is pending is dropped, a saved session is kept until the new one exists
    DIAL = "dial"  # dial with the saved session
    WAIT = "wait"  # the link is about to come up: look again when it did, or failed
    ALREADY = "already"  # 200, nothing to do
    NO_SESSION = "no session"  # 400
    LOGOUT = "logout"  # unlink, wipe the session
    DELETE = "delete"  # log out if there is a session, remove everything


class If(NamedTuple):
    """A cell that depends on whether a session is saved."""

    session: Do
    none: Do


_RECONNECT = If(Do.DIAL, Do.NO_SESSION)

OPERATIONS: Final[dict[Operation, dict[Stage, Do | If]]] = {
    Operation.CONNECT: {
        Stage.NEW: Do.PAIR, Stage.IDLE: Do.PAIR, Stage.ASKING: Do.PAIR, Stage.SCANNING: Do.PAIR, Stage.LINKING: Do.WAIT,
        Stage.DIALLING: Do.PAIR, Stage.CONNECTED: Do.ALREADY, Stage.LOGGEDOUT: Do.PAIR, Stage.BANNED: Do.PAIR,
    },
    Operation.RECONNECT: {
        Stage.NEW: Do.NO_SESSION, Stage.IDLE: Do.DIAL, Stage.ASKING: _RECONNECT, Stage.SCANNING: _RECONNECT,
        Stage.LINKING: Do.DIAL, Stage.DIALLING: Do.DIAL, Stage.CONNECTED: Do.DIAL, Stage.LOGGEDOUT: Do.NO_SESSION,
        Stage.BANNED: _RECONNECT,
    },
    Operation.LOGOUT: {stage: Do.ALREADY if stage is Stage.LOGGEDOUT else Do.LOGOUT for stage in Stage},
    Operation.DELETE: dict.fromkeys(Stage, Do.DELETE),
}
"""Operation x stage -> what is done (contract §2, §3 and §8 #10, #14, #49)."""


class Happening(StrEnum):
    """What the engine tells.

    Every word down to KEEPALIVE_RESTORED is also that of an `instance.state` event (contract §5.6); those of TRAFFIC are
    events of their own.
    """

    CONNECTED = "connected"
    QR_READY = "qr_ready"
    PAIR_SUCCESS = "pair_success"
    DIALLING = "manual_reconnect"
    PAIR_ERROR = "pair_error"
    NO_MULTIDEVICE = "qr_scanned_no_multidevice"
    DISCONNECTED = "disconnected"
    STREAM_ERROR = "stream_error"
    STREAM_REPLACED = "stream_replaced"
    CLIENT_OUTDATED = "client_outdated"
    CONNECT_FAILURE = "connect_failure"
    CAT_REFRESH_ERROR = "cat_refresh_error"
    LOGGED_OUT = "logged_out"
    TEMP_BANNED = "temp_banned"
    KEEPALIVE_TIMEOUT = "keepalive_timeout"
    KEEPALIVE_RESTORED = "keepalive_restored"
    PAIR_CODE = "pair_code"  # a pairing code for the one who asked; never an event
    PROFILE = "profile"  # what the number looks like; never an event either
    MESSAGE = "message.exchange"
    CALL = "call.update"
    RECEIPT = "message.status"
    GROUP = "group.flow"
    LABEL = "label.update"
    DEADLINE = "deadline"  # ours: a stage lasted too long


TRAFFIC: Final = frozenset({Happening.MESSAGE, Happening.CALL, Happening.RECEIPT, Happening.GROUP, Happening.LABEL})
"""What people do, as opposed to what becomes of the link."""


class To(NamedTuple):
    """What follows. `stage` None: as it was. `tell`: whether an event goes out. `renew`: the stage's deadline starts again."""

    stage: Stage | None = None
    tell: bool = True
    renew: bool = False


IGNORE: Final = To(tell=False)
"""It cannot be, or it is old news: nothing follows."""

_TELL: Final = To()
_LINKED: Final = frozenset({Stage.IDLE, Stage.LINKING, Stage.DIALLING, Stage.CONNECTED, Stage.BANNED})
_UP: Final = frozenset({Stage.LINKING, Stage.DIALLING, Stage.CONNECTED})
_PAIRING: Final = frozenset({Stage.ASKING, Stage.SCANNING})


def _row(stages: frozenset[Stage], to: To) -> dict[Stage, To]:
    return {stage: to if stage in stages else IGNORE for stage in Stage}


_FALL: Final = {**_row(_UP | _PAIRING, To(Stage.IDLE)), Stage.IDLE: _TELL}
"""The link is gone. IDLE becomes NEW when no session is saved (see `follow`)."""

HAPPENINGS: Final[dict[Happening, dict[Stage, To]]] = {
    Happening.QR_READY: _row(_PAIRING, To(Stage.SCANNING, renew=True)),
    Happening.PAIR_CODE: _row(_PAIRING, To(Stage.SCANNING, tell=False)),
    Happening.PAIR_SUCCESS: _row(_PAIRING, To(Stage.LINKING)),
    Happening.PAIR_ERROR: _row(_PAIRING, _TELL),
    Happening.NO_MULTIDEVICE: _row(_PAIRING, _TELL),
    Happening.DIALLING: {
        **_row(frozenset({Stage.IDLE, Stage.LINKING, Stage.CONNECTED}), To(Stage.DIALLING)),
        Stage.DIALLING: To(tell=False, renew=True),
    },
    Happening.CONNECTED: {**_row(_LINKED, To(Stage.CONNECTED)), Stage.CONNECTED: IGNORE},
    Happening.DISCONNECTED: _FALL,
    Happening.STREAM_ERROR: _FALL,
    Happening.STREAM_REPLACED: _FALL,
    Happening.CLIENT_OUTDATED: _FALL,
    Happening.CONNECT_FAILURE: _FALL,
    Happening.CAT_REFRESH_ERROR: _FALL,
    Happening.LOGGED_OUT: _row(_LINKED, To(Stage.LOGGEDOUT)),
    Happening.TEMP_BANNED: _row(_LINKED, To(Stage.BANNED)),
    Happening.KEEPALIVE_TIMEOUT: _row(frozenset({Stage.CONNECTED}), _TELL),
    Happening.KEEPALIVE_RESTORED: _row(frozenset({Stage.CONNECTED}), _TELL),
    Happening.PROFILE: _row(frozenset({Stage.CONNECTED}), To(Stage.CONNECTED, tell=False)),
    **{happening: _row(frozenset({Stage.CONNECTED}), _TELL) for happening in TRAFFIC},
    Happening.DEADLINE: _row(frozenset(DEADLINE), To(Stage.IDLE)),
}
"""What the engine tells x stage -> what follows."""


def decide(operation: Operation, stage: Stage, session: bool) -> Do:
    """What an operation does, given the stage and whether a session is saved."""
    cell = OPERATIONS[operation][stage]
    return (cell.session if session else cell.none) if isinstance(cell, If) else cell


def follow(happening: Happening, stage: Stage, session: bool) -> To:
    """What follows when the engine tells something; a fall without a session ends in NEW."""
    to = HAPPENINGS[happening][stage]
    return to._replace(stage=Stage.NEW) if to.stage is Stage.IDLE and not session else to
