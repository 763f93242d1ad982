"""Attacks of the malicious server by what its answers hold, how long they are, and how long they take."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from typing import Any, Final

from .attack import at_all, at_list, attack
from .villain import EVIL, NAMES, Guest, frame, item

# -- texts -------------------------------------------------------------------------------------------------------------


def everywhere(value: Any, text: str) -> Any:
    """The same shape with every text replaced, keys and words of the contract too, but not names and tokens."""
    if isinstance(value, dict):
        return {key: one if key in ("token", "name", "enabled") else everywhere(one, text) for key, one in value.items()} | {
            text: text
        }
    if isinstance(value, list):
        return [everywhere(one, text) for one in value]
    return text if isinstance(value, str) else value


@attack("escapes in every string")
def _escapes(guest: Guest) -> None:
    if guest.wants_socket:
        guest.upgrade()
        for state in ("connected", "logged_out", EVIL):
            for name in (*NAMES, EVIL):
                event = {
                    "event": "instance.state",
                    "data": {"state": state, "reason": EVIL, "codes": [EVIL]},
                    "instance": name,
                    "instanceData": {"instance": name, "instanceName": name},
                    "timestamp": EVIL,
                }
                guest.send(frame(json.dumps(event).encode()))
                guest.send(frame(json.dumps(everywhere(event, EVIL)).encode()))
        guest.villain.ended.wait(2)
        guest.send(frame(struct.pack("!H", 4000) + EVIL.encode("utf-8")[:120].decode("utf-8", "ignore").encode(), 8))
    elif guest.wants_list:
        rows = [everywhere(item(name), EVIL) for name in NAMES]
        rows += [everywhere(item(name), EVIL) | {"name": f"{n}{EVIL}{name}"} for n, name in enumerate(NAMES)]
        guest.json({"success": True, "message": EVIL, "instances": rows, EVIL: EVIL})
    elif guest.path == "/health":
        guest.json(dict.fromkeys(("status", "service", "version", "engine", EVIL), EVIL) | {"extensions": [EVIL]})
    elif "/connect/" in guest.path:
        guest.json({"success": True, "message": EVIL, "qrCode": EVIL, "qrCodeBase64": EVIL, "pairingCode": EVIL, "status": EVIL})
    elif guest.head.startswith(b"GET"):
        guest.json(everywhere({"success": True, "message": "x", "settings": {"a": "b"}, **item("alpha")}, EVIL))
    else:
        guest.answer("500 No", json.dumps({"success": False, "error": {"message": EVIL}}))


at_all(
    "escapes in every error",
    lambda guest: guest.answer("418 No", json.dumps({"success": False, "error": {"message": EVIL * 20}})),
)
at_all("escapes that are no JSON", lambda guest: guest.answer("502 No", EVIL * 50, "Content-Type: text/plain"))
at_all(
    "escapes in headers",
    lambda guest: guest.send(
        b"HTTP/1.1 200 \x1b]0;PWNED\x07\r\nX-\x1b[2J: \x1b[2J\x9b\r\nContent-Length: 2\r\nRetry-After: \x1b[2J\r\n"
        b"Server: \x1b]0;PWNED\x07\r\n\r\n{}"
    ),
)
at_all("an error of 10 MB", lambda guest: guest.answer("400 No", json.dumps({"error": {"message": EVIL * 50_000}})))
at_list("names of a megabyte", lambda guest: guest.json({"instances": [item(f"{n}" + "n" * (1 << 20)) for n in range(8)]}))
at_list(
    "names that are paths",
    lambda guest: guest.json(
        {
            "instances": [
                item(name)
                for name in (
                    "../../admin",
                    "/",
                    "..",
                    ".",
                    "a?token=x",
                    "a#b",
                    "%2e%2e",
                    "a b",
                    "a\r\nX-Evil: 1",
                    "@host",
                    "\\",
                    "'\"`$(id)",
                    "",
                )
            ]
        }
    ),
)
at_list("the same name ten thousand times", lambda guest: guest.json({"instances": [item("alpha")] * 10_000}))
at_list(
    "the same id and token",
    lambda guest: guest.json(
        {"instances": [item(f"n{n}") | {"id": "same", "token": "the-same-token-0123"} for n in range(5000)]}
    ),
)
at_list(
    "names that look the same",
    lambda guest: guest.json(
        {
            "instances": [
                item("alpha" + hidden)
                for hidden in ("", "\u200b", "\u200b\u200b", "\u202e", "\x00", "\x1b[m", "\u0301" * 50, "\ufe0f")
            ]
        }
    ),
)

# -- bodies ------------------------------------------------------------------------------------------------------------

CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"


@attack("a body without end")
def _endless(guest: Guest) -> None:
    guest.send(CHUNKED + b'e\r\n{"instances":[\r\n')
    guest.for_ever(b"10000\r\n" + b'{"name":"alpha"},'.ljust(65536) + b"\r\n")


@attack("chunks of one byte")
def _small_chunks(guest: Guest) -> None:
    guest.send(CHUNKED)
    guest.for_ever(b"1\r\n \r\n" * 4096)


@attack("a chunk's extension without end")
def _extension(guest: Guest) -> None:
    guest.send(CHUNKED + b"1;")
    guest.for_ever(b"x" * 65536)


@attack("trailers without end")
def _trailers(guest: Guest) -> None:
    guest.send(CHUNKED + b"2\r\n{}\r\n0\r\n")
    guest.for_ever(b"X-Trailer: " + b"x" * 4096 + b"\r\n")


@attack("headers without end")
def _headers(guest: Guest) -> None:
    guest.send(b"HTTP/1.1 200 OK\r\n")
    guest.for_ever(b"X-Header: " + b"x" * 4096 + b"\r\n")


@attack("one header without end")
def _header(guest: Guest) -> None:
    guest.send(b"HTTP/1.1 200 OK\r\nX-Header: ")
    guest.for_ever(b"x" * 65536)


@attack("continue without end")
def _continue(guest: Guest) -> None:
    guest.for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@attack("early hints without end")
def _hints(guest: Guest) -> None:
    guest.for_ever(b"HTTP/1.1 103 Early Hints\r\nLink: <http://127.0.0.1:1/x>; rel=preload\r\n\r\n" * 500)


@attack("a gzip bomb")
def _gzip(guest: Guest) -> None:
    guest.answer("200 OK", bomb(), "Content-Encoding: gzip")


@attack("a deflate bomb as transfer encoding")
def _transfer(guest: Guest) -> None:
    data = zlib.compress(b" " * (100 << 20))
    guest.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")


_bombs: list[bytes] = []


def bomb() -> bytes:
    """A gigabyte of blanks in a megabyte."""
    if not _bombs:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        _bombs.append(b"".join(packer.compress(b" " * (1 << 20)) for _each in range(1024)) + packer.flush())
    return _bombs[0]


at_list(
    "a million instances",
    lambda guest: guest.answer("200 OK", b'{"instances":[%s]}' % b",".join(b'{"name":"%x"}' % n for n in range(1_000_000))),
)
at_list(
    "as many instances as fit",
    lambda guest: guest.answer(
        "200 OK",
        '{"instances":['
        + ",".join(
            json.dumps({"name": f"n{n}", "token": f"tok-{n:020}", "status": "connected", "profile": {"name": "\u6f22" * 60}})
            for n in range(49_000)
        )
        + "]}",
    ),
)
at_all("brackets in brackets", lambda guest: guest.answer("200 OK", b'{"instances":' + b"[" * 900_000))
at_all("objects in objects", lambda guest: guest.answer("200 OK", b'{"a":' * 150_000))
at_all(
    "a number of a million digits",
    lambda guest: guest.answer("200 OK", b'{"instances":[{"name":"alpha","id":' + b"9" * 1_000_000 + b"}]}"),
)
at_all(
    "a page",
    lambda guest: guest.answer(
        "200 OK", "<html><meta http-equiv=refresh content='0;url=file:///etc/passwd'>", "Content-Type: text/html"
    ),
)
at_all(
    "a picture", lambda guest: guest.answer("200 OK", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000, "Content-Type: image/png")
)
at_all(
    "UTF-16",
    lambda guest: guest.answer(
        "200 OK", '\ufeff{"instances":[]}'.encode("utf-16"), "Content-Type: application/json; charset=utf-16"
    ),
)
at_all(
    "UTF-7",
    lambda guest: guest.answer("200 OK", b'{"instances":[{"name":"+ABs-[2J"}]}', "Content-Type: application/json; charset=utf-7"),
)
at_all("nothing at all", lambda guest: guest.answer("204 No Content"))
at_all("a status of no kind", lambda guest: guest.send(b"HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n"))
at_all("no HTTP", lambda guest: guest.send(b"SSH-2.0-OpenSSH_9.9\r\n" + bytes(range(256)) * 100))
at_all("two lengths", lambda guest: guest.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}abc"))
at_all(
    "two answers",
    lambda guest: guest.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]" * 3),
)

# -- time --------------------------------------------------------------------------------------------------------------

at_all(
    "a slow loris", lambda guest: (guest.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), guest.for_ever(b" ", 0.3))[0]
)
at_all("a slow loris in the headers", lambda guest: (guest.send(b"HTTP/1.1 200 OK\r\n"), guest.for_ever(b"X: y\r\n", 0.3))[0])
at_all("silence", lambda guest: guest.villain.ended.wait() and None)
at_all("hanging up", lambda guest: guest.connection.shutdown(socket.SHUT_RDWR))
