"""All of one event, or of one line of the audit log, as JSON; what is masked is shown only when somebody asks for it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ... import keys
from ...i18n import _
from ..bindings import bind
from ..styles import ink
from ..words import safe
from .blockjson import Scrolled
from .dialogs import Dialog, Question, text
from .rolls import copy


class WholeScreen(Dialog[None]):
    """`masked`: as it is shown and copied; `revealed`: the same with its secrets, where it may be asked for them."""

    CSS = "WholeScreen > #box { width: 96; }"
    BINDINGS = [bind("copy", "copy"), bind("json_secrets", "reveal"), bind("close_too", "close")]

    def __init__(self, title: str, masked: str, revealed: str | None = None) -> None:
        super().__init__()
        self._heading, self._masked, self._revealed, self._open = title, masked, revealed, False
        self.scrolled = Scrolled()

    def compose(self) -> ComposeResult:
        hints = _("↑↓ scroll · {copy} copy · esc close")
        if self._revealed is not None:
            hints = _("↑↓ scroll · {copy} copy · {json_secrets} reveal what is masked · esc close")
        with Vertical(id="box") as box:
            box.border_title = Content(safe(self._heading))
            yield self.scrolled
            yield text("", "gap")
            yield text(keys.fill(hints), "dim")

    def on_mount(self) -> None:
        self.scrolled.focus()
        self._show()

    def _show(self) -> None:
        whole = self._revealed if self._open and self._revealed is not None else self._masked
        self.scrolled.show([(str(number), safe(row), ink.BAR) for number, row in enumerate(whole.split("\n"), 1)])

    def action_reveal(self) -> None:
        if self._open:
            self._open = False
            self._show()
        elif self._revealed in (None, self._masked):
            self.app.notify(_("Nothing in it is masked."), markup=False)
        else:
            words = _("It may hold codes, tokens or passwords. Anybody who sees this screen can use them.")
            self.app.push_screen(Question(_("Reveal what is masked?"), words, yes=_("Reveal")), self._asked)

    def _asked(self, yes: bool | None) -> None:
        self._open = yes is True
        self._show()

    def action_copy(self) -> None:
        copy(self.app, self._masked)
