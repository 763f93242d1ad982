"""The rows of the main screen: those of an earlier run, those of the account that is open, and what happens to them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...fleet.notes import NotesError
from ...i18n import _
from ..actions import BY_ID, ON_ROWS
from ..panes.linkwords import OLD
from ..panes.marks import Marks
from ..panes.standing import dated, instead
from ..words import safe
from .paned import PanedScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...fleet.model import Changes, FleetModel, Row
    from ...operations.account import Account
    from ..alerts import Alerts
    from ..app import RyzeConsole
    from ..bulking import Bulking
    from ..panes.order import Order


class RowedScreen(PanedScreen):
    """Turns changes into drawing. What it shows belongs to one account: `detach` leaves nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = self.title_line.marks = self.instances.marks = self.footer.marks = Marks()
        self.bulking: Bulking | None = None
        """What is done to many of this account; None before the first key that needs it."""
        self.alerts: Alerts | None = None
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

    def too_early(self, key: str, pressed_at: float) -> bool:
        """Whether a key was pressed before the rows that it would act on were on the screen (monotonic seconds)."""
        if self.app.screen is not self or not self.loaded or pressed_at >= self._loaded_at or self.focused is self.title_line:
            return False
        bound = self.active_bindings.get(key)
        action = BY_ID.get(bound.binding.id or "") if bound is not None else None
        return action is not None and (action.id in ON_ROWS or bool(action.reason(self.account, None)))

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

    def show_detail(self, detail: bool) -> None:
        """The detail in the place of the list, in a terminal where both do not fit beside each other."""
        self.detail = detail
        self._fit()
        self._sync_detail()

    def sync_all(self) -> None:
        """Bring every pane up to date; each draws only what differs."""
        self.instances.empty = self._empty()
        self.sync_link()
        self.sync_marks()

    def sync_marks(self) -> None:
        """Marks came or went."""
        self._sync_detail()  # its ages are those of the list
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

    def sort_by(self, column: str) -> None:
        """Another order."""
        if self._order is not None:
            self._order.sort_by(column)
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
