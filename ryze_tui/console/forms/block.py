"""One block as a form: a row for each declared field, what is wrong in words, and what the focused field means."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from ... import keys
from ...i18n import _
from ...operations.editing import Edit
from .fields import Row
from .marks import Marked, Marks


class BlockForm(VerticalScroll, can_focus=False):
    """Edits one `Edit`; everything typed is in it at once. `read_only`: shown, not changed."""

    class Changed(Message):
        """Something was typed or marked."""

    def __init__(self, edit: Edit, *, read_only: bool = False) -> None:
        super().__init__(classes="form")
        self.edit = edit
        self._read_only = read_only
        self._rows = {field.name: Row(field, edit.yours[field.name]) for field in edit.fields}
        self._problems = {name: Static("", markup=False, classes="problem", id=f"problem-{name}") for name in self._rows}

    def compose(self) -> ComposeResult:
        for name, row in self._rows.items():
            yield row
            yield self._problems[name]

    def on_mount(self) -> None:
        if self._read_only:
            for row in self._rows.values():
                row.control.disabled = True
        self.check()

    @property
    def first(self) -> Widget:
        """The field where editing begins."""
        return next(iter(self._rows.values())).control

    def control(self, name: str) -> Widget:
        """The widget of a field."""
        return self._rows[name].control

    def help_of(self, widget: Widget | None) -> str:
        """What the focused field means; empty for anything else."""
        for row in self._rows.values():
            if row.control is widget:
                text = f"{_(row.field.title)}: {_(row.field.help)}"
                if row.field.secret and row.value:
                    text += " " + keys.fill(_("On the form {edit_json}, then {json_secrets} shows it."))
                elif getattr(widget, "stored", False):
                    text += " " + _("Leave it as it is stored, type a new one, or del for none.")
                return f"{text}  {widget.keys}" if isinstance(widget, Marks) else text
        return ""

    def show(self) -> None:
        """Bring the widgets to what the edit holds (after a revert, or a draft)."""
        for name, row in self._rows.items():
            row.put(self.edit.yours[name])
        self.check()

    def check(self) -> None:
        """Say what is wrong, where it is wrong; rows of a block that is off are dimmed."""
        found = self.edit.problems()
        off = self.edit.yours.get("enabled") is False
        for name, static in self._problems.items():
            words = found.get(name, "") if self.edit.dirty else ""
            static.update(words)
            static.display = bool(words)
            self._rows[name].set_class(off and name != "enabled", "-off")

    def _take(self, widget: Widget) -> None:
        for name, row in self._rows.items():
            if row.control is widget:
                value: Any = row.value
                if value != self.edit.yours[name]:
                    self.edit.set(name, value)
                    self.check()
                    self.post_message(self.Changed())
                return

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.input)

    def on_marked(self, event: Marked) -> None:
        event.stop()
        self._take(event.marks)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()
