"""Which way brings an instance back: a pure choice from its state."""

from __future__ import annotations

from .. import keys
from ..api import states
from ..fleet.model import Row
from ..i18n import _
from .outcome import Remedy


def choose(row: Row | None, now: float = 0.0) -> Remedy:
    """Reconnect where a session should be left, connect where none can be, wait where something is under way.

    `now`: Unix seconds; a ban that was told to end may have ended.
    """
    if row is None:
        return Remedy("none", _("it is not there any more"))
    if row.state == states.CONNECTED:
        return Remedy("none", _("it is connected already"))
    if row.state == states.BANNED and not 0 < row.until <= now:
        return Remedy("wait", _("WhatsApp banned it; connecting again now makes it worse"))
    if row.state == states.CONNECTING and row.phase != "refused":
        return Remedy("wait", keys.fill(_("it is connecting; {code} or {connect} starts a new pairing")))
    if row.last_word == "client_outdated":
        return Remedy("wait", _("WhatsApp refuses the server's engine; it has to be upgraded first"))
    if row.state == states.LOGGEDOUT:
        return Remedy("connect", _("it is logged out, so there is no session left: a new QR is needed"))
    if not row.number:
        return Remedy("connect", _("it was never paired: a QR is needed"))
    return Remedy("reconnect", _("it has a saved session: dialling again with it"))
