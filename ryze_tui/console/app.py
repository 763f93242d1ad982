"""The application: which account is open, how changes reach the screen, how it ends. What keys do is in verbs.py."""

from __future__ import annotations

import asyncio
import gc
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.screen import Screen

from ..i18n import _
from ..preferences import DEFAULT, Preferences
from ..spare import in_words, spare
from . import themes
from .accounts import Accounts, Place
from .bindings import use_keys
from .compat import CellExact
from .crash import log_to_file
from .driver import TerminalDriver
from .ending import on_signals
from .lid import Sizes
from .opening import LATER_CSS, enable_gc
from .reel import Reel
from .screens.main import MainScreen
from .ticks import Coalescer
from .typeahead import TypeAhead
from .words import safe

if TYPE_CHECKING:
    from textual.driver import Driver

    from ..api.events import Event
    from ..fleet.model import Changes
    from ..operations.account import Account
    from ..operations.outcome import Outcome


class RyzeConsole(CellExact):
    """`ryze-tui`. `url` and `token` open an account at once; without them the welcome screen asks."""

    CSS = "Screen { background: $ink-ground; color: $ink-text; }"
    COMMANDS: ClassVar[set[Any]] = set()  # the palette's own import costs 24 ms: it gets its source when it opens
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    TITLE = "ryze-tui"

    def __init__(
        self, url: str = "", token: str = "", *, profile: str = "", read_only: bool = False, locked: bool = False,
        keep: bool = True, preferences: Preferences = DEFAULT,
    ) -> None:  # fmt: skip
        """`read_only`: nothing is changed in this account; `locked`: in none that is opened later either."""
        super().__init__()
        self.preferences, self.rings = preferences, preferences.bell
        use_keys(self, preferences.keys)
        self.filter_output(ascii=bool(preferences.ascii))
        themes.begin(self, preferences.theme)
        self.accounts = Accounts(self, Place(url, token, profile, read_only, keep), locked=locked)
        self.account: Account | None = None
        self.reel = Reel()
        self.shown_budget: tuple[int, int] | None = None
        self.animation_level = "none"
        self._pending: Changes | None = None
        self._coalescer = Coalescer(self._draw, self.behind, self._handle_exception)
        self.typed = TypeAhead(self._key, lambda: self.focused if self._shows else None, self)
        self._clock: asyncio.TimerHandle | None = None
        self._painted = False
        self.main = MainScreen()
        self._sizes = Sizes(self)

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def get_driver_class(self) -> type[Driver]:
        return TerminalDriver

    def on_load(self) -> None:
        on_signals(self)  # before the terminal is taken over: one during start-up must find them in place

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _app: self.redraw())
        self.screen_change_signal.subscribe(self, lambda _screen: self._sizes.cover())

    def on_resize(self, event: events.Resize) -> None:
        self._sizes.resized(event.size)

    async def on_event(self, event: events.Event) -> None:
        if self._sizes.swallows(event) and getattr(event, "key", "") not in ("ctrl+c", "ctrl+q"):
            return
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif event.key in ("ctrl+c", "ctrl+q"):  # also over a dialog, whose bindings hide those of the program
            if not event.is_forwarded:
                self.main.ask_quit()
        elif not event.is_forwarded and self.main.too_early(event.key, event.time):
            self.refuse(_("The list has just come: press the key again."))
        else:
            await self.typed.key(event)

    async def _key(self, event: events.Event) -> None:
        if self._shows:
            await super().on_event(event)

    @property
    def _shows(self) -> bool:
        """There is a screen: at the very beginning there is none yet, and at the end none any more."""
        return not self._exit and bool(self.screen_stack)

    def redraw(self) -> None:
        """Another program had the terminal (ctrl+z): nothing of what we drew can be relied on."""
        self.forget_screen()
        self.screen.refresh(layout=True)

    def post_display_hook(self) -> None:
        """Textual has drawn: after the first time, not after its timers have settled, the network's turn begins (30 ms)."""
        if not self._painted:
            self._painted = True
            self.call_later(self._after_first_paint)
        else:
            self.accounts.painted()
            self._sizes.drawn()

    def _after_first_paint(self) -> None:
        self.accounts.start(self._begin)

    def _begin(self) -> None:
        self.stylesheet.add_source(LATER_CSS, ("ryze_tui", "later"))
        self.stylesheet.update(self.main)
        log_to_file()
        spare.watch(asyncio.get_running_loop().call_soon_threadsafe, partial(self.call_later, self._none_left))
        if self.accounts.place.url:
            self.accounts.open(self.accounts.place, again=True)
        else:
            from .screens.welcome import WelcomeScreen

            self.push_screen(WelcomeScreen())
        self.set_interval(60, self._minute)

    # -- the account -----------------------------------------------------------------------------------------------

    def follow(self, account: Account) -> None:
        """What happens in this account is shown from now on."""
        account.on_changes, account.on_link, account.on_event = self._changed, self._link_changed, self._event
        self.account, self._pending, self.shown_budget, self.reel = account, None, None, Reel()

    def _event(self, event: Event, at: float) -> None:
        """Every event as it arrives, for the screens that listen; those that follow one instance look at the model instead."""
        listening = [screen for screen in self.screen_stack if hasattr(screen, "heard")]
        if not any(getattr(screen, "own", False) for screen in listening):
            self.reel.put(event)
        for screen in listening:
            screen.heard(event)

    def _changed(self, changes: Changes) -> None:
        if self._pending is None:
            self._pending = changes
        else:
            self._pending.merge(changes)
        if not self.main.loaded and self.account is not None and self.account.model.loaded:
            self._draw()  # the first list: nothing comes before it
            return
        self._coalescer.poke()

    def _link_changed(self) -> None:
        account = self.account
        left = account.budget.remaining if account is not None else None
        if self.shown_budget is None or (left is not None and left < 30):
            self.note_budget()
        self._coalescer.poke()

    def note_budget(self) -> None:
        """A key was pressed: show how many requests are left."""
        account = self.account
        if account is not None and account.budget.remaining is not None and account.budget.limit is not None:
            self.shown_budget = (account.budget.remaining, account.budget.limit)

    def _draw(self) -> None:
        changes, self._pending = self._pending, None
        first = self.account is not None and self.account.model.loaded and not self.main.loaded
        self.main.apply(changes)
        if first and not gc.isenabled():
            self.set_timer(0.5, enable_gc)  # not now: the list is on its way to the terminal
        self._watch_clock()

    def _watch_clock(self) -> None:
        """Stale and offline badges count seconds; everything else stands still."""
        ticking = self.account is not None and self.account.link.kind in ("stale", "offline")
        if ticking and self._clock is None:
            self._clock = asyncio.get_running_loop().call_later(1.0, self._second)

    def _second(self) -> None:
        self._clock = None
        self.main.sync_link()
        self._watch_clock()

    def _minute(self) -> None:
        if self.account is not None:
            self.account.now()  # notices that the clock was set
        self.main.sync_all()

    # -- words to the person ---------------------------------------------------------------------------------------

    def say(self, outcome: Outcome) -> None:
        """A toast with the server's own message where there is one."""
        text, name = safe(outcome.message), safe(outcome.name)
        self.notify(
            f"{name}: {text}" if name and name not in text else text,
            severity="information" if outcome.ok else "error",
            markup=False,
            timeout=5 if outcome.ok else 10,
        )

    def refuse(self, reason: str) -> None:
        """A key that cannot act now says why."""
        self.notify(reason, severity="warning", markup=False, timeout=5)

    def _none_left(self) -> None:
        self.refuse(f"{(words := in_words())[0].upper()}{words[1:]}.")

    def push_screen(self, *args: Any, **kwargs: Any) -> Any:
        spare.lend()  # a screen's style sheet is a file
        return super().push_screen(*args, **kwargs)

    def action_command_palette(self) -> None:
        from textual.command import CommandPalette

        from .commands import ActionProvider

        if self.screen is self.main and not CommandPalette.is_open(self):  # type: ignore[arg-type]
            self.push_screen(CommandPalette([ActionProvider], id="--command-palette", placeholder=_("Type a command…")))

    def action_help_quit(self) -> None:
        """Textual's own ctrl+c only shows a hint; here it ends the program, as in every other terminal program."""
        self.main.ask_quit()

    async def action_quit(self) -> None:
        self.main.ask_quit()


def run(
    url: str = "", token: str = "", *, profile: str = "", read_only: bool = False, locked: bool = False, keep: bool = True,
    preferences: Preferences = DEFAULT,
) -> int:  # fmt: skip
    """Run the console; returns the exit code (128 + n when signal n ended it)."""
    app = RyzeConsole(url, token, profile=profile, read_only=read_only, locked=locked, keep=keep, preferences=preferences)
    try:
        app.run(mouse=preferences.mouse)
    finally:
        spare.release()
    sys.stdout.flush()
    return app.return_code or 0
