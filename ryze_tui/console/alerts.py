"""Alerts: a number that is banned, logged out, or keeps dropping is told of by a toast, the bell and the terminal's notification.

What comes at once is told at once: fifty numbers that go down together are one alert. Never told: what was so when the list came,
what the person did, and rows that are held.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ..api import states
from ..fleet.model import YOU
from ..i18n import _, n_
from .words import DOT, safe

if TYPE_CHECKING:
    from ..fleet.model import FleetModel, Row
    from .app import RyzeConsole

TOGETHER: Final = 1.0
"""Seconds that an alert waits for others."""
MINE: Final = 60.0
"""Seconds for which what happens to a number is what the person asked for."""
AGAIN: Final = 600.0
"""Seconds before the same number alerts for the same again."""
FLAPS: Final = "flaps"
_LONGEST: Final = 160
_NO_OSC: Final = ("linux", "dumb", "vt100", "vt220")
"""Terminals that print what they do not know."""


class Alerts:
    """`apply` is told which rows changed. Made when the list of an account is there."""

    def __init__(self, app: RyzeConsole, model: FleetModel) -> None:
        self._app, self._model = app, model
        self._known = {name: self._trouble(row) for name, row in model.rows.items()}
        self._mine: dict[str, float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._waiting: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def mine(self, names: Iterable[str]) -> None:
        """What happens to these now is what was asked for."""
        until = time.monotonic() + MINE
        self._mine |= dict.fromkeys(names, until)

    def apply(self, names: Iterable[str], held: Iterable[str]) -> None:
        """Some rows changed. `held`: those that give no alert."""
        now = time.monotonic()
        for name in names:
            row = self._model.rows.get(name)
            if row is None:
                self._known.pop(name, None)
                self._waiting.pop(name, None)
                continue
            trouble = self._trouble(row)
            before = self._known.get(name, "")
            self._known[name] = trouble
            if trouble == before or name in held or row.told_by == YOU or self._mine.get(name, 0.0) > now:
                continue
            if not trouble:
                self._waiting.pop(name, None)
            elif self._told.get((name, trouble), float("-inf")) + AGAIN <= now:
                self._waiting[name] = trouble
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER, self._tell)

    def stop(self) -> None:
        """Another account is shown."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @staticmethod
    def _trouble(row: Row) -> str:
        if row.state in (states.BANNED, states.LOGGEDOUT):
            return row.state
        if len(row.past) < 3:
            return ""
        from ..fleet.triage import FLAPPING, flaps

        return FLAPS if flaps(row, time.time()) >= FLAPPING else ""

    def _tell(self) -> None:
        self._timer, waiting, self._waiting = None, self._waiting, {}
        if not waiting:
            return
        now = time.monotonic()
        self._told = {key: at for key, at in self._told.items() if at + AGAIN > now} | dict.fromkeys(waiting.items(), now)
        text = self._words(waiting)
        severity = "error" if states.BANNED in waiting.values() else "warning"
        self._app.notify(text, severity=severity, markup=False, timeout=15)  # type: ignore[arg-type]
        ring(self._app, text)

    def _words(self, waiting: dict[str, str]) -> str:
        labels = {states.BANNED: _("banned"), states.LOGGEDOUT: _("logged out"), FLAPS: _("keeps dropping")}
        if len(waiting) == 1:
            [(name, trouble)] = waiting.items()
            row = self._model.rows.get(name)
            why = f": {safe(row.reason)}" if row is not None and row.reason else ""
            return _("{name} {what}{why}").format(name=safe(name), what=labels[trouble], why=why)
        counts = Counter(waiting.values())
        words = n_("{n} number needs a look", "{n} numbers need a look", len(waiting))
        kinds = DOT.join(f"{counts[kind]} {label}" for kind, label in labels.items() if counts[kind])
        names = ", ".join(safe(name) for name in sorted(waiting)[:3]) + ("…" if len(waiting) > 3 else "")
        return f"{words}: {kinds} ({names})"


def ring(app: RyzeConsole, text: str) -> None:
    """The bell, and the terminal's own notification (OSC 9), where there is a terminal that takes them."""
    driver = app._driver
    if driver is None or app.is_headless:
        return
    app.bell()  # which asks the preferences itself
    if app.preferences.notifications and not os.environ.get("TERM", "").startswith(_NO_OSC):
        plain = "".join(character for character in safe(text) if character.isprintable())[:_LONGEST]
        # What begins with a digit is a command to ConEmu, Windows Terminal and Ghostty: progress, a directory, wait for a key.
        driver.write(f"\x1b]9;ryze-tui: {plain}\x1b\\")
    driver.flush()
