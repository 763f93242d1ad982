"""HTTP that cannot be read is refused in the contract's error shape too, which uvicorn itself does in plain text."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import secrets as entropy
import sys
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from ..api import errors as texts
from .access import REQUEST_ID

log = logging.getLogger(__name__)

_TEXTS: Final = {431: texts.HEADERS_TOO_LARGE}
_NONCE_BYTES: Final = 16


class Protocol(H11Protocol):
    """One connection. What is overridden is what uvicorn answers without asking the application."""

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
