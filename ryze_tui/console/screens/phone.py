"""The virtual phone: what the phone, WhatsApp or the network would do to a simulated number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import keys
from ...api import states
from ...i18n import _
from ..words import safe
from .dialogs import Choice, Entry, Menu, close

if TYPE_CHECKING:
    from ...operations.account import Account


def _choices(state: str, code: str) -> list[Choice]:
    """In the order in which they are wanted: the first one that can be done now is on top."""
    pairing = "" if state == states.CONNECTING else keys.fill(_("Nothing is being paired: press {connect} on it first."))
    linked = "" if state == states.CONNECTED else _("It is not connected.")
    scan = [
        Choice("s", _("Scan the QR code"), _("links a made-up number"), pairing),
        Choice("e", _("Enter the pairing code"), code or _("types it on the phone"), pairing),
    ]
    if code:
        scan.reverse()
    rest = [
        Choice("u", _("Unlink this device"), _("on the phone, under Linked devices"), linked),
        Choice("b", _("Ban for an hour"), _("WhatsApp blocks the number for a while"), linked),
        Choice("d", _("Drop for 20 s"), _("the network fails, then comes back"), linked),
        Choice("m", _("Send a message"), _("from a made-up contact"), linked),
        Choice("c", _("Call"), _("from a made-up contact"), linked),
    ]
    return [*rest, *scan] if state == states.CONNECTED else [*scan, *rest]


_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "s": ("scan", {}),
    "u": ("unlink", {}),
    "b": ("ban", {"seconds": 3600}),
    "d": ("drop", {"seconds": 20}),
    "m": ("message", {"from": "5511988887777", "text": "Hello from the virtual phone"}),
    "c": ("call", {"from": "5511988887777"}),
}


class PhoneScreen(Menu):
    """A menu that stays behind its question for a code and closes once the phone did it."""

    def __init__(self, account: Account, name: str, *, pairing_code: str = "") -> None:
        row = account.model.rows.get(name)
        super().__init__(
            _("Virtual phone of {name}").format(name=safe(name)), _choices(row.state if row is not None else "", pairing_code)
        )
        self._account, self._instance, self._code = account, name, pairing_code

    def _chosen(self, choice: Choice) -> None:
        if choice.reason:
            super()._chosen(choice)
        else:
            self.run_worker(self._do(choice.key), exclusive=True)

    async def _do(self, key: str) -> None:
        if key == "e":
            code = await self.app.push_screen_wait(
                Entry(
                    _("Link with phone number"),
                    _("Type the 8 characters that the console shows."),
                    _("Code"),
                    value=self._code,
                    check=lambda text: "" if len(text.replace("-", "").strip()) == 8 else _("A pairing code has 8 characters."),
                )
            )
            if not code:
                return
            outcome = await self._account.simulate(self._instance, "enter-code", code=code.replace("-", "").strip().upper())
        else:
            action, body = _BODIES[key]
            outcome = await self._account.simulate(self._instance, action, **body)
        self.app.say(outcome)  # type: ignore[attr-defined]
        if outcome.ok:
            close(self)
