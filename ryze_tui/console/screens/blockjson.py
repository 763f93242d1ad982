"""A block of the edit screen as JSON: to be read, copied, and what is wrong with a text that came back from an editor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, chop_cells
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ... import keys
from ...i18n import _
from ...operations import blockjson
from ...operations.blockjson import Taken, Written
from ...operations.editing import Edit
from ...operations.positions import Fault
from ..bindings import bind, moves
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import safe, wrap
from .dialogs import Dialog, text

if TYPE_CHECKING:
    from rich.style import Style

CLIPBOARD: Final = 56_000
"""Bytes; a terminal takes about 74 KB of base64, and drops what is longer without a word."""
_AROUND: Final = 11
"""Rows of such a dialog that are not its lines."""


class Scrolled(Canvas):
    """Numbered lines, as many as there is room for; arrows move through the rest."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = moves(page=10)

    def __init__(self, broken: Callable[[str, int], list[str]] = chop_cells) -> None:
        """`broken(text, width)`: how a line that is too long goes on below itself; JSON anywhere, words between words."""
        super().__init__(id="scrolled")
        self._broken = broken
        self._rows: list[tuple[str, str, Style]] = []
        self._top = 0

    def show(self, rows: Sequence[tuple[str, str, Style]]) -> None:
        """(head, text, ink) of each line; a long text goes on below itself."""
        self._rows, self._top = list(rows), 0
        self.styles.height = self._height()
        self.sync()

    def _height(self) -> int:
        return max(min(len(self._wrapped()), self.app.size.height - _AROUND), 2)

    def fitted(self) -> None:
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        self.styles.height = self._height()

    def _wrapped(self) -> list[Line]:
        width, out = max(self.size.width, 20), list[Line]()
        head = max((cell_len(head) for head, _text, _ink in self._rows), default=0) + 2
        for number, words, style in self._rows:
            for row, part in enumerate(self._broken(words, max(width - head, 8)) or [""]):
                out.append([field("" if row else number.rjust(head - 2), head, ink.BAR_DIM), seg(part, style)])
        return out

    def action_move(self, by: int) -> None:
        """Up or down; never past the end."""
        self._top = max(0, min(self._top + by, len(self._wrapped()) - self.size.height))
        self.sync()

    def lines(self) -> list[Line]:
        lines, height = self._wrapped(), self.size.height
        shown = lines[self._top : self._top + height]
        if shown and (hidden := len(lines) - self._top - height) > 0:
            shown[-1] = [*shown[-1], seg(f"  ↓ {hidden}", ink.BAR_KEY)]
        return shown


class JsonScreen(Dialog[str]):
    """Shows the block as the form holds it; closes with `edit` when it is to be edited."""

    TAKES_TYPED = False
    BINDINGS = [
        bind("copy", "copy"), bind("json_secrets", "secrets"), bind("edit_editor", "edit"), bind("edit_json", "close"),
        bind("close_too", "close"),
    ]  # fmt: skip
    CSS = "JsonScreen > #box { width: 96; }"

    def __init__(self, title: str, edit: Edit) -> None:
        super().__init__()
        self._heading, self._edit = title, edit
        self._open = False
        self.scrolled = Scrolled()

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)
            yield self.scrolled
            yield text("", "gap")
            yield text("", "warn", id="secrets")
            yield text(keys.fill(_("↑↓ scroll · {copy} copy · {edit_editor} edit it in your editor · esc close")), "dim")

    def on_mount(self) -> None:
        self.scrolled.focus()
        self._show()

    @property
    def _holds_secret(self) -> bool:
        return blockjson.write(self._edit).secret

    def _show(self) -> None:
        shown = blockjson.write(self._edit, secrets="all" if self._open else "masked")
        rows = shown.text.rstrip("\n").split("\n")
        self.scrolled.show([(str(number), safe(row), ink.BAR) for number, row in enumerate(rows, 1)])
        remarks = self.query_one("#secrets", Static)
        remarks.update(words := _remarks(shown, self._holds_secret, self._open))
        remarks.display = bool(words)

    def action_secrets(self) -> None:
        if not self._holds_secret:
            self.app.notify(_("There is no secret in it that could be shown."), severity="warning", markup=False)
            return
        self._open = not self._open
        self._show()

    def action_copy(self) -> None:
        copied = blockjson.write(self._edit, secrets="all" if self._open else "none")
        size = len(copied.text.encode(errors="replace"))
        if size > CLIPBOARD:
            words = _("{n} KB are more than a terminal's clipboard takes; {edit_editor} opens it in your editor.")
            self.app.notify(keys.fill(words, n=size // 1000 + 1), severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(copied.text)
        words = _("Copied {n} characters of JSON. No secret is in it.")
        if copied.secret:
            words = _("Copied {n} characters of JSON, with the secret in it: mind where you paste it.")
        said = [words.format(n=len(copied.text))]
        if self._holds_secret and not copied.secret:
            said.append(keys.fill(_("{json_secrets} shows it, and {copy} then copies it too.")))
        said.append(_("Terminals that refuse it say nothing."))
        self.app.notify(" ".join(said), markup=False, timeout=6)

    def action_edit(self) -> None:
        self.dismiss("edit")


def _remarks(shown: Written, holds: bool, is_open: bool) -> str:
    words = _("{json_secrets} hides the secret again.") if is_open else _("The secret is hidden; {json_secrets} shows it.")
    said = [keys.fill(words)] if holds else []
    if shown.hidden:
        words = _("{what}: stored, told by no server, and so not in it. Left out it stays as it is.")
        said.append(words.format(what=", ".join(shown.hidden)))
    return " ".join(said)


class FaultsScreen(Dialog[str]):
    """What is wrong with the text that came back; gives `open`, `take` or `discard`; nothing else closes it."""

    TAKES_TYPED = False
    guards_quit = True
    BINDINGS = [
        bind("faults_open", "answer('open')"), bind("faults_take", "answer('take')"), bind("faults_discard", "answer('discard')"),
    ]  # fmt: skip
    CSS = "FaultsScreen > #box { width: 96; }"

    def __init__(self, title: str, taken: Taken) -> None:
        super().__init__()
        self._heading, self._taken = title, taken
        self.scrolled = Scrolled(wrap)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)
            words = _("Nothing of it is in the form yet. What is wrong, by line:")
            yield text(words)
            yield text("", "gap")
            yield self.scrolled
            yield text("", "gap")
            hints = [_("{faults_open} opens it again at line {line}"), _("{faults_discard} discards it")]
            if not self._taken.hard:
                hints.insert(1, _("{faults_take} takes it into the form all the same"))
            yield text(keys.fill(" · ".join(hints), line=self._taken.faults[0].line), "dim")

    def on_mount(self) -> None:
        self.scrolled.focus()
        self.scrolled.show([(_place(fault), safe(fault.words), ink.BAR) for fault in self._taken.faults])

    def action_answer(self, answer: str) -> None:
        if answer == "take" and self._taken.hard:
            words = keys.fill(_("It cannot be taken like this: {faults_open} opens it again."))
            self.app.notify(words, severity="warning", markup=False)
        else:
            self.dismiss(answer)

    def action_close(self) -> None:
        self.ask_quit()

    def ask_quit(self) -> None:
        """Escape, or quitting: the text would be lost."""
        words = _("What you wrote is not in the form: {faults_open} opens it again, {faults_discard} discards it.")
        self.app.notify(keys.fill(words), severity="warning", markup=False)


def _place(fault: Fault) -> str:
    return f"{fault.line}:{fault.column}" if fault.column else str(fault.line)
