"""What the keys that change something do: ask where harm is possible, call one operation, say what came back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .. import keys
from ..api import states
from ..i18n import _
from ..operations.outcome import Unconfirmed
from .actions import EDIT_TABS, ON_MARKS
from .asking import Asking, CalledOff, elsewhere
from .words import number, safe

if TYPE_CHECKING:
    from textual.screen import Screen

    from ..fleet.model import Row
    from ..operations.account import Account
    from .app import RyzeConsole

Verb = Callable[["RyzeConsole", str], Awaitable[None]]


def under_way(app: RyzeConsole) -> str:
    """What is being written and not answered yet: an instance's name, empty for none."""
    groups = (worker.group for worker in app.workers if not worker.is_finished)
    return next((group.removeprefix("verb:") or _("that") for group in groups if group.startswith("verb:")), "")


def start(app: RyzeConsole, action_id: str, name: str) -> None:
    """Run a verb on the instance `name` (empty for verbs without one), or on the marked ones. One write at a time for each."""
    if app.main.marks and action_id in ON_MARKS:
        action_id = f"bulk {action_id}"
    group = f"looks:{action_id}" if action_id in LOOKS else f"verb:{name}"
    if any(worker.group == group and not worker.is_finished for worker in app.workers):
        what = _("that") if action_id in LOOKS else safe(name) or _("that")
        app.refuse(_("Still working on {name}: wait for the answer.").format(name=what))
        return
    if action_id in ASKING:
        asking = Asking(app, name)
        app.typed.hold(asking.slow)
        app.run_worker(_run(app, partial(ASKING[action_id], asking=asking), name), group=group)
        return
    if action_id in OPENING:
        app.typed.hold()
    app.run_worker(_run(app, VERBS.get(action_id) or MARKED_VERBS[action_id], name), group=group)


async def _run(app: RyzeConsole, verb: Verb, name: str) -> None:
    try:
        await verb(app, name)
    except CalledOff:
        pass  # it is said already
    finally:
        await app.typed.release()  # no dialog came: what was typed ahead is for the list after all


async def new(app: RyzeConsole, name: str) -> None:
    """The create form; afterwards the cursor is on the new row, and its pairing opens if that was asked for."""
    from .screens.create import CreateScreen

    assert app.account is not None
    created = await app.push_screen_wait(CreateScreen(app.account))
    if created is None:
        return
    name, pair = created
    app.main.apply_now(name)
    if pair:
        await _pair(app, name, Asking(app, name), by_code=False)


async def connect(app: RyzeConsole, name: str, asking: Asking) -> None:
    await _pair(app, name, asking, by_code=False)


async def code(app: RyzeConsole, name: str, asking: Asking) -> None:
    await _pair(app, name, asking, by_code=True)


async def may_connect(app: RyzeConsole, account: Account, screen: Screen[Any], name: str, now: Awaitable[Row | None]) -> bool:
    """Ask where a `connect` would harm: it makes the server drop what is there. Called right before every one of them.

    `screen`: where it was asked for; a person who has left it meanwhile is not asked, and the answer is no.
    `now`: the server's answer for the row, or Unconfirmed.
    """
    try:
        row = await now
    except Unconfirmed as problem:
        if not account.model.loaded:  # nothing but what an earlier run knew
            app.refuse(f"{safe(name)}: {safe(problem.message)}")
            return False
        title = _("Connect {name} all the same?").format(name=safe(name))
        words = _("Its state could not be asked for: {why}").format(why=safe(problem.message))
        return _still_there(app, name, screen) and await _agreed(app, title, words)
    if row is None:
        app.refuse(_("{name} is not there any more.").format(name=safe(name)))
        return False
    if row.state == states.CONNECTED:
        title = _("{name} is connected as {who}.").format(name=safe(name), who=number(row.number))
        words = _(
            "Asking for a code may close this connection until it is back. To link another phone, log it out first ({logout})."
        )
        words = keys.fill(words)
    elif row.state == states.BANNED:
        title = _("WhatsApp banned {name}.").format(name=safe(name))
        words = _("Connecting a banned number again and again makes it worse. Better wait until the ban ends.")
    elif row.phase == "linking":
        title = _("A phone is linking {name} right now.").format(name=safe(name))
        words = _("Another code would break that off. It takes a few seconds.")
    else:
        return _still_there(app, name, screen)
    return _still_there(app, name, screen) and await _agreed(app, title, words)


async def _agreed(app: RyzeConsole, title: str, words: str) -> bool:
    from .screens.dialogs import Question

    question = Question(title, words, yes=_("Ask for a code"))
    app.typed.hold()
    answer = await app.push_screen_wait(question)
    return answer is True


def _still_there(app: RyzeConsole, name: str, screen: Screen[Any]) -> bool:
    """Whether the person waited on `screen` for what opens now: nothing opens over something else."""
    if elsewhere(app, screen):
        app.refuse(_("{name}: press the key again.").format(name=safe(name)))
        return False
    return True


async def _pair(app: RyzeConsole, name: str, asking: Asking, *, by_code: bool) -> None:
    from .screens.pairing import PairingScreen, ask_number

    account, digits = app.account, ""
    assert account is not None
    if not await may_connect(app, account, app.main, name, asking.state(account)):
        return
    app.typed.hold()
    if by_code:
        before = account.model.rows.get(name)
        state = before.state if before is not None else ""
        entered = await ask_number(app, before) if before is not None else None
        if entered is None:
            return
        digits = entered
        now = account.model.rows.get(name)
        if now is None or now.state != state:  # what was agreed to was another one: the form may have been open for minutes
            again = Asking(app, name)
            if not await may_connect(app, account, app.main, name, again.state(account)):
                return
    app.push_screen(PairingScreen(account, name, digits))


async def reconnect(app: RyzeConsole, name: str) -> None:
    assert app.account is not None
    if app.account.model.loaded or await _there(app, app.account, name):
        app.say(await app.account.reconnect(name))


async def _there(app: RyzeConsole, account: Account, name: str) -> bool:
    """Look at a row of an earlier run before anything is done to it."""
    try:
        row = await account.confirm_state(name)
    except Unconfirmed as problem:
        app.refuse(f"{safe(name)}: {safe(problem.message)}")
        return False
    if row is None:
        app.refuse(_("{name} is not there any more.").format(name=safe(name)))
    elif row.state == states.CONNECTED:
        app.refuse(_("{name} is connected already.").format(name=safe(name)))
        return False
    return row is not None


async def bring_back(app: RyzeConsole, name: str, asking: Asking) -> None:
    """Reconnect, or connect, or nothing: whatever the state asks for; says which and why."""
    account = app.account
    assert account is not None
    try:
        await asking.state(account)
    except Unconfirmed as problem:
        app.refuse(f"{safe(name)}: {safe(problem.message)}")
        return
    if not _still_there(app, name, app.main):
        return
    remedy = account.bring_back(name)
    if remedy.action == "reconnect":
        await app.typed.release()
        app.notify(f"{safe(name)}: {safe(remedy.why)}", markup=False, timeout=5)
        outcome = await account.reconnect(name)
        if not outcome.ok:
            app.say(outcome)
    elif remedy.action == "connect":
        app.notify(f"{safe(name)}: {safe(remedy.why)}", markup=False, timeout=5)
        await _pair(app, name, Asking(app, name), by_code=False)
    else:
        app.refuse(f"{safe(name)}: {safe(remedy.why)}")


async def _named(app: RyzeConsole, name: str, question: str, words: str, yes: str) -> bool:
    """Whether the name was typed, which is asked before harm; the row is then one that we changed ourselves."""
    from .screens.dialogs import TypeName

    asked = TypeName(question.format(name=safe(name)), name, words, yes=yes)
    answer = await app.push_screen_wait(asked)
    if answer:
        app.main.mine([name])
    return answer is True


async def logout(app: RyzeConsole, name: str) -> None:
    assert app.account is not None
    words = _("The phone unlinks this device. The instance and its settings stay; connecting it again needs a new QR code.")
    if await _named(app, name, _("Log out {name}?"), words, _("Log out")):
        app.say(await app.account.logout(name))


async def delete(app: RyzeConsole, name: str) -> None:
    assert app.account is not None
    words = _("The number is logged out, and the instance, its token and its settings are removed for good. There is no undo.")
    if await _named(app, name, _("Delete {name}?"), words, _("Delete")):
        outcome = await app.account.delete(name)
        app.say(outcome)
        if outcome.ok:
            app.main.forget(name)


async def refresh(app: RyzeConsole, name: str) -> None:
    """`R`: the whole list now, and the order taken again."""
    assert app.account is not None
    outcome = await app.account.refresh()
    if outcome.ok:
        app.main.take_order()
    app.say(outcome)


async def stream(app: RyzeConsole, name: str) -> None:
    """`w`: push its states. Says what the server holds afterwards."""
    assert app.account is not None
    app.say(await app.account.stream_on(name))


async def probe(app: RyzeConsole, name: str) -> None:
    """`t`: is what the screen says true?"""
    from .screens.probe import ProbeScreen

    assert app.account is not None
    if (look := app.account.look) is None:
        app.refuse(safe(app.account.link.message))
    else:
        app.push_screen(ProbeScreen(look, name, lambda: app.main.row(name) if app.main.kept_at else None))


def _editor(tab: str) -> Verb:
    async def edit(app: RyzeConsole, name: str) -> None:
        """`e` and the digits: a page of the instance's blocks."""
        from .screens.edit import EditScreen

        account = app.account
        assert account is not None
        if (configuring := account.configuring) is None:
            app.refuse(safe(account.link.message))
            return
        app.push_screen(EditScreen(account, configuring, name, tab))

    return edit


async def message(app: RyzeConsole, name: str) -> None:
    """`m`: a text to a number that is typed."""
    from .screens.message import MessageScreen

    assert app.account is not None
    app.push_screen(MessageScreen(app.account, name))


async def phone(app: RyzeConsole, name: str) -> None:
    from .screens.phone import PhoneScreen

    assert app.account is not None
    app.push_screen(PhoneScreen(app.account, name))


def _on_marked(action: str = "") -> Verb:
    async def bulk(app: RyzeConsole, name: str) -> None:
        """`B`, and the keys that are for the marked rows when there are any."""
        from .bulking import bulking

        if (made := bulking(app)) is not None:
            await (made.ask(action) if action else made.open(name))

    return bulk


async def copy(app: RyzeConsole, name: str) -> None:
    from .screens.dialogs import Choice, Menu

    account = app.account
    row = app.main.row(name)
    if row is None or account is None:
        return
    choices = [Choice("n", _("Name"), safe(name))]
    if row.number:
        choices.append(Choice("p", _("Phone number"), number(row.number)))
    if row.item.token:
        choices.append(Choice("t", _("Token of this instance"), "••••••••"))
    key = await app.push_screen_wait(Menu(_("Copy from {name}").format(name=safe(name)), choices))
    texts = {"n": name, "p": number(row.number), "t": row.item.token}
    if key:
        app.copy_to_clipboard(texts[key])
        app.notify(
            _("Copied: {what}. Terminals that refuse it say nothing.").format(
                what=next(choice.title for choice in choices if choice.key == key)
            ),
            markup=False,
            timeout=4,
        )


def _noting(what: str) -> Verb:
    async def note(app: RyzeConsole, name: str) -> None:
        from . import noting

        await (noting.hold if what == "hold" else noting.tags)(app, name)

    return note


async def profiles(app: RyzeConsole, _name: str) -> None:
    """The servers and accounts that are known here."""
    from .profiles import choose

    await choose(app)


OPENING: Final = frozenset({
    "new", "connect", "code", "bring_back", "logout", "delete", "phone", "probe", "copy", "edit", "message", "profiles",
    "tags", *(f"edit{key}" for key, _title in EDIT_TABS), "bulk", *(f"bulk {action}" for action in ON_MARKS),
})  # fmt: skip
"""Verbs that open a dialog or a screen: what is typed ahead of it waits."""
ASKING: Final = {"connect": connect, "code": code, "bring_back": bring_back}
"""Those of them that first ask the server what state the instance is in, which may take long."""

LOOKS: Final = frozenset({
    "refresh", "probe", "copy", "profiles", "hold", "tags", "bulk", *(f"bulk {action}" for action in ON_MARKS),
})  # fmt: skip
"""Verbs that change nothing on the server by themselves: one that hangs at something else is when they are needed."""

VERBS: Final[dict[str, Verb]] = {
    "new": new,
    "reconnect": reconnect,
    "logout": logout,
    "delete": delete,
    "refresh": refresh,
    "profiles": profiles,
    "hold": _noting("hold"),
    "tags": _noting("tags"),
    "phone": phone,
    "stream": stream,
    "message": message,
    "probe": probe,
    "edit": _editor("2"),
    **{f"edit{key}": _editor(key) for key, _title in EDIT_TABS},
    "copy": copy,
    "bulk": _on_marked(),
}
MARKED_VERBS: Final[dict[str, Verb]] = {f"bulk {action}": _on_marked(action) for action in ON_MARKS}
