"""What a key asks the server before anything opens, and how Escape calls that off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import keys
from ..i18n import _
from .words import safe

if TYPE_CHECKING:
    from textual.screen import Screen

    from ..fleet.model import Row
    from ..operations.account import Account
    from .app import RyzeConsole


class CalledOff(Exception):
    """The person pressed Escape while the server was being asked."""


class Asking:
    """What a key asks the server, once, before anything opens; until there is an answer Escape calls it off."""

    def __init__(self, app: RyzeConsole, name: str) -> None:
        self._app, self._name, self._off, self._said = app, name, False, ""
        self._request: asyncio.Future[Row | None] | None = None
        app.typed.asking(self._call_off)

    def slow(self) -> None:
        """It takes longer than a moment: say so, for as long as it is true."""
        self._said = keys.fill(_("Asking the server what {name} is now; {back} calls it off."), name=safe(self._name))
        self._app.notify(self._said, markup=False, timeout=60)

    async def state(self, account: Account) -> Row | None:
        """`Account.confirm_state`. Raises CalledOff and Unconfirmed."""
        if self._off:
            raise CalledOff
        self._request = asyncio.ensure_future(account.confirm_state(self._name))
        try:
            return await self._request
        except asyncio.CancelledError:
            if not self._off:
                raise
            raise CalledOff from None
        finally:
            self._app.unsay(self._said)
            self._app.typed.answered(self._call_off)

    def _call_off(self) -> bool:
        if elsewhere(self._app, self._app.main):
            return False
        self._off = True
        self._app.refuse(_("{name}: called off.").format(name=safe(self._name)))
        if self._request is not None:
            self._request.cancel()
        return True


def elsewhere(app: RyzeConsole, screen: Screen[Any]) -> bool:
    """The person went on from `screen` to something else."""
    return app.screen is not screen or app.focused is app.main.title_line
