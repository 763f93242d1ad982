"""Editing the blocks of one instance: `r` reviews and saves, escape leaves the field, then the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from textual import events
from textual.widgets import Button

from ... import keys
from ...i18n import _
from ...operations.configuring import Held
from ..bindings import bind
from ..forms.marks import Marks
from ..forms.pages import TABS, Page, TabLine
from ..words import safe
from .dialogs import Entry
from .editpages import EditPages

_VERBS: Final = frozenset({
    "close_now", "tab", "review", "revert", "add", "draft", "reread", "try_out", "deliveries", "json", "editor",
})  # fmt: skip
_LETTERS: Final = tuple(f"edit_{verb}" for verb in ("review", "revert", "try", "json", "editor", "deliveries", "add", "draft"))


class EditScreen(EditPages):
    """What its keys do; the pages are in editpages.py, saving in saving.py, trying out in trying.py."""

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
        bind("help", "help"),
    ]

    # -- verbs ---------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters and digits are verbs on the form, never in a field: a word typed into the wrong place must do nothing."""
        return action not in _VERBS or not self._in_field()

    def on_key(self, event: events.Key) -> None:
        """A verb where nothing is typed: it says what it waits for, since a button with its letter is in sight."""
        if isinstance(self.focused, Marks) and event.key in {key for id in _LETTERS for key in keys.of(id)}:
            words = _("esc leaves the field, then {key} acts; {edit_save} reviews and saves.")
            self.refuse(keys.fill(words, key=keys.written(event.key)))

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        self.action_close_now() if message.key == "1" else self.action_tab(message.key)

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
        draft = self.drafts.find(self.instance, page.edit.wire, page.label, typed=True)
        draft = draft or self.drafts.find(self.instance, page.edit.wire, page.label)
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
        if reason := self.account.may("configure"):
            self.refuse(safe(reason))
        elif self.tabs.at == "4":
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

    def action_help(self) -> None:
        """`?`: every field and every key of it."""
        from .edithelp import EditHelpScreen

        self.app.push_screen(EditHelpScreen(self.page.what, self.page.edit))

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

    # -- leaving -------------------------------------------------------------------------------------------------------

    @property
    def guards_quit(self) -> bool:
        """Whether quitting asks first."""
        return bool(self.dirty) or bool(self.saving)

    def ask_quit(self) -> None:
        """Quitting with something unsaved."""
        self._leave(quit_too=True)

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
