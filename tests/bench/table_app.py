"""The reference for a list made of stock widgets: header, DataTable, footer; keys f flips one badge."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header


class TableApp(App[None]):
    """Fifty rows as anybody would write them first."""

    BINDINGS = [("f", "flip", "Flip"), ("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """Header, table, footer."""
        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        table = self.query_one(DataTable)
        for column, width in (("NAME", 14), ("STATE", 15), ("FOR", 6), ("NUMBER", 15), ("BLOCKS", 8)):
            table.add_column(column, key=column, width=width)
        for number in range(1, 51):
            table.add_row(f"sim-{number:05d}", "● connected", "3 d", f"55119{number:08d}", "WS·P·", key=str(number))

    def action_flip(self) -> None:
        """Another badge in the third row."""
        table = self.query_one(DataTable)
        now = table.get_cell("3", "STATE")
        table.update_cell("3", "STATE", "○ disconnected" if now == "● connected" else "● connected")


if __name__ == "__main__":
    TableApp().run()
