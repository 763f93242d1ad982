"""The bulk of the account that is open: begun, gone on with and told of while its own screen is not there.

Nothing of bulk is imported before the first key that needs this module, or before one is found that was left unfinished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .. import keys
from ..i18n import _, n_
from ..operations.bulk.desk import Desk
from ..operations.bulk.plan import ENDED, FAILED, LOGOUT, SKIPPED, WAITING, Job
from ..operations.bulk.record import RecordError, Unfinished
from ..operations.bulk.runner import GENTLE, Bulk
from . import bulkwords
from .words import DOT, safe

if TYPE_CHECKING:
    from ..operations.account import Account
    from ..operations.bulk.deeds import Means
    from .app import RyzeConsole
    from .screens.bulkrun import BulkScreen

PERIOD: Final = 1.0
"""Seconds between two drawings of the one line that tells of a bulk that is hidden."""


def bulking(app: RyzeConsole) -> Bulking | None:
    """That of the open account; None, with the reason on the screen, when its address or token cannot be used at all."""
    main, account = app.main, app.account
    assert account is not None
    if main.bulking is None:
        if (means := account.means) is None:
            app.refuse(safe(account.link.message))
            return None
        main.bulking = Bulking(app, account, means)
        main.bulking.look()
    return main.bulking


class Bulking:
    """`desk.current` is the bulk that runs or ran last; `left` one that an earlier program did not end."""

    def __init__(self, app: RyzeConsole, account: Account, means: Means) -> None:
        self.app, self.account = app, account
        self.desk = Desk(means)
        self.pace = GENTLE
        self.left: Unfinished | None = None
        self.screen: BulkScreen | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stale = self._lost = self._unseen = False
        self._told = ""

    @property
    def bulk(self) -> Bulk | None:
        """The one that runs or ran last."""
        return self.desk.current

    # -- beginning -----------------------------------------------------------------------------------------------------

    def blocked(self) -> str:
        """Why no other one can be begun now; empty when it can."""
        if self.desk.busy:
            return keys.fill(_("A bulk is under way: {bulk} shows it."))
        if self.desk.elsewhere:
            return _("Another ryze-tui runs a bulk of this account now: wait for its end.")
        if self.left is not None:
            return keys.fill(_("An earlier bulk is unfinished: {bulk} goes on with it, or forgets it."))
        return self.early()

    def early(self) -> str:
        """Why nothing can be begun or gone on with yet: what rows of an earlier run say is no ground for it."""
        return "" if self.account.model.loaded else _("Waiting for the server's list: these rows are from an earlier run.")

    def look(self) -> None:
        """Is there one that was left unfinished? Says so."""
        self.left = None if self.desk.elsewhere else self.desk.unfinished()
        self._draw()
        if (left := self.left) is not None:
            count = sum(entry.state not in ENDED for entry in left.entries)
            words = n_("{n} instance is left", "{n} instances are left", count)
            text = _("A bulk was broken off ({what}): {left}. {bulk} shows it; nothing goes on by itself.")
            self.app.notify(
                keys.fill(text, what=bulkwords.verb(left.job), left=words), severity="warning", markup=False, timeout=15
            )

    async def open(self, name: str) -> None:
        """`B`: the one under way, the unfinished one, or what may be done to the marked ones."""
        from .screens import bulkmenu

        if self.desk.busy or self._unseen:
            self.show()
            return
        self.look_again()
        if self.left is not None:
            self.app.clear_notifications()  # what said so
            await bulkmenu.go_on(self, self.left)
        elif self.desk.elsewhere:
            self.app.refuse(self.blocked())
        elif self.app.main.marks:
            await bulkmenu.choose(self, name)
        elif self.bulk is not None:
            self.show()
        else:
            self.app.refuse(
                keys.fill(_("Nothing is marked: {mark_row} marks the row under the cursor, {mark_all} all that are shown."))
            )

    def look_again(self) -> None:
        """Another program may have ended what was unfinished, or left another."""
        if not self.desk.busy:
            self.left = None if self.desk.elsewhere else self.desk.unfinished()
            self._draw()

    async def ask(self, action: str) -> None:
        """The plan for the marked ones, and then the bulk itself."""
        from .screens import bulkmenu

        self.look_again()
        if reason := self.blocked():
            self.app.refuse(reason)
        else:
            await bulkmenu.plan(self, Job(action, self.app.main.marks.names))

    def begin(self, make: Callable[[], Bulk]) -> None:
        """Make it and let it run, and show it."""
        try:
            bulk = make()
        except RecordError as error:
            self.app.refuse(safe(str(error)))
            self.look_again()
            return
        if bulk.job.action == LOGOUT:
            self.app.main.mine(bulk.job.names)
        self.left, self._lost, self._told = None, False, ""
        bulk.on_change = self._changed
        self._run(bulk)
        self.show()

    def forget(self) -> None:
        """The unfinished one is not wanted any more."""
        try:
            self.desk.forget()
        except RecordError as error:
            self.app.refuse(safe(str(error)))
        self.look_again()

    def _run(self, bulk: Bulk) -> None:
        self.app.run_worker(self._to_its_end(bulk), group="account")  # which ends with the account

    async def _to_its_end(self, bulk: Bulk) -> None:
        try:
            await bulk.run()
        except RecordError as error:
            self.app.refuse(safe(str(error)))
        finally:
            self.desk.close()
        self._changed()
        if self.screen is None and bulk.finished:
            self._unseen = True
            self._tell_end(bulk)

    def again(self) -> None:
        """`f`: the failed ones once more, also when the bulk is over."""
        bulk = self.bulk
        if bulk is None:
            return
        over = bulk.finished
        if over and (reason := self.blocked()):
            self.app.refuse(reason)
        elif not bulk.retry():
            self.app.refuse(_("None has failed."))
        elif over:
            self._run(bulk)
        elif bulk.paused:
            self.go_on()

    def turn(self) -> None:
        """`space`: pause, or go on."""
        bulk = self.bulk
        if bulk is None or bulk.finished:
            self.app.refuse(_("It is over: there is nothing to pause."))
        elif bulk.paused:
            self.go_on()
        else:
            bulk.pause()

    def go_on(self) -> None:
        """After a pause."""
        if self.bulk is not None:
            self._told = ""
            self._lost = False
            self.bulk.resume()

    # -- what is told of it --------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Its screen, unless it is there already."""
        from .screens.bulkrun import BulkScreen

        if self.screen is None and self.bulk is not None:
            self._unseen = False
            self.app.push_screen(BulkScreen(self, self.bulk))

    def link_changed(self) -> None:
        """Without the server nothing can be done: it pauses before the next one fails, and says when the server is back."""
        bulk = self.bulk
        if bulk is None or bulk.finished:
            return
        link = self.account.link
        if link.kind in ("offline", "refused"):
            if not self._lost and (not bulk.paused or bulk.why):
                self._lost = True
                bulk.pause(_("Paused: {why}").format(why=safe(link.message) or _("the server does not answer.")))
        elif link.kind in ("live", "polling") and self._lost:
            self._lost = False
            if bulk.paused:
                bulk.pause(_("The server is back."))

    def _changed(self) -> None:
        if self.screen is not None:
            self.screen.poke()
        bulk = self.bulk
        if self.screen is None and bulk is not None and bulk.paused and bulk.why not in ("", self._told):
            text = keys.fill(_("{what}: {why} {bulk} shows it."), what=bulkwords.verb(bulk.job), why=bulkwords.sentence(bulk.why))
            self.app.notify(text, severity="warning", markup=False, timeout=10)
        self._told = bulk.why if bulk is not None else ""
        self._stale = True
        if self._timer is None:
            self._tick()

    def _tick(self) -> None:
        self._timer = None
        if self._stale:
            self._stale = False
            self._draw()
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._tick)

    def _draw(self) -> None:
        line = self.app.main.title_line
        if self.app.main.bulking is self:  # else another account is shown by now
            line.bulk = self._line()
            line.sync()

    def _line(self) -> str:
        bulk, left = self.bulk, self.left
        if bulk is not None and not bulk.finished:
            counts = bulk.counts
            whole = len(bulk.entries) - counts[SKIPPED]
            ended = whole - counts[WAITING] - counts["running"]
            parts = [f"{bulkwords.verb(bulk.job)} {ended}/{whole}", *([_("paused")] if bulk.paused else [])]
        elif left is not None:
            count = sum(entry.state not in ENDED for entry in left.entries)
            parts = [n_("{what}: {n} left", "{what}: {n} left", count).format(what=bulkwords.verb(left.job))]
        else:
            return ""
        return DOT.join([*parts, keys.name("bulk")])

    def _tell_end(self, bulk: Bulk) -> None:
        counts = bulk.counts
        words = keys.fill(
            _("{what}: {tally}. {bulk} shows the results."), what=bulkwords.verb(bulk.job), tally=bulkwords.tally(counts)
        )
        severity = "warning" if counts[FAILED] else "information"
        self.app.notify(words, severity=severity, markup=False, timeout=10)  # type: ignore[arg-type]

    # -- leaving -------------------------------------------------------------------------------------------------------

    @property
    def guards_quit(self) -> bool:
        """Whether one is under way."""
        return self.desk.busy

    def ask_quit(self, leave: Callable[[], None]) -> None:
        """Quitting in the middle of it leaves it unfinished."""
        from .screens.dialogs import Question

        bulk = self.bulk
        if isinstance(self.app.screen, Question) or bulk is None:
            leave()
            return
        open_ = sum(entry.state not in ENDED for entry in bulk.entries)
        title = n_("{what}: {n} instance is not done yet.", "{what}: {n} instances are not done yet.", open_)
        words = _("The bulk stays unfinished: the next start offers to go on with it. None is done twice.")
        if not bulk.record.resumable:
            words = _("Nothing is kept on this machine (RYZE_NO_CACHE), so nobody can go on with it.")
        question = Question(title.format(what=bulkwords.verb(bulk.job)), words, yes=_("Quit"))
        self.app.push_screen(question, lambda yes: leave() if yes else None)

