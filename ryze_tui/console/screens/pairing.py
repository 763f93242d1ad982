"""The pairing screen: follows one pairing session, shows its view, and offers the other way, a PNG, a copy, the virtual phone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from ... import paths
from ...fleet.model import Row
from ...i18n import _
from ...pairing import qr
from ...pairing.flow import View
from ..bindings import bind
from ..panes.pairingpane import PairingPane
from ..words import safe
from .dialogs import close

if TYPE_CHECKING:
    from ...operations.account import Account
    from ...operations.pairing import PairingSession
    from ..app import RyzeConsole

CLOSES_AFTER = 3.0
"""Seconds for which a success stays on the screen."""


def digits_problem(text: str) -> str:
    """What is wrong with a phone number for a pairing code; nothing for one that is only doubted."""
    from ...operations.numbers import read

    found = read(text)
    return found if isinstance(found, str) else ""


async def ask_number(app: RyzeConsole, row: Row) -> str | None:
    """Ask for the phone number that is to be linked; digits, or None. One that may be none is asked about."""
    from ...operations.numbers import Number, read
    from .dialogs import Entry, Question

    title, value = _("Pair {name} by code").format(name=safe(row.name)), row.number and f"+{row.number}"
    words = _("WhatsApp shows a question on this phone; the code is then typed there. No camera is needed.")
    while True:
        form = Entry(title, words, _("Phone number"), value=value, check=digits_problem)
        entered = await app.push_screen_wait(form)
        found = read(entered) if entered else None
        if not isinstance(found, Number):
            return None
        doubted = _("{doubt} WhatsApp may know it all the same.").format(doubt=found.doubt)
        asked = Question(_("Pair {number}?").format(number=found.shown), doubted, yes=_("Use it"))
        if not found.doubt or await app.push_screen_wait(asked):
            return found.digits
        value = entered


class PairingScreen(Screen[None]):
    """`digits` empty pairs by QR, else by pairing code for that number."""

    BINDINGS = [
        bind("close", "close"),
        bind("pairing_drawing", "drawing"),
        bind("code", "by_code"),
        bind("pairing_qr", "by_qr"),
        bind("pairing_save", "save"),
        bind("copy", "copy"),
        bind("phone", "phone"),
        bind("pairing_again", "again"),
        bind("help", "help"),
    ]

    def __init__(self, account: Account, name: str, digits: str = "") -> None:
        super().__init__()
        self._account, self._instance, self._digits = account, name, digits
        self._session: PairingSession | None = None
        self.pane = PairingPane(name, simulated=account.server.simulated)
        self.pane.prefer = _kept_drawing()
        self.pane.lost = lambda: safe(account.link.message) if account.link.kind in ("offline", "refused") else ""

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.app.typed.drop()  # type: ignore[attr-defined]
        self._begin(self._digits)
        self.set_interval(1.0, self.pane.sync)

    def on_unmount(self) -> None:
        if self._session is not None:
            self._session.cancel()

    @property
    def guards_quit(self) -> bool:
        """Quitting now would drop a code that a phone may be looking at."""
        return self.pane.view.stage not in ("connected", "failed", "ended")

    def ask_quit(self) -> None:
        """`ctrl+c` while a code is up."""
        self.run_worker(self._ask_quit(), group="quit", exclusive=True)

    async def _ask_quit(self) -> None:
        from .dialogs import Question

        question = Question(
            _("{name} is being paired.").format(name=safe(self._instance)),
            _("Leaving now drops the code that is on the screen."),
            yes=_("Quit"),
        )
        if await self.app.push_screen_wait(question):
            self.app.exit(return_code=0)

    # -- the session -----------------------------------------------------------------------------------------------

    def _begin(self, digits: str) -> None:
        if self._session is not None:
            self._session.on_view = None
            self._session.cancel()
        self._digits = digits
        self._session = self._account.pair(self._instance, digits)
        self._session.on_view = self._show
        self._show(View("asking"))
        self.run_worker(self._session.run(), group="pairing", exclusive=True)

    def _show(self, view: View) -> None:
        was = self.pane.view.stage
        self.pane.view = view
        if self.is_mounted:
            self.pane.sync()
        if view.stage == "connected" and was != "connected":
            self.set_timer(CLOSES_AFTER, self.action_close)

    def on_key(self, event: events.Key) -> None:
        if self.pane.view.stage == "connected":
            event.stop()
            event.prevent_default()
            self.action_close()

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_close(self) -> None:
        close(self)

    def action_again(self) -> None:
        if not self.guards_quit:
            self._ask_and_begin(self._digits)

    def action_help(self) -> None:
        from .help import HelpScreen

        self.app.push_screen(HelpScreen())

    def _ask_and_begin(self, digits: str) -> None:
        """Another `connect` of this instance: the same question as for the first."""
        if self.pane.view.stage == "linking":
            self.app.notify(_("The phone is linking: wait for it."), severity="warning", markup=False)
        else:
            self.run_worker(self._checked(digits), group="number", exclusive=True)

    async def _checked(self, digits: str) -> None:
        from ..verbs import may_connect

        app: RyzeConsole = self.app  # type: ignore[assignment]
        # The code that is up is ours: only what somebody else made of the instance meanwhile is asked about.
        now = self._account.confirm_state(self._instance)
        allowed = await may_connect(app, self._account, self, self._instance, now)
        if allowed and app.screen is self and self.pane.view.stage != "connected":
            self._begin(digits)

    def action_drawing(self) -> None:
        drawing = self.pane.drawing
        if drawing is not None:
            self.pane.prefer = qr.SEXTANT if drawing.kind == qr.HALF else qr.HALF
            _keep_drawing(self.pane.prefer)
            self.pane.sync()
            now = self.pane.drawing
            if now is not None and now.kind == drawing.kind:
                self.app.notify(_("The other drawing does not fit in this window."), severity="warning", markup=False)

    def action_by_code(self) -> None:
        self.run_worker(self._by_code(), group="number", exclusive=True)

    async def _by_code(self) -> None:
        if self.pane.view.stage in ("linking", "connected"):
            return
        app: RyzeConsole = self.app  # type: ignore[assignment]
        row = self._account.model.rows.get(self._instance)
        digits = await ask_number(app, row) if row is not None else None
        if digits:
            await self._checked(digits)

    def action_by_qr(self) -> None:
        if self._digits or not self.guards_quit:
            self._ask_and_begin("")
        else:
            self.ask_quit()  # there is a QR already, and everywhere else q leaves

    def action_save(self) -> None:
        view = self.pane.view
        if view.stage != "qr" or not self.pane.alive:
            self.app.notify(_("There is no QR code to save now."), severity="warning", markup=False)
            return
        path = Path.cwd() / f"ryze-{re.sub(r'[^A-Za-z0-9_-]', '_', self._instance)}.png"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), 0o600)  # it may have been there before
                file.write(qr.png(qr.matrix(view.code)))
        except OSError as problem:
            self.app.notify(
                _("{path} could not be written: {problem}").format(path=path, problem=problem.strerror),
                severity="error",
                markup=False,
            )
            return
        self.app.notify(
            _("Saved {path}; only you can read it. It works as long as the code on the screen.").format(path=path), markup=False
        )

    def action_copy(self) -> None:
        if self.pane.alive:
            self.app.copy_to_clipboard(self.pane.view.code)
            self.app.notify(_("Copied the code's text. It is a key to this number: mind where you paste it."), markup=False)

    def action_phone(self) -> None:
        from .phone import PhoneScreen

        if self._account.server.simulated:
            self.app.push_screen(
                PhoneScreen(self._account, self._instance, pairing_code=self.pane.view.code if self._digits else "")
            )
        else:
            self.app.notify(
                _("The virtual phone works with simulated numbers only; this server is real."), severity="warning", markup=False
            )


# -- the drawing that this terminal shows well, kept between runs ------------------------------------------------------


def _terminal() -> str:
    name = os.environ.get("TERM_PROGRAM") or os.environ.get("TERM") or "unknown"
    return "".join(character for character in name if character.isalnum() or character in "-_")[:40]


def _kept_drawing() -> str:
    try:
        kind = (paths.state_dir() / f"drawing-{_terminal()}").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return kind if kind in (qr.HALF, qr.SEXTANT) else ""


def _keep_drawing(kind: str) -> None:
    try:
        paths.write_private(paths.state_dir() / f"drawing-{_terminal()}", kind)
    except OSError:
        return  # a preference that cannot be kept is asked for again next time
