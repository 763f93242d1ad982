"""Small dialogs: a yes/no question with Cancel focused, a name to type before harm, a menu of keys, one line to enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, Static

from ...i18n import _
from ..bindings import bind, labelled
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..widgets.hints import piece_at, press
from ..words import safe

Result = TypeVar("Result")


def close(screen: Screen[Result], result: Result | None = None) -> None:
    """Close a screen whatever has opened above it in the meantime; those are closed with nothing.

    Textual's `dismiss` pops the topmost screen, also when it is another one.
    """
    app = screen.app
    if screen not in app.screen_stack:
        return
    while app.screen is not screen:
        app.screen.dismiss(None)
    screen.dismiss(result)


class Dialog(ModalScreen[Result]):
    """One box over the dimly kept screen; escape closes it with nothing."""

    CSS_PATH = "../styles/dialogs.tcss"
    BINDINGS = [bind("close", "close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-roomy")]

    TAKES_TYPED = True
    """Whether it gets what was typed before it opened; a dialog that one letter confirms does not."""

    def on_screen_resume(self) -> None:
        typed = self.app.typed  # type: ignore[attr-defined]
        if self.TAKES_TYPED:
            self.call_next(typed.release)
        else:
            typed.drop()

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """The lower edge of the box, where keys are named."""
        box = self.query_one("#box")
        words = str(box.border_subtitle or "")
        if words and event.screen_y == box.region.bottom - 1:
            press(self, piece_at(words, event.screen_x - (box.region.right - 3 - cell_len(words))))


class Hint(Static):
    """A sentence whose parts begin with keys."""

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and press(self, piece_at(self.render_line(event.y).text, event.x)):
            event.stop()


def text(words: str, classes: str = "text", *, id: str | None = None) -> Static:
    """A paragraph that is shown as it is (no markup: it may hold a stranger's text)."""
    return (Hint if classes == "dim" else Static)(words, markup=False, classes=classes, id=id)


FIELDS: list[BindingType] = [bind("field_previous", "app.focus_previous"), bind("field_next", "app.focus_next")]
"""Of a dialog with several fields, where the arrows go from one to the next as they do in the forms of blocks."""


class Question(Dialog[bool]):
    """Yes or no; no is focused."""

    TAKES_TYPED = False

    BINDINGS = [
        bind("yes", "yes"),
        bind("no", "close"),
        bind("previous", "app.focus_previous"),
        bind("next", "app.focus_next"),
    ]

    def __init__(self, title: str, words: str, *, yes: str) -> None:
        super().__init__()
        self._heading, self._words, self._yes = title, words, yes

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)  # never as markup: it may hold a stranger's name
            yield text(self._words)
            yield text("", "gap")
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(labelled(self._yes, "yes"), id="yes")

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        self.dismiss(True)


class TypeName(Dialog[bool]):
    """Harm that cannot be undone: the name must be typed; Enter does nothing until it matches."""

    def __init__(self, title: str, name: str, words: str, *, yes: str) -> None:
        super().__init__()
        self._heading, self._expected, self._words, self._yes = title, name, words, yes

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)  # never as markup: it may hold a stranger's name
            yield text(self._words)
            yield text("", "gap")
            with Horizontal(classes="line"):
                yield text(_("Type its name"), "label")
                yield Input(id="name", placeholder=safe(self._expected), max_length=200)
            yield text("", "warn", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                yield Button(self._yes, id="yes", disabled=True)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def _matches(self) -> bool:
        # A name that cannot be typed (control characters from another server) is typed as it is shown.
        return self.query_one(Input).value.strip() in (self._expected, safe(self._expected))

    def on_input_changed(self) -> None:
        self.query_one("#yes", Button).disabled = not self._matches()
        self.query_one("#problem", Static).update("")

    def on_input_submitted(self) -> None:
        if self._matches():
            self.dismiss(True)
        else:
            self.query_one("#problem", Static).update(_("That is not its name; nothing was done."))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes" and self._matches())


class Entry(Dialog[str]):
    """One line to enter. `check(text)` gives the words that say what is wrong with it, or nothing."""

    def __init__(
        self, title: str, words: str, label: str, *, value: str = "", check: Callable[[str], str], password: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._heading, self._words, self._label, self._value = title, words, label, value
        self._check, self._password = check, password

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)  # never as markup: it may hold a stranger's name
            yield text(self._words)
            yield text("", "gap")
            with Horizontal(classes="line"):
                yield text(self._label, "label")
                yield Input(self._value, id="entry", max_length=300, password=self._password)
            yield text("", "warn", id="problem")
            yield text(_("enter goes on · esc cancels"), "dim")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#problem", Static).update(self._check(event.value) if event.value else "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        problem = self._check(event.value)
        self.query_one("#problem", Static).update(problem)
        if not problem:
            self.dismiss(event.value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu: its key, what it is, a remark; `reason` says why it cannot be chosen."""

    key: str
    title: str
    remark: str = ""
    reason: str = ""


class Choices(Canvas):
    """The lines of a menu; arrows move, the key of a line or enter chooses."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = [
        bind("down", "move(1)"),
        bind("up", "move(-1)"),
        bind("choose", "choose"),
    ]

    def __init__(self, choices: list[Choice], chosen: Callable[[Choice], None]) -> None:
        super().__init__(id="choices")
        self.choices, self._chosen, self._at = choices, chosen, 0
        self.styles.height = len(choices)

    def action_move(self, by: int) -> None:
        self._at = (self._at + by) % len(self.choices)
        self.sync()

    def action_choose(self) -> None:
        self._chosen(self.choices[self._at])

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self.choices):
            self._at = event.y
            self._chosen(self.choices[event.y])

    def on_key(self, event: events.Key) -> None:
        for index, choice in enumerate(self.choices):
            if event.character == choice.key:
                event.stop()
                event.prevent_default()
                self._at = index
                self.sync()
                self._chosen(choice)
                return

    def lines(self) -> list[Line]:
        width = max(len(choice.title) for choice in self.choices) + 3
        out = []
        for index, choice in enumerate(self.choices):
            here = index == self._at
            remark = choice.reason or choice.remark
            line: Line = [
                seg("▸ " if here else "  ", ink.BAR_KEY),
                field(choice.key, 3, ink.BAR_KEY),
                field(choice.title, width, ink.BAR_DIM if choice.reason else ink.BAR_BOLD if here else ink.BAR),
                field(remark, max(self.size.width - width - 5, 0), ink.BAR_DIM),
            ]
            out.append([Segment(text, ink.on_bar_cursor(style or ink.BAR) if here else style) for text, style, _control in line])
        return out


class Menu(Dialog[str]):
    """A menu; gives the key of the chosen line."""

    TAKES_TYPED = False

    def __init__(self, title: str, choices: list[Choice], words: str = "", hint: str = "") -> None:
        """`hint`: what the keys do, where escape does something else than closing it."""
        super().__init__()
        self._heading, self._choices, self._words = title, choices, words
        self._hint = hint or _("↑↓ and enter, or the key · esc closes")

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)  # never as markup: it may hold a stranger's name
            if self._words:
                yield text(self._words)
                yield text("", "gap")
            yield Choices(self._choices, self._chosen)
            yield text("", "gap")
            yield text(self._hint, "dim")

    def on_mount(self) -> None:
        self.query_one(Choices).focus()

    def _chosen(self, choice: Choice) -> None:
        if choice.reason:
            self.app.notify(choice.reason, severity="warning", markup=False)
        else:
            self.dismiss(choice.key)
