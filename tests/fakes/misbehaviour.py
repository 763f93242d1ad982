"""The ways in which a server, or what stands before it, can answer wrong: for `Rogue.misbehave`."""

from __future__ import annotations

import asyncio
import gzip
import json

from .rogue import CLOSE, PING, Manners, Visit, answer, ws

LOGIN: str = "<!DOCTYPE html><html><head><title>Hotel Wi-Fi: log in</title></head><body><form>…</form></body></html>"
TRACE: str = "<html><head><title>500 Internal Server Error</title></head><body><h1>Oops</h1><pre>Traceback …</pre></body></html>"


def error(status: str, message: str, **headers: str) -> Manners:
    """An error in the contract's shape."""
    body = json.dumps({"success": False, "error": {"message": message}})
    return answer(status, body, Content_Type="application/json", **headers)


def instances(value: object) -> Manners:
    """A list whose `instances` are this."""
    return answer("200 OK", json.dumps({"success": True, "instances": value}), Content_Type="application/json")


gzipped = answer("200 OK", gzip.compress(b'{"instances": []}'), Content_Type="application/json", Content_Encoding="gzip")
ten_megabytes = answer("200 OK", "x" * (10 << 20), Content_Type="application/json")


async def too_short(visit: Visit) -> None:
    """Content-Length says more than comes."""
    body = visit.server.list_body().encode()
    await visit.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + 999}\r\n\r\n".encode() + body)


async def endless(visit: Visit) -> None:
    """A chunked body that never ends."""
    await visit.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{"instances": [\r\n')
    while True:
        await visit.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


async def dripping(visit: Visit) -> None:
    """A byte a second."""
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await visit.send(b" ")
        await asyncio.sleep(1)


async def mute(visit: Visit) -> None:
    """Nothing at all."""
    await asyncio.Event().wait()


async def hang_up(visit: Visit) -> None:
    """The connection is closed without a word."""


async def own_list(visit: Visit) -> None:
    """The list as it should be."""
    await visit.server.good_list(visit)


def frames(*data: bytes, then_listen: bool = True) -> Manners:
    """A stream that begins with these bytes."""

    async def manners(visit: Visit) -> None:
        await visit.upgrade()
        for one in data:
            await visit.send(one)
        if then_listen:
            await visit.server.listen(visit)

    return manners


def repeated(data: bytes, pause: float | None = None) -> Manners:
    """A stream that says this for ever, at full speed or with a pause."""

    async def manners(visit: Visit) -> None:
        await visit.upgrade()
        while True:
            await visit.send(data)
            if pause is not None:
                await asyncio.sleep(pause)

    return manners


def closing(code: int, reason: str = "") -> Manners:
    """A stream that ends with this code as soon as it is open."""
    return frames(ws(code.to_bytes(2, "big") + reason.encode(), CLOSE), then_listen=False)


async def silent_stream(visit: Visit) -> None:
    """Open, and then nothing, not even the answer to a ping."""
    await visit.upgrade()
    await asyncio.Event().wait()


async def wrong_instance(visit: Visit) -> None:
    """Frames about others: an instance's socket tells of its neighbours, the account's of strangers."""
    await visit.upgrade()
    name = "num-1" if visit.name == "num-0" else "num-0" if visit.name else "stranger"
    frame = {"seq": "E.1", "event": "instance.state", "data": {"state": "temp_banned"}, "instance": name,
             "instanceData": {"instance": name}}  # fmt: skip
    for _n in range(50):
        await visit.say(frame)
    await visit.server.listen(visit)


ping_flood = repeated(ws(b"", PING) * 30_000)
junk_flood = repeated(ws(b"junk") * 5_000)
event_flood = repeated(
    b"".join(
        ws(json.dumps(
            {"seq": f"E.{n}", "event": "instance.state", "data": {"state": state}, "instance": f"num-{n % 6}"}
        ).encode())
        for n in range(400) for state in ("connected", "disconnected")
    )
)  # fmt: skip
