"""The servers and accounts that are known here: change over to one, add, change and remove them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ... import config, keys
from ...api import states
from ...i18n import _
from .. import profiles
from ..accounts import Place
from ..bindings import bind, moves
from ..profiles import Known
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from ..words import DOT, GLYPH, day, fit, safe
from .connect import ConnectScreen
from .dialogs import Dialog, Question, close, text

if TYPE_CHECKING:
    from ..app import RyzeConsole

MOST: Final = 14
BELOW: Final = 2
"""Lines below the list that are not of it."""
COUNTED = (states.BANNED, states.LOGGEDOUT, states.DISCONNECTED, states.CONNECTING, states.CONNECTED, states.UNKNOWN)


class ProfileList(Canvas):
    """One line for each, what was known of its numbers last beside it; below, where the token of the one at the cursor is."""

    can_focus = True
    ground = ink.BAR
    BINDINGS: ClassVar[list[BindingType]] = [*moves(page=8), bind("choose", "screen.open")]

    def __init__(self) -> None:
        super().__init__(id="profiles")
        self.known: list[Known] = []
        self.at = 0
        self.styles.height = 3

    @property
    def current(self) -> Known | None:
        """The one under the cursor."""
        return self.known[self.at] if self.at < len(self.known) else None

    def show(self, known: list[Known], name: str = "") -> None:
        """These from now on, the cursor on `name`, else on the one that is open."""
        self.known = known
        found = [index for index, one in enumerate(known) if (one.name == name if name else one.current)]
        self.at = found[0] if found else max(0, min(self.at, len(known) - 1))
        self.styles.height = max(1, min(len(known), MOST)) + BELOW
        self.sync()

    def action_move(self, by: int) -> None:
        self.at = max(0, min(self.at + by, len(self.known) - 1))
        self.sync()

    @property
    def _height(self) -> int:
        return max(self.size.height - BELOW, 1)

    def _top(self) -> int:
        return max(0, min(self.at - self._height // 2, len(self.known) - self._height))

    def on_click(self, event: events.Click) -> None:
        at = self._top() + event.y
        if at < len(self.known) and event.y < self._height:
            again, self.at = at == self.at, at
            self.sync()
            if again:
                self.call_next(self.run_action, "screen.open")

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1)

    def fitted(self) -> None:
        self.call_after_refresh(self.sync)

    def lines(self) -> list[Line]:
        if not self.known:
            return [[seg(keys.fill(_("None is kept yet: {profile_add} adds one.")), ink.BAR_DIM)]]
        top, width = self._top(), self.size.width
        name = max(8, min(max(cell_len(safe(one.name)) for one in self.known) + 2, width // 3))
        host = max(8, min(max(cell_len(safe(one.host)) for one in self.known) + 2, width // 3))
        out: list[Line] = []
        for index, one in enumerate(self.known[top : top + self._height], top):
            here = index == self.at
            inks = (ink.BAR_KEY, ink.BAR_BOLD if here or one.current else ink.BAR, ink.BAR_DIM)
            mark, bold, dim = (ink.on_bar_cursor(style) for style in inks) if here else inks
            rest = max(width - name - host - 2, 0)
            out.append([
                seg("▸ " if here else "  ", mark), field(safe(one.name), name, bold), field(safe(one.host), host, dim),
                field(remarks(one), rest, dim),
            ])  # fmt: skip
        if self.current is not None:
            out += [[], [seg(fit(about(self.current), width), ink.BAR_DIM)]]
        return out


def about(one: Known) -> str:
    """Where its token is."""
    if one.place is not None and not one.place.keep:
        return _("It ends with this program, and nothing of it is kept.")
    if one.place is not None:
        return keys.fill(_("Its token is kept nowhere; {profile_add} makes a profile of it."))
    return _("Token: {where}").format(where=safe(one.token))


def remarks(one: Known) -> str:
    """What is known of it besides its address: the numbers of last time, and what is special."""
    counts = " ".join(f"{GLYPH[state]}{one.counts[state]}" for state in COUNTED if one.counts.get(state))
    parts = [_("open now")] if one.current else [counts] if counts else []
    if counts and not one.current:
        parts.append(day(one.seen, time.time()))
    if one.read_only:
        parts.append(_("read-only"))
    if one.place is not None:
        parts.append(_("not kept"))
    return DOT.join(parts)


class ProfilesScreen(Dialog[Place]):
    """Gives the place to change over to; nothing when the one that is open stays."""

    CSS = "ProfilesScreen > #box { width: 84; } ProfilesScreen #note { height: auto; }"
    TAKES_TYPED = False
    BINDINGS = [
        bind("close_too", "close"), bind("profiles", "close"), bind("profile_add", "add"), bind("profile_change", "change"),
        bind("profile_remove", "remove"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.list = ProfileList()
        self._settings: config.Config | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = _("Profiles: servers and accounts")
            yield self.list
            yield text("", "gap")
            yield text("", "warn", id="note")
            hints = _("enter opens · {profile_add} add · {profile_change} change · {profile_remove} remove · esc closes")
            yield text(keys.fill(hints), "dim")

    def on_mount(self) -> None:
        self.list.focus()
        self.look()

    @property
    def _program(self) -> RyzeConsole:
        return self.app  # type: ignore[return-value]

    def look(self, name: str = "") -> None:
        """Read the file anew, the cursor on `name`; numbers of last time come a moment later."""
        settings = config.load()
        if settings.problems:
            self.say("\n".join(map(str, settings.problems[:3])))
            self._settings = None
            return
        self._settings = settings
        self.list.show(profiles.listed(self._program, settings), name)
        self._work(self._count)

    async def _count(self) -> None:
        settings = self._settings
        for one in list(self.list.known):
            if settings is None or settings is not self._settings:
                return
            counted = await asyncio.to_thread(profiles.counted, one, settings)
            if settings is self._settings and one in self.list.known:
                self.list.known[self.list.known.index(one)] = counted
                self.list.sync()

    def say(self, words: str) -> None:
        """Below the list, until the next key that says something."""
        self.query_one("#note", Static).update(safe(words) if words else "")

    def _work(self, make: Callable[[], Awaitable[None]]) -> None:
        self.run_worker(make(), group=make.__name__, exclusive=True)

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_open(self) -> None:
        if self.list.current is not None:
            self._work(self._open)

    async def _open(self) -> None:
        known = self.list.current
        if known is None or not (known.current or await profiles.may_leave(self._program)):
            return
        self.say(_("Reading the token of {name}…").format(name=known.name))
        try:
            place = await profiles.read(known)
        except config.ConfigError as problem:
            mends = keys.fill(_("{profile_change} gives it another token"))
            self.say(_("It stays as it is. {why}").format(why=f"{problem}{DOT}{mends}"))
            return
        same = place == self._program.accounts.place
        if same or not known.current or await profiles.may_leave(self._program):  # one that is open may have another token now
            close(self, None if same else place)

    def action_add(self) -> None:
        self._work(self._add)

    async def _add(self) -> None:
        self.say("")
        place = self.list.current.place if self.list.current is not None else None
        first = all(known.place is not None for known in self.list.known)
        form = ConnectScreen(default=first)
        if place is not None and place.keep:  # it is what there is to be kept
            form = ConnectScreen(url=place.url, token=place.token, read_only=place.read_only, default=first)
        profile = await self.app.push_screen_wait(form)
        if profile is not None:
            self.look(profile.name)

    def action_change(self) -> None:
        self._work(self._change)

    async def _change(self) -> None:
        known = self.list.current
        if known is None or self._settings is None:
            return
        if known.place is not None:
            self.say(keys.fill(_("It is no profile, so there is nothing to change: {profile_add} keeps one.")))
            return
        self.say("")
        profile = await self.app.push_screen_wait(ConnectScreen(known.name, known.url, read_only=known.read_only))
        if profile is not None:
            self.look(profile.name)
            if known.current:
                self.say(_("Saved. enter opens it anew with that."))

    def action_remove(self) -> None:
        self._work(self._remove)

    async def _remove(self) -> None:
        from ...config.saving import remove_profile
        from ...config.tokens import forget_token

        known, settings = self.list.current, self._settings
        if known is None or settings is None:
            return
        if known.place is not None:
            self._program.accounts.visited.pop(known.name, None)
            self.look()
            return
        words = _("Its token is forgotten on this machine. The server and its numbers are not touched.")
        if known.current:
            words += " " + _("It stays open until you leave it.")
        title = _("Remove the profile {name}?").format(name=safe(known.name))
        if await self.app.push_screen_wait(Question(title, words, yes=_("Remove"))) is not True:
            return
        try:
            remove_profile(known.name)
        except config.ConfigError as problem:
            self.say(str(problem))
            return
        forget_token(settings.document["profiles"][known.name], known.name)
        self.look()
