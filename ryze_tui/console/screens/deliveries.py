"""What became of a webhook's deliveries, and sending one again; opened from the edit screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ... import keys
from ...i18n import _, mark, n_
from ...operations.outcome import Outcome
from ..bindings import bind, moves
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import fit, safe
from .dialogs import Dialog, text

if TYPE_CHECKING:
    from rich.style import Style

    from ...api.deliveries import Delivery
    from ...operations.configuring import Configuring

_STYLES: Final[dict[str, Style]] = {"delivered": ink.BAR_GOOD, "dead": ink.BAR_BAD, "pending": ink.BAR_TROUBLE}
_MARKS: Final = {"delivered": "●", "dead": "✖", "pending": "◌"}
_WORDS: Final = {"delivered": mark("delivered"), "dead": mark("dead"), "pending": mark("pending")}
HEIGHT: Final = 12


class Log(Canvas):
    """One line for each delivery, and below what is known of the one under the cursor."""

    can_focus = True
    ground = ink.BAR
    BINDINGS = moves(page=10)

    def __init__(self) -> None:
        super().__init__(id="log")
        self.rows: list[Delivery] = []
        self.words = _("Reading…")
        self._status = max(13, *(cell_len(_(word)) + 4 for word in _WORDS.values()))
        self.at = 0
        self.styles.height = HEIGHT + 2

    @property
    def current(self) -> Delivery | None:
        """The one under the cursor."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def show(self, rows: list[Delivery], words: str) -> None:
        """Other rows; `words` in place of none."""
        kept = self.current
        self.rows, self.words = rows, words
        self.at = next((index for index, row in enumerate(rows) if kept is not None and row.id == kept.id), 0)
        self.sync()

    def action_move(self, by: int) -> None:
        self.at = max(0, min(self.at + by, len(self.rows) - 1))
        self.sync()

    def on_click(self, event: events.Click) -> None:
        top = max(0, min(self.at - HEIGHT // 2, len(self.rows) - HEIGHT))
        if event.y < min(HEIGHT, len(self.rows)):
            self.action_move(top + event.y - self.at)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def lines(self) -> list[Line]:
        if not self.rows:
            return [[seg(self.words, ink.BAR_DIM)], *[[] for _line in range(HEIGHT + 1)]]
        top = max(0, min(self.at - HEIGHT // 2, len(self.rows) - HEIGHT))
        out = [self._row(row, top + index == self.at) for index, row in enumerate(self.rows[top : top + HEIGHT])]
        out += [[] for _line in range(HEIGHT + 1 - len(out))]
        row = self.rows[self.at]
        said = row.answer or (_("no answer yet") if row.status == "pending" else _("nothing was said"))
        return [*out, [seg(fit(f"{row.id}  {safe(said)}", self.size.width), ink.BAR_DIM)]]

    def _row(self, row: Delivery, here: bool) -> Line:
        style = _STYLES.get(row.status, ink.BAR)
        line: Line = [
            seg("▸ " if here else "  ", ink.BAR_KEY), field(row.created_at[:19].replace("T", " "), 20, ink.BAR_DIM),
            field(f"{_MARKS.get(row.status, '?')} {_(_WORDS.get(row.status, row.status))}", self._status, style),
            field(row.event, 18, ink.BAR_BOLD if here else ink.BAR),
            field(str(row.http) if row.http is not None else "–", 5, ink.BAR),
            seg(n_("{n} try", "{n} tries", row.attempts), ink.BAR_DIM),
        ]  # fmt: skip
        return line


class DeliveriesScreen(Dialog[None]):
    """`r` sends the one under the cursor again; `R` reads the log anew."""

    TAKES_TYPED = False
    BINDINGS = [bind("redeliver", "redeliver"), bind("deliveries_read", "read"), bind("close_too", "close")]

    def __init__(self, configuring: Configuring, name: str, label: str) -> None:
        super().__init__()
        self._configuring, self._instance, self._label = configuring, name, label
        self.log_lines = Log()

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            title = _("Deliveries of {label}, {name}").format(label=safe(self._label), name=safe(self._instance))
            box.border_title = Content(title)
            yield self.log_lines
            yield text("", "gap")
            words = _("{redeliver} sends it again under the same id · {deliveries_read} reads anew · esc closes")
            yield text(keys.fill(words), "dim")

    def on_mount(self) -> None:
        self.log_lines.focus()
        self.action_read()

    def action_read(self) -> None:
        self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        found = await self._configuring.deliveries(self._instance, self._label)
        if not isinstance(found, Outcome):
            self.log_lines.show(found, _("Nothing was delivered yet."))
        elif found.status == 404:
            self.log_lines.show([], _("This server keeps no log of deliveries; it is an extension of ours."))
        else:
            self.log_lines.show([], safe(found.message))

    def action_redeliver(self) -> None:
        if (row := self.log_lines.current) is not None:
            self.run_worker(self._again(row), exclusive=False)

    async def _again(self, row: Delivery) -> None:
        outcome = await self._configuring.redeliver(self._instance, row.id)
        severity = "information" if outcome.ok else "warning"
        self.app.notify(safe(outcome.message), severity=severity, markup=False)  # type: ignore[arg-type]
        await self._read()
