"""The tape: what the streams tell, live. Newest last; it follows the end until somebody scrolls, and holds still on a key."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult

from ... import keys
from ...api.errors import RyzeError
from ...api.events import ACCOUNT_STREAM
from ...i18n import _, n_
from ..bindings import bind, moves
from ..reel import LOST, Item, parse
from ..styles import ink
from ..ticks import Coalescer
from ..widgets.canvas import Line, field, seg
from ..words import DOT, fit, safe, wrap
from .rolls import FilterLine, Roll, RollScreen, copy, save
from .whole import WholeScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...api.events import Event
    from ...operations.account import Account
    from ...operations.tape import Taken
    from ..reel import Reel

EVERY: Final = 2.0
"""Seconds between two looks at whose stream is open."""
HEAD: Final = 2
DETAIL: Final = 3


class TapePane(Roll):
    """Only the lines that are seen are made; what the filter lets through is kept up as events come."""

    can_focus = True
    DEFAULT_CSS = "TapePane { width: 1fr; height: 1fr; }"
    BINDINGS = moves(paging="page", space=False)

    def __init__(self, reel: Reel) -> None:
        super().__init__(id="tape")
        self.reel = reel
        self.filter, self.trouble = "", ""
        self.unheard: Callable[[], tuple[int, int]] = lambda: (0, 0)
        """How many instances tell nothing here: because their stream is off, and because it is not open at this moment."""
        self.frozen: int | None = None
        self._matches = parse("")
        self._passed: deque[int] = deque()
        self._upto = 0
        self._cursor: int | None = None
        """The number that the cursor is on; None: the newest, whichever that is."""

    # -- what is shown -------------------------------------------------------------------------------------------------

    def set_filter(self, words: str) -> None:
        """Show what matches."""
        self.filter, self._matches = words, parse(words)
        self._passed.clear()
        self._upto = self.reel.first
        self.sync()

    def turn(self) -> None:
        """Hold still, or go on."""
        self.frozen = self.reel.count if self.frozen is None else None
        self.sync()

    def _take(self) -> None:
        """Up to what came last, or to where it holds still; what the ring dropped goes."""
        end = self.reel.count if self.frozen is None else self.frozen
        for item in self.reel.since(self._upto):
            if item.number >= end:
                break
            if self._matches(item):
                self._passed.append(item.number)
        self._upto = max(self._upto, end)
        while self._passed and self._passed[0] < self.reel.first:
            self._passed.popleft()

    @property
    def items(self) -> list[Item]:
        """What the filter lets through, oldest first."""
        self._take()
        return [item for number in self._passed if (item := self.reel.get(number)) is not None]

    @property
    def _at(self) -> int:
        shown = self._passed
        if self._cursor is None or not shown:
            return len(shown) - 1
        return next((index for index, number in enumerate(shown) if number >= (self._cursor or 0)), len(shown) - 1)

    @property
    def current(self) -> Item | None:
        """The event under the cursor."""
        self._take()
        return self.reel.get(self._passed[self._at]) if self._passed else None

    def action_move(self, by: int) -> None:
        self._take()
        if self._passed:
            at = max(0, min(self._at + by, len(self._passed) - 1))
            self._cursor = None if at == len(self._passed) - 1 else self._passed[at]
            self.sync()

    def action_page(self, by: int) -> None:
        self.action_move(by * self._body)

    def on_click(self, event: events.Click) -> None:
        index = self._top() + event.y - HEAD
        if HEAD <= event.y < HEAD + self._body and index < len(self._passed):
            self.action_move(index - self._at)
        else:
            super().on_click(event)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    # -- drawing -------------------------------------------------------------------------------------------------------

    @property
    def _body(self) -> int:
        return max(self.size.height - HEAD - DETAIL - 1, 1)

    def _top(self) -> int:
        if self._cursor is None:
            return max(0, len(self._passed) - self._body)
        return max(0, min(self._at - self._body // 2, len(self._passed) - self._body))

    def lines(self) -> list[Line]:
        self._take()
        width, top, at = self.size.width, self._top(), self._at
        out: list[Line] = [[field(" " + self._title(), width, ink.BAR_BOLD)], self._remark(width)]
        for index in range(top, min(top + self._body, len(self._passed))):
            item = self.reel.get(self._passed[index])
            if item is not None:
                out.append(self._event_line(item, index == at, width))
        while len(out) < self.size.height - DETAIL - 1:
            out.append([])
        return [*out, *self._detail(width), self._keys()]

    def _title(self) -> str:
        parts = [_("Tape of events"), n_("{n} event", "{n} events", len(self._passed))]
        if self.filter:
            parts.append(f"/{safe(self.filter)}")
        if dropped := self.reel.first:
            parts.append(n_("{n} older dropped", "{n} older dropped", dropped))
        if self.frozen is not None:
            parts.append(n_("holds still, {n} came since", "holds still, {n} came since", self.reel.count - self.frozen))
        return DOT.join(parts)

    def _remark(self, width: int) -> Line:
        """What is wrong, or cannot be seen from here."""
        if self.trouble:
            return [field(f" {safe(self.trouble)}", width, ink.WARN)]
        off, shut = self.unheard()
        if off:
            words = n_("{n} instance tells nothing here: its stream is off ({stream} on the list).",
                       "{n} instances tell nothing here: their streams are off ({stream} on the list).", off)  # fmt: skip
            return [field(" " + keys.fill(words), width, ink.DIM)]
        if shut:
            words = n_("{n} instance is not heard: its stream is not open at this moment.",
                       "{n} instances are not heard: their streams are not open at this moment.", shut)  # fmt: skip
            return [field(f" {words}", width, ink.DIM)]
        return []

    def _event_line(self, item: Item, here: bool, width: int) -> Line:
        name = max(8, min(24, width // 5))
        if item.event == LOST:
            return [seg(" ▸ " if here else "   ", ink.KEY), field(f"── {item.told} ──", max(width - 3, 1), ink.WARN)]
        line: Line = [
            seg(" ▸ " if here else "   ", ink.KEY), field(time.strftime("%H:%M:%S", time.localtime(item.at)), 9, ink.DIM),
            field(f"{fit(safe(item.instance), name)} ", name + 1, ink.BASE), field(fit(safe(item.event), 17), 18, ink.GOOD),
            field(item.told, max(width - name - 31, 1), ink.BASE),
        ]  # fmt: skip
        return [seg(part, ink.on_cursor(style or ink.BASE)) for part, style, _control in line] if here else line

    def _detail(self, width: int) -> list[Line]:
        out: list[Line] = [[seg("─" * width, ink.FAINT)]]
        item = self.reel.get(self._passed[self._at]) if self._passed else None
        if item is not None:
            out += [[field(f" {part}", width, ink.BASE)] for part in wrap(item.told, max(width - 2, 10))[: DETAIL - 1]]
        return [*out, *[[] for _missing in range(DETAIL - len(out))]]

    def _keys(self) -> Line:
        pause = _("Go on") if self.frozen is not None else _("Hold still")
        hints = ((keys.name("choose"), _("JSON")), (keys.name("filter"), _("Filter")), (keys.name("tape_pause"), pause),
                 (keys.name("tape_save"), _("Save")), (keys.name("copy"), _("Copy")), ("esc", _("Close")))  # fmt: skip
        line: Line = []
        for key, title in hints:
            line += [seg(f" {key} ", ink.BAR_KEY), seg(f"{title} ", ink.BAR_DIM)]
        used = sum(segment.cell_length for segment in line)
        return [*line, seg(" " * max(self.size.width - used, 0), ink.BAR)]


class TapeScreen(RollScreen[TapePane]):
    """Of a server with the account's stream it opens one of its own, for every event, while it is shown."""

    AUTO_FOCUS = "#tape"
    BINDINGS = [
        bind("close", "close"), bind("close_too", "close"), bind("tape", "close"), bind("copy", "copy"),
        bind("filter", "filter"), bind("choose", "json"), bind("tape_pause", "turn"), bind("tape_save", "save"),
    ]  # fmt: skip

    def __init__(self, account: Account, reel: Reel, name: str = "") -> None:
        """`name`: of one instance only, to begin with."""
        super().__init__()
        self._account = account
        self.pane = TapePane(reel)
        self.pane.set_filter(f"name:{name}" if name else "")
        self.line = FilterLine(_("words, event:call, name:sales, !word; enter keeps it, esc clears it"))
        self._coalescer = Coalescer(self.pane.sync, lambda: False, lambda error: self.app._handle_exception(error))
        self.own = ACCOUNT_STREAM in account.server.extensions and account.look is not None
        """Whether events come from a stream of its own, and what the console's hears besides is not shown twice."""

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.line

    def on_mount(self) -> None:
        self.pane.focus()
        if self.own:
            self.run_worker(self._follow(), group="tape", exclusive=True)
        else:
            self.pane.unheard = self._unheard
            self.set_interval(EVERY, self.pane.sync)
            self.pane.sync()

    def on_unmount(self) -> None:
        self._coalescer.stop()

    def _unheard(self) -> tuple[int, int]:
        account = self._account
        off = [name for name, row in account.model.rows.items() if not row.item.streaming]
        return len(off), sum(not account.covers(name) for name in account.model.rows.keys() - set(off))

    async def _follow(self) -> None:
        from ...operations.tape import Tape

        look = self._account.look
        assert look is not None
        self._tell(_("opening the stream…"))
        tape = Tape(
            look.account_socket, take=self._taken, told=self._tell, lost=lambda: self._put("", LOST, {}), began=time.monotonic()
        )
        try:
            opened = self.set_timer(1.0, lambda: self._tell("") if self.pane.trouble == _("opening the stream…") else None)
            await tape.run()
        except RyzeError as error:
            opened.stop()
            self._tell(error.message)

    def _taken(self, taken: Taken) -> None:
        data = taken.frame.get("data")
        self._put(taken.instance, taken.event, data if isinstance(data, dict) else {})

    def _put(self, name: str, event: str, data: dict[str, object]) -> None:
        self.pane.reel.add(name, event, data)
        self._coalescer.poke()

    def heard(self, event: Event) -> None:
        """Another one was put on the reel by the console."""
        self._coalescer.poke()

    def _tell(self, words: str) -> None:
        self.pane.trouble = words
        self._coalescer.poke()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_json(self) -> None:
        if (item := self.pane.current) is not None and item.event != LOST:
            masked, revealed = (json.dumps(item.line(reveal=open), ensure_ascii=False, indent=2) for open in (False, True))
            self.app.push_screen(WholeScreen(f"{item.instance} · {item.event}", masked, revealed))

    def action_copy(self) -> None:
        if (item := self.pane.current) is not None:
            copy(self.app, json.dumps(item.line(), ensure_ascii=False))

    def action_save(self) -> None:
        items = [item for item in self.pane.items if item.event != LOST]
        lines = [json.dumps(item.line(), ensure_ascii=False) for item in items]
        save(self.app, "events", lines, n_("{n} event", "{n} events", len(items)))
