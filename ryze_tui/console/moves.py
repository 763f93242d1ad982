"""What the keys do that move about the program and ask no server for anything: open, back, filter, sort, help, log, quit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..i18n import _, n_

if TYPE_CHECKING:
    from .screens.main import MainScreen
    from .screens.rowed import RowedScreen

Move = Callable[["MainScreen"], None]


def open_detail(main: MainScreen) -> None:
    if main.wide:
        main.app.notify(_("Everything about it is on the right already."), markup=False, timeout=3)
    else:
        main.show_detail(True)


def back(main: MainScreen) -> None:
    """Out of the detail first, then out of a range and of the marks, then out of the filter."""
    if main.detail:
        main.show_detail(False)
    elif main.marks.ranging:
        main.marks.end_range(keep=False)
        main.sync_marks()
    elif main.marks:
        _unmark(main)
    elif main.filtered:
        main.filter("")
        main.title_line.text = ""
        main.title_line.sync()


def look_for_a_bulk(main: RowedScreen) -> None:
    """One that an earlier program left unfinished; says so, and begins nothing."""
    if main.account is not None and main.bulking is None and main.account.bulk_left:
        from .bulking import bulking

        bulking(main.console_app)


MANY: Final = 20
"""So many marks are not thrown away unasked, unless one key gives them back."""


def _unmark(main: MainScreen) -> None:
    from .screens.dialogs import Question

    def clear(yes: bool | None = True) -> None:
        if yes:
            main.marks.clear()
            main.sync_marks()

    marks = main.marks
    if len(marks) < MANY or marks.are_just(main.instances.names):
        clear()
        return
    title = n_("Take {n} mark away?", "Take all {n} marks away?", len(marks))
    main.app.push_screen(Question(title, _("Nothing else is changed."), yes=_("Unmark")), clear)


def mark_row(main: MainScreen) -> None:
    main.marks.toggle(main.instances.current_name)
    main.instances.action_move(1)
    main.sync_marks()


def mark_all(main: MainScreen) -> None:
    main.marks.all(main.instances.names)
    main.sync_marks()


def mark_range(main: MainScreen) -> None:
    if main.marks.ranging:
        main.marks.end_range()
    else:
        main.marks.begin_range(main.instances.current_name)
    main.sync_marks()


def type_filter(main: MainScreen) -> None:
    if main.detail:
        main.show_detail(False)
    main.set_focus(main.title_line, scroll_visible=False)


def sort(main: MainScreen) -> None:
    main.take_order(following=True)


def palette(main: MainScreen) -> None:
    main.app.action_command_palette()


def show_help(main: MainScreen) -> None:
    from .screens.help import HelpScreen

    main.app.push_screen(HelpScreen())


def show_log(main: MainScreen) -> None:
    from .screens.log import LogScreen

    if main.account is not None:
        main.app.push_screen(LogScreen(main.account))


def show_tape(main: MainScreen) -> None:
    """Of the one instance whose detail is open, else of all."""
    from .screens.tape import TapeScreen

    if main.account is not None:
        name = main.instances.current_name if main.detail else ""
        main.app.push_screen(TapeScreen(main.account, main.console_app.reel, name))


def show_audit(main: MainScreen) -> None:
    """Of the one instance whose detail is open, else of all."""
    from .screens.audit import AuditScreen

    main.app.push_screen(AuditScreen(main.instances.current_name if main.detail else ""))


def choose_theme(main: MainScreen) -> None:
    from .screens.themes import ThemeScreen

    main.app.push_screen(ThemeScreen(main.console_app.theme_name))


def leave(main: MainScreen) -> None:
    """A bulk under way asks first, and whatever is open that would be lost."""
    if main.bulking is not None and main.bulking.guards_quit:
        main.bulking.ask_quit(lambda: _leave(main))
    else:
        _leave(main)


def _leave(main: MainScreen) -> None:
    """An open pairing asks, since closing it drops the code that a phone may be looking at."""
    from .screens.dialogs import Question

    app = main.app
    guarded = next((screen for screen in app.screen_stack if getattr(screen, "guards_quit", False)), None)
    if guarded is None or isinstance(app.screen, Question):  # asked already, or nothing to ask
        app.exit(return_code=0)
    else:
        guarded.ask_quit()  # type: ignore[attr-defined]


MOVES: Final[dict[str, Move]] = {
    "open": open_detail,
    "back": back,
    "filter": type_filter,
    "mark_row": mark_row,
    "mark_all": mark_all,
    "mark_range": mark_range,
    "sort": sort,
    "palette": palette,
    "help": show_help,
    "audit": show_audit,
    "log": show_log,
    "tape": show_tape,
    "theme": choose_theme,
    "quit": leave,
}
"""Action id (actions.py) -> what its key does; every other action is one of verbs.py."""
