"""Attacks of the malicious server by what it says: places to go to, cookies, limits, types and codes of no sense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from .attack import attack
from .villain import EVIL, NAMES, TOKEN, Guest, frame, item

# -- elsewhere ---------------------------------------------------------------------------------------------------------


def redirects(guest: Guest) -> Iterator[str]:
    path = guest.head.split(b" ", 2)[1].decode("latin-1")
    yield from (
        "file:///etc/passwd",
        guest.villain.trap + path,
        f"{guest.villain.trap}/?token={TOKEN}",
        "//" + guest.villain.trap[7:] + path,
        guest.villain.trap.replace("http", "ws") + path,
        "javascript:alert(1)",
        "gopher://127.0.0.1:25/",
        "/" * 5000,
        path,
    )


@attack("redirects")
def _redirects(guest: Guest) -> None:
    places, codes = list(redirects(guest)), ("301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent")
    guest.villain.turn += 1
    guest.answer(codes[guest.villain.turn % 5], b"", f"Location: {places[guest.villain.turn % len(places)]}")


@attack("other ways to lead elsewhere")
def _elsewhere(guest: Guest) -> None:
    host = guest.villain.trap[7:]
    more = (
        f'Alt-Svc: h2="{host}"; ma=9999999',
        f"Refresh: 0; url={guest.villain.trap}/",
        f"Link: <{guest.villain.trap}/>; rel=preload",
        f"Content-Location: {guest.villain.trap}/",
        f"Set-Cookie: a=b; Domain={host.partition(':')[0]}",
        "Strict-Transport-Security: max-age=9",
    )
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

WAITS: Final = (
    "-1",
    "99999999999999999999",
    "1e999",
    "nan",
    "-inf",
    "9" * 5000,
    EVIL.encode("ascii", "ignore").decode().translate(dict.fromkeys(range(32), 46)),
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "0",
    "",
)


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
    None,
    True,
    0,
    -1,
    1e308,
    10**40,
    "",
    "x",
    EVIL,
    [],
    [[]],
    [None],
    {},
    {"a": {"b": []}},
    [{}],
    {"": ""},
    "9" * 300,
    {"$ref": "#"},
)


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
        honest = {
            "event": "instance.state",
            "data": {"state": "connected", "codes": ["2@a"], "expiresAt": "2026-01-01T00:00:00Z"},
            "instance": "alpha",
            "seq": "E.1",
            "instanceData": {"instance": "alpha", "instanceName": "alpha"},
        }
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
        guest.json(
            {
                "success": True,
                "settings": wrong,
                "proxy": wrong,
                "webhooks": wrong,
                "websocket": wrong,
                "s3": wrong,
                "qrCode": wrong,
                "pairingCode": wrong,
                "qrCodeBase64": wrong,
                "status": wrong,
                "message": wrong,
            }
        )


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
        guest.json(
            {
                "success": True,
                "instances": [item(name) | {"status": "disconnected", "connection": {"state": "disconnected"}} for name in NAMES],
            }
        )
    else:
        guest.good()
