"""What a person notes about instances: tags, and rows that are held. Kept on this machine; the server never hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import keys
from ..fleet.notes import NotesError, tag_problem
from ..i18n import _, n_
from .words import safe

if TYPE_CHECKING:
    from ..fleet.notes import Notes
    from .app import RyzeConsole


async def hold(app: RyzeConsole, name: str) -> None:
    """`h`: put a row aside until its state changes, or take it back."""
    account, row = app.account, app.main.row(name)
    assert account is not None
    if row is None:
        return
    held = name in account.notes.held
    _kept(app, lambda notes: notes.release([name]) if held else notes.hold(name, row.state))
    words = _("{name} is held until its state changes: no alert, and last where trouble comes first.")
    if held:
        words = _("{name} is not held any more.")
    app.notify(words.format(name=safe(name)), markup=False, timeout=4)
    app.main.noted([name])


async def tags(app: RyzeConsole, name: str) -> None:
    """`#`: the tags of a row, or of all the marked ones."""
    from .screens.dialogs import Entry

    account, marks = app.account, app.main.marks
    assert account is not None
    names = list(marks.names) if marks else [name]
    before = {one: account.notes.tags_of(one) for one in names}
    title = n_("Tags of {n} marked instance", "Tags of {n} marked instances", len(names)).format(n=len(names))
    words = _("These are added to each; -word takes one away. They stay on this machine; tag:word in the filter finds them.")
    if not marks:
        title = _("Tags of {name}").format(name=safe(name))
        words = _("Words with spaces between. They stay on this machine; tag:word in the filter finds them.")
    value = "" if marks else " ".join(before[name])
    typed: str | None = await app.push_screen_wait(Entry(title, words, _("Tags"), value=value, check=_problem))
    if typed is None:
        return
    said = [word.lower() for word in typed.split()]
    added = [word for word in said if not word.startswith("-")]
    taken = {word[1:] for word in said if word.startswith("-")}
    after = {one: [word for word in (*(before[one] if marks else ()), *added) if word not in taken] for one in names}
    _kept(app, lambda notes: notes.tag(after))
    app.main.noted(names)


def _problem(text: str) -> str:
    return next((why for word in text.split() if (why := tag_problem(word.removeprefix("-")))), "")


def _kept(app: RyzeConsole, change: Callable[[Notes], None]) -> None:
    """Make a change; what could not be kept for the next start is said, and holds until then."""
    assert app.account is not None
    try:
        change(app.account.notes)
    except NotesError as problem:
        app.notify(safe(str(problem)), severity="warning", markup=False, timeout=10)


def settle(app: RyzeConsole, notes: Notes, states: dict[str, str]) -> list[str]:
    """Rows that changed are not held any more; their names."""
    if gone := notes.moved(states):
        _kept(app, lambda notes: notes.release(gone))
    return gone


def told(notes: Notes, name: str) -> list[tuple[str, str]]:
    """What the detail shows of it."""
    facts = [(_("Tags"), " ".join(notes.tags_of(name)))] if notes.tags_of(name) else []
    if name in notes.held:
        facts.append((_("Held"), keys.fill(_("until its state changes · {hold} undoes it"))))
    return facts
