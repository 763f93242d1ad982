"""The pairing picture: the code on the left (or on top), what to do with it beside it. Draws a view; decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import groupby

from rich.style import Style

from ... import keys
from ...api import states
from ...i18n import _
from ...pairing import qr
from ...pairing.flow import View
from ..styles import ink
from ..widgets.canvas import Line, field, seg
from ..widgets.hints import Hinted
from ..words import GLYPH, number, safe, wrap

BESIDE = 34
"""Cells that the text beside the drawing needs."""
BELOW = 6
"""Lines that the text below the drawing needs."""
SLOW = 5
"""Seconds without an answer after which they are counted on the screen."""


def _painted(kind: str, row: str) -> Line:
    """A line of the code; of blanks only, light and dark by their ground, where nothing else can be drawn."""
    if kind != qr.SPACES:
        return [seg(row, ink.QR)]
    return [seg(" " * len(list(run)), ink.QR_DARK if dark == "█" else ink.QR) for dark, run in groupby(row)]


class PairingPane(Hinted):
    """`view` is what the flow says; `prefer` the kind of drawing the person likes."""

    DEFAULT_CSS = "PairingPane { width: 1fr; height: 1fr; }"

    def __init__(self, name: str, *, simulated: bool) -> None:
        super().__init__(id="pairing")
        self.instance, self.simulated = name, simulated
        self.view = View("asking")
        self.prefer = ""
        self.clock = time.monotonic  # the clock that `view.expires_at` is told by
        self.lost: Callable[[], str] = str
        """Why the server cannot be heard, in words; nobody knows then whether a code still lives."""
        self._drawn: tuple[str, int, int, str] | None = None
        self._drawing: qr.Drawing | None = None
        self._beside = True
        self._needs = (31, 21)

    @property
    def alive(self) -> bool:
        """Whether there is a code that can still be used."""
        return (
            not self.lost() and bool(self.view.code) and self.view.stage in ("qr", "code") and self.clock() < self.view.expires_at
        )

    @property
    def drawing(self) -> qr.Drawing | None:
        """What is on the screen now; None when no code is, or when it does not fit."""
        return self._drawing if self.alive and self.view.stage == "qr" else None

    def _draw(self) -> None:
        """Choose drawing and place for the code: beside the text if there is room, else above it."""
        key = (self.view.code, self.size.width, self.size.height, self.prefer)
        if key == self._drawn:
            return
        self._drawn = key
        try:
            modules = qr.matrix(self.view.code)
        except ValueError:  # longer than any QR code can be
            self._drawing, self._beside = None, True
            return
        width, height = self.size.width, self.size.height
        prefer = qr.SPACES if self._ascii else self.prefer
        self._needs = qr.cells(len(modules), qr.SPACES if self._ascii else qr.SEXTANT)
        beside = qr.choose(modules, width - BESIDE, height - 1, prefer)
        above = qr.choose(modules, width, height - BELOW, prefer)
        self._beside = beside is not None
        self._drawing = beside or above
        if beside is None and above is None:
            self._drawing = qr.choose(modules, width, height, qr.SPACES if self._ascii else qr.SEXTANT)

    @property
    def _ascii(self) -> bool:
        return bool(self.app.preferences.ascii)  # type: ignore[attr-defined]

    def lines(self) -> list[Line]:
        width, height = self.size.width, self.size.height
        if self.alive and self.view.stage == "qr":
            self._draw()
        drawing = self.drawing
        if drawing is None:
            return self._text(max(width - 2, 1))[:height]
        rows = [_painted(drawing.kind, row) for row in drawing.rows]
        if not self._beside:
            pad = seg(" " * ((width - drawing.width) // 2))
            return [*[[pad, *row] for row in rows], *self._text(max(width - 2, 1), short=True)][:height]
        text = self._text(width - drawing.width - 3)
        out: list[Line] = []
        for y in range(height):
            left = [seg(" "), *rows[y - 1]] if 1 <= y <= len(rows) else [seg(" " * (drawing.width + 1))]
            out.append([*left, seg("  "), *(text[y] if y < len(text) else [])])
        if len(rows) >= height:  # as tall as the screen: no blank line above
            out = [[seg(" "), *row, seg("  "), *(text[y] if y < len(text) else [])] for y, row in enumerate(rows[:height])]
        return out

    # -- the words ---------------------------------------------------------------------------------------------------

    def _text(self, width: int, *, short: bool = False) -> list[Line]:
        head = _("Pair {name}").format(name=safe(self.instance))
        tag = _("SIMULATED") if self.simulated else ""
        title: Line = [field(f" {head}", max(width - len(tag) - 3, 1), ink.BOLD)]
        if tag:
            title.append(seg(f" {tag} ", ink.BAR_WARN))
        stage = {
            "qr": self._qr,
            "code": self._code,
            "connected": self._connected,
            "failed": self._ended,
            "ended": self._ended,
            "linking": self._linking,
        }.get(self.view.stage, self._waiting)
        body = stage(width - 2, short) if self.view.stage not in ("qr", "code") or self.alive else self._waiting(width - 2, short)
        return [title, *([] if short else [[]]), *body]

    def _plain(self, words: str, width: int, style: Style = ink.BASE) -> list[Line]:
        return [[seg(f" {line}", style)] for line in wrap(words, max(width, 10))]

    def _keys(self, hints: list[tuple[str, str]], width: int) -> list[Line]:
        """`hints`: ids and what to say of them."""
        out: list[Line] = []
        line: Line = []
        used = 0
        for id, title in hints:
            key = keys.name(id)
            size = len(key) + len(title) + 4
            if line and used + size > width:
                out.append(line)
                line, used = [], 0
            line += [seg(f" {key} ", ink.KEY), seg(f"{title} ", ink.DIM)]
            used += size
        return [*out, line]

    def _remaining(self) -> str:
        seconds = max(0, round(self.view.expires_at - self.clock()))
        if self.view.stage == "code":
            return (
                _("about {m} min {s} s left").format(m=seconds // 60, s=seconds % 60)
                if seconds >= 60
                else _("about {n} s left").format(n=seconds)
            )
        if not self.view.total:
            return _("renews in about {n} s").format(n=seconds)
        words = _("code {index} of {total}, renews in about {n} s")
        return words.format(index=self.view.index, total=self.view.total, n=seconds)

    def _qr(self, width: int, short: bool) -> list[Line]:
        renew = self._plain(self._remaining(), width)
        hints = [("code", _("Pairing code")), ("pairing_drawing", _("Other drawing")), ("pairing_save", _("Save PNG"))]
        hints += [("copy", _("Copy text"))]
        hints += [("phone", _("Virtual phone"))] if self.simulated else []
        hints.append(("close", _("Close")))
        if self._drawing is None:
            return [
                *self._plain(
                    keys.fill(
                        _(
                            "The QR code needs {w}x{h} cells and does not fit here. {code} pairs by a code instead; "
                            "{pairing_save} saves a picture."
                        ),
                        w=self._needs[0],
                        h=self._needs[1],
                    ),
                    width,
                    ink.WARN,
                ),
                [],
                *renew,
                [],
                *self._keys(hints, width),
            ]
        steps = [
            _("1  Open WhatsApp on the phone"),
            _("2  Settings > Linked devices > Link a device"),
            _("3  Point it at this code"),
        ]
        if self.simulated:
            steps = [
                _("These numbers are simulated: no real phone can scan this."),
                keys.fill(_("{phone} opens the virtual phone, which can.")),
            ]
        if short:
            return [*self._plain(steps[-1], width)[:2], *renew, *self._keys(hints, width)]
        body = [line for step in steps for line in self._plain(step, width)]
        body += [[], *renew, *self._plain(_("waiting for the phone…"), width, ink.DIM), []]
        boxes = _("Boxes instead of a code? {pairing_drawing} other drawing · smaller font · {code} code")
        body += [] if self._ascii else self._plain(keys.fill(boxes), width, ink.DIM)
        return [*body, [], *self._keys(hints, width)]

    def _code(self, width: int, short: bool) -> list[Line]:
        hints = [("code", _("Another code")), ("pairing_qr", _("QR instead")), ("copy", _("Copy"))]
        hints += [("phone", _("Virtual phone"))] if self.simulated else []
        hints.append(("close", _("Close")))
        return [
            [],
            *[
                [seg("    "), seg(f"     {line}     ", ink.CODE)]
                for line in ("         ", field(safe(self.view.code), 9).text, "         ")
            ],
            [],
            *self._plain(_("for {number}").format(number=number(self.view.number)), width),
            *self._plain(_("On the phone: Settings > Linked devices > Link a device > Link with phone number instead"), width),
            [],
            *self._plain(_("single use, {left}").format(left=self._remaining()), width, ink.DIM),
            [],
            *self._keys(hints, width),
        ]

    def _waiting(self, width: int, short: bool) -> list[Line]:
        if reason := self.lost():
            gone = _("The server cannot be heard, so the code was taken off the screen: it may be dead.")
            return [
                *self._plain(gone, width, ink.WARN),
                *self._plain(reason, width),
                [],
                *self._keys([("close", _("Close"))], width),
            ]
        words = _("Renewing the code…") if self.view.stage in ("renewing", "qr", "code") else _("Asking the server for a code…")
        waited = int(self.clock() - self.view.asked_at) if self.view.asked_at else 0
        slow = _("No answer for {n} s. Some servers need a minute for this; closing it does no harm.").format(n=waited)
        return [
            *self._plain(words, width),
            *self._plain(safe(self.view.message), width, ink.DIM),
            *(self._plain(slow, width, ink.DIM) if waited >= SLOW else []),
            [],
            *self._keys([("close", _("Close"))], width),
        ]

    def _linking(self, width: int, short: bool) -> list[Line]:
        return [
            *self._plain(_("The phone has it; WhatsApp is linking the number…"), width, ink.STATE[states.CONNECTING]),
            [],
            *self._keys([("close", _("Close"))], width),
        ]

    def _connected(self, width: int, short: bool) -> list[Line]:
        who = ", ".join(part for part in (safe(self.view.profile), number(self.view.number) if self.view.number else "") if part)
        if self.view.seconds >= 1:
            words = _("connected as {who}, in {n} s") if who else _("connected, in {n} s")
        else:
            words = _("connected as {who}") if who else _("connected")
        words = words.format(who=who, n=round(self.view.seconds))
        return [
            *self._plain(f"{GLYPH[states.CONNECTED]} {words}", width, ink.STATE[states.CONNECTED]),
            [],
            *self._plain(_("Any key goes back to the list."), width, ink.DIM),
        ]

    def _ended(self, width: int, short: bool) -> list[Line]:
        words = safe(self.view.message) or _("No phone scanned a code in time.")
        hints = [("pairing_again", _("Try again")), ("code", _("Pairing code")), ("pairing_qr", _("QR code"))]
        hints.append(("close", _("Close")))
        return [*self._plain(words, width, ink.WARN), [], *self._keys(hints, width)]
