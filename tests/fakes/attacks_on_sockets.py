"""Attacks of the malicious server on the WebSocket and on its opening."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Final

from .attack import at_socket, attacks
from .villain import EVIL, Attack, frame

# -- sockets -----------------------------------------------------------------------------------------------------------

EVENT: Final = json.dumps(
    {"event": "instance.state", "data": {"state": "connected"}, "instanceData": {"instance": "alpha"}}
).encode()
at_socket("frames without end", lambda guest: guest.for_ever(frame(EVENT) * 500))
at_socket(
    "fragments without end",
    lambda guest: (guest.send(frame(b'{"a":"', last=False)), guest.for_ever(frame(b"x" * 60_000, 0, last=False)))[0],
)
at_socket(
    "empty fragments without end",
    lambda guest: (guest.send(frame(b"{", last=False)), guest.for_ever(frame(b"", 0, last=False) * 5000))[0],
)
at_socket("pings without end", lambda guest: guest.for_ever(frame(b"p" * 125, 9) * 500))
at_socket("pings that nobody hears the answer to", lambda guest: guest.for_ever(frame(b"p" * 125, 9) * 5000))
at_socket("pongs without end", lambda guest: guest.for_ever(frame(b"", 10) * 5000))
at_socket("a ping of 64 KB", lambda guest: guest.for_ever(frame(b"p" * 65_000, 9)))
at_socket("masked frames", lambda guest: guest.for_ever(b"\x81\x85abcd12345"))
at_socket("a frame of 2^63 bytes", lambda guest: (guest.send(b"\x81\x7f\x7f" + b"\xff" * 7), guest.for_ever(b"x" * 65536))[0])
at_socket(
    "a frame that comes byte by byte", lambda guest: (guest.send(b"\x81\x7f\0\0\0\0\0\x0f\xff\xff"), guest.for_ever(b" ", 0.2))[0]
)
at_socket("a slow loris on the stream", lambda guest: guest.for_ever(b"\x89", 1.0))
at_socket(
    "a hostile goodbye", lambda guest: guest.send(frame(struct.pack("!H", 1000) + "\x1b]0;PWNED\x07\x1b[2J\u202e".encode(), 8))
)
at_socket(
    "compression that was not agreed on", lambda guest: guest.for_ever(frame(zlib.compress(b" " * (50 << 20))[2:-4], bits=0x40))
)
at_socket("text that is no UTF-8", lambda guest: guest.for_ever(frame(b"\xff\xfe\x1b[2J" * 100)))
at_socket("binary", lambda guest: guest.for_ever(frame(b"\x1b[2J\0\xff" * 1000, 2), 0.01))
at_socket("codes of no kind", lambda guest: guest.for_ever(bytes([0x83, 0, 0x8B, 0, 0xF1, 0])))
at_socket("brackets in frames", lambda guest: guest.for_ever(frame(b"[" * 200_000), 0.05))
at_socket(
    "a name for each event",
    lambda guest: (
        [
            guest.send(
                frame(
                    json.dumps(
                        {
                            "event": f"e{n}{EVIL}",
                            "data": {"state": f"s{n}"},
                            "instance": f"i{n}",
                            "instanceData": {"instance": f"i{n}"},
                            "seq": f"E.{n}",
                        }
                    ).encode()
                )
            )
            for n in range(200_000)
        ]
        and None
    ),
)


def garbled(name: str, what: Attack) -> None:
    attacks[name] = lambda guest: what(guest) if guest.wants_socket else guest.good()


garbled("an upgrade answered with garbage", lambda guest: guest.send(bytes(range(256)) * 200))
garbled(
    "an upgrade with a wrong answer",
    lambda guest: (
        guest.send(b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"),
        guest.for_ever(frame(EVENT), 0.1),
    )[0],
)
garbled(
    "an upgrade with a bomb",
    lambda guest: (
        guest.upgrade("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15"),
        guest.for_ever(frame(zlib.compress(b" " * (50 << 20))[2:-4], bits=0x40)),
    )[0],
)
garbled(
    "an upgrade to another protocol",
    lambda guest: (guest.upgrade("Sec-WebSocket-Protocol: \x1b[2J"), guest.for_ever(frame(EVENT), 0.1))[0],
)
garbled(
    "an upgrade whose headers never end",
    lambda guest: (guest.send(b"HTTP/1.1 101 OK\r\n"), guest.for_ever(b"X: " + b"y" * 4000 + b"\r\n"))[0],
)
garbled("an upgrade that drips", lambda guest: (guest.send(b"HTTP/1.1 101 OK\r\nX: "), guest.for_ever(b"y", 0.3))[0])
garbled(
    "an upgrade led elsewhere",
    lambda guest: guest.answer("307 Temporary", b"", f"Location: {guest.villain.trap.replace('http', 'ws')}/ws/alpha?token=1"),
)
garbled("an upgrade refused at length", lambda guest: guest.answer("403 No", json.dumps({"error": {"message": EVIL * 30_000}})))
garbled("an upgrade refused without end", lambda guest: attacks["a body without end"](guest))
