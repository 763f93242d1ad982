"""HTTP that cannot be read is refused in the contract's error shape too, which uvicorn itself does in plain text."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import secrets as entropy
import sys
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from ..api import errors as texts
from .access import REQUEST_ID

log = logging.getLogger(__name__)

_TEXTS: Final = {431: texts.HEADERS_TOO_LARGE}
_NONCE_BYTES: Final = 16

HEAD_BYTES: Final = 16 * 1024
QUIET_SECONDS = 30.0
"""How long a connection may be there without a whole head of a request: each has a descriptor, and no token was needed yet."""


class _Connection(h11.Connection):
    """Two lengths are none (RFC 9112 6.1): what stands before us may have gone by the other one."""

    def next_event(self) -> Any:
        """Raises RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, h11.Request) and {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
            raise h11.RemoteProtocolError("Content-Length and Transfer-Encoding")
        return event


class Protocol(H11Protocol):
    """One connection. What is overridden is what uvicorn answers without asking the application, and what it waits for."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **more: Any) -> None:
        super().__init__(config, server_state, app_state, **more)
        self.conn = _Connection(h11.SERVER, HEAD_BYTES)
        self._quiet: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there, and has a while to ask for something."""
        super().connection_made(transport)
        self._quiet = self.loop.call_later(QUIET_SECONDS, self._let_go)

    def data_received(self, data: bytes) -> None:
        """The while begins with the first byte after an answer and ends with a request."""
        super().data_received(data)
        if self._asked():
            self._hush()
        elif self._quiet is None:
            self._quiet = self.loop.call_later(QUIET_SECONDS, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._hush()
        super().connection_lost(exc)

    def _asked(self) -> bool:
        """Whether a request is being worked on; one that became a WebSocket has its own ways to end."""
        if self.transport.get_protocol() is not self:
            return True
        return self.cycle is not None and not self.cycle.response_complete

    def _let_go(self) -> None:
        self._quiet = None
        if not self._asked():
            self.transport.close()

    def _hush(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def send_400_response(self, msg: str) -> None:
        """Called while the parser's error is being handled; it knows the status best (400, 431, 501)."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        ident = entropy.token_hex(8)
        if self.cycle is not None and not self.cycle.response_complete:
            # In the middle of a body: whoever reads it is told that the client is gone, and cannot answer as well.
            ident = self.scope.setdefault(REQUEST_ID, ident)  # type: ignore[typeddict-item]
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(status, ident)
        self.transport.close()
        log.info("unreadable request %d id=%s", status, ident)

    def _refuse(self, status: int, ident: str) -> None:
        body = json.dumps({"success": False, "error": {"message": _TEXTS.get(status, texts.MALFORMED)}}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("X-Request-Id", ident),
                   ("Connection", "close")]  # fmt: skip
        start = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            if data := self.conn.send(event):
                self.transport.write(data)

    def _should_upgrade(self) -> bool:
        """An upgrade without a proper handshake is an ordinary request: the application refuses it, in its own shape."""
        return super()._should_upgrade() and self.scope["method"] == "GET" and self._handshake()

    def _handshake(self) -> bool:
        keys = [value for name, value in self.headers if name == b"sec-websocket-key"]
        versions = [value for name, value in self.headers if name == b"sec-websocket-version"]
        try:
            return versions == [b"13"] and len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == _NONCE_BYTES
        except binascii.Error:
            return False
