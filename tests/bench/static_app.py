"""The reference for start-up: the smallest Textual application there is."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class StaticApp(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """Only the line."""
        yield Static("READY")


if __name__ == "__main__":
    StaticApp().run()
