"""A block that is to be tried out as it stands in a form, saved or not; the names of its steps, and what to do when one fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ..api.wire import WIRES
from ..i18n import _, mark
from ..redact import MASK, register
from .steps import BAD, GOOD, RUNNING, Step

TRIED: Final = frozenset({"proxy", "s3", "webhook", "chatwoot", "websocket"})
"""Kinds of blocks that can be tried out."""
BY_SERVER: Final = TRIED - {"websocket"}
"""Kinds that a server of ours tries; a stream is tried where its followers are."""
_NAMES: Final = {
    "address": mark("Address"), "tcp": mark("Connection"), "tls": mark("TLS"), "auth": mark("Password"),
    "connect": mark("Proxy"), "target": mark("WhatsApp"), "put": mark("Write"), "get": mark("Read"), "delete": mark("Remove"),
    "post": mark("Test event"), "token": mark("Token"), "account": mark("Account"), "inbox": mark("Inbox"),
    "upgrade": mark("Stream"), "heartbeat": mark("Heartbeat"),
}
_ADVICE: Final = {
    "address": mark("Is the host spelt right?"),
    "tcp": mark("Check host and port, and whether the proxy runs."),
    "tls": mark("If it speaks no TLS, http is its protocol."),
    "auth": mark("Check user name and password."),
    "connect": mark("Check protocol and port, and whether it lets anybody through to WhatsApp."),
    "target": mark("It says that it is through, and WhatsApp does not answer there: it may be blocked, or watched."),
    "put": mark("Check endpoint, bucket, region and keys, and that the key may write there."),
    "get": mark("The key has to be allowed to read as well."),
    "delete": mark("The key has to be allowed to remove what it wrote."),
    "post": mark("Check URL and authorization; the receiver's own log says more."),
    "token": mark("Check the URL, and take the token from an administrator's profile in Chatwoot."),
    "account": mark("The account's number is in Chatwoot's own addresses: /app/accounts/5."),
    "inbox": mark("Use the token of an administrator of that account."),
    "upgrade": mark("Is it saved and switched on? A proxy before the server has to let WebSocket through."),
    "heartbeat": mark("Something between here and the server keeps the connection and carries nothing."),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """`name`: of the instance, empty when it is not there yet; `body`: as it would be saved; `state`: one of api.states."""

    kind: str
    name: str
    body: dict[str, Any] = field(repr=False)
    state: str = "disconnected"

    @property
    def lacks(self) -> str:
        """The hidden secret that was not typed and that a server may hold; empty when everything is here."""
        wire = WIRES[self.kind]
        if self.kind == "proxy" and not self.body.get("username"):
            return ""  # a proxy that asks for no user asks for no password either
        return next((name for name in sorted(wire.hidden) if name not in self.body), "")

    @property
    def secrets(self) -> list[str]:
        """The texts that are never shown."""
        values = (self.body.get(one.name) for one in WIRES[self.kind].fields if one.secret)
        return [value for value in values if isinstance(value, str) and value]

    def hide(self) -> None:
        """Its secrets are masked from now on, wherever they turn up."""
        for secret in self.secrets:
            register(secret)

    def shown(self, text: str) -> str:
        """Without its secrets, those too short to be masked everywhere among them."""
        for secret in self.secrets:
            if len(secret) > 2:
                text = text.replace(secret, MASK)
        return text


def title(name: str) -> str:
    """Of a step."""
    return _(_NAMES[name]) if name in _NAMES else name


def running(name: str) -> Step:
    """A step that begins."""
    return Step(title(name), RUNNING, name=name)


def verdict(steps: list[Step]) -> Step:
    """What all of it comes to, and what to do about the step that failed."""
    failed = next((step for step in steps if step.result == BAD), None)
    if failed is None and any(step.result == GOOD for step in steps):
        return Step(_("Verdict"), GOOD, _("It works."))
    words = _("It does not work.")
    advice = _ADVICE.get(failed.name) if failed is not None else None
    return Step(_("Verdict"), BAD, f"{words} {_(advice)}" if advice else words)
