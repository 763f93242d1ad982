"""Which account is open: opening one, closing the one before, and changing over to another without leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .opening import Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fleet.model import FleetModel
    from ..operations.account import Account
    from .app import RyzeConsole


class Place(NamedTuple):
    """One server and one token. `profile`: its name, empty without one. `keep`: its list is remembered for the next start."""

    url: str = ""
    token: str = ""
    profile: str = ""
    read_only: bool = False
    keep: bool = True

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return self.profile or self.host


class Accounts:
    """`place` is the one that is shown. `locked`: read-only was asked for when the program began, and stays for every account."""

    def __init__(self, app: RyzeConsole, place: Place, *, locked: bool = False) -> None:
        self._app, self.place, self.locked = app, place, locked
        self.visited: dict[str, Place] = {}
        """What was open, by title: nobody could go back to what is no profile (a demo, `--url`)."""
        self._opening = Opening(app, self._show_kept, lambda: None)

    def start(self, begin: Callable[[], None]) -> None:
        """What is kept of the first one, then `begin`."""
        if self.place.url and self.place.keep:
            self._opening = Opening(self._app, self._show_kept, begin)
            self._opening.start(self.place.url, self.place.token)
        else:
            begin()

    def painted(self) -> None:
        """Something was drawn."""
        self._opening.painted()

    def _show_kept(self, model: FleetModel, seen: float) -> None:
        self._app.main.show_kept(model, seen, title=self.place.title, host=self.place.host)

    def change_over(self, place: Place) -> None:
        """Close what is open and show another one: what is kept of it at once and dated, then what is true."""
        if self.place.url:
            self.visited[self.place.title] = self.place
        same = [title for title, one in self.visited.items() if (one.url, one.token) == (place.url, place.token)]
        for title in same:  # it is here, under whichever name
            del self.visited[title]
        self._opening.stop()
        self._close()
        self._forget()
        self._app.account = None
        self._app.main.detach()
        self.place = place
        self.start(lambda: self.open(place, again=True))

    def open(self, place: Place, *, again: bool = False) -> None:
        """Show this account; the one shown before is closed. Imports the network libraries, so only after the first paint.

        `again`: what was remembered of it is on the screen already, if anything was.
        """
        from ..operations.account import Account

        self._close()
        self.place, app = place, self._app
        read_only = place.read_only or self.locked
        account = Account(place.url, place.token, read_only=read_only, profile=place.profile, keep=place.keep)
        app.follow(account)
        app.main.attach(account, title=place.title, host=place.host, again=again)
        app.run_worker(self._keep(account), group="account", exclusive=True)

    def _close(self) -> None:
        """It is not heard of any more, whatever is still under way for it."""
        account = self._app.account
        if account is not None:
            account.on_changes = account.on_link = account.on_event = None
        self._app.workers.cancel_group(self._app, "account")

    def _forget(self) -> None:
        """What was asked of it is not answered on the screen any more, and what was said of it is taken away."""
        for worker in self._app.workers:
            if worker.group.startswith("looks:") and worker.group != "looks:profiles":  # the latter is who asks for this
                worker.cancel()
        self._app.clear_notifications()

    async def _keep(self, account: Account) -> None:
        try:
            await account.run()
        finally:
            await account.close()
