"""Choosing a theme: every line is shown at once on the whole program; enter keeps it, escape takes the earlier one again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from ...i18n import _
from .. import themes
from ..bindings import bind, moves
from ..styles import ink
from ..widgets.canvas import Canvas, Line, field, seg
from .dialogs import Dialog, text

if TYPE_CHECKING:
    from ..app import RyzeConsole


class ThemeList(Canvas):
    """The names; the one under the cursor is worn while it is there."""

    can_focus = True
    ground = ink.BAR
    DEFAULT_CSS = "ThemeList { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*moves(page=8), bind("choose", "screen.keep")]

    def __init__(self, names: list[str], at: str) -> None:
        super().__init__(id="themes")
        self.names = names
        self.at = names.index(at) if at in names else 0
        self._before = names[self.at]

    @property
    def name_at(self) -> str:
        """The one under the cursor."""
        return self.names[self.at]

    def action_move(self, by: int) -> None:
        at = max(0, min(self.at + by, len(self.names) - 1))
        if at != self.at:
            self.at = at
            self.sync()
            themes.change(self.app, self.name_at)  # type: ignore[arg-type]

    def _top(self) -> int:
        height = max(self.size.height, 1)
        return max(0, min(self.at - height // 2, len(self.names) - height))

    def on_click(self, event: events.Click) -> None:
        at = self._top() + event.y
        if at < len(self.names):
            again = at == self.at
            self.action_move(at - self.at)
            if again:
                self.call_next(self.run_action, "screen.keep")

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1)

    def lines(self) -> list[Line]:
        top = self._top()
        out: list[Line] = []
        for index, name in enumerate(self.names[top : top + self.size.height], top):
            here = index == self.at
            about = {themes.OWN: _("our own"), themes.ANSI: _("the terminal's own 16 colours")}.get(name, "")
            about = " · ".join(part for part in (_("as before") if name == self._before else "", about) if part)
            inks = (ink.BAR_KEY, ink.BAR_BOLD if here else ink.BAR, ink.BAR_DIM)
            one, two, three = (ink.on_bar_cursor(style) for style in inks) if here else inks
            rest = max(self.size.width - 24, 0)
            out.append([seg("▸ " if here else "  ", one), field(name, 22, two), field(about, rest, three)])
        return out


class ThemeScreen(Dialog[None]):
    """Stays small, so that what is behind it shows the theme."""

    CSS = """
    ThemeScreen { align: right bottom; background: transparent; }
    ThemeScreen > #box { width: 60; height: 16; margin: 1 1; }
    """
    TAKES_TYPED = False

    def __init__(self, now: str) -> None:
        super().__init__()
        self._before = now

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = _("Theme")
            yield ThemeList(themes.names(), self._before)
            if self.app.uncoloured:  # type: ignore[attr-defined]
                yield text(_("NO_COLOR is set: no theme is seen until it is not."), "warn")
            yield text(_("↑↓ shows it · enter keeps it · esc as before"), "dim")

    def on_mount(self) -> None:
        self.query_one(ThemeList).focus()

    def action_close(self) -> None:
        if self.query_one(ThemeList).name_at != self._before:
            themes.change(self.app, self._before)  # type: ignore[arg-type]
        self.dismiss(None)

    def action_keep(self) -> None:
        """Keep it, here and in the configuration file."""
        from ...config import ConfigError, saving

        name, app = self.query_one(ThemeList).name_at, self._program
        self.dismiss(None)
        try:
            saving.save_setting("theme", name)
        except ConfigError as problem:
            words = _("The theme is {name} until you leave; it was not kept: {why}").format(name=name, why=problem)
            app.notify(words, severity="warning", markup=False, timeout=10)
        else:
            app.notify(_("The theme is {name}, and will be next time.").format(name=name), markup=False, timeout=4)

    @property
    def _program(self) -> RyzeConsole:
        return self.app  # type: ignore[return-value]
