"""The reference for a list made of stock widgets: header, DataTable, footer. `table_app.py [ROWS]`.

Key f flips one badge, s changes 1,000 of them a second until it is pressed again, / begins a filter that takes keys until esc.
"""

import random
import sys

from textual import events
from textual.app import App, ComposeResult
from textual.timer import Timer
from textual.widgets import DataTable, Footer, Header

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
BADGES = ("● connected", "○ disconnected", "⚠ logged out", "◌ connecting")


class TableApp(App[None]):
    """Rows as anybody would write them first."""

    BINDINGS = [("f", "flip", "Flip"), ("s", "storm", "Storm"), ("slash", "filter", "Filter"), ("q", "quit", "Quit")]
    text: str | None = None
    storming: Timer | None = None

    def compose(self) -> ComposeResult:
        """Header, table, footer."""
        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        self.states = ["● connected"] * ROWS
        table = self.query_one(DataTable)
        for column, width in (("NAME", 14), ("STATE", 15), ("FOR", 6), ("NUMBER", 15), ("BLOCKS", 8)):
            table.add_column(column, key=column, width=width)
        self.fill()

    def fill(self) -> None:
        """The rows whose name holds what is typed."""
        table = self.query_one(DataTable)
        table.clear()
        for number in range(1, ROWS + 1):
            if not self.text or self.text in f"sim-{number:05d}":
                table.add_row(
                    f"sim-{number:05d}", self.states[number - 1], "3 d", f"55119{number:08d}", "WS·P·", key=str(number)
                )

    def action_flip(self) -> None:
        """Another badge in the third row."""
        table = self.query_one(DataTable)
        now = table.get_cell("3", "STATE")
        table.update_cell("3", "STATE", "○ disconnected" if now == "● connected" else "● connected")

    def action_filter(self) -> None:
        """Keys are text from now on."""
        self.text, self.sub_title = "", "filter"

    def action_storm(self) -> None:
        """Begin or end."""
        if self.storming is not None:
            self.storming.stop()
            self.storming = None
        else:
            self.storming = self.set_interval(1 / 20, self.fifty)

    def fifty(self) -> None:
        """Fifty badges at once, twenty times a second."""
        table = self.query_one(DataTable)
        for _ in range(50):
            number = random.randrange(ROWS)
            self.states[number] = random.choice(BADGES)
            table.update_cell(str(number + 1), "STATE", self.states[number])

    def on_event_of_filter(self, event: events.Key) -> None:
        """One more letter, one less, or the end of it."""
        if event.key == "escape":
            self.text = None
        elif event.key == "backspace":
            self.text = (self.text or "")[:-1]
        elif event.character:
            self.text = (self.text or "") + event.character
        self.sub_title = f"filter {self.text}"
        self.fill()

    async def on_event(self, event: events.Event) -> None:
        """Keys go to the filter while there is one."""
        if isinstance(event, events.Key) and self.text is not None:
            if not event.is_forwarded:
                self.on_event_of_filter(event)
        else:
            await super().on_event(event)


if __name__ == "__main__":
    TableApp().run()
