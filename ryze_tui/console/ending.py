"""How a signal ends the console: the terminal is left as it was, and what was typed and cannot be asked about is kept."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import RyzeConsole


def on_signals(app: RyzeConsole) -> None:
    """Textual leaves the alternate screen behind when a signal ends the process. Before the terminal is taken over."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end_by, app, number)


def end_by(app: RyzeConsole, number: int) -> None:
    """SIGHUP is a line that was cut: nobody can be asked whether to save, so screens keep what they have (`keep_typed`)."""
    for screen in app.screen_stack:
        if keep := getattr(screen, "keep_typed", None):
            keep()
    app.exit(return_code=128 + number)
