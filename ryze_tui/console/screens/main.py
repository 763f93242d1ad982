"""The main screen: header, list, detail or summary, footer; it turns keys into actions and changes into drawing."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from ... import keys
from ...fleet.notes import NotesError
from ...i18n import _
from ..actions import ACTIONS, BY_ID, ON_MARKS, Action
from ..bindings import bind
from ..panes.arrangement import SMALLEST, WIDE, Arrangement, Pane, arrange
from ..panes.footer import Footer
from ..panes.header import Header
from ..panes.instances import InstanceList
from ..panes.linkwords import OLD
from ..panes.marks import Marks
from ..panes.overview import Overview, Summary
from ..panes.standing import dated, instead
from ..panes.titleline import TitleLine
from ..styles import ink
from ..widgets.canvas import Canvas, Line, seg
from ..words import safe, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...fleet.model import Changes, FleetModel, Row
    from ...operations.account import Account
    from ..alerts import Alerts
    from ..app import RyzeConsole
    from ..bulking import Bulking
    from ..panes.order import Order


class TooSmall(Canvas):
    """Instead of a broken screen."""

    def lines(self) -> list[Line]:
        text = _("This terminal is {w}x{h}. ryze-tui needs {mw}x{mh}: make the window larger or the font smaller. {quit} quits.")
        text = keys.fill(text, w=self.app.size.width, h=self.app.size.height, mw=SMALLEST[0], mh=SMALLEST[1])
        return [[seg(line, ink.WARN)] for line in wrap(text, max(self.size.width, 1))]


class MainScreen(Screen[None]):
    """Everything here is light: nothing heavier than a line-drawn widget before the first paint."""

    AUTO_FOCUS = "#instances"
    BINDINGS = [
        bind(action.id, f"do('{action.id}')", action.help) for action in ACTIONS
    ]

    def __init__(self) -> None:
        super().__init__()
        self.header, self.footer = Header(), Footer()
        self.title_line, self.instances = TitleLine(), InstanceList()
        self.overview, self.summary = Overview(), Summary()
        self.marks = self.title_line.marks = self.instances.marks = self.footer.marks = Marks()
        self.bulking: Bulking | None = None
        """What is done to many of this account; None before the first key that needs it."""
        self.alerts: Alerts | None = None
        self._panes: dict[Pane, Widget] = {
            "header": self.header, "title": self.title_line, "list": self.instances, "summary": self.summary,
            "overview": self.overview, "footer": self.footer, "notice": TooSmall(),
        }
        self.detail = False
        self._arrangement = Arrangement(self._place, lambda widget: widget in self._panes.values())
        self.styles.overflow_y = "hidden"
        self.loaded = False
        self._loaded_at = 0.0
        self.kept_at = 0.0
        """Unix second as of which the shown rows were true, while they are those of an earlier run; else 0."""
        self._wanted = ""
        self._order: Order | None = None
        self.instances.empty = _("Starting…")

    @property
    def console_app(self) -> RyzeConsole:
        return self.app  # type: ignore[return-value]

    @property
    def account(self) -> Account | None:
        return self.console_app.account

    @property
    def layout(self) -> Arrangement:
        """Not from a style sheet: `arrange` says where each pane stands."""
        return self._arrangement

    def render_lines(self, crop: Region) -> list[Strip]:
        """The ground below the panes."""
        return [Strip.blank(crop.width, ink.look(ink.BASE))] * crop.height

    def compose(self) -> ComposeResult:
        yield from self._place(self.app.size)

    def on_mount(self) -> None:
        self.set_focus(self.instances, scroll_visible=False)

    def on_resize(self, event: events.Resize) -> None:
        self._fit()

    def on_screen_resume(self) -> None:
        self._fit()  # a resize while a dialog was open went to the dialog only

    @property
    def wide(self) -> bool:
        """Whether list and detail stand side by side."""
        return self.app.size.width >= WIDE

    def _place(self, size: Size) -> dict[Widget, Region]:
        return {self._panes[pane]: region for pane, region in arrange(size, detail=self.detail).items()}

    def _fit(self) -> None:
        """Mount what has a place for the first time; what was hidden lost the focus, and gets it again when it is back."""
        shown = self._place(self.app.size)
        self.mount_all(pane for pane in shown if pane not in self.children)
        self.header.refresh(layout=True)
        if self.focused is not None and self.focused not in shown:
            self.set_focus(None)
        elif self.instances in shown:
            self.call_after_refresh(self._refocus)

    def _refocus(self) -> None:
        if self.focused is None:
            self.set_focus(self.instances, scroll_visible=False)

    def show_detail(self, detail: bool) -> None:
        """The detail in the place of the list, in a terminal where both do not fit beside each other."""
        self.detail = detail
        self._fit()
        self._sync_detail()

    # -- what is shown ---------------------------------------------------------------------------------------------

    def too_early(self, pressed_at: float) -> bool:
        """Whether a key was pressed before the rows that it would act on were on the screen (monotonic seconds)."""
        return self.app.screen is self and self.loaded and pressed_at < self._loaded_at

    def show_kept(self, model: FleetModel, seen: float, *, title: str, host: str) -> None:
        """Rows of an earlier run, as of `seen`, until the server's own list is there."""
        self._show(model, title, host, seen)
        if self._order is not None:
            self._order.take()
            self.instances.restore(anchored=False)
        self.sync_all()

    def detach(self) -> None:
        """Nothing of the account that was shown stays: neither its rows nor what was marked, filtered or opened in them."""
        self.loaded, self.kept_at, self.bulking, self.detail, self._wanted = False, 0.0, None, False, ""
        self._quiet()
        self.marks.clear()
        self.title_line.text = self.title_line.bulk = ""
        self._order = self.title_line.order = self.instances.order = self.header.model = None
        self.instances.empty = _("Starting…")
        self.instances.begin()
        self._fit()

    def mine(self, names: Iterable[str]) -> None:
        """What happens to these now was asked for: no alert."""
        if self.alerts is not None:
            self.alerts.mine(names)

    def _quiet(self) -> None:
        """No alerts of what is not shown any more."""
        if self.alerts is not None:
            self.alerts.stop()
            self.alerts = None

    def noted(self, names: Iterable[str]) -> None:
        """The person held these, took them back, or gave them tags."""
        if self._order is not None:
            self._order.update(names, self.instances.current_name or None, membership=False)
        self.sync_all()

    def attach(self, account: Account, *, title: str, host: str, again: bool = False) -> None:
        """Show this account from now on. `again`: rows kept of it may be on the screen already, and stay."""
        self.overview.notes = account.notes
        self.loaded, self.bulking, self.title_line.bulk = False, None, ""
        self._quiet()
        if not (again and self.kept_at):
            self.marks.clear()
            self._show(account.model, title, host)
            self.title_line.text = ""
        if self._order is not None:
            self._order.notes = account.notes
            self._order.take()
        self.sync_all()

    def _show(self, model: FleetModel, title: str, host: str, kept_at: float = 0.0) -> None:
        from ..panes.order import Order

        self._order, self.kept_at = Order(model), kept_at
        self.title_line.order = self.instances.order = self._order
        self.header.title_text, self.header.host, self.header.model = title, host, model

    def _load(self, order: Order, model: FleetModel) -> None:
        """The server's own list is there."""
        before = [row.name for row in order.rows]
        order.model, self.loaded, self.kept_at = model, True, 0.0
        order.reload()
        if before != [row.name for row in order.rows]:  # else a key that was pressed before meant what it means now
            self._loaded_at = time.monotonic()
        self.instances.restore(anchored=False, home=True)
        if self._wanted:
            self.instances.select(self._wanted)
        self.marks.discard(name for name in self.marks.names if name not in model.rows)
        self.set_timer(0.5, self._behind)  # not in the way of that list

    def _behind(self) -> None:
        """What need not be there with the first list."""
        from ..alerts import Alerts
        from ..moves import look_for_a_bulk

        if self._order is not None and self.loaded:
            self.alerts = Alerts(self.console_app, self._order.model)
        look_for_a_bulk(self)

    def apply(self, changes: Changes | None) -> None:
        """Some rows changed; also called with none when only the link did."""
        account, order = self.account, self._order
        if account is None or order is None:
            return
        if account.model.loaded and not self.loaded:
            self._load(order, account.model)
        elif changes and not self.kept_at:
            self._watch(account, changes)
            order.update(changes.rows, self.instances.current_name or None, membership=changes.order)
            if changes.order:
                self.marks.discard(name for name in changes.rows if name not in order.model.rows)
                self.instances.restore()
        self.sync_all()

    def _watch(self, account: Account, changes: Changes) -> None:
        """Rows that are held until their state changes may have changed; and some may need a look."""
        if self.alerts is not None:
            self.alerts.apply(changes.rows, account.notes.held)
        if account.notes.held and (held := changes.rows & account.notes.held.keys()):
            from ..noting import settle

            rows = account.model.rows
            settle(self.console_app, account.notes, {name: rows[name].state for name in held if name in rows})

    def sync_all(self) -> None:
        """Bring every pane up to date; each draws only what differs."""
        self.instances.empty = self._empty()
        self.sync_link()
        self.sync_marks()

    def sync_marks(self) -> None:
        """Marks came or went."""
        self.title_line.sync()
        self.instances.sync()
        self.footer.sync()

    def sync_link(self) -> None:
        """Header, and what the link's state says about everything below it."""
        account = self.account
        old = account is not None and self.loaded and account.link.kind in OLD
        old = old or self.kept_at > 0
        for pane in (self.header, self.title_line, self.instances, self.overview, self.summary):
            pane.kept_at = self.kept_at
        if self.instances.dimmed != old:
            self.instances.dimmed = old
            self.instances.sync()
        self.header.sync()
        self._sync_detail()
        if self.bulking is not None:
            self.bulking.link_changed()

    def _sync_detail(self) -> None:
        row = self.instances.current
        self.overview.row = self.summary.row = row
        link = self.account.link if self.account is not None else None
        self.overview.dated = self.summary.dated = dated(link, loaded=self.loaded, kept_at=self.kept_at)
        self.summary.old = self.instances.dimmed
        gone = self.instances.current_name if row is None and self.loaded else ""
        self.overview.hint = _("{name} was deleted.").format(name=safe(gone)) if gone else self._empty()
        (self.overview if self.wide or self.detail else self.summary).sync()

    def _empty(self) -> str:
        return instead(self.account, self._order, host=self.header.host, kept_at=self.kept_at)

    # -- keys ------------------------------------------------------------------------------------------------------

    def reason(self, action: Action) -> str:
        """Why an action cannot be done now; empty when it can."""
        row = self.instances.current
        if self.marks and action.id in ON_MARKS:
            row = self.row(self.marks.names[0])
        return action.reason(self.account, row)

    def action_do(self, action_id: str) -> None:
        """Do what the registry says, on the row that is under the cursor now."""
        action, row = BY_ID[action_id], self.instances.current
        self.console_app.note_budget()
        gone = self.instances.current_name if row is None else ""
        reason = self.reason(action)
        if reason:
            self.console_app.refuse(_("{name} was deleted.").format(name=safe(gone)) if gone and self.account else reason)
            return
        from ..moves import MOVES

        if action_id in MOVES:
            MOVES[action_id](self)
        else:
            from .. import verbs

            verbs.start(self.console_app, action_id, row.name if row is not None else "")
        self.header.sync()

    def ask_quit(self) -> None:
        """Leave, or ask first where something would be lost."""
        from ..moves import leave

        leave(self)

    # -- messages --------------------------------------------------------------------------------------------------

    def on_title_line_typed(self, message: TitleLine.Typed) -> None:
        self.filter(message.text)

    def on_title_line_done(self, message: TitleLine.Done) -> None:
        if message.clear:
            self.title_line.text = ""
            self.filter("")
        self.set_focus(self.instances, scroll_visible=False)

    def on_instance_list_moved(self) -> None:
        self._sync_detail()

    def on_instance_list_headed(self, message: InstanceList.Headed) -> None:
        if self._order is not None:
            self._order.sort_by(message.column)
            self.instances.restore(anchored=False)
            self.sync_all()

    def on_header_clicked(self, message: Header.Clicked) -> None:
        """The badge asks whether it is true, a count shows those rows only, the budget what it was spent on."""
        if message.state:
            self.title_line.text = f"state:{message.state}"
            self.filter(self.title_line.text)
        else:
            self.action_do(message.action)

    def on_title_line_clicked(self, message: TitleLine.Clicked) -> None:
        self.action_do(message.action)

    def on_instance_list_opened(self) -> None:
        self.action_do("open")

    @property
    def filtered(self) -> bool:
        """Whether a filter holds rows back."""
        return self._order is not None and bool(self._order.filter)

    def filter(self, text: str) -> None:
        """Show the rows that match; all when it is empty."""
        if self._order is not None:
            self._order.set_filter(text)
            self.instances.restore(anchored=False)
            self.sync_all()

    def row(self, name: str) -> Row | None:
        """A row as it is shown: until the server's list is there, that of an earlier run."""
        return self._order.model.rows.get(name) if self._order is not None else None

    def select(self, name: str) -> None:
        """Put the cursor on an instance (one that was just made)."""
        self.instances.select(name)

    def apply_now(self, name: str) -> None:
        """Draw what is pending and put the cursor on `name`: it was just made by the person."""
        self._apply_one(name)
        if not self.loaded:
            self._wanted = name
        if self._order is not None and self._order.filter and all(row.name != name for row in self._order.rows):
            self.title_line.text = ""
            self.filter("")
        self.select(name)

    def _apply_one(self, name: str) -> None:
        from ...fleet.model import Changes

        self.apply(Changes({name}, order=True))

    def forget(self, name: str) -> None:
        """The person deleted it: no line is kept for it, nor what was noted of it."""
        if self.account is not None:
            with suppress(NotesError):
                self.account.notes.forget(name)
        self._apply_one(name)
        if self._order is not None and name in self._order.gone:
            self._order.bury()
            self.instances.restore()
            self.sync_all()

    def take_order(self, *, following: bool = False) -> None:
        """Sort again as the current order says; `following`: as the next one, when these rows are in order already."""
        if self._order is None:
            return
        if following:
            self._order.next_sort()
            self.instances.restore(anchored=False)
        else:
            self._order.reload()
            self.instances.restore()
        self.sync_all()
