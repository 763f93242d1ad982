"""The pairing state machine: which code may be shown now, when it dies, what to ask next. Pure; times are monotonic seconds.

Facts go in (`answered`, `refused`, `event`, `row`, `read`, `tick`, …), wishes come out (`take_wishes`: "connect" or "list"), and
`view(now)` is what a person sees. The one promise: `view(now).code` can still be scanned or typed at `now`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..api import states
from ..api.events import is_code
from ..i18n import _

ASKING: Final = "asking"
QR: Final = "qr"
CODE: Final = "code"
LINKING: Final = "linking"
RENEWING: Final = "renewing"
CONNECTED: Final = "connected"
FAILED: Final = "failed"
ENDED: Final = "ended"
STAGES: Final = (ASKING, QR, CODE, LINKING, RENEWING, CONNECTED, FAILED, ENDED)
FINAL: Final = frozenset({CONNECTED, FAILED, ENDED})

FIRST_CODE: Final = 60.0
NEXT_CODE: Final = 20.0
"""Seconds that WhatsApp lets the first and each further code of one pairing live (whatsmeow qrchan.go)."""
ALONE: Final = 20.0
"""Seconds that a code lives of which the server says nothing else (contract §3)."""
PAIRING_CODE: Final = 160.0
"""Seconds that a pairing code lives: it is bound to the login socket (whatsmeow pair-code.go)."""
GRACE: Final = 5.0
CODES_MOST: Final = 6
"""Codes, and calls of connect, that one wish of a person is good for."""
OWN_ECHO: Final = 3.0
"""Seconds after a pairing code's answer in which a `qr_ready` is still the echo of our own connect."""
LINK_READ: Final = 15.0
LINK_MOST: Final = 60.0
READ_RETRY: Final = (2.0, 4.0, 8.0, 16.0, 30.0)
_LISTED_MOST: Final = 20

CONNECT: Final = "connect"
LIST: Final = "list"


@dataclass(frozen=True, slots=True)
class View:
    """What the pairing shows.

    `code`: a QR text (stage qr) or `XXXX-XXXX` (stage code), empty whenever nothing can be scanned. `index`, `total`: which code
    of how many, from 1; both 0 when the server does not say. `expires_at`: monotonic second of the code's end, 0 without a code.
    `number`: digits, of the phone that typed or linked. `profile`: its name. `seconds`: how long it took, once connected.
    `asked_at`: monotonic second of a connect that has no answer yet, else 0.
    """

    stage: str
    code: str = field(default="", repr=False)
    index: int = 0
    total: int = 0
    expires_at: float = 0.0
    number: str = ""
    profile: str = ""
    message: str = ""
    seconds: float = 0.0
    asked_at: float = field(default=0.0, compare=False)


_Handler = Callable[["Flow", "_Told", float], None]


@dataclass(frozen=True, slots=True)
class _Told:
    word: str
    codes: tuple[str, ...]
    number: str
    reason: str
    live: bool
    seconds: float = 0.0


class Flow:
    """One wish to pair one instance. With `number` (digits) it asks for a pairing code, else for QR codes."""

    def __init__(self, now: float, *, number: str = "", state: str = "", known_number: str = "") -> None:
        self.stage = ASKING
        self._number = number
        self._was, self._old_number = state, known_number
        self._wishes: list[str] = []
        self._in_flight = self._closed = self._graced = False
        self._codes: tuple[str, ...] = ()
        self._past: set[str] = set()
        self._life = ALONE
        self._index = self._shown = self._connects = self._failures = 0
        self._began = self._due = self._began_at = self._shown_at = self._asked_at = self._linking_since = self._seconds = 0.0
        self._linked = self._profile = self._message = self._reply = self._ending = ""
        self._begin(now)

    # -- what comes out ------------------------------------------------------------------------------------------------

    def take_wishes(self) -> list[str]:
        """What is to be done now: "connect" (never more than one in flight) and "list"; each is handed out once."""
        wishes, self._wishes = self._wishes, []
        return wishes

    def wake_at(self) -> float | None:
        """When `tick` is needed next; None: only a fact can change anything."""
        moments = [self._due] if self._due else []
        if self.stage in (QR, CODE):
            moments.append(self._expiry(self._index))
        return min(moments, default=None)

    def view(self, now: float) -> View:
        """What a person may see at `now`, even when `tick` is late."""
        code, index, total, expires = "", 0, 0, 0.0
        if self.stage in (QR, CODE):
            at = self._index_at(now)
            if at is not None:
                code, expires = self._codes[at], self._expiry(at)
                index, total = (at + 1, len(self._codes)) if len(self._codes) > 1 else (0, 0)
        number = self._linked or self._number
        asked_at = self._asked_at if self._in_flight else 0.0
        return View(self.stage, code, index, total, expires, number, self._profile, self._message, self._seconds, asked_at)

    @property
    def done(self) -> bool:
        """Nothing more happens by itself (a success seen later still closes it)."""
        return self.stage in FINAL

    # -- what goes in --------------------------------------------------------------------------------------------------

    def renew(self, now: float) -> None:
        """The person asks for a new code. While a connect is in flight its answer is that code."""
        if self.stage != CONNECTED and not self._in_flight:
            self._begin(now)

    def cancel(self) -> None:
        """The person closes it: nothing is shown or asked any more."""
        if self.stage != CONNECTED:
            self._end(ENDED, _("closed"))
            self._closed = True

    def answered(self, now: float, *, qr: str = "", code: str = "", connected: bool = False) -> None:
        """Our connect was answered."""
        self._in_flight = False
        if self.stage in (CONNECTED, LINKING) or self._closed:
            return
        if connected:
            self._succeed(now)
        elif code:
            self._show((code,), self._asked_at, stage=CODE)
            self._shown_at = now
        elif qr in self._past:
            return  # the stream was faster: another connect has replaced this code already
        elif qr in self._codes and self.stage == QR:
            at = self._codes.index(qr)
            self._began = min(self._began, now - self._offset(at))
            self._index = max(self._index, at)
            self.tick(now)
        else:
            self._reply = qr
            self._show((qr,), now)

    def refused(self, message: str, now: float) -> None:
        """Our connect failed. It is not repeated; codes that an event told stay."""
        self._in_flight = False
        if self.stage in (ASKING, RENEWING) and not self._closed:
            self._end(FAILED, message)

    def event(
        self, word: str, now: float, *, codes: tuple[str, ...] = (), number: str = "", reason: str = "", live: bool = True,
        seconds: float = 0.0,
    ) -> None:  # fmt: skip
        """An `instance.state` event of this instance. Not `live`: told again after a gap, its age unknown.

        `seconds`: how long a code that comes alone lives, and that the next one follows by itself; 0 when nobody says.
        """
        stages, handler = _EVENTS.get(word, (frozenset(), Flow._ignore))
        if self.stage in stages and not self._closed:
            sane = tuple(code for code in codes[:_LISTED_MOST] if is_code(code))
            handler(self, _Told(word, sane, number, reason, live, seconds), now)

    def row(self, now: float, *, state: str, as_of: float, number: str = "", profile: str = "") -> None:
        """What the model says of this instance; true as of `as_of`."""
        if self.stage == CONNECTED:
            self._linked, self._profile = number or self._linked, profile or self._profile
            return
        # Before the answer, and after a failure, a list may still show the connection that this pairing was to replace.
        old = self._in_flight or as_of <= self._shown_at or (self.done and self._was == states.CONNECTED)
        if state == states.CONNECTED and not old and not self._closed:
            self._linked, self._profile = number, profile
            self._succeed(now)

    def read(self, now: float, *, state: str | None, number: str = "", profile: str = "") -> None:
        """The list that was wished for is there; `state` None: the instance is gone."""
        if self.stage in FINAL or self._in_flight:
            return
        self._failures = 0
        if state is None:
            self._end(FAILED, _("the instance is gone"))
        elif state == states.CONNECTED:
            self._linked, self._profile = number, profile
            self._succeed(now)
        elif self.stage == LINKING:
            self._due = now + LINK_READ
        elif state == states.BANNED and self._was != states.BANNED:
            self._end(FAILED, _("WhatsApp banned this number"))
        elif self.stage == RENEWING:
            self._renew_after_read(now, number)

    def gone(self) -> None:
        """The instance was deleted: nothing can be scanned any more."""
        if self.stage not in FINAL:
            self._end(FAILED, _("the instance is gone"))

    def read_failed(self, message: str, now: float) -> None:
        """The list could not be read: try again later; nothing is connected blindly."""
        if self.stage in (RENEWING, LINKING):
            self._message = message
            self._due = now + READ_RETRY[min(self._failures, len(READ_RETRY) - 1)]
            self._failures += 1

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self.stage in (QR, CODE):
            at = self._index_at(now)
            if at is None:
                self._shown += len(self._codes)
                self._withdraw(RENEWING, "")
                self._wish(LIST)
            else:
                self._index = at
        if self._due and now >= self._due:
            self._due = 0.0
            if self.stage == LINKING and now - self._linking_since >= LINK_MOST:
                self._end(FAILED, _("the phone linked, but the connection did not come up"))
            elif self.stage in (RENEWING, LINKING):
                self._wish(LIST)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _begin(self, now: float) -> None:
        """A person's wish: everything from the start."""
        self.stage = ASKING
        self._closed, self._codes, self._past = False, (), set()
        self._life = ALONE
        self._index = self._shown = self._connects = self._failures = 0
        self._due, self._began_at, self._shown_at, self._seconds = 0.0, now, now, 0.0
        self._linked = self._profile = self._message = self._ending = ""
        self._connect(now)

    def _connect(self, now: float) -> None:
        self._in_flight, self._asked_at, self._reply = True, now, ""
        self._connects += 1
        self._graced = False
        self._wish(CONNECT)

    def _wish(self, wish: str) -> None:
        if wish not in self._wishes:
            self._wishes.append(wish)

    def _show(self, codes: tuple[str, ...], began: float, *, stage: str = QR, message: str = "", life: float = 0.0) -> None:
        self._past |= {code for code in self._codes if code not in codes}
        self.stage, self._codes, self._index, self._began, self._message = stage, codes, 0, began, message
        self._shown_at, self._life = max(self._shown_at, began), life or ALONE
        self._due, self._ending = 0.0, ""

    def _withdraw(self, stage: str, message: str) -> None:
        self.stage, self._codes, self._index, self._message = stage, (), 0, message

    def _end(self, stage: str, message: str) -> None:
        self._withdraw(stage, message)
        self._due, self._wishes = 0.0, []

    def _succeed(self, now: float) -> None:
        self._seconds = max(0.0, now - self._began_at)
        self._end(CONNECTED, "")

    def _renew_after_read(self, now: float, number: str) -> None:
        if self._ending:
            self._end(ENDED, self._ending)
        elif number and number != self._old_number and not self._graced:
            # A number has appeared: the phone is linking right now, and a connect would throw that away.
            self._graced, self._due = True, now + GRACE
        elif self._number:
            self._end(ENDED, _("the pairing code has expired"))
        elif self._connects < CODES_MOST and self._shown < CODES_MOST:
            self._connect(now)
        else:
            self._end(ENDED, _("no phone scanned the code"))

    # -- events --------------------------------------------------------------------------------------------------------

    def _ignore(self, told: _Told, now: float) -> None:
        """A word that means nothing to a pairing."""

    def _new_codes(self, told: _Told, now: float) -> None:
        codes = told.codes
        if not codes or (self._number and self._in_flight):
            return
        if self.stage == CODE and now - self._shown_at <= OWN_ECHO:
            return
        if self._reply and self._reply in codes and self.stage == QR:
            # The list that our answer's code comes from: it tells how many there are, and that code tells the time.
            at = codes.index(self._reply)
            self._show(codes, min(now, self._began) - self._offset(at, codes), life=told.seconds)
            self._index, self._reply = at, ""
        elif codes == self._codes:
            return
        elif codes == self._codes[len(self._codes) - len(codes) :] and told.live:
            at = len(self._codes) - len(codes)
            self._began, self._index = now - self._offset(at), at
        elif told.live:
            other = self.stage in (QR, CODE) and not self._in_flight and not told.seconds
            self._show(codes, now, life=told.seconds, message=_("another connect replaced the code") if other else "")
        elif self.stage in (QR, CODE):
            self._withdraw(RENEWING, "")
            self._wish(LIST)

    def _link(self, told: _Told, now: float) -> None:
        self._withdraw(LINKING, "")
        self._linked = told.number or self._linked
        self._linking_since, self._due = now, now + LINK_READ

    def _linked_up(self, told: _Told, now: float) -> None:
        self._linked = told.number or self._linked
        self._succeed(now)

    def _fail(self, told: _Told, now: float) -> None:
        self._end(FAILED, told.reason or _FAILURES[told.word]())

    def _hint(self, told: _Told, now: float) -> None:
        # The same code can be scanned again once the phone is up to date (whatsmeow events.QRScannedWithoutMultidevice).
        self._message = _("that phone has no multi-device: update WhatsApp on it and scan again")

    def _settle(self, told: _Told, now: float) -> None:
        """The server dropped the pairing. New codes may follow at once (another connect): wait, look, then end."""
        if not self._in_flight:
            self._withdraw(RENEWING, "")
            self._ending = told.reason or _("the server ended the pairing")
            self._due = now + GRACE

    # -- codes in time -------------------------------------------------------------------------------------------------

    def _offset(self, at: int, codes: tuple[str, ...] | None = None) -> float:
        """Seconds after the first code at which code `at` begins."""
        several = len(self._codes if codes is None else codes) > 1
        return FIRST_CODE + NEXT_CODE * (at - 1) if at and several else 0.0

    def _expiry(self, at: int) -> float:
        if self.stage == CODE:
            life = PAIRING_CODE
        else:
            life = FIRST_CODE + NEXT_CODE * at if len(self._codes) > 1 else self._life
        return self._began + life

    def _index_at(self, now: float) -> int | None:
        """The code that lives at `now`, never an earlier one than was shown; None when all are dead."""
        return next((at for at in range(self._index, len(self._codes)) if now < self._expiry(at)), None)


_FAILURES: Final[dict[str, Callable[[], str]]] = {
    "pair_error": lambda: _("the pairing failed"),
    "temp_banned": lambda: _("WhatsApp banned this number for a time"),
    "client_outdated": lambda: _("WhatsApp refuses this version of the server's engine"),
}

_OPEN: Final = frozenset({QR, CODE, LINKING, RENEWING})
_ALL: Final = frozenset(STAGES) - {CONNECTED}
_EVENTS: Final[dict[str, tuple[frozenset[str], _Handler]]] = {
    "qr_ready": (_ALL, Flow._new_codes),
    "pair_success": (_ALL, Flow._link),
    "connected": (_ALL, Flow._linked_up),
    "pair_error": (_OPEN, Flow._fail),
    "temp_banned": (_OPEN, Flow._fail),
    "client_outdated": (_OPEN, Flow._fail),
    "qr_scanned_no_multidevice": (frozenset({QR}), Flow._hint),
    # While asking they are the end of what was there before; while linking WhatsApp itself restarts the connection.
    "disconnected": (frozenset({QR, CODE, RENEWING}), Flow._settle),
    "stream_error": (frozenset({QR, CODE, RENEWING}), Flow._settle),
    "stream_replaced": (frozenset({QR, CODE, RENEWING}), Flow._settle),
    "connect_failure": (frozenset({QR, CODE, RENEWING}), Flow._settle),
    "cat_refresh_error": (frozenset({QR, CODE, RENEWING}), Flow._settle),
    "logged_out": (frozenset({QR, CODE, RENEWING}), Flow._settle),
}
"""Event word -> the stages in which it means something, and what it does."""
