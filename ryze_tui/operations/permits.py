"""What may be done with a token on a server, and why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..i18n import _

ACCOUNT_ONLY: Final = frozenset({"create", "new", "delete", "simulate"})
"""What a TokenInstance may not do (contract §1)."""
READS: Final = frozenset({"refresh", "log", "copy"})


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server is. `account_token`: False for a TokenInstance, None while unknown."""

    extensions: frozenset[str] = frozenset()
    engine: str = ""
    simulated: bool = False
    account_token: bool | None = None


def refusal(action: str, server: ServerInfo, *, read_only: bool) -> str:
    """Why this token or this mode cannot do that; empty when it can."""
    if read_only and action not in READS:
        return _("Read-only: nothing is changed on the server.")
    if server.account_token is False and action == "simulate":
        return _("This is the token of one instance; the virtual phone needs the account's token.")
    if server.account_token is False and action in ACCOUNT_ONLY:
        return _("This is the token of one instance; creating and deleting need the account's token.")
    if action == "simulate" and not server.simulated:
        return _("This server's numbers are real: there is no virtual phone.")
    return ""
