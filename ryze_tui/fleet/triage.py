"""What a row means and what to do about it: severity, reason, next step, in words. Pure; cheap to import."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .. import keys
from ..api import states
from ..i18n import _, mark, n_
from .model import YOU, Row

FINE: Final = 0
MOVING: Final = 1
WARNING: Final = 2
TROUBLE: Final = 3
CRITICAL: Final = 4

AGEING: Final = {"scan": 180.0, "linking": 90.0, "dialling": 120.0, "refused": 5.0}
"""Seconds after which a connecting instance in that phase is no longer just on its way (a QR pairing ends after 160 s)."""
AGEING_OTHER: Final = 120.0
FLAP_SPAN: Final = 3600.0
"""Seconds over which dropped connections are counted."""
FLAPPING: Final = 3
"""Drops within that time from which a row needs a look, also while it is connected."""


@dataclass(frozen=True, slots=True)
class Triage:
    """`severity`: FINE to CRITICAL. `reason`: what happened. `told_by`: who says so. `next_key`, `next_step`: what to do.

    `flaps`: how often the connection dropped in the last hour, as far as anybody watched.
    """

    severity: int
    reason: str
    told_by: str
    next_key: str
    next_step: str
    flaps: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    severity: int
    reason: str
    key: str = ""  # an id
    step: str = ""


_QR: Final = mark("connect with a new QR")
_ANOTHER: Final = mark("show a new code")
_AGAIN: Final = mark("reconnect with the saved session")

_WAIT: Final = mark("wait until the ban ends, then connect slowly")

_WORDS: Final = {
    "logged_out": _Case(TROUBLE, mark("The phone unlinked this device."), "connect", _QR),
    "temp_banned": _Case(CRITICAL, mark("WhatsApp banned this number for a time."), "", _WAIT),
    "stream_replaced": _Case(
        TROUBLE, mark("Another program took over this session."), "reconnect", mark("reconnect, after stopping the other program")
    ),
    "client_outdated": _Case(
        TROUBLE, mark("WhatsApp refuses this version of the server's engine."), "", mark("upgrade the server's engine")
    ),
    "connect_failure": _Case(TROUBLE, mark("WhatsApp refused the connection."), "reconnect", _AGAIN),
    "stream_error": _Case(TROUBLE, mark("WhatsApp broke off the connection."), "reconnect", _AGAIN),
    "cat_refresh_error": _Case(TROUBLE, mark("WhatsApp did not renew the session's key."), "reconnect", _AGAIN),
    "pair_error": _Case(TROUBLE, mark("The pairing failed."), "connect", mark("try again with a new QR")),
    "qr_scanned_no_multidevice": _Case(
        WARNING, mark("The phone that scanned has no multi-device."), "", mark("update WhatsApp on the phone, then scan again")
    ),
}
"""By the last event word, when it still explains the state."""

_STATES: Final = {
    states.CONNECTED: _Case(FINE, ""),
    states.CONNECTING: _Case(MOVING, mark("On its way: the server is connecting.")),
    states.DISCONNECTED: _Case(TROUBLE, mark("The connection to WhatsApp is down."), "reconnect", _AGAIN),
    states.LOGGEDOUT: _Case(TROUBLE, mark("This number is logged out."), "connect", _QR),
    states.BANNED: _Case(CRITICAL, mark("WhatsApp banned this number."), "", _WAIT),
    states.UNKNOWN: _Case(WARNING, mark("The server used a word we do not know."), "refresh", mark("ask the server again")),
}
_NEVER_PAIRED: Final = _Case(
    WARNING, mark("Never paired with a phone."), "connect", mark("connect with a QR, or {code} with a code")
)
_FAILED: Final = _Case(TROUBLE, mark("No connection could be made."), "reconnect", _AGAIN)
_STALE: Final = _Case(WARNING, mark("The server lost touch with WhatsApp; it may come back by itself."), "", "")
_BAN_OVER: Final = _Case(WARNING, mark("The ban should be over by now."), "bring_back", mark("bring it back, slowly"))
_FLAPS: Final = mark("look at its proxy and at the phone's network")
_BY_YOU: Final = _Case(TROUBLE, mark("You logged it out."), "connect", _QR)

_PHASES: Final = {
    "scan": mark("Waiting for a phone to scan the code."),
    "linking": mark("The phone has scanned; the device is being linked."),
    "dialling": mark("Dialling with the saved session."),
    "refused": mark("The pairing was refused."),
}
_STUCK: Final = mark("Connecting for longer than it should take.")


def flaps(row: Row, now: float) -> int:
    """How often it went from connected to something else in the hour before `now`.

    Only what surely happened in that hour counts, so it is the least number; what a person did here is no drop.
    """
    if len(row.past) < FLAPPING:  # nearly every row, on the way of sorting 10,000
        return 0
    since = now - FLAP_SPAN
    return sum(
        change.was == states.CONNECTED and change.told_by != YOU and since <= change.after and change.at <= now
        for change in row.past
    )


def assess(row: Row, now: float) -> Triage:
    """Judge a row; `now` is Unix seconds."""
    case, drops = _case(row, now), flaps(row, now)
    reason = _(case.reason) if case.reason else ""
    if row.reason and row.reason.lower() not in reason.lower():
        reason = f"{reason} ({row.reason})" if reason else row.reason
    if drops >= FLAPPING:
        words = n_("Dropped {n} time in the last hour.", "Dropped {n} times in the last hour.", drops)
        reason = f"{reason} {words}" if reason else words
    key, step = keys.name(case.key) if case.key else "", keys.fill(_(case.step)) if case.step else ""
    return Triage(case.severity, reason, row.told_by, key, step, drops)


def _case(row: Row, now: float) -> _Case:
    case = _of_state(row, now)
    if case.severity >= WARNING or flaps(row, now) < FLAPPING:
        return case
    return replace(case, severity=WARNING, step=case.step or _FLAPS)


def _of_state(row: Row, now: float) -> _Case:
    if row.state == states.CONNECTED:
        return _STALE if row.stale else _STATES[row.state]
    if row.state == states.CONNECTING:
        return _connecting(row, now)
    if row.state == states.BANNED and row.until and now >= row.until:
        return _BAN_OVER
    if row.state == states.LOGGEDOUT and row.told_by == "you":
        return _BY_YOU
    if row.last_word == "logged_out" and row.reason:
        return _STATES[states.LOGGEDOUT]  # the server says why; that it was the phone is our guess only where it does not
    if row.state == states.BANNED and not row.until:
        return _STATES[states.BANNED]  # no end was told: it may be for good
    if row.last_word == "connect_failure" and row.state == states.DISCONNECTED and (row.reason or not row.number):
        return _FAILED if row.number else _NEVER_PAIRED  # the server says why, and it may have been a proxy
    known = _WORDS.get(row.last_word)
    if known is not None and states.from_event(row.last_word).state == row.state:
        return known
    if row.state == states.DISCONNECTED and not row.number:
        return _NEVER_PAIRED
    return _STATES.get(row.state, _STATES[states.UNKNOWN])


def _connecting(row: Row, now: float) -> _Case:
    if row.phase == "refused":
        return _WORDS.get(row.last_word, _WORDS["pair_error"])
    reason = _PHASES.get(row.phase, _STATES[states.CONNECTING].reason)
    if now - row.since > AGEING.get(row.phase, AGEING_OTHER):
        paired = bool(row.number)
        return _Case(WARNING, _STUCK, "reconnect" if paired else "connect", _AGAIN if paired else _QR)
    if row.phase == "scan":
        return _Case(MOVING, reason, "connect", _ANOTHER)
    return _Case(MOVING, reason)


def needs_attention(row: Row, now: float) -> bool:
    """Whether a person should look at it: a warning or worse."""
    return _case(row, now).severity >= WARNING


def severity(row: Row, now: float) -> int:
    """For sorting trouble first, without making any text."""
    return _case(row, now).severity
