"""What comes after the first paint, in order: the rows of last time, their way to the terminal, and only then the network."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..fleet.keeping import Kept
    from ..fleet.model import FleetModel
    from .app import RyzeConsole

LATER_CSS = """
ModalScreen { background: transparent; }
SearchIcon { display: none; }
ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
PairingScreen ToastRack { dock: bottom; align: right bottom; }
ToastHolder { max-width: 64; }
PairingScreen ToastHolder { max-width: 44; }
Toast { width: auto; max-width: 100%; margin: 0; padding: 0 1; }
ModalScreen, PairingScreen, LogScreen, AuditScreen, BulkScreen, TapeScreen { layers: default lid; }
Lid { layer: lid; width: 100%; height: 100%; background: $ink-ground; }
CommandPalette > .command-palette--help-text { color: $ink-hint; text-style: not bold; }
CommandPalette OptionList > .option-list--option-highlighted { text-style: $ink-chosen; }
CommandPalette Input > .input--cursor {
    background: $input-cursor-background; color: $input-cursor-foreground; text-style: $input-cursor-text-style;
}
CommandPalette Input > .input--placeholder { color: $ink-hint; }
"""
"""Of what opens over the main screen: not parsed before the first paint."""

PAINTED: Final = 0.25
"""Seconds that the rows may take to the terminal before the network's turn comes all the same (too small, it shows none)."""


class Opening:
    """`show(model, seen)` puts rows of last time on the screen; `begin()`: the network's turn, which holds all up for 0.2 s."""

    def __init__(self, app: RyzeConsole, show: Callable[[FleetModel, float], None], begin: Callable[[], None]) -> None:
        self._app, self._show, self._begin = app, show, begin
        self._waiting: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self, url: str, token: str) -> None:
        """Show what is kept of this account, if anything is, and go on."""
        from ..fleet import cache  # what it imports is needed for the server's list too

        kept = cache.look(url, token)
        if kept is None:
            self._begin()
        elif (model := cache.load_few(kept)) is not None:
            self._go_on(model, kept.seen)
        else:
            self._app.run_worker(self._many(kept), group="start")

    async def _many(self, kept: Kept) -> None:
        from ..fleet import cache

        self._go_on(await cache.load(kept), kept.seen)

    def stop(self) -> None:
        """Another account is wanted: nothing of this one comes any more, whatever is still being read."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _go_on(self, model: FleetModel, seen: float) -> None:
        if self._stopped:
            return
        if not model.rows:
            self._begin()
            return
        self._show(model, seen)
        self._waiting = asyncio.get_running_loop().call_later(PAINTED, self.painted)

    def painted(self) -> None:
        """Something was drawn."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
            self._app.call_later(lambda: None if self._stopped else self._begin())


def enable_gc() -> None:
    """Collection was off while everything was imported and the list was read: what is there now stays for ever.

    Nothing is collected first: that would free 4,000 of 100,000 objects, and hold up keys for 50 ms.
    """
    gc.freeze()
    gc.enable()
