"""What a malicious server does, by name: texts, bodies, waits, redirects, limits, types, codes and sockets that mean harm."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from .villain import EVIL, NAMES, TOKEN, Attack, Guest, frame, item

attacks: Final[dict[str, Attack]] = {}


def attack(name: str) -> Callable[[Attack], Attack]:
    def add(what: Attack) -> Attack:
        attacks[name] = what
        return what

    return add


def at_all(name: str, what: Attack) -> None:
    """Every request is answered so."""
    attacks[name] = what


def at_list(name: str, what: Attack) -> None:
    """Only the list is wrong."""
    attacks[name] = lambda guest: what(guest) if guest.wants_list else guest.good()


def at_socket(name: str, what: Attack) -> None:
    """The WebSocket is opened, and then this."""

    def opened(guest: Guest) -> None:
        if not guest.wants_socket:
            guest.good()
            return
        guest.upgrade()
        what(guest)

    attacks[name] = opened


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
                event = {"event": "instance.state", "data": {"state": state, "reason": EVIL, "codes": [EVIL]}, "instance": name,
                         "instanceData": {"instance": name, "instanceName": name}, "timestamp": EVIL}  # fmt: skip
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
at_all("escapes in headers", lambda guest: guest.send(
    b"HTTP/1.1 200 \x1b]0;PWNED\x07\r\nX-\x1b[2J: \x1b[2J\x9b\r\nContent-Length: 2\r\nRetry-After: \x1b[2J\r\nServer: \x1b]0;PWNED\x07\r\n\r\n{}"
))  # fmt: skip
at_all("an error of 10 MB", lambda guest: guest.answer("400 No", json.dumps({"error": {"message": EVIL * 50_000}})))
at_list("names of a megabyte", lambda guest: guest.json({"instances": [item(f"{n}" + "n" * (1 << 20)) for n in range(8)]}))
at_list("names that are paths", lambda guest: guest.json({"instances": [
    item(name) for name in ("../../admin", "/", "..", ".", "a?token=x", "a#b", "%2e%2e", "a b", "a\r\nX-Evil: 1", "@host", "\\", "'\"`$(id)", "")
]}))  # fmt: skip
at_list("the same name ten thousand times", lambda guest: guest.json({"instances": [item("alpha")] * 10_000}))
at_list("the same id and token", lambda guest: guest.json({"instances": [
    item(f"n{n}") | {"id": "same", "token": "the-same-token-0123"} for n in range(5000)
]}))  # fmt: skip
at_list("names that look the same", lambda guest: guest.json({"instances": [
    item("alpha" + hidden) for hidden in ("", "\u200b", "\u200b\u200b", "\u202e", "\x00", "\x1b[m", "\u0301" * 50, "\ufe0f")
]}))  # fmt: skip

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
at_list("as many instances as fit", lambda guest: guest.answer("200 OK", '{"instances":[' + ",".join(
    json.dumps({"name": f"n{n}", "token": f"tok-{n:020}", "status": "connected", "profile": {"name": "\u6f22" * 60}}) for n in range(49_000)
) + "]}"))  # fmt: skip
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

# -- elsewhere ---------------------------------------------------------------------------------------------------------


def redirects(guest: Guest) -> Iterator[str]:
    path = guest.head.split(b" ", 2)[1].decode("latin-1")
    yield from ("file:///etc/passwd", guest.villain.trap + path, f"{guest.villain.trap}/?token={TOKEN}", "//" + guest.villain.trap[7:] + path,
                guest.villain.trap.replace("http", "ws") + path, "javascript:alert(1)", "gopher://127.0.0.1:25/", "/" * 5000, path)  # fmt: skip


@attack("redirects")
def _redirects(guest: Guest) -> None:
    places, codes = list(redirects(guest)), ("301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent")
    guest.villain.turn += 1
    guest.answer(codes[guest.villain.turn % 5], b"", f"Location: {places[guest.villain.turn % len(places)]}")


@attack("other ways to lead elsewhere")
def _elsewhere(guest: Guest) -> None:
    host = guest.villain.trap[7:]
    more = (f'Alt-Svc: h2="{host}"; ma=9999999', f"Refresh: 0; url={guest.villain.trap}/", f"Link: <{guest.villain.trap}/>; rel=preload",
            f"Content-Location: {guest.villain.trap}/", f"Set-Cookie: a=b; Domain={host.partition(':')[0]}", "Strict-Transport-Security: max-age=9")  # fmt: skip
    url = f"{guest.villain.trap}/pwned?token={TOKEN}"
    rows = [
        item(name)
        | {
            "baseUrl": url,
            "url": url,
            "wsUrl": url,
            "webhook": {"enabled": True, "url": url},
            "profile": {"name": "x", "pictureUrl": url},
        }
        for name in NAMES
    ]
    if guest.wants_socket:
        guest.good()
    else:
        guest.json({"success": True, "status": "ok", "service": "RyzeAPI", "instances": rows, "next": url, "url": url}, *more)


@attack("401 with a question")
def _unauthorized(guest: Guest) -> None:
    guest.answer(
        "401 No",
        '{"error":{"message":"Invalid token"}}',
        f'WWW-Authenticate: Basic realm="{guest.villain.trap}"',
        "Proxy-Authenticate: Negotiate",
    )


@attack("cookies that grow")
def _cookies(guest: Guest) -> None:
    guest.villain.turn += 1
    more = [f"Set-Cookie: c{guest.villain.turn}-{n}={'x' * 500}; Path=/; Max-Age=99999999" for n in range(80)]
    if guest.wants_socket:
        guest.good()
    elif guest.wants_list:
        guest.json({"success": True, "instances": [item(name) for name in NAMES]}, *more)
    else:
        guest.json({"status": "ok", "service": "RyzeAPI"}, *more)


# -- limits ------------------------------------------------------------------------------------------------------------

WAITS: Final = ("-1", "99999999999999999999", "1e999", "nan", "-inf", "9" * 5000, EVIL.encode("ascii", "ignore").decode().translate(dict.fromkeys(range(32), 46)),
                "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "0", "")  # fmt: skip


@attack("waits of no sense")
def _waits(guest: Guest) -> None:
    guest.villain.turn += 1
    wait = WAITS[guest.villain.turn % len(WAITS)]
    more = (f"Retry-After: {wait}", f"X-RateLimit-Reset: {wait}", f"X-RateLimit-Remaining: {wait}", f"X-RateLimit-Limit: {wait}")
    guest.answer("429 No", '{"error":{"message":"Rate limit exceeded"}}', *more, f"Date: {wait}")


@attack("limits of no sense")
def _limits(guest: Guest) -> None:
    guest.villain.turn += 1
    wait = WAITS[guest.villain.turn % len(WAITS)]
    more = (f"X-RateLimit-Reset: {wait}", f"X-RateLimit-Remaining: {wait}", f"X-RateLimit-Limit: {wait}", f"Date: {wait}")
    if guest.wants_socket:
        guest.good()
    else:
        guest.json({"status": "ok", "instances": [item(name) for name in NAMES]}, *more)


# -- types -------------------------------------------------------------------------------------------------------------

WRONG: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1e308, 10**40, "", "x", EVIL, [], [[]], [None], {}, {"a": {"b": []}}, [{}], {"": ""}, "9" * 300, {"$ref": "#"},
)  # fmt: skip


def mutants(value: Any, path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The value with each of its parts in turn replaced by everything that it should not be."""
    yield from WRONG
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            for mutant in mutants(value[key], (*path, key)):
                copy: Any = dict(value) if isinstance(value, dict) else list(value)
                copy[key] = mutant
                yield copy


@attack("wrong types at every level")
def _types(guest: Guest) -> None:
    guest.villain.turn += 1
    wrong = WRONG[guest.villain.turn % len(WRONG)]
    if guest.wants_socket:
        guest.upgrade()
        honest = {"event": "instance.state", "data": {"state": "connected", "codes": ["2@a"], "expiresAt": "2026-01-01T00:00:00Z"},
                  "instance": "alpha", "seq": "E.1", "instanceData": {"instance": "alpha", "instanceName": "alpha"}}  # fmt: skip
        for mutant in mutants(honest):
            guest.send(frame(json.dumps(mutant).encode()))
        for name in ("snapshot", "instance.row", "instance.gone", "resync", "heartbeat", "message.received", "instance.state"):
            for wrong in WRONG:
                guest.send(frame(json.dumps({"event": name, "data": wrong, "seq": wrong, "instance": wrong}).encode()))
                guest.send(
                    frame(
                        json.dumps({"event": name, "data": {"rows": wrong, "last": wrong, "state": wrong}, "seq": wrong}).encode()
                    )
                )
        guest.villain.ended.wait(3)
    elif guest.wants_list:
        rows = [item("alpha"), *mutants(item("beta"))]
        guest.json({"success": wrong, "instances": rows} if guest.villain.turn % 2 else wrong)
    elif guest.path == "/health":
        guest.json(
            {"status": "ok", "service": "RyzeAPI", "extensions": ["account-stream", "since"]} if guest.villain.turn < 3 else wrong
        )
    else:
        guest.json({"success": True, "settings": wrong, "proxy": wrong, "webhooks": wrong, "websocket": wrong, "s3": wrong, "qrCode": wrong,
                    "pairingCode": wrong, "qrCodeBase64": wrong, "status": wrong, "message": wrong})  # fmt: skip


# -- pairing -----------------------------------------------------------------------------------------------------------


@attack("codes that are none")
def _codes(guest: Guest) -> None:
    guest.villain.turn += 1
    huge: tuple[Any, ...] = ("x" * 900_000, EVIL * 10, "\u6f22" * 2000, 7, None, ["2@a"], "2@" + "a" * 3000)
    one = huge[guest.villain.turn % len(huge)]
    if "/connect/" in guest.path:
        guest.json({"success": True, "status": "qr", "qrCode": one, "qrCodeBase64": one, "pairingCode": one, "message": EVIL})
    elif guest.wants_socket:
        guest.upgrade()
        for _again in range(200):
            data = {"state": "qr_ready", "codes": [one] * 20, "expiresAt": one}
            guest.send(
                frame(
                    json.dumps({"event": "instance.state", "data": data, "instanceData": {"instance": "alpha"}}).encode()[
                        : 1 << 20
                    ]
                )
            )
            guest.villain.ended.wait(0.05)
    elif guest.wants_list:
        guest.json({"success": True, "instances": [
            item(name) | {"status": "disconnected", "connection": {"state": "disconnected"}} for name in NAMES
        ]})  # fmt: skip
    else:
        guest.good()


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
at_socket("a name for each event", lambda guest: [
    guest.send(frame(json.dumps({"event": f"e{n}{EVIL}", "data": {"state": f"s{n}"}, "instance": f"i{n}", "instanceData": {"instance": f"i{n}"},
                                 "seq": f"E.{n}"}).encode())) for n in range(200_000)
] and None)  # fmt: skip


def garbled(name: str, what: Attack) -> None:
    attacks[name] = lambda guest: what(guest) if guest.wants_socket else guest.good()


garbled("an upgrade answered with garbage", lambda guest: guest.send(bytes(range(256)) * 200))
garbled("an upgrade with a wrong answer", lambda guest: (guest.send(
    b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"), guest.for_ever(frame(EVENT), 0.1))[0])  # fmt: skip
garbled("an upgrade with a bomb", lambda guest: (
    guest.upgrade("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15"), guest.for_ever(frame(zlib.compress(b" " * (50 << 20))[2:-4], bits=0x40)))[0])  # fmt: skip
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
garbled("an upgrade refused without end", lambda guest: _endless(guest))
