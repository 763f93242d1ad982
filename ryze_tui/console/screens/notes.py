"""What the edit screen says in yellow below a form: what saving would take away, what is kept, what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import keys
from ...i18n import _
from ..words import safe

if TYPE_CHECKING:
    from ...operations.drafts import Drafts
    from ..forms.pages import Page


def note(page: Page, drafts: Drafts, instance: str) -> str:
    """The most important of what there is to say; empty when there is nothing."""
    if page.edit is None:
        return ""
    if page.doubt:
        words = _("Nobody knows whether it was saved: {edit_review} compares it with what the server holds. ({why})")
        return keys.fill(words, why=safe(page.doubt))
    if page.edit.switches_off:
        return _("Switching it off erases the rest on the server; a draft without secrets is kept here.")
    typed = drafts.find(instance, page.edit.wire, page.label, typed=True)
    if typed and any(page.edit.yours.get(name) != value for name, value in typed.items()):
        return keys.fill(_("What was typed here before the terminal went away is kept: {edit_draft} fills it in."))
    draft = drafts.find(instance, page.edit.wire, page.label) if page.edit.was.get("enabled") is False else None
    if draft and any(page.edit.yours.get(name) != value for name, value in draft.items()):
        return keys.fill(_("What it held before it was switched off is kept here: {edit_draft} fills it in."))
    return ""
