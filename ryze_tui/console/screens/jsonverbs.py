"""`J` and `E` of the edit screen: its block as JSON, and in the person's own editor; what comes back is in the form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ... import keys
from ...i18n import _, n_
from ...operations import blockjson
from ...operations.blockjson import Taken
from ...operations.editing import Edit
from .. import editor
from ..bindings import bind
from ..words import safe
from .blockjson import FaultsScreen, JsonScreen
from .dialogs import Dialog

if TYPE_CHECKING:
    from ..app import RyzeConsole
    from ..forms.pages import Page
    from .edit import EditScreen


class JsonVerbs(Dialog[str]):
    """`J` and `E` of the edit screen."""

    BINDINGS = [bind("edit_json", "json"), bind("edit_editor", "editor")]

    def action_json(self) -> None:
        self.run_worker(_look(self), group="json", exclusive=True)  # type: ignore[arg-type]

    def action_editor(self) -> None:
        self.run_worker(edit_outside(self), group="json", exclusive=True)  # type: ignore[arg-type]


def _named(screen: EditScreen, page: Page) -> str:
    return _("{what} of {name} as JSON").format(what=page.what, name=safe(screen.instance))


async def _look(screen: EditScreen) -> None:
    page = screen.page
    if page.edit is None:
        screen.refuse(_("It was not read yet."))
    elif await screen.app.push_screen_wait(JsonScreen(_named(screen, page), page.edit)) == "edit":
        await edit_outside(screen)


async def edit_outside(screen: EditScreen) -> None:
    """`E`: the block in the person's editor; what comes back goes into the form, and nothing is sent before its review."""
    page, words = screen.page, editor.editor_of(os.environ)
    edit = page.edit
    reason = screen.account.may("configure") or (words if isinstance(words, str) else "")
    if edit is None or reason or screen.saving or isinstance(words, str):
        screen.refuse(safe(reason) or screen.saving or _("It was not read yet."))
        return
    taken = await _edited(screen, page, edit, words)
    if taken is None:
        return
    if page.edit is not edit:
        screen.refuse(_("The block was read again meanwhile: nothing was taken."))
        return
    changed = blockjson.use(edit, taken.values)
    if screen.form is not None:
        screen.form.show()
    screen.on_block_form_changed()
    if changed:
        count = n_("{n} field is in the form", "{n} fields are in the form", len(changed))
        said = keys.fill(_("{count}, and nothing is sent: {edit_review} reviews and saves."), count=count)
    else:
        said = _("Nothing in it is different; nothing was changed.")
    screen.app.notify(said, markup=False, timeout=5)


async def _edited(screen: EditScreen, page: Page, edit: Edit, words: list[str]) -> Taken | None:
    """The values to be taken; None when there are none, which was said."""
    app: RyzeConsole = screen.app  # type: ignore[assignment]
    original = given = blockjson.write(edit).text
    line = 1
    while True:
        back = await editor.edit(app, words, given, f"{page.kind}.json", line)
        if back.problem:
            screen.refuse(back.problem)
            return None
        if back.text == original:
            said = _("The editor left the text as it was; nothing was changed.")
            screen.refuse(f"{said} {_('One that opens a window has to wait, as with code --wait.')}")
            return None
        taken = blockjson.read(back.text, edit)
        if not taken.faults:
            return taken
        answer = await app.push_screen_wait(FaultsScreen(_named(screen, page), taken))
        if answer == "take":
            return taken
        if answer != "open":
            screen.refuse(_("Discarded; the form is as it was."))
            return None
        given, line = back.text, taken.faults[0].line
