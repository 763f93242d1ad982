"""What the keys do that move about the program and ask no server for anything: open, back, filter, sort, help, log, quit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..i18n import _

if TYPE_CHECKING:
    from .screens.main import MainScreen

Move = Callable[["MainScreen"], None]


def open_detail(main: MainScreen) -> None:
    if main.wide:
        main.app.notify(_("Everything about it is on the right already."), markup=False, timeout=3)
    else:
        main.show_detail(True)


def back(main: MainScreen) -> None:
    """Out of the detail first, then out of the filter."""
    if main.detail:
        main.show_detail(False)
    elif main.filtered:
        main.filter("")
        main.title_line.text = ""
        main.title_line.sync()


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


def choose_theme(main: MainScreen) -> None:
    from .screens.themes import ThemeScreen

    main.app.push_screen(ThemeScreen(main.console_app.theme_name))


def leave(main: MainScreen) -> None:
    """An open pairing asks first, since closing it drops the code that a phone may be looking at."""
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
    "sort": sort,
    "palette": palette,
    "help": show_help,
    "log": show_log,
    "theme": choose_theme,
    "quit": leave,
}
"""Action id (actions.py) -> what its key does; every other action is one of verbs.py."""
