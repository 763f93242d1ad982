"""Before a bulk begins, or goes on: what will be done to how many, who is left out and why, how long; what is to be typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from ... import keys
from ...api.fields import Field
from ...i18n import _
from ...operations.bulk.plan import Pace
from ..bindings import bind, labelled, moves
from ..bulkwords import about, pace_words, stepped
from ..styles import ink
from ..widgets.canvas import Line, seg
from ..widgets.canvas import field as cells
from ..words import safe, wrap
from .dialogs import Dialog, text
from .help import Page


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the screen says. `seconds(pace)`: how long it takes; `sent`: field and value of what is applied; `names`: to whom.

    `left_out`: name and why; `secrets`: to be typed; `count`: to be typed before harm, else 0; `refusal`: why it cannot begin.
    """

    title: str
    go: str
    seconds: Callable[[Pace], float]
    words: Sequence[str] = ()
    warnings: Sequence[str] = ()
    sent: Sequence[tuple[str, str]] = ()
    names: Sequence[str] = ()
    left_out: Sequence[tuple[str, str]] = ()
    secrets: Sequence[Field] = ()
    count: int = 0
    refusal: str = ""
    forgettable: bool = False


@dataclass(frozen=True, slots=True)
class Going:
    """It was agreed to. `forget`: the unfinished one is not wanted any more; `typed`: the secrets by field."""

    pace: Pace
    typed: dict[str, str] = field(default_factory=dict)
    forget: bool = False


class PlanPage(Page):
    """Everything that is said, scrolled by the screen's keys: the focus is on a button or a field."""

    can_focus = False

    def __init__(self, sheet: Sheet, pace: Pace) -> None:
        super().__init__()
        self.sheet, self.pace = sheet, pace

    def all_lines(self, width: int) -> list[Line]:
        sheet, width = self.sheet, max(width, 20)
        hint = keys.fill(_("{bulk_faster} {bulk_slower} pace · {bulk_more} {bulk_fewer} at a time"))
        if sheet.secrets or sheet.count:  # in a field they are text
            hint = _("after tab {hint}").format(hint=hint)
        lasts = f"{pace_words(self.pace)} → {about(sheet.seconds(self.pace))}"
        out: list[Line] = [[seg(lasts, ink.BAR_BOLD), seg(f"   {hint}", ink.BAR_DIM)]]
        if cell_len(lasts) + cell_len(hint) + 3 > width:
            out = [[seg(line, ink.BAR_BOLD)] for line in wrap(lasts, width)]
            out += [[seg(line, ink.BAR_DIM)] for line in wrap(hint, width)]
        for texts, style in ((sheet.words, ink.BAR), (sheet.warnings, ink.BAR_TROUBLE)):
            out += [[seg(line, style)] for words in texts for line in wrap(words, width)]
        if sheet.sent:
            out += [[], [seg(_("What every one of them gets"), ink.BAR_BOLD)], *_table(sheet.sent, width, ink.BAR)]
        if sheet.left_out:
            heading = _("Left out: {n}").format(n=len(sheet.left_out))
            out += [[], [seg(heading, ink.BAR_BOLD)], *_table(sheet.left_out, width, ink.BAR_DIM)]
        if sheet.names:
            heading = _("To be done: {n}").format(n=len(sheet.names))
            more = [_("and {n} more").format(n=len(sheet.names) - NAMED)] if len(sheet.names) > NAMED else []
            lines = wrap("  ".join([*sheet.names[:NAMED], *more]), width - 2)
            out += [[], [seg(heading, ink.BAR_BOLD)], *([seg(f"  {line}", ink.BAR_DIM)] for line in lines)]
        return out


NAMED: Final = 500
"""So many are named."""


def _table(rows: Sequence[tuple[str, str]], width: int, style: Style) -> list[Line]:
    column = min(max(cell_len(name) for name, _words in rows) + 2, width // 2)
    out: list[Line] = []
    for name, words in rows:
        first, *more = wrap(words, max(width - column - 2, 10)) or [""]
        out.append([cells(f"  {name}", column + 2, ink.BAR), seg(first, style)])
        out += [[seg(" " * (column + 2) + line, style)] for line in more]
    return out


AROUND: Final = 6
"""Lines of the box that are neither the page nor fields: its border, the problem, the buttons, gaps."""


class PlanScreen(Dialog[Going | None]):
    """Gives Going, or None when nothing is to be done. Where nothing has to be typed Cancel has the focus."""

    TAKES_TYPED = False
    CSS = "PlanScreen > #box { width: 84; overflow: hidden; } PlanScreen .label { width: 20; }"
    BINDINGS = [
        *moves("scroll", page=8), bind("yes", "go"), bind("bulk_faster", "pace(1, 0)"), bind("bulk_slower", "pace(-1, 0)"),
        bind("bulk_more", "pace(0, 1)"), bind("bulk_fewer", "pace(0, -1)"), bind("bulk_forget", "forget"),
    ]  # fmt: skip

    def __init__(self, sheet: Sheet, pace: Pace) -> None:
        super().__init__()
        self.sheet, self.page = sheet, PlanPage(sheet, pace)

    def compose(self) -> ComposeResult:
        sheet = self.sheet
        with Vertical(id="box") as box:
            box.border_title = Content(sheet.title)
            yield self.page
            for asked in sheet.secrets:
                with Horizontal(classes="line"):
                    yield text(_(asked.title), "label")
                    yield Input(id=asked.name, password=True, max_length=500)
            if sheet.count:
                with Horizontal(classes="line"):
                    yield text(_("Type how many: {n}").format(n=sheet.count), "label")
                    yield Input(id="count", max_length=10)
            yield text(safe(sheet.refusal), "warn", id="problem")
            with Horizontal(classes="buttons"):
                yield Button(f"{_('Cancel')} (esc)", id="cancel")
                if sheet.forgettable:
                    yield Button(labelled(_("Forget it"), "bulk_forget"), id="forget")
                yield Button(labelled(sheet.go, "yes"), id="go", disabled=bool(sheet.refusal))

    def on_mount(self) -> None:
        for field_ in self.query(Input):
            field_.cursor_blink = False
        fields = [*self.query(Input)]
        (fields[0] if fields and not self.sheet.refusal else self.query_one("#cancel")).focus()
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        width = min(self.app.size.width, 84) - 6
        room = self.app.size.height - AROUND - len(self.query(Input))
        lines = len(self.page.all_lines(width))
        self.page.styles.height = max(min(lines, room), 1)
        box = self.query_one("#box")
        box.border_subtitle = _("↑↓ shows the rest") if lines > room else ""

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_scroll(self, by: int) -> None:
        self.page.action_scroll(by)

    def action_pace(self, starts: int, flying: int) -> None:
        self.page.pace = stepped(self.page.pace, starts, flying)
        self.page.sync()

    def action_forget(self) -> None:
        if self.sheet.forgettable:
            self.dismiss(Going(self.page.pace, forget=True))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        {"go": self.action_go, "forget": self.action_forget}.get(event.button.id or "", self.action_close)()

    def on_input_changed(self) -> None:
        self._problem("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        fields = [*self.query(Input)]
        following = fields.index(event.input) + 1
        if event.value and following < len(fields):
            fields[following].focus()
        else:
            self.action_go()

    def _problem(self, words: str) -> None:
        self.query_one("#problem", Static).update(words)

    def action_go(self) -> None:
        """Begin, once everything is typed."""
        sheet = self.sheet
        if sheet.refusal:
            return
        typed = {asked.name: self.query_one(f"#{asked.name}", Input).value for asked in sheet.secrets}
        for asked in sheet.secrets:
            if not typed[asked.name]:
                self.query_one(f"#{asked.name}", Input).focus()
                words = _("{field}: the server does not tell it, so it has to be typed again.")
                self._problem(words.format(field=_(asked.title)))
                return
        if sheet.count and self.query_one("#count", Input).value.strip() != str(sheet.count):
            self.query_one("#count", Input).focus()
            self._problem(_("Type {n} to go on; nothing was done.").format(n=sheet.count))
            return
        self.dismiss(Going(self.page.pace, typed))

