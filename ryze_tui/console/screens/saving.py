"""Saving a page of the edit screen: read again, review, write once, and say what the server holds afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from ... import keys
from ...i18n import _
from ...operations.configuring import DEFAULT_LABEL, Held, Saved
from ...operations.editing import Edit
from ...operations.outcome import Outcome
from ...probes.trial import TRIED
from ..forms.pages import Page
from ..words import safe
from .dialogs import Choice, Menu, close
from .review import DiffersScreen, ReviewScreen
from .trying import try_out

if TYPE_CHECKING:
    from .edit import EditScreen


async def review(screen: EditScreen) -> None:
    """`r`: show what saving would change, then save it."""
    page, reason = screen.page, screen.account.may("configure")
    edit = page.edit
    if edit is None or reason:
        screen.refuse(reason or _("It was not read yet."))
        return
    if not edit.dirty and not page.new:
        screen.refuse(_("Nothing was changed."))
        return
    if problems := edit.problems():
        _point_at(screen, edit, problems)
        return
    now = await _read_again(screen, page)
    if isinstance(now, Outcome):
        screen.refuse(_("Nothing was saved: the block could not be read again. {why}").format(why=safe(now.message)))
        return
    title, again = _("Save {what} of {name}?").format(what=page.what, name=safe(screen.instance)), ""
    while now is not None:
        changes = edit.review(now.values)
        if not page.new and changes and all(change.now == change.yours for change in changes):
            screen.took(page, now)
            screen.app.notify(_("The server holds exactly this already: nothing is left to save."), markup=False, timeout=5)
            return
        if lost := edit.lost(now.values):
            _point_at(screen, edit, lost)
            return
        words = " ".join(filter(None, (again, _warning(edit, now))))
        tried = partial(try_out, screen, now.values) if page.kind in TRIED and edit.yours.get("enabled") is not False else None
        asked = ReviewScreen(title, changes, words, tried)
        theirs: frozenset[str] | None = await screen.app.push_screen_wait(asked)
        if theirs is None:
            return
        now = await _save(screen, page, edit, now, theirs)
        again = _("It was changed again by somebody else while you looked; nothing was saved yet.")


def _point_at(screen: EditScreen, edit: Edit, problems: Mapping[str, str]) -> None:
    """Say the first problem, and put the cursor into its field."""
    name, words = next(iter(problems.items()))
    title = next(_(field.title) for field in edit.fields if field.name == name)
    screen.refuse(f"{title}: {words}")
    if screen.form is not None:
        screen.form.control(name).focus()


async def _read_again(screen: EditScreen, page: Page) -> Held | Outcome | None:
    """What the server holds now; None when escape stopped the reading, which changes nothing."""
    reading = asyncio.ensure_future(screen.configuring.read(page.kind, screen.instance, page.label or DEFAULT_LABEL))
    screen.reading = reading
    try:
        with screen.busy(_("Reading… esc stops")):
            await asyncio.wait({reading})
            if not reading.cancelled() and isinstance(reading.result(), Held):
                page.doubt = ""
    finally:
        screen.reading = None
        reading.cancel()
    return None if reading.cancelled() else reading.result()


def _warning(edit: Edit, now: Held) -> str:
    if edit.revives(now.values):
        return _("Somebody switched it off meanwhile, which erased it there. Saving writes all of it anew, as it is here.")
    if edit.switches_off:
        return _("Switching it off erases all of this on the server. A draft without secrets is kept on this machine.")
    if edit.wire.at_connect:
        return _("It acts at the next reconnect or connect; the connection that is up now stays as it is.")
    return ""


async def _save(screen: EditScreen, page: Page, edit: Edit, now: Held, theirs: frozenset[str]) -> Held | None:
    """Write it; what is held when that is not what was reviewed, and nothing was written."""
    if "enabled" in theirs and edit.revives(now.values):
        screen.drafts.keep(screen.instance, edit.wire, edit.yours, page.label)
        screen.took(page, now)
        screen.refuse(keys.fill(_("Nothing was sent: it stays off. What you typed is kept here: {edit_draft} fills it in.")))
        return None
    off = edit.switches_off and "enabled" not in theirs
    if off:
        screen.drafts.keep(screen.instance, edit.wire, now.values or edit.was, page.label)
    with screen.busy(_("Saving…")):
        saved = await screen.configuring.save(screen.instance, edit, now, theirs)
        page.doubt = saved.outcome.message if saved.outcome.doubtful else ""
    if saved.moved is not None:
        return saved.moved
    if not saved.outcome.ok:
        if not page.doubt:
            screen.refuse(_("Not saved: {why}").format(why=safe(saved.outcome.message)))
        return None
    screen.drafts.drop(screen.instance, edit.wire, page.label, typed=True)
    if not off:
        screen.drafts.drop(screen.instance, edit.wire, page.label)
    _settle(screen, page, saved)
    if saved.differs:
        title = _("{name}: the server holds something else than was asked for").format(name=safe(screen.instance))
        await screen.app.push_screen_wait(DiffersScreen(title, saved.differs))
    return None


def _settle(screen: EditScreen, page: Page, saved: Saved) -> None:
    """Show what the server holds now, and say so."""
    if saved.held is None:
        screen.reload(page)
        words = _("Saved. What the server holds could not be read: {why}").format(why=safe(saved.unread))
    else:
        screen.took(page, saved.held)
        words = _("Saved; the server holds what was asked.")
        if saved.differs:
            words = _("Saved, with differences.")
        elif page.edit is not None and page.edit.wire.at_connect:
            words = keys.fill(_("Saved. It acts at the next reconnect: {reconnect} on the list."))
    screen.app.notify(f"{safe(screen.instance)}: {words}", markup=False, timeout=5)


async def leave(screen: EditScreen, *, quit_too: bool = False) -> None:
    """Close the screen; what is not saved is asked about first, and a reading under way is given up."""
    if screen.reading is not None:
        screen.reading.cancel()
        if not quit_too:
            return
    elif screen.saving:
        screen.refuse(_("It is being saved: wait for the server's answer."))
        return
    while screen.dirty:
        page = screen.dirty[0]
        choices = [Choice("s", _("Save"), _("review it first")), Choice("d", _("Discard")), Choice("k", _("Stay"))]
        title = _("{what} of {name} is not saved.").format(what=page.what, name=safe(screen.instance))
        answer = await screen.app.push_screen_wait(Menu(title, choices, hint=_("↑↓ and enter, or the key · esc stays")))
        if answer not in ("s", "d"):
            return
        screen.go_to(page)
        if answer == "s":
            await review(screen)
            if page in screen.dirty:
                return
        elif page.edit is not None:
            page.edit.revert()
            page.new = False
            screen.drafts.drop(screen.instance, page.edit.wire, page.label, typed=True)
    if quit_too:
        screen.app.exit(return_code=0)
    else:
        close(screen, "")
