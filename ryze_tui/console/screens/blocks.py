"""The blocks of an instance that is about to be created: the same forms, saved with the creation."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ... import keys
from ...i18n import _
from ...operations.editing import Edit
from ...probes.trial import TRIED
from ..bindings import bind
from ..forms.block import BlockForm
from ..forms.pages import TITLES, Page, PageLine
from .dialogs import Dialog, text


class BlocksScreen(Dialog[None]):
    """Changes the edits it is given; escape leaves the field, then goes back to the name."""

    TAKES_TYPED = False
    BINDINGS = [bind("edit_try", "try_out"), bind("help", "help")]
    CSS_PATH = ["../styles/dialogs.tcss", "../styles/forms.tcss"]  # type: ignore[assignment]
    CSS = """
    BlocksScreen > #box { width: 84; height: 100%; }
    BlocksScreen #body { height: 1fr; padding: 1 0 0 0; }
    BlocksScreen #pages { height: 1; }
    BlocksScreen #help { height: 3; }
    """

    def __init__(self, edits: dict[str, Edit], kind: str = "settings") -> None:
        super().__init__()
        self._edits = edits
        self.line = PageLine()
        self.line.pages = [Page(name, edit=edit, planned=True) for name, edit in edits.items()]
        self.line.at = list(edits).index(kind)

    @property
    def form(self) -> BlockForm | None:
        """The form that is shown."""
        found = self.query(BlockForm)
        return found.first() if found else None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(_("New instance: blocks"))
            yield self.line
            yield Vertical(id="body")
            yield text("", "dim", id="help")

    def on_mount(self) -> None:
        self.set_focus(self.line)
        self._show()

    def _show(self) -> None:
        body = self.query_one("#body", Vertical)
        body.remove_children()
        edit = self.line.pages[self.line.at].edit
        assert edit is not None
        body.mount(BlockForm(edit))
        self._sync()

    def _sync(self) -> None:
        self.line.sync()
        form = self.form
        words = form.help_of(self.focused) if form is not None else ""
        if not words:
            words = keys.fill(_("↓ into the form · ←→ block · {help} help · esc back to the name"))
            if self.line.pages[self.line.at].kind in TRIED - {"websocket"}:
                words = keys.fill(_("{edit_try} try it out")) + " · " + words
        self.query_one("#help", Static).update(words)

    def on_descendant_focus(self) -> None:
        self._sync()

    def on_block_form_changed(self) -> None:
        self._sync()

    def on_page_line_turned(self, message: PageLine.Turned) -> None:
        self.line.at = message.index
        self._show()

    def action_into(self) -> None:
        if self.form is not None:
            self.set_focus(self.form.first)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A letter in a field is a letter."""
        return action != "try_out" or not self._in_field()

    def _in_field(self) -> bool:
        return self.form is not None and self.focused is not None and self.form in self.focused.ancestors

    def action_try_out(self) -> None:
        """`T`: from this machine, since no server knows the instance yet."""
        from .trying import TryScreen, prepared

        edit = self.line.pages[self.line.at].edit
        assert edit is not None
        made = prepared(edit, None, "", None)
        if isinstance(made, TryScreen):
            self.app.push_screen(made)
            return
        field, words = made
        self.app.notify(words, severity="warning", markup=False, timeout=5)
        if field and self.form is not None:
            self.form.control(field).focus()

    def action_help(self) -> None:
        """`?`: every field and every key of it."""
        from .edithelp import PLANNED, EditHelpScreen

        page = self.line.pages[self.line.at]
        self.app.push_screen(EditHelpScreen(page.what, page.edit, PLANNED))

    def action_close(self) -> None:
        if self._in_field():
            self.set_focus(self.line)
        else:
            self.dismiss(None)


def summary(edits: dict[str, Edit]) -> str:
    """What is on, in a line: `Stream · Webhook · Settings`."""
    on = [_(TITLES[kind]) for kind, edit in edits.items() if edit.yours.get("enabled", edit.dirty)]
    return ", ".join(on) or _("none")
