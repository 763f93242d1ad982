"""Editing the blocks of one instance: tabs, pages and a form; `r` reviews and saves, escape leaves the field, then the screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from .dialogs import Entry, text
from .jsonverbs import JsonVerbs
from .notes import note

if TYPE_CHECKING:
    import asyncio

    from ...operations.account import Account

_KINDS: Final = {key: kinds for key, _title, kinds in TABS}
_VERBS: Final = frozenset({
    "close_now", "tab", "review", "revert", "add", "draft", "reread", "try_out", "deliveries", "json", "editor",
})  # fmt: skip


class Buttons(Horizontal):
    """Arrow keys lead from one to the next, and back into the form."""

    BINDINGS = [bind("button_previous", "app.focus_previous"), bind("button_next", "app.focus_next")]


class EditScreen(JsonVerbs):
    """Beside the list where there is room, else over it. It stays with its instance, whatever happens to the list."""

    TAKES_TYPED = False
    CSS_PATH = ["../styles/dialogs.tcss", "../styles/forms.tcss"]  # type: ignore[assignment]
    BINDINGS = [
        bind("edit1", "close_now"),
        *(bind(f"edit{key}", f"tab('{key}')") for key, _title, _kinds in TABS),
        bind("edit_review", "review"),
        bind("edit_save", "review_from_field"),
        bind("edit_revert", "revert"),
        bind("edit_add", "add"),
        bind("edit_draft", "draft"),
        bind("edit_reread", "reread"),
        bind("edit_try", "try_out"),
        bind("edit_deliveries", "deliveries"),
    ]

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

    @property
    def guards_quit(self) -> bool:
        """Whether quitting asks first."""
        return bool(self.dirty) or bool(self.saving)

    def ask_quit(self) -> None:
        """Quitting with something unsaved."""
        self._leave(quit_too=True)

    def action_tab(self, key: str) -> None:
        self.tabs.at, self._into = key, False
        self.set_focus(self.line)
        self._open()

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        self.action_close_now() if message.key == "1" else self.action_tab(message.key)

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
            words += _(" · {edit_review} review and save · {edit_revert} revert · {edit_json} JSON · esc close")
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters and digits are verbs on the form, never in a field: a word typed into the wrong place must do nothing."""
        return action not in _VERBS or not self._in_field()

    def _in_field(self) -> bool:
        return self.form is not None and self.focused is not None and self.form in self.focused.ancestors

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        {"review": self.action_review, "revert": self.action_revert, "close": self.action_close_now}[event.button.id or "close"]()

    def refuse(self, words: str) -> None:
        """Say why something is not done."""
        self.app.notify(words, severity="warning", markup=False, timeout=5)

    def action_reread(self) -> None:
        if self.page.dirty:
            self.refuse(keys.fill(_("Something here is not saved: {edit_revert} reverts it first.")))
            return
        self.page.edit, self.page.problem = None, ""
        self._open()

    def action_revert(self) -> None:
        if self.page.edit is not None and self.form is not None and self.page.dirty:
            self.page.edit.revert()
            self.page.doubt = ""
            self.form.show()
            self._sync()

    def action_draft(self) -> None:
        page, form = self.page, self.form
        if page.edit is None or form is None:
            return
        draft = self.drafts.find(self.instance, page.edit.wire, page.label)
        if draft is None:
            self.refuse(_("No draft is kept of this."))
            return
        for field in page.edit.fields:
            if field.name in draft:
                page.edit.set(field.name, draft[field.name])
        form.show()
        self._sync()
        if secrets := [field for field in page.edit.fields if field.secret]:
            self.refuse(_("Filled in, but for secrets: {what}. Type it if one is needed.").format(what=_(secrets[0].title)))
            form.control(secrets[0].name).focus()

    def action_add(self) -> None:
        if self.tabs.at == "4" and not self.account.may("configure"):
            self.run_worker(self._add(), exclusive=False)

    async def _add(self) -> None:
        taken = {page.label for page in self._pages["4"]}

        def wrong(label: str) -> str:
            if not label.strip() or len(label) > 255 or not label.isprintable():
                return _("A label has 1 to 255 characters on one line.")
            return _("There is a webhook of this label already.") if label in taken else ""

        words = _("Another place that events are posted to. At most three webhooks are enabled at a time.")
        label: str | None = await self.app.push_screen_wait(Entry(_("New webhook"), words, _("Label"), check=wrong))
        if label is None:
            return
        page = Page("webhook", label, Held(None, {}))
        page.edit = self.configuring.edit("webhook", Held(None, {}), label)
        page.edit.set("enabled", True)
        self._pages["4"].append(page)
        self._turned["4"] = len(self._pages["4"]) - 1
        self._open()
        self.call_after_refresh(self.action_into)

    def action_review(self) -> None:
        from .saving import review

        if self.saving:
            self.refuse(_("The server has been asked already: wait for its answer."))
        else:
            self.run_worker(review(self), exclusive=False)

    def action_review_from_field(self) -> None:
        """As `r`, wherever the focus is: what a hand does that has saved things elsewhere."""
        self.action_review()

    def action_try_out(self) -> None:
        """`T`: what stands in the form is tried, saved or not."""
        from .trying import try_out

        try_out(self)

    def action_deliveries(self) -> None:
        """`D`: what became of a webhook's deliveries."""
        from .deliveries import DeliveriesScreen

        if self.page.kind != "webhook":
            self.refuse(_("Only webhooks have deliveries."))
        else:
            self.app.push_screen(DeliveriesScreen(self.configuring, self.instance, self.page.label))

    @contextmanager
    def busy(self, words: str) -> Iterator[None]:
        """While the server is asked: said at the right of the pages, and nothing else begins."""
        self.saving = words
        self._sync()
        try:
            yield
        finally:
            self.saving = ""
            self._sync()

    def took(self, page: Page, held: Held) -> None:
        """The server holds this now. The form is made anew, so the focus goes back to the pages."""
        self.set_focus(self.line)
        self._take(page, held)
        self._show_page()

    def reload(self, page: Page) -> None:
        """Nobody knows what it holds: read it again."""
        page.edit, page.problem, page.doubt, page.new = None, "", "", False
        self._open()

    # -- leaving -------------------------------------------------------------------------------------------------------

    def action_close(self) -> None:
        """Escape: out of the field, then out of the screen. At once (`focus()` waits), so that a letter in its wake is a verb."""
        if self._in_field():
            self.set_focus(self.line)
        else:
            self.action_close_now()

    def action_close_now(self) -> None:
        self._leave()

    def _leave(self, *, quit_too: bool = False) -> None:
        from .saving import leave

        self.run_worker(leave(self, quit_too=quit_too), exclusive=False)

    def go_to(self, page: Page) -> None:
        """Show a page, wherever it is."""
        for key, pages in self._pages.items():
            if page in pages:
                self.tabs.at, self._turned[key] = key, pages.index(page)
        self._show_page()
