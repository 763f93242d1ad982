"""What a server holds of one instance's blocks, as RyzeClient would tell it, and the account's way to write."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ryze_tui.api.deliveries import Delivery
from ryze_tui.api.errors import RyzeError
from ryze_tui.api.wire import WIRES, Wire
from ryze_tui.client.replies import Written
from ryze_tui.operations.configuring import Configuring
from ryze_tui.operations.drafts import Drafts
from ryze_tui.operations.outcome import Outcome, failed

WEBHOOK = {
    "label": "default", "enabled": True, "url": "https://hooks.acme.com/wa", "authorization": "Bearer abc123", "byEvents": False,
    "events": ["message.exchange", "instance.state"], "mediaBase64": False,
}
HELD: dict[str, dict[str, Any]] = {
    "settings": {
        "autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": True, "keepOnlineStatus": False,
        "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False,
    },
    "proxy": {"enabled": True, "host": "proxy.acme.com", "port": "1080", "protocol": "socks5", "username": "ana"},
    "s3": {
        "enabled": True, "region": "us-east-1", "bucket": "media", "accessKey": "AKIA", "secretKey": None,
        "endpoint": "https://s3.acme.com", "pathPrefix": "wa",
    },
    "websocket": {"enabled": True, "events": ["instance.state"], "mediaBase64": False},
    "chatwoot": {
        "chatwootBaseUrl": "https://chat.acme.com", "chatwootAccountId": 5, "chatwootApiToken": "agent-token-123",
        "inboxName": "sales", "signMessages": False, "ignoreGroups": True, "startAsPending": False, "reopenResolved": False,
    },
}
SECRETS = {"proxy": {"password": "proxy-pass"}, "s3": {"secretKey": "s3-secret"}}


class FakeBlocks:
    """A server with one configured instance. `fails`: what the next write or read raises; `keeps`: whether writes take effect."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any] | None] = {kind: dict(values) for kind, values in HELD.items()}
        self.secrets = {kind: dict(values) for kind, values in SECRETS.items()}
        self.rows: dict[str, dict[str, Any]] = {"default": dict(WEBHOOK), "crm": dict(WEBHOOK, label="crm", url="https://crm.acme.com")}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.fails: RyzeError | None = None
        self.keeps = True
        self.wanted: list[str] = []
        self.tried: dict[str, Any] = {}
        self.hangs = False
        self.log: list[Delivery] = []

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails

    async def block(self, wire: Wire, name: str) -> dict[str, Any] | None:
        self._fail()
        held = self.held[wire.kind]
        return dict(held) if held is not None else None

    async def webhooks(self, name: str) -> list[dict[str, Any]]:
        self._fail()
        return [dict(row) for row in self.rows.values()]

    async def set_block(self, wire: Wire, name: str, body: dict[str, Any], match: str = "") -> dict[str, Any]:
        self._fail()
        self.sent.append((wire.kind, dict(body)))
        if not self.keeps:
            return {"success": True}
        after = {field.name: field.empty for field in wire.fields if field.name != "enabled" or wire.kind != "chatwoot"}
        if wire.merges:
            after = self.held[wire.kind] or {}
        elif body.get("enabled") is not False:
            kept = self.secrets.get(wire.kind, {})
            self.secrets[wire.kind] = {name: body.get(name, kept.get(name, "")) for name in wire.hidden}
        after = after | body
        if wire.kind == "webhook":
            self.rows[body["label"]] = after
        else:
            self.held[wire.kind] = {name: value for name, value in after.items() if name not in wire.hidden}
        return {"success": True, "message": "updated"}

    async def remove_chatwoot(self, name: str, match: str = "") -> Written:
        self._fail()
        self.sent.append(("chatwoot", {}))
        self.held["chatwoot"] = None
        return Written("chatwoot integration deactivated")

    async def try_block(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self._fail()
        self.sent.append((f"try {kind}", dict(body)))
        if self.hangs:
            await asyncio.Event().wait()
        return self.tried

    async def deliveries(self, name: str, label: str) -> list[Delivery]:
        self._fail()
        return list(self.log)

    async def redeliver(self, name: str, delivery: str) -> Written:
        self._fail()
        self.sent.append(("redeliver", {"id": delivery}))
        return Written("Delivery queued")

    def want(self, name: str) -> None:
        """As the feed: the row is to be read again."""
        self.wanted.append(name)

    async def write(self, action: str, name: str, send: Any, *, detail: str = "", changes: Any = None) -> Outcome:
        try:
            return Outcome(True, await send(self, self), 200, name)
        except RyzeError as error:
            return failed(error, name)

    def configuring(self, home: Path, *, ours: bool = True, tries: bool = True) -> Configuring:
        """`ours`: a server that is known to keep a hidden secret that is left out; `tries`: one that tries blocks out."""
        assert home.is_absolute()
        return Configuring(self, self.write, Drafts("test"), keeps_secrets=lambda: ours, tries=lambda: tries)  # type: ignore[arg-type]


def shown(kind: str) -> tuple[str, ...]:
    """The fields of a block, in the order of the form."""
    return tuple(field.name for field in WIRES[kind].fields)
