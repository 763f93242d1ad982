"""Where each block is read and written, and what a write does to it (contract §2.8-2.13, §6). Costs no pydantic to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .blocks import Block
    from .fields import Field


@dataclass(frozen=True, slots=True)
class Wire:
    """One block on the wire.

    `read`, `write`: paths without the instance's name; `key`: where the block is in an answer, empty when it is the answer.
    `merges`: fields left out keep their value, else they get their default. `erases`: switching off clears the rest.
    `hidden`: secrets that no read tells. `kept_while`: our server keeps a hidden secret that is left out while these fields are
    what they were (contract §8 #51). `at_connect`: it acts at the next connect or reconnect only.
    """

    kind: str
    read: str
    write: str
    key: str
    merges: bool = False
    erases: bool = False
    hidden: frozenset[str] = frozenset()
    kept_while: tuple[str, ...] = ()
    at_connect: bool = False

    @property
    def block(self) -> type[Block]:
        """Its declaration."""
        from .blocks import BLOCKS

        return BLOCKS[self.kind]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its fields, without the label, which names a row and is no part of it."""
        from .fields import fields_of

        return tuple(field for field in fields_of(self.block) if field.name != "label")


WIRES: Final[dict[str, Wire]] = {
    "settings": Wire("settings", "/api/instance/getSettings/", "/api/instance/settings/", "settings", merges=True),
    "proxy": Wire(
        "proxy", "/api/instance/getProxy/", "/api/instance/proxy/", "proxy", erases=True,
        hidden=frozenset({"password"}), kept_while=("host", "username"), at_connect=True,
    ),
    "s3": Wire(
        "s3", "/api/instance/getS3/", "/api/instance/s3/", "s3", erases=True, hidden=frozenset({"secretKey"}),
        kept_while=("endpoint", "accessKey"),
    ),
    "webhook": Wire(
        "webhook", "/api/events/getWebhook/", "/api/events/webhook/", "webhook", erases=True,
    ),
    "websocket": Wire(
        "websocket", "/api/events/getWebsocket/", "/api/events/websocket/", "websocket", erases=True,
    ),
    "chatwoot": Wire("chatwoot", "/api/chatwoot/list/", "/api/chatwoot/set/", "", erases=True),
}
"""By kind, in the order of the tabs."""

CHATWOOT_READ: Final[dict[str, str]] = {
    "chatwoot_base_url": "chatwootBaseUrl", "chatwoot_account_id": "chatwootAccountId", "chatwoot_api_token": "chatwootApiToken",
    "chatwoot_inbox_name": "inboxName", "sign_messages": "signMessages", "ignore_groups": "ignoreGroups",
    "start_as_pending": "startAsPending", "reopen_resolved": "reopenResolved",
}
"""Its read route has names of its own (contract §6)."""
CHATWOOT_DELETE: Final = "/api/chatwoot/delete/"
