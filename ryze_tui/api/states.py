"""The five states of an instance, and how the words of the wire map to them.

Two vocabularies exist: REST (`connection.state`, `status`) and events (`instance.state`, whose names follow
whatsmeow's event types one by one). Everything of ours speaks `State`; a word that is not in the tables is kept raw.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..i18n import mark

DISCONNECTED: Final = "disconnected"
CONNECTING: Final = "connecting"
CONNECTED: Final = "connected"
LOGGEDOUT: Final = "loggedout"
BANNED: Final = "banned"

STATES: Final = (BANNED, LOGGEDOUT, DISCONNECTED, CONNECTING, CONNECTED)
"""Every state, worst first."""

UNKNOWN: Final = "unknown"
"""What a row shows when the server used a word that no table knows; never sent by our backend."""

LABEL: Final[dict[str, str]] = {
    BANNED: mark("banned"),
    LOGGEDOUT: mark("logged out"),
    DISCONNECTED: mark("disconnected"),
    CONNECTING: mark("connecting"),
    CONNECTED: mark("connected"),
    UNKNOWN: mark("unknown"),
}
"""What a state is called in a sentence, before translation."""

REST_WORDS: Final[dict[str, str]] = {
    "disconnected": DISCONNECTED,
    "connecting": CONNECTING,
    "connected": CONNECTED,
    "loggedout": LOGGEDOUT,
    "banned": BANNED,
    # Observed on the live service, or accepted by careful clients:
    "closed": DISCONNECTED,
    "close": DISCONNECTED,
    "open": CONNECTED,
    "qr": CONNECTING,
    "qr_code_generated": CONNECTING,
    "pairing": CONNECTING,
    "logged_out": LOGGEDOUT,
    "temp_banned": BANNED,
}


class Meaning(NamedTuple):
    """What an `instance.state` event says about an instance.

    `state`: the new state, or None when the event leaves it as it is. `phase`: where a connecting instance is.
    `fresh`: False when the server itself says that it lost touch with WhatsApp, True when it regained it.
    `returns`: False when the instance does not come back by itself.
    """

    state: str | None
    phase: str = ""
    fresh: bool | None = None
    returns: bool = True


EVENT_WORDS: Final[dict[str, Meaning]] = {
    "connected": Meaning(CONNECTED, fresh=True),
    "qr_ready": Meaning(CONNECTING, phase="scan"),
    "pair_success": Meaning(CONNECTING, phase="linking"),
    "manual_reconnect": Meaning(CONNECTING, phase="dialling"),
    "pair_error": Meaning(CONNECTING, phase="refused"),
    "qr_scanned_no_multidevice": Meaning(CONNECTING, phase="refused"),
    "disconnected": Meaning(DISCONNECTED),
    "stream_error": Meaning(DISCONNECTED),
    "stream_replaced": Meaning(DISCONNECTED, returns=False),
    "client_outdated": Meaning(DISCONNECTED, returns=False),
    "connect_failure": Meaning(DISCONNECTED),
    "cat_refresh_error": Meaning(DISCONNECTED),
    "logged_out": Meaning(LOGGEDOUT, returns=False),
    "temp_banned": Meaning(BANNED, returns=False),
    "keepalive_timeout": Meaning(None, fresh=False),
    "keepalive_restored": Meaning(None, fresh=True),
}

STATE_EVENT: Final[dict[str, str]] = {
    CONNECTED: "connected",
    DISCONNECTED: "disconnected",
    LOGGEDOUT: "logged_out",
    BANNED: "temp_banned",
}
"""The event word that announces a settled state (`connecting` has several: see EVENT_WORDS)."""

_UNCHANGED: Final = Meaning(None)


def from_rest(word: object) -> str:
    """Map a REST state word to one of STATES, or UNKNOWN."""
    return REST_WORDS.get(word.strip().lower(), UNKNOWN) if isinstance(word, str) else UNKNOWN


def from_event(word: str) -> Meaning:
    """Map an event state word; an unknown word changes nothing."""
    return EVENT_WORDS.get(word, _UNCHANGED)
