"""The pages of an instance's blocks: tabs, what is read for each, its form, and what is said below it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from ... import keys
from ...i18n import _
from ...operations.configuring import DEFAULT_LABEL, Configuring, Held
from ...operations.outcome import Outcome
from ..bindings import bind, labelled
from ..forms.block import BlockForm
from ..forms.pages import TABS, Page, PageLine, TabLine, tab_keys
from ..panes.arrangement import LIST_MOST, WIDE
from ..panes.linkwords import badge as link_badge
from ..words import badge, safe
from .dialogs import text
from .jsonverbs import JsonVerbs
from .notes import note

if TYPE_CHECKING:
    import asyncio

    from ...operations.account import Account

_KINDS: Final = {key: kinds for key, _title, kinds in TABS}


class Buttons(Horizontal):
    """Arrow keys lead from one to the next, and back into the form."""

    BINDINGS = [bind("button_previous", "app.focus_previous"), bind("button_next", "app.focus_next")]


class EditPages(JsonVerbs):
    """Beside the list where there is room, else over it. It stays with its instance, whatever happens to the list."""

    TAKES_TYPED = False
    CSS_PATH = ["../styles/dialogs.tcss", "../styles/forms.tcss"]  # type: ignore[assignment]

    def __init__(self, account: Account, configuring: Configuring, name: str, tab: str = "2") -> None:
        super().__init__()
        self.account, self.configuring, self.instance = account, configuring, name
        self.drafts = configuring.drafts
        self.tabs, self.line = TabLine(), PageLine()
        self.tabs.at = tab
        self._pages: dict[str, list[Page]] = {key: [Page(kind) for kind in kinds] for key, kinds in _KINDS.items()}
        self._pages["4"] = [Page("webhook", DEFAULT_LABEL)]
        self._turned = dict.fromkeys(_KINDS, 0)
        self.saving = ""
        self._into = False
        self._title = ""
        self.reading: asyncio.Task[Held | Outcome] | None = None

    # -- layout --------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield self.tabs
            yield self.line
            yield Vertical(id="body")
            yield text("", "dim", id="help")
            yield text("", "warn", id="note")
            with Buttons(classes="buttons"):
                yield Button(labelled(_("Review"), "edit_review"), id="review")
                yield Button(labelled(_("Revert"), "edit_revert"), id="revert")
                yield Button(f"{_('Close')} (esc)", id="close")

    def on_mount(self) -> None:
        self._fit()
        self._show_title()
        self.set_interval(1.0, self._show_title)
        self.set_focus(self.line)
        self._open()

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self._show_title()

    def _fit(self) -> None:
        box, (width, height) = self.query_one("#box"), self.app.size
        left = min(width * 56 // 100, LIST_MOST) if width >= WIDE else 0
        box.styles.width, box.styles.height = width - left, height - 2 if left else height
        box.styles.margin = (1, 0, 1, 0) if left else 0
        box.set_class(height < 20, "-low")
        box.set_class(width - left < 48, "-narrow")
        labels = sum(cell_len(str(button.label)) for button in self.query(Button))
        box.set_class(labels + 19 > width - left, "-slim")  # three buttons, 6 cells around each label

    def _show_title(self) -> None:
        """The instance and its state as they are now; the link as well where this screen covers the header."""
        row = self.account.model.rows.get(self.instance)
        words = [safe(self.instance), badge(row.state) if row is not None else _("✖ not on the server")]
        if self.app.size.width < WIDE:
            words.append(link_badge(self.account.link, time.monotonic())[0])
        title = "  ".join(words)
        if title != self._title:
            self._title = title
            self.query_one("#box").border_title = Content(title)

    # -- which page ----------------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page:
        """The one that is shown."""
        return self._pages[self.tabs.at][self._turned[self.tabs.at]]

    @property
    def form(self) -> BlockForm | None:
        """Its form, once it was read; that of another page may still be going."""
        return next((form for form in self.query(BlockForm) if form.edit is self.page.edit), None)

    @property
    def dirty(self) -> list[Page]:
        """Pages with something that is not saved."""
        return [page for pages in self._pages.values() for page in pages if page.dirty]

    def keep_typed(self) -> None:
        """The terminal goes away, and nobody can be asked: what is not saved is there the next time, without secrets."""
        for page in self.dirty:
            if page.edit is not None:
                self.drafts.keep(self.instance, page.edit.wire, page.edit.yours, page.label, typed=True)

    def action_tab(self, key: str) -> None:
        self.tabs.at, self._into = key, False
        self.set_focus(self.line)
        self._open()

    def on_page_line_turned(self, message: PageLine.Turned) -> None:
        self._turned[self.tabs.at], self._into = message.index, False
        self._open()

    def _open(self) -> None:
        """Show the page, reading it first if that was not done."""
        self.line.pages, self.line.at = self._pages[self.tabs.at], self._turned[self.tabs.at]
        unread = [page for page in (self.page, *self.line.pages) if page.edit is None and not page.problem]
        if unread:
            self.run_worker(self._read_all(unread), group="read", exclusive=True)
        self._show_page()

    async def _read_all(self, pages: list[Page]) -> None:
        for page in pages:
            if page.edit is None:
                await self._read(page)

    async def _read(self, page: Page) -> None:
        held = await self.configuring.read(page.kind, self.instance, page.label or DEFAULT_LABEL)
        if isinstance(held, Outcome):
            page.problem = held.message
        else:
            self._take(page, held)
        self._show_page()

    def _take(self, page: Page, held: Held) -> None:
        page.held, page.problem, page.doubt, page.new = held, "", "", False
        page.edit = self.configuring.edit(page.kind, held, page.label)
        if page.kind == "webhook":
            self._list_webhooks(held)

    def _list_webhooks(self, held: Held) -> None:
        """A page for every row that the server has; pages with something unsaved stay."""
        known = {page.label: page for page in self._pages["4"]}
        labels = [DEFAULT_LABEL, *sorted(held.rows.keys() - {DEFAULT_LABEL})]
        labels += [label for label, page in known.items() if page.dirty and label not in labels]
        shown = self._pages["4"][self._turned["4"]].label
        self._pages["4"] = [known.get(label) or Page("webhook", label) for label in labels]
        for page in self._pages["4"]:
            if page.edit is None and page.label in held.rows:
                page.held = Held(held.rows[page.label], held.rows)
                page.edit = self.configuring.edit("webhook", page.held, page.label)
        self._turned["4"] = labels.index(shown) if shown in labels else 0

    def _show_page(self) -> None:
        page, body = self.page, self.query_one("#body", Vertical)
        self.line.pages, self.line.at = self._pages[self.tabs.at], self._turned[self.tabs.at]
        if self.form is None:
            body.remove_children()
            if page.edit is not None:
                body.mount(BlockForm(page.edit, read_only=bool(self.account.may("configure"))))
                if self._into:
                    self.call_after_refresh(self.action_into)
            else:
                again = keys.fill(_("{edit_reread} reads it again."))
                words = f"{safe(page.problem)}\n{again}" if page.problem else _("Reading…")
                body.mount(Static(words, markup=False, classes="unread" if page.problem else "reading"))
        self._sync()

    def _sync(self) -> None:
        self.tabs.dirty = frozenset(key for key, pages in self._pages.items() if any(page.dirty for page in pages))
        unsaved = _("* unsaved") if self.page.dirty else ""
        self.line.remark = self.saving or unsaved or (_("not to be changed") if self.account.may("configure") else "")
        self.tabs.sync()
        self.line.sync()
        self.query_one("#note", Static).update(note(self.page, self.drafts, self.instance))
        self._help()

    def on_descendant_focus(self) -> None:
        self._help()

    def _help(self) -> None:
        form = self.form
        words = form.help_of(self.focused) if form is not None else ""
        if words:
            words += "  " + keys.fill(_("(esc leaves the field · {edit_save} review and save)"))
        else:
            words = _("↓ into the form · ←→ page · {tabs} tab")
            words += _(" · {edit_review} review and save · {edit_revert} revert · {edit_json} JSON · {help} help · esc close")
            if self.page.edit is None or self.account.may("configure"):
                words = _("←→ page · {tabs} tab · esc close")
            elif self.tabs.at == "4":
                words = _("{edit_add} another label · {edit_try} try it out · {edit_deliveries} deliveries") + " · " + words
            elif self.page.kind != "settings":
                words = _("{edit_try} try it out") + " · " + words
            words = keys.fill(words, tabs=tab_keys())
            if reason := self.account.may("configure"):
                words = f"{safe(reason)} {words}"
        self.query_one("#help", Static).update(words)

    def on_block_form_changed(self) -> None:
        self._sync()

    def action_into(self) -> None:
        """Into the form; of a page that is still being read as soon as it is there."""
        self._into = self.form is None
        if self.form is not None:
            self.set_focus(self.form.first)

    def _in_field(self) -> bool:
        return self.form is not None and self.focused is not None and self.form in self.focused.ancestors

    def took(self, page: Page, held: Held) -> None:
        """The server holds this now. The form is made anew, so the focus goes back to the pages."""
        self.set_focus(self.line)
        self._take(page, held)
        self._show_page()

    def reload(self, page: Page) -> None:
        """Nobody knows what it holds: read it again."""
        page.edit, page.problem, page.doubt, page.new = None, "", "", False
        self._open()

    def go_to(self, page: Page) -> None:
        """Show a page, wherever it is."""
        for key, pages in self._pages.items():
            if page in pages:
                self.tabs.at, self._turned[key] = key, pages.index(page)
        self._show_page()
