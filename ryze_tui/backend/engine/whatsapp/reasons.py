"""What becomes of a link, why, and what whoever reads it can do: each reason a happening and words of its own. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ....redact import clean, mask
from ...table import Happening


class Then(StrEnum):
    """What the engine does next about a link."""

    STAY = "stay"  # nothing: it is well, or comes back by itself
    AGAIN = "again"  # dial again, at growing intervals
    RARELY = "rarely"  # dial again, but seldom: whoever is asked too often locks people out
    OVER = "over"  # leave it until somebody asks
    FORGET = "forget"  # the session is worth nothing any more


@dataclass(slots=True, frozen=True)
class Outcome:
    """What is told, with which data, and what is done."""

    what: Happening
    data: dict[str, Any] = field(default_factory=dict)
    then: Then = Then.STAY


DROPPED: Final = "connection to WhatsApp lost, dialling again"
WORKER_ENDED: Final = "the engine's worker process ended, dialling again with the next one"
NO_SCAN: Final = "nobody scanned: WhatsApp ended the pairing after six codes"
UNLINKED: Final = "logged out from the phone"
LOCKED: Final = (
    "logged out by WhatsApp: the number's phone was switched, or the number is locked; look at WhatsApp on the phone, then pair "
    "it again"
)
BANNED: Final = "banned by WhatsApp; only the phone's own WhatsApp can ask for a review"
REPLACED: Final = "replaced: the same session was opened somewhere else; stop it there, then reconnect"
OUTDATED: Final = "WhatsApp no longer takes this version of the engine; upgrade ryze-tui"
PASSKEY: Final = (
    "WhatsApp wants a passkey for this account, which this engine cannot give; switch passkeys off on the phone, or pair another "
    "number"
)
REFUSED_PAIRING: Final = "the pairing failed: WhatsApp or the phone refused this device; ask for a new code"
UNEXPECTED: Final = "WhatsApp ended the pairing before a code was accepted; try again"
SILENT: Final = "WhatsApp did not answer"
LOST_SESSION: Final = "the saved session is gone; pair it again"

BANS: Final[dict[int, tuple[int, str]]] = {
    1: (101, "sent too many messages to people who do not have you in their address book"),
    2: (102, "too many people blocked you"),
    3: (103, "created too many groups with people who do not have you in their address book"),
    4: (104, "sent the same message to too many people"),
    5: (106, "sent too many messages to a broadcast list"),
}
"""neonize's number of a temporary ban -> WhatsApp's code and what it stands for."""

_FAILURES: Final = {
    1: "WhatsApp refused the connection", 6: OUTDATED, 7: "WhatsApp refused this client; upgrade ryze-tui",
    8: "WhatsApp has an error of its own", 9: "WhatsApp refused the connection", 10: "WhatsApp is not available at the moment",
}  # fmt: skip
_LOGGED_OUT, _MAIN_DEVICE_GONE, _UNKNOWN_LOGOUT = 2, 4, 5

_NETWORK: Final = (
    (
        r"no such host|server misbehaving|temporary failure in name resolution",
        "its name is not found; check this machine's network and name server",
    ),
    (r"network is unreachable|no route to host", "this machine has no network; check it"),
    (r"connection refused", "the connection was refused; a firewall may be in the way"),
    (r"x509|certificate|tls:", "its certificate is not to be trusted: something on the way opens TLS, or the clock is wrong"),
    (r"connection reset|broken pipe|EOF", "the connection was cut"),
    (r"timeout|deadline exceeded|timed out", "no answer came in time"),
)  # fmt: skip


def failed(text: str) -> Outcome:
    """A dial that did not get through, or a session that the library gave up. `text`: its own words, which may hold anything."""
    if "TemporaryBan" in text:
        return banned(0, 0)  # of a code that neonize cannot write, which ends its session
    if "required field" in text:
        return Outcome(Happening.DISCONNECTED, {"reason": f"{DROPPED} (the library gave up)"}, Then.AGAIN)
    for pattern, words in _NETWORK:
        if re.search(pattern, text, re.IGNORECASE):
            return Outcome(Happening.CONNECT_FAILURE, {"reason": f"WhatsApp cannot be reached: {words}"}, Then.AGAIN)
    return Outcome(Happening.CONNECT_FAILURE, {"reason": f"WhatsApp cannot be reached ({said(text)})"}, Then.AGAIN)


def logged_out(reason: int, on_connect: bool) -> Outcome:
    """WhatsApp does not know the device any more, or does not want the number."""
    if reason == _UNKNOWN_LOGOUT:
        return Outcome(Happening.TEMP_BANNED, {"code": 406, "reason": BANNED, "expire": 0}, Then.FORGET)
    words = LOCKED if reason == _MAIN_DEVICE_GONE else UNLINKED
    return Outcome(Happening.LOGGED_OUT, {"reason": words, "onConnect": on_connect}, Then.FORGET)


def banned(number: int, seconds: int) -> Outcome:
    """For so many seconds. `number`: neonize's, 0 for one that it does not know."""
    code, why = BANS.get(number, (0, "temporarily banned"))
    return Outcome(Happening.TEMP_BANNED, {"code": code, "reason": why, "expire": max(0, seconds)}, Then.OVER)


def refused(reason: int, message: str) -> Outcome:
    """WhatsApp answered the login with a failure that is none of the above."""
    words = _FAILURES.get(reason, "WhatsApp refused the connection")
    what = Happening.CLIENT_OUTDATED if reason == 6 else Happening.CONNECT_FAILURE
    told = {"reason": f"{words} ({said(message)})" if message else words}
    return Outcome(what, told, Then.OVER if reason == 6 else Then.RARELY)


def stream_error(code: str) -> Outcome:
    """WhatsApp ended the stream; the library dials again."""
    shown = clean(code)[:20] or "without a code"
    words = f"WhatsApp ended the connection (stream error {shown}), dialling again"
    return Outcome(Happening.STREAM_ERROR, {"code": shown, "reason": words})


LOGINS: Final[dict[str, Outcome]] = {
    "timeout": Outcome(Happening.DISCONNECTED, {"reason": NO_SCAN}),
    "err-client-outdated": Outcome(Happening.CLIENT_OUTDATED, {"reason": OUTDATED}),
    "err-unexpected-state": Outcome(Happening.CONNECT_FAILURE, {"reason": UNEXPECTED}),
    "error": Outcome(Happening.CONNECT_FAILURE, {"reason": REFUSED_PAIRING}),
    "passkey-request": Outcome(Happening.CONNECT_FAILURE, {"reason": PASSKEY}),
    "passkey-confirmation": Outcome(Happening.CONNECT_FAILURE, {"reason": PASSKEY}),
}
"""How a pairing ends without a phone, by whatsmeow's name for it."""


NO_MULTIDEVICE: Final = "the phone that scanned has linked devices switched off; update its WhatsApp, then scan again"


def said(text: str) -> str:
    """The library's own words, fit to be shown."""
    return clean(mask(text)).strip()[:160] or "no reason was given"
