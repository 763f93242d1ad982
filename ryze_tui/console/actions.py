"""The registry of what a person can do on the main screen: the one source of keys, footer, palette and help.

An action that cannot be done now says why when its key is pressed; it never does nothing in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from .. import keys
from ..api import states
from ..i18n import _, mark
from ..redact import clean

if TYPE_CHECKING:
    from ..fleet.model import Row
    from ..operations.account import Account

Reason = Callable[["Account | None", "Row | None"], str]


class Action(NamedTuple):
    """`id` is also the Binding's id (user keymaps name it). `footer`: its place there, 0 for none; `group`: of the help, or none.

    `reason(account, row)` gives the words that say why it cannot be done now, or an empty text.
    """

    id: str
    title: str
    help: str
    group: str
    reason: Reason
    footer: int = 0
    palette: bool = True

    @property
    def key(self) -> str:
        """Its key as it is written on the screen."""
        return keys.name(self.id)

    def told(self) -> str:
        """The help in the person's language, with the person's keys in it."""
        return keys.fill(_(self.help))


def _always(account: Account | None, row: Row | None) -> str:
    return ""


def _online(account: Account | None, row: Row | None) -> str:
    return _("Not connected to a server yet.") if account is None else ""


def _row(account: Account | None, row: Row | None) -> str:
    if account is None:
        return _("Not connected to a server yet.")
    if row is None and not account.model.loaded:
        return _("The server's list is not here yet.")
    return "" if row is not None else keys.fill(_("No instance under the cursor. {new} makes a new one."))


def _may(action: str) -> Reason:
    def reason(account: Account | None, row: Row | None) -> str:
        return _row(account, row) or (account.may(action) if account is not None else "")

    return reason


def _proven(action: str) -> Reason:
    """For what cannot be taken back: a row of an earlier run is no ground for it."""

    def reason(account: Account | None, row: Row | None) -> str:
        missing = _row(account, row)
        if missing or account is None or account.model.loaded:
            return missing or _may(action)(account, row)
        return _("Waiting for the server's list: this row is from an earlier run.")

    return reason


def _new(account: Account | None, row: Row | None) -> str:
    return _online(account, row) or (account.may("create") if account is not None else "")


def _phone(account: Account | None, row: Row | None) -> str:
    missing = _row(account, row)
    if missing or account is None:
        return missing
    if not account.model.loaded:
        return _proven("simulate")(account, row)
    if not account.server.simulated:
        return _("The virtual phone works with simulated numbers only; this server is real.")
    return account.may("simulate")


def _message(account: Account | None, row: Row | None) -> str:
    missing = _proven("send")(account, row)
    if missing or row is None or row.state == states.CONNECTED:
        return missing
    words = _("{name} is not connected, so nothing can be sent from it. {bring_back} brings it back.")
    return keys.fill(words, name=clean(row.name))


MOVE, LOOK, PAIR, KEEP, BULK, VIEW, APP = (
    mark("Move"),
    mark("Find"),
    mark("Pair"),
    mark("Keep"),
    mark("Many at once"),
    mark("Look behind"),
    mark("Program"),
)

EDIT_TABS: Final = (
    ("2", mark("Settings")), ("3", mark("Network")), ("4", mark("Webhooks")), ("5", mark("Stream")), ("6", mark("Chatwoot")),
)
"""Digit and title of each page of the edit screen; 1 is the overview."""

ACTIONS: Final = (
    Action("open", mark("Open"), mark("Shows everything about the instance under the cursor."), MOVE, _row),
    Action("back", mark("Back"), mark("Closes the detail, or clears the marks, then the filter."), MOVE, _always, palette=False),
    Action(
        "filter",
        mark("Filter"),
        mark("Type words, or state:connected, block:webhook, !word. esc clears."),
        LOOK,
        _online,
        footer=6,
    ),
    Action(
        "sort",
        mark("Sort"),
        mark("Takes the order again, or the next one: trouble first, by name, newest first."),
        LOOK,
        _online,
    ),
    Action("refresh", mark("Refresh"), mark("Asks the server for the whole list now."), LOOK, _online),
    Action("new", mark("New"), mark("Makes a new instance."), PAIR, _new, footer=2),
    Action("connect", mark("Connect"), mark("Shows a QR code for the phone to scan."), PAIR, _may("connect"), footer=3),
    Action(
        "code",
        mark("Pairing code"),
        mark("Links by an 8-character code typed on the phone, without a camera."),
        PAIR,
        _may("connect"),
    ),
    Action(
        "bring_back",
        mark("Bring back"),
        mark("Picks reconnect or connect from the state, and says which and why."),
        KEEP,
        _may("reconnect"),
        footer=4,
    ),
    Action("reconnect", mark("Reconnect"), mark("Dials again with the saved session; no QR."), KEEP, _may("reconnect")),
    Action(
        "logout",
        mark("Log out"),
        mark("Unlinks the number and keeps the instance. Asks for its name."),
        KEEP,
        _proven("logout"),
    ),
    Action(
        "delete",
        mark("Delete"),
        mark("Removes the instance and all that belongs to it. Asks for its name."),
        KEEP,
        _proven("delete"),
    ),
    Action(
        "mark_row", mark("Mark"), mark("Marks the row under the cursor, or takes its mark away, and moves on."), BULK, _row
    ),
    Action("mark_all", mark("Mark all shown"), mark("Marks every row that is shown; again takes the marks away."), BULK, _online),
    Action(
        "mark_range",
        mark("Mark a range"),
        mark("Marks what the cursor passes over, until it is pressed again; {back} takes the range back."),
        BULK,
        _row,
    ),
    Action(
        "bulk",
        mark("Bulk"),
        mark("What is done to every marked row. With marks, {reconnect} {bring_back} {logout} {stream} are for all of them."),
        BULK,
        _online,
    ),
    Action(
        "edit",
        mark("Edit"),
        mark(
            "Settings, proxy, S3, webhooks, stream and Chatwoot of the instance under the cursor; "
            "{edit2} to {edit6} open a page."
        ),
        KEEP,
        _row,
        footer=5,
    ),
    *(
        Action(f"edit{key}", title, mark("Opens that page of the instance under the cursor."), "", _row, palette=False)
        for key, title in EDIT_TABS
    ),
    Action(
        "phone",
        mark("Virtual phone"),
        mark("Scan, unlink, ban, drop: what a phone would do (simulated numbers only)."),
        PAIR,
        _phone,
    ),
    Action(
        "stream",
        mark("Stream"),
        mark("Switches its own stream on, so that its badge is pushed. Its filter keeps what it lets through."),
        KEEP,
        _may("configure"),
    ),
    Action(
        "message",
        mark("Test message"),
        mark("Sends a text to a number that you type, after asking."),
        KEEP,
        _message,
    ),
    Action(
        "hold",
        mark("Hold"),
        mark("Puts it aside until its state changes: it sinks and gives no alert. Again takes it back."),
        KEEP,
        _row,
    ),
    Action(
        "tags", mark("Tags"), mark("Words for the instance, or the marked ones; tag:word in the filter finds them."), KEEP, _row
    ),
    Action(
        "probe",
        mark("Is it true?"),
        mark("Asks the server, the stream and WhatsApp, and says whether the screen is right."),
        VIEW,
        _row,
    ),
    Action(
        "tape",
        mark("Tape of events"),
        mark("What the streams tell, live: filter, pause, JSON, NDJSON. In the detail, of that instance only."),
        VIEW,
        _online,
    ),
    Action(
        "log", mark("Log of calls"), mark("Every request to the server with its answer; copy one as curl."), VIEW, _online
    ),
    Action(
        "audit",
        mark("Audit log"),
        mark("Every write from this machine: who changed what, and what came of it. In the detail, of that instance."),
        VIEW,
        _always,
    ),
    Action("copy", mark("Copy"), mark("Copies the number or the name of the instance under the cursor."), VIEW, _row),
    Action(
        "palette",
        mark("Commands"),
        mark("Finds any command by its name."),
        APP,
        _always,
        footer=7,
        palette=False,
    ),
    Action(
        "theme",
        mark("Theme"),
        mark("Other colours: our own, a theme of Textual, the terminal's own; each is shown at once."),
        APP,
        _always,
    ),
    Action(
        "profiles",
        mark("Profiles"),
        mark("Other servers and accounts: change over to one, add, change, remove."),
        APP,
        _always,
    ),
    Action("help", mark("Help"), mark("Every key, and what it does."), APP, _always, footer=1),
    Action(
        "quit",
        mark("Quit"),
        mark("Leaves. Numbers stay connected: the server keeps them."),
        APP,
        _always,
    ),
)

BY_ID: Final = {action.id: action for action in ACTIONS}

ON_ROWS: Final = frozenset({"mark_all"})
"""Actions for whatever rows are shown; those for the row under the cursor have a reason against them without one."""
ON_MARKS: Final = ("reconnect", "bring_back", "logout", "stream")
"""Actions that are for the marked rows when there are any; the ids are those of operations/bulk/plan.py, too."""
MARKING: Final = (
    ("help", ""), ("bulk", ""), ("reconnect", ""), ("bring_back", ""), ("logout", ""), ("mark_row", ""),
    ("mark_all", mark("All")), ("back", mark("Unmark")),
)
"""What the footer names while rows are marked, in this order; a title where the action's own says something else."""
