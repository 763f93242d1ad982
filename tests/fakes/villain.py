"""A server that was written to do harm, by somebody who knows the contract: threads and raw sockets, one attack at a time.

`with Villain(attacks["a gzip bomb"]) as villain:` answers as `villainy.attacks` say. `villain.trap` is a second
server to which it sends its guests; `villain.heard` and `villain.trapped` are the heads of what each of them was asked.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

TOKEN: Final = "villain-account-token-fe6b9d1c2a"
NAMES: Final = ("alpha", "beta", "gamma")
EVIL: Final = (
    "ev\x1b]0;PWNED\x07\x1b[2J\x1b[?1049l\x1b[31;1mil\x1bP+q544e\x1b\\\x1b_Gi=1\x1b\\\x9b5n\x9d2;PWNED\x9c\x90q\x9c\x1b]52;c;UFdORUQ=\x07"
    "\x1b]8;;http://pwned.example\x1b\\link\x1b]8;;\x1b\\\r\n\t\x08\x7f\x00\x1bc\x0e\x0f\u202e\u2066\u200b\u2028\ufeff\U000e0041\x85\x05"
)
"""What terminals act on: titles, clipboard, links, screens, colours, answers, resets, other character sets, and directions."""
Attack = Callable[["Guest"], Any]


@dataclass
class Guest:
    """One request, and the connection for the answer."""

    villain: Villain
    connection: socket.socket
    head: bytes
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1").partition("?")[0]

    @property
    def wants_socket(self) -> bool:
        return "sec-websocket-key" in self.headers

    @property
    def wants_list(self) -> bool:
        return self.path.endswith("/list")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def for_ever(self, data: bytes, pause: float = 0.0) -> None:
        """Until the other side or the server ends."""
        while not self.villain.ended.is_set():
            self.send(data)
            if pause:
                self.villain.ended.wait(pause)

    def answer(self, status: str, body: bytes | str = b"", *more: str) -> None:
        """A whole answer; `more` are header lines."""
        data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Content-Type: application/json", *more]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + data)

    def json(self, value: Any, *more: str) -> None:
        self.answer("200 OK", json.dumps(value), *more)

    def upgrade(self, *more: str) -> None:
        """The WebSocket is open."""
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        lines = ["HTTP/1.1 101 OK", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}", *more]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def good(self) -> None:
        """What an honest server would say."""
        if self.wants_socket:
            self.upgrade()
            while not self.villain.ended.wait(5):
                self.send(frame(json.dumps({"event": "heartbeat", "seq": "1", "data": {}}).encode()))
        elif self.wants_list:
            self.json({"success": True, "instances": [item(name) for name in NAMES]})
        elif self.path == "/health":
            self.json({"status": "ok", "service": "RyzeAPI", "extensions": list(self.villain.extensions)})
        elif "/connect/" in self.path:
            self.json({"success": True, "message": "QR code generated", "qrCode": "2@abc,def,ghi", "status": "qr"})
        else:
            self.answer("404 Not Found", json.dumps({"success": False, "error": {"message": "Instance not found"}}))


def item(name: str) -> dict[str, Any]:
    """An honest row."""
    block = {
        "enabled": True,
        "url": "https://hook.example/x",
        "events": ["message.received"],
        "host": "proxy.example",
        "port": "1080",
    }
    return {
        "id": f"id-{name}",
        "name": name,
        "token": f"token-of-{name}-0123456789",
        "status": "connected",
        "connection": {"state": "connected", "numberJid": "5511999990000@s.whatsapp.net"},
        "profile": {"name": name.title(), "isBusiness": False},
        "createdAt": "2026-01-01T00:00:00Z",
        "websocket": {"enabled": True, "events": ["instance.state"]},
        "webhook": block,
        "proxy": block,
    }


def frame(payload: bytes, kind: int = 1, *, last: bool = True, bits: int = 0) -> bytes:
    """One frame of a server; `bits` are the reserved ones."""
    first = (0x80 if last else 0) | bits | kind
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 1 << 16:
        return bytes([first, 126]) + struct.pack("!H", len(payload)) + payload
    return bytes([first, 127]) + struct.pack("!Q", len(payload)) + payload


class Villain:
    """The server, its trap, and what both were asked. `extensions`: what it claims to be able to do at `/health`."""

    def __init__(self, attack: Attack, *, extensions: tuple[str, ...] = ()) -> None:
        self.attack, self.extensions = attack, extensions
        self.heard: list[bytes] = []
        self.trapped: list[bytes] = []
        self.ended = threading.Event()
        self.turn = 0
        self._open: set[socket.socket] = set()
        self._sockets = [socket.create_server(("127.0.0.1", 0), backlog=200) for _each in range(2)]
        self.url, self.trap = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in self._sockets)

    def __enter__(self) -> Self:
        for listening, serve in zip(self._sockets, (self._serve, self._spring), strict=True):
            threading.Thread(target=self._accept, args=(listening, serve), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        for one in [*self._sockets, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listening: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while not self.ended.is_set():
            try:
                connection, _address = listening.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._guarded, args=(serve, connection), daemon=True).start()

    def _guarded(self, serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            serve(connection)
        self._open.discard(connection)

    def _spring(self, connection: socket.socket) -> None:
        self.trapped.append(connection.recv(1 << 16))

    def _serve(self, connection: socket.socket) -> None:
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                more = connection.recv(1 << 16)
                if not more:
                    return
                waiting += more
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
            }
            size = int(headers.get("content-length", "0"))
            while len(waiting) < size:
                waiting += connection.recv(1 << 16)
            body, waiting = waiting[:size], waiting[size:]
            self.heard.append(head)
            self.attack(Guest(self, connection, head, body, headers))
