"""`?` on a form: all its fields and keys at once, each with what it means; a small window has no room for that below a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ... import keys
from ...i18n import _
from ..forms.pages import TABS, tab_keys
from ..styles import ink
from ..widgets.canvas import Line, field, seg
from ..words import safe
from .help import HelpScreen, Page, beside

if TYPE_CHECKING:
    from ...operations.editing import Edit

PLANNED: Final = ("into", "edit_try", "close")
"""Of the blocks of an instance that is not there yet."""
ALL: Final = (
    "into", "edit_review", "edit_save", "edit_revert", "edit_try", "edit_draft", "edit_json", "edit_editor", "edit_add",
    "edit_deliveries", "edit_reread", "close",
)  # fmt: skip


class EditHelpPage(Page):
    """Fields of a block first, then the keys."""

    def __init__(self, edit: Edit | None, ids: tuple[str, ...]) -> None:
        super().__init__()
        self._edit, self._ids = edit, ids

    def all_lines(self, width: int) -> list[Line]:
        out: list[Line] = []
        if self._edit is not None:
            told = [(_(one.title), _(one.help)) for one in self._edit.fields]
            out += [[seg(_("Fields"), ink.BAR_BOLD)], *self._table(told, width), []]
        told = [(keys.name(id), _sentence(_(keys.KEYS[id].what))) for id in self._ids]
        if self._ids == ALL:
            told.append((tab_keys(), " · ".join((_("Overview"), *(_(title) for _key, title, _kinds in TABS)))))
        return [*out, [seg(_("Keys"), ink.BAR_BOLD)], *self._table(told, width)]

    @staticmethod
    def _table(told: list[tuple[str, str]], width: int) -> list[Line]:
        column = max(cell_len(head) for head, _words in told) + 4
        lines = []
        for head, words in told:
            lines += beside([field(f"  {head}", column, ink.BAR_KEY)], column, words, width)
        return lines


def _sentence(what: str) -> str:
    """`Editing: takes back what is not saved.` without where that is, which is here."""
    words = what.partition(": ")[2] or what
    return words[:1].upper() + words[1:]


class EditHelpScreen(HelpScreen):
    """As the help of the main screen."""

    CSS = "EditHelpScreen > #box { height: 90%; width: 84; }  EditHelpScreen Page { height: 1fr; }"

    def __init__(self, title: str, edit: Edit | None, ids: tuple[str, ...] = ALL) -> None:
        super().__init__()
        self._heading, self._page = title, EditHelpPage(edit, ids)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(safe(self._heading))
            box.border_subtitle = _("↑↓ scroll · esc closes")
            yield self._page
