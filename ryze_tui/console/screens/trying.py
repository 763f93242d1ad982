"""Trying out what stands in a form, step by step, from the server or from this machine; opened from forms and from the review."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from ... import keys
from ...api import states
from ...i18n import _
from ...operations.editing import KEEP, Edit
from ...probes import from_here, from_server
from ...probes.steps import Step
from ...probes.trial import BY_SERVER, TRIED, Trial
from ..bindings import bind
from ..forms.pages import what
from ..words import safe
from .dialogs import Dialog, text
from .probe import Steps

if TYPE_CHECKING:
    from ...operations.configuring import Configuring
    from .edit import EditScreen

SERVER: Final = "server"
HERE: Final = "here"


class TryScreen(Dialog[None]):
    """Runs when it opens, and again on `t`; `h` from here, `v` from the server, where both can. Escape gives up, then closes."""

    TAKES_TYPED = False
    BINDINGS = [
        bind("again", "again"), bind("try_here", "run('here')"), bind("try_server", "run('server')"), bind("close_too", "close"),
    ]  # fmt: skip
    CSS = "TryScreen > #box { width: 84; }"

    def __init__(self, title: str, trial: Trial, configuring: Configuring | None) -> None:
        """`configuring` None: of an instance that is not there yet, which no server can be asked about."""
        super().__init__()
        self._heading, self._trial, self._configuring = title, trial, configuring
        server, here = self._refusals()
        self._refused = {SERVER: server, HERE: here}
        self._from = HERE if server else SERVER
        self._looking: Worker[None] | None = None
        self.steps = Steps()

    def _refusals(self) -> tuple[str, str]:
        """Why it cannot be tried from the server, and from here; empty where it can."""
        return why_not(self._trial, self._configuring)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self._heading)
            yield self.steps
            yield text("", "gap")
            yield text("", "dim", id="hint")

    def on_mount(self) -> None:
        self.steps.focus()
        self.action_again()

    def _hint(self, *, running: bool) -> None:
        words = [_("esc gives up") if running else keys.fill(_("{again} tries again"))]
        if not self._refused[HERE] and not self._refused[SERVER]:
            other = _("{try_server} from the server") if self._from == HERE else _("{try_here} from this machine")
            words.append(keys.fill(other))
        if not running:
            words.append(_("esc closes"))
        self.query_one("#hint", Static).update(" · ".join(words))

    def action_again(self) -> None:
        """Once more; a try under way is given up."""
        self.steps.steps, self.steps.done = [], False
        self._hint(running=True)
        self._looking = self.run_worker(self._run(), group="try", exclusive=True)

    def action_run(self, where: str) -> None:
        if reason := self._refused[where]:
            self.app.notify(reason, severity="warning", markup=False, timeout=6)
            return
        self._from = where
        self.action_again()

    def action_close(self) -> None:
        if self._looking is not None and self._looking.is_running:
            self._looking.cancel()
            self._looking = None
            self.steps.given_up()
            self._hint(running=False)
        else:
            self.dismiss(None)

    def _probe(self) -> AsyncIterator[Step]:
        if self._from == SERVER and self._configuring is not None:
            return from_server.probe(self._configuring, self._trial)
        return from_here.probe(self._trial, self._configuring.stream if self._configuring is not None else None)

    async def _run(self) -> None:
        async for step in self._probe():
            self.steps.show(step)
        self.steps.done = len(self.steps.steps) > 1
        self.steps.sync()
        self._hint(running=False)


def why_not(trial: Trial, configuring: Configuring | None) -> tuple[str, str]:
    """Why a trial cannot be made by the server, and from this machine; empty where it can."""
    server = here = ""
    if configuring is None:
        server = _("The instance is not there yet, so the server cannot be asked.")
    elif trial.kind not in BY_SERVER:
        server = _("A stream is tried from where its followers are.")
    elif not configuring.tries:
        server = _("This server cannot try it out; it is an extension of ours.")
    if trial.kind == "websocket" and configuring is None:
        here = keys.fill(_("A stream can be tried once its instance is there: {edit_try} on its page then."))
    elif trial.lacks:
        here = _("Type the secret again to try it from here: only the server holds the stored one.")
    return server, here


def prepared(
    edit: Edit, now: Mapping[str, Any] | None, name: str, configuring: Configuring | None, *, state: str = states.DISCONNECTED,
    theirs: frozenset[str] = frozenset(),
) -> TryScreen | tuple[str, str]:  # fmt: skip
    """The screen that tries what would be saved; (field, why not) when it cannot be tried like this."""
    kind = edit.wire.kind
    if kind not in TRIED:
        return "", _("There is nothing to try out here.")
    if kind != "websocket":
        if edit.yours.get("enabled") is False:
            return "enabled", _("It is off: switch it on to try it out; nothing has to be saved.")
        if problems := edit.problems():
            field, words = next(iter(problems.items()))
            title = next(_(one.title) for one in edit.fields if one.name == field)
            return field, f"{title}: {words}"
    trial = Trial(kind, name, edit.body(now, theirs), state)
    server, here = why_not(trial, configuring)
    if server and here:
        return next((one.name for one in edit.fields if edit.yours[one.name] is KEEP), ""), here
    block = what(kind, edit.label)
    title = _("Try {what} of {name}").format(what=block, name=safe(name)) if name else _("Try {what}").format(what=block)
    return TryScreen(title, trial, configuring)


def try_out(screen: EditScreen, now: Mapping[str, Any] | None = None, theirs: frozenset[str] = frozenset()) -> None:
    """`T` on the edit screen and in its review. `now`: what the server holds, as it was read last."""
    page, reason = screen.page, screen.account.may("configure")
    if page.edit is None or (reason and page.kind != "websocket"):
        screen.refuse(reason or _("It was not read yet."))
        return
    row = screen.account.model.rows.get(screen.instance)
    state = row.state if row is not None else states.DISCONNECTED
    held = now if now is not None else page.held.values if page.held is not None else None
    made = prepared(page.edit, held, screen.instance, screen.configuring, state=state, theirs=theirs)
    if isinstance(made, TryScreen):
        screen.app.push_screen(made)
        return
    field, words = made
    screen.refuse(words)
    if field and screen.form is not None and screen.app.screen is screen:
        screen.form.control(field).focus()
