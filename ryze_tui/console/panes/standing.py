"""What the main screen says in place of rows, and of rows that may be old: from when they are and why. Pure but for the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ... import keys
from ...i18n import _
from ..words import day, safe
from .linkwords import ended, sentence

if TYPE_CHECKING:
    from ...fleet.freshness import Link
    from ...operations.account import Account
    from .order import Order


def dated(link: Link | None, *, loaded: bool, kept_at: float) -> str:
    """As of when the rows are true, and why not later; `kept_at`: Unix second, of rows of an earlier run."""
    why = safe(link.message) if link is not None else ""
    if kept_at:
        words = _("From {when}: {why}") if why else _("From {when}; waiting for the server's list.")
        return words.format(when=day(kept_at, time.time()), why=ended(why))
    if link is None or not loaded:  # before the first list there is nothing to date
        return why
    return sentence(link, time.time(), time.monotonic())


def instead(account: Account | None, order: Order | None, *, host: str, kept_at: float) -> str:
    """Where there is no row to show."""
    if order is not None and kept_at:
        return _("Nothing matches. esc clears the filter.") if order.filter else ""
    if account is None or order is None:
        return _("Starting…")
    if not account.model.loaded:
        if account.link.kind == "refused":
            where = _("Look at RYZE_TOKEN, --token-file or the profile: the token must be one of this server.")
            return f"{safe(account.link.message)} {where}"
        if account.link.kind == "offline":
            return safe(account.link.message)
        return _("Asking {host} for its instances…").format(host=safe(host))
    if not account.model.rows:
        return keys.fill(_("No instances yet. {new} makes the first one."))
    return _("Nothing matches. esc clears the filter.") if order.filter else ""
