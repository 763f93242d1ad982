"""The create form: a name, a token if wanted; what is wrong is said while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from ... import keys
from ...i18n import _
from ..words import safe
from .dialogs import FIELDS, Dialog, close, text

if TYPE_CHECKING:
    from ...operations.account import Account
    from ...operations.configuring import Configuring
    from ...operations.editing import Edit

Created = tuple[str, bool]
"""(name, whether its pairing is to open)"""


NARROW: Final = 48
"""Columns below which there is no room for a button that escape stands for."""


class CreateScreen(Dialog[Created | None]):
    """Stays open with what was typed when the server refuses; closes with the new name."""

    CSS = """
    CreateScreen #help { min-height: 3; }
    CreateScreen #problem { height: 2; }
    CreateScreen #blocks { width: 1fr; margin: 0; text-align: left; content-align: left middle; }
    """

    BINDINGS = FIELDS

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self._busy = False
        self._edits: dict[str, Edit] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = _("New instance")
            with Horizontal(classes="line"):
                yield text(_("Name"), "label")
                yield Input(id="name", placeholder=_("for example sales-north"), max_length=100)
            with Horizontal(classes="line"):
                yield text(_("Token"), "label")
                yield Input(id="token", placeholder=_("made by the server"), password=True, max_length=256)
            with Horizontal(classes="line"):
                yield text(_("Blocks"), "label")
                yield Button(_("Stream"), id="blocks")
            yield text("", "gap")
            yield text("", "dim", id="help")
            yield text("", "warn", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                yield Button(_("Create"), id="create")
                yield Button(_("Create and connect"), id="pair")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#name").focus()

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#cancel").display = event.size.width >= NARROW

    def on_descendant_focus(self) -> None:
        helps = {
            "name": _(
                "Letters, digits, - and _, up to 100. It is part of every URL of this instance and cannot be changed later. "
                "enter creates it and shows its QR code."
            ),
            "token": _("The key of this instance alone, for programs. Leave it empty and the server makes a strong one."),
            "blocks": _(
                "Settings, webhook, stream, proxy, S3, Chatwoot: enter opens their forms. All of it can be changed later."
            ),
            "create": keys.fill(_("Makes the instance; it is connected later with {connect} or {code}.")),
            "pair": _("Makes the instance and shows the QR code at once."),
        }
        focused = self.focused.id if self.focused is not None else None
        self.query_one("#help", Static).update(helps.get(focused or "", ""))

    def action_close(self) -> None:
        if self._busy:
            self.query_one("#problem", Static).update(_("The server has been asked already: wait for its answer."))
        else:
            self.dismiss(None)

    def _wrong(self) -> str:
        from ...operations.checks import name_problem, token_problem

        name, token = self.query_one("#name", Input).value, self.query_one("#token", Input).value
        if words := name_problem(name):
            return words
        if name in self._account.model.rows:
            return _("There is an instance of this name already.")
        if words := token_problem(token):
            return words
        return self._wrong_block()

    def _wrong_block(self) -> str:
        if self._edits is None:
            return ""
        from ...operations.creating import problems
        from ..forms.pages import TITLES

        found = problems(self._edits)
        if not found:
            return ""
        kind, name, words = found[0]
        title = next(_(field.title) for field in self._edits[kind].fields if field.name == name)
        return f"{_(TITLES[kind])}, {title}: {words}"

    def on_input_changed(self, event: Input.Changed) -> None:
        named = bool(self.query_one("#name", Input).value)
        self.query_one("#problem", Static).update(self._wrong() if named else "")

    def on_input_submitted(self) -> None:
        self._submit(pair=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "cancel":
            self.action_close()
        elif event.button.id == "blocks":
            self.run_worker(self._blocks())
        else:
            self._submit(pair=event.button.id == "pair")

    def _submit(self, *, pair: bool) -> None:
        problem = self._wrong()
        self.query_one("#problem", Static).update(problem or (_("Asking the server…") if not self._busy else ""))
        if not problem and not self._busy:
            self._busy = True
            self.run_worker(self._create(pair))

    async def _blocks(self) -> None:
        """The forms of the blocks, over this one; they are sent with the creation."""
        from ...operations.creating import fresh
        from .blocks import BlocksScreen, summary

        if self._edits is None:
            self._edits = fresh()
        await self.app.push_screen_wait(BlocksScreen(self._edits))
        self.query_one("#blocks", Button).label = summary(self._edits)

    def _flat(self) -> dict[str, Any] | None:
        from ...operations.creating import flat

        return None if self._edits is None else flat(self._edits)

    async def _create(self, pair: bool) -> None:
        name = self.query_one("#name", Input).value
        outcome = await self._account.create(name, self.query_one("#token", Input).value, self._flat())
        self._busy = False
        if not outcome.ok:
            self.query_one("#problem", Static).update(safe(outcome.message))
            return
        if self._edits is not None and (configuring := self._account.configuring) is not None:
            await self._compare(configuring, name, self._edits)
        close(self, (name, pair))

    async def _compare(self, configuring: Configuring, name: str, edits: dict[str, Edit]) -> None:
        """Blocks fail in silence: look whether the server holds what was asked."""
        from ...operations.creating import differences
        from .review import DiffersScreen

        differs, unread = await differences(configuring, name, edits)
        if differs:
            title = _("{name}: the server holds something else than was asked for").format(name=safe(name))
            await self.app.push_screen_wait(DiffersScreen(title, differs))
        for words in unread:
            self.app.notify(f"{safe(name)}: {safe(words)}", severity="warning", markup=False)
