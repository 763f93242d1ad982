"""From a declared field to the widget that edits it, and back to its value: the one place that knows both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Input, Static

from ...api.fields import CHOICE, NUMBER, SET, SWITCH, Field
from ...i18n import _
from ...operations.editing import KEEP
from ..bindings import bind
from .marks import Marks, Pick, Switch, Ticks

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Click, Paste

MOST = 2000
"""Characters of a text field."""


class Entry(Input):
    """A line of text, shown from its beginning while the cursor is elsewhere. Arrow keys up and down leave it.

    A hidden secret that is not typed anew stays as it is stored; `del` in the empty field makes it none, and back.
    """

    BINDINGS = [bind("field_previous", "app.focus_previous"), bind("field_next", "app.focus_next")]

    def __init__(self, value: Any, field: Field, *, id: str) -> None:
        kept = value is KEEP
        super().__init__(
            "" if kept or (field.kind == NUMBER and not value) else str(value), id=id, password=field.secret, max_length=MOST
        )
        self.cursor_blink = False
        self.select_on_focus = False
        self.keep(kept)

    def keep(self, kept: bool) -> None:
        """Whether the field, empty, means what is stored."""
        self.stored = self.kept = kept
        self._say()

    def _say(self) -> None:
        self.placeholder = _("•••••••• as stored") if self.kept else _("none") if self.stored else ""

    def action_delete_right(self) -> None:
        if self.value or not self.stored:
            super().action_delete_right()
            return
        self.kept = not self.kept
        self._say()
        self.post_message(self.Changed(self, "", None))

    def on_paste(self, event: Paste) -> None:
        """One line, and all of it or nothing: what a field cannot hold is said, never cut off in silence."""
        event.stop()
        event.prevent_default()
        lines = [line for line in event.text.splitlines() if line.strip()]
        if not lines:
            return
        before = self.value
        self.replace(lines[0], *self.selection)
        if self.value == before and lines[0]:
            self._say_of_paste(_("Nothing was pasted: at most {most} characters go into this field.").format(most=MOST))
        elif len(lines) > 1:
            self._say_of_paste(_("Of {n} lines only the first was pasted: this field has one line.").format(n=len(lines)))

    def _say_of_paste(self, words: str) -> None:
        self.app.notify(words, severity="warning", markup=False, timeout=5)

    def on_focus(self) -> None:
        self.call_after_refresh(self._turn_to, self.cursor_position)

    def on_blur(self) -> None:
        self._turn_to(0)

    def _turn_to(self, column: int) -> None:
        """Bring a column of the text into sight."""
        self.scroll_to_region(Region(column, 0, 1, 1), force=True, animate=False)


class Row(Horizontal):
    """A field on the form: its title, its widget, and below it what is wrong with it."""

    def __init__(self, field: Field, value: Any) -> None:
        super().__init__(classes="row")
        self.field = field
        self.control = widget_of(field, value)

    def compose(self) -> ComposeResult:
        yield Static(_(self.field.title), markup=False, classes="label")
        yield self.control

    def on_click(self, event: Click) -> None:
        """On its title: to its field, which changes nothing."""
        if not self.control.disabled and event.widget is not self.control:
            self.control.focus()

    @property
    def value(self) -> Any:
        """What the widget says."""
        return value_of(self.field, self.control)

    def put(self, value: Any) -> None:
        """Show another value."""
        control = self.control
        if isinstance(control, Entry):
            control.keep(value is KEEP)
            control.value = "" if control.kept or (self.field.kind == NUMBER and not value) else str(value)
        elif isinstance(control, (Switch, Ticks, Pick)):
            control.put(value)


def widget_of(field: Field, value: Any) -> Widget:
    """The widget of a field. Raises TypeError for a kind that has none: a field without a widget is a bug."""
    ident = f"field-{field.name}"
    if field.kind == SWITCH:
        return Switch(value is True, id=ident)
    if field.kind == SET:
        return Ticks(field.choices, value, id=ident)
    if field.kind == CHOICE:
        return Pick(field.choices, value, id=ident)
    if field.kind in (NUMBER, "text"):
        return Entry(value, field, id=ident)
    raise TypeError(f"there is no widget for {field.kind}")


def value_of(field: Field, control: Widget) -> Any:
    """What a widget says: of a number that is none its text, which the check refuses in words."""
    if isinstance(control, Marks):
        return control.value
    assert isinstance(control, Entry)
    if control.kept and not control.value:
        return KEEP
    if field.kind == NUMBER:
        text = control.value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else (text or 0)
    return control.value if field.secret else control.value.strip()  # pasted with blanks around; a password may have some
