"""Lines of which the newest is first, a few words below about the one under the cursor: the log of calls, the audit log."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import BindingType

from ... import keys
from ...i18n import _, n_
from ..bindings import moves
from ..styles import ink
from ..widgets.canvas import Line, field, seg
from ..words import DOT, fit, safe, wrap
from .rolls import Roll

Thing = TypeVar("Thing")


class Newest(Roll, Generic[Thing]):
    """The cursor stays on its line while new ones arrive; on the first one it stays with whatever is the newest."""

    can_focus = True
    DEFAULT_CSS = "Newest { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = moves(page=15, space=False)
    DETAIL = 4
    """Lines below the list, the rule above them included."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._chosen: Hashable = None
        self._frozen: list[Thing] | None = None

    # -- what a subclass tells -----------------------------------------------------------------------------------------

    def all(self) -> Sequence[Thing]:
        """Everything there is, oldest first."""
        raise NotImplementedError

    def ident(self, thing: Thing) -> Hashable:
        """What tells it from the others."""
        raise NotImplementedError

    def haystack(self, thing: Thing) -> str:
        """What words of a filter are looked for in, in small letters."""
        raise NotImplementedError

    def title(self, count: int) -> list[str]:
        """What this is, and how much of it is shown."""
        raise NotImplementedError

    def row(self, thing: Thing, width: int) -> Line:
        """Its line, without the mark of the cursor."""
        raise NotImplementedError

    def about(self, thing: Thing, width: int) -> list[Line]:
        """More of it, DETAIL - 1 lines at most."""
        raise NotImplementedError

    def hints(self) -> list[tuple[str, str]]:
        """(key, what it does) between filter and close, in their order."""
        raise NotImplementedError

    def remark(self) -> str:
        """Instead of the lines, when there are none."""
        return ""

    # -- what is shown -------------------------------------------------------------------------------------------------

    def set_filter(self, words: str) -> None:
        """Show what has all these words, `!word` none of them."""
        self.filter = words
        self.sync()

    def turn(self) -> None:
        """Hold still, or go on."""
        self._frozen = list(self.all()) if self._frozen is None else None
        self.sync()

    @property
    def things(self) -> list[Thing]:
        """What the filter lets through, newest first."""
        every = reversed(self.all() if self._frozen is None else self._frozen)
        words = [(not word.startswith("!"), word.lstrip("!")) for word in self.filter.lower().split() if word.lstrip("!")]
        if not words:
            return list(every)
        return [thing for thing in every if all((word in self.haystack(thing)) is wanted for wanted, word in words)]

    def _at(self, things: list[Thing]) -> int:
        return next((index for index, thing in enumerate(things) if self.ident(thing) == self._chosen), 0)

    @property
    def current(self) -> Thing | None:
        """The one under the cursor."""
        things = self.things
        return things[self._at(things)] if things else None

    def action_move(self, by: int) -> None:
        things = self.things
        if things:
            index = max(0, min(self._at(things) + by, len(things) - 1))
            self._chosen = None if index == 0 else self.ident(things[index])
            self.sync()

    def on_click(self, event: events.Click) -> None:
        things = self.things
        at = self._at(things)
        index = self._top(len(things), at) + event.y - 1
        if 1 <= event.y <= self._body and index < len(things):
            self.action_move(index - at)
        else:
            super().on_click(event)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    # -- drawing -------------------------------------------------------------------------------------------------------

    @property
    def _body(self) -> int:
        return max(self.size.height - 2 - self.DETAIL, 1)

    def _top(self, count: int, at: int) -> int:
        return max(0, min(at - self._body // 2, count - self._body))

    def lines(self) -> list[Line]:
        width, most = self.size.width, max(self.size.height - 1 - self.DETAIL, 1)
        things = self.things
        at = self._at(things)
        top = self._top(len(things), at)
        out: list[Line] = [[field(" " + DOT.join(self._title(len(things))), width, ink.BAR_BOLD)]]
        if not things and (remark := self.remark()):
            out += [[field(f" {line}", width, ink.DIM)] for line in wrap(remark, max(width - 2, 10))]
        for index, thing in enumerate(things[top : top + self._body], top):
            line: Line = [seg(" ▸ " if index == at else "   ", ink.KEY), *self.row(thing, width - 3)]
            out.append([seg(text, ink.on_cursor(style or ink.BASE)) for text, style, _c in line] if index == at else line)
        out += [[] for _line in range(most - len(out))]
        below: list[Line] = [[seg("─" * width, ink.FAINT)], *(self.about(things[at], width) if things else [])]
        below += [[] for _line in range(self.DETAIL - len(below))]
        return [*out[:most], *below[: self.DETAIL], self._keys()]

    def _title(self, count: int) -> list[str]:
        parts = self.title(count)
        if self.filter:
            parts.append(f"/{safe(self.filter)}")
        if self._frozen is not None:
            since = max(len(self.all()) - len(self._frozen), 0)
            parts.append(n_("holds still, {n} came since", "holds still, {n} came since", since))
        return parts

    def _keys(self) -> Line:
        pause = _("Go on") if self._frozen is not None else _("Hold still")
        named = [*self.hints(), (keys.name("filter"), _("Filter")), (keys.name("tape_pause"), pause),
                 (keys.name("tape_save"), _("Save")), ("esc", _("Close"))]  # fmt: skip
        line: Line = [part for key, title in named for part in (seg(f" {key} ", ink.BAR_KEY), seg(f"{title}  ", ink.BAR_DIM))]
        used = sum(segment.cell_length for segment in line)
        return [*line, seg(fit("", max(self.size.width - used, 0)), ink.BAR)]
