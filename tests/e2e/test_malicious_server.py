"""A server written to harm: bodies without an end, a million instances, values that swell in memory, redirects to files.

Nothing of it may change the terminal, fill the memory, take the token elsewhere or keep a key waiting.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from ..fakes import misbehaviour as bad
from ..fakes.rogue import TOKEN, Manners, Rogue, Visit, answer, ws
from .driver import Console
from .watching import assert_no_crash, memory, said

pytestmark = [pytest.mark.e2e, pytest.mark.long]
EVIL = "\x1b]0;pwned\x07\x1b[2J\x1b[?1049l\x9b31m\u202e\u2066\u200b\ud83d\ufeff"
MEGABYTES = 300
"""What the console may ever hold, whatever is sent: 45 of its own, and a list of 32 MB, four bytes a character as text."""


def body(text: bytes) -> Manners:
    """A list with this in it."""
    return answer("200 OK", b'{"success":true,"instances":[' + text + b"]}", Content_Type="application/json")


def million() -> bytes:
    return b",".join(b'{"name":"%x","status":1}' % n for n in range(1_000_000))


async def snapshots_without_end(visit: Visit) -> None:
    """Rows for ever, each with another name, and never the last."""
    await visit.upgrade()
    n = 0
    while True:
        rows = [{"name": f"s{n + k}", "state": "connected", "profileName": EVIL + "x" * 5000} for k in range(500)]
        await visit.say({"seq": "E.1", "event": "snapshot", "data": {"rows": rows, "last": False}, "instance": ""})
        n += 500


async def rows_without_end(visit: Visit) -> None:
    """New instances for ever."""
    await visit.upgrade()
    await visit.say({"seq": "E.1", "event": "snapshot", "data": {"rows": [], "last": True}, "instance": ""})
    n = 1
    while True:
        for _hundred in range(100):
            n += 1
            row = {"name": f"r{n}", "state": "connected", "profileName": EVIL}
            await visit.say({"seq": f"E.{n}", "event": "instance.row", "data": row, "instance": f"r{n}"})


async def swelling_frames(visit: Visit) -> None:
    """Sixteen megabytes of empty lists in one frame, again and again."""
    await visit.upgrade()
    frame = b'{"event":"x","instance":"num-0","data":{"a":[' + b"[]," * 5_000_000 + b"0]}}"
    for _again in range(30):
        await visit.send(ws(frame))
    await visit.server.listen(visit)


async def slow_loris(visit: Visit) -> None:
    """Headers that never end, a line a while."""
    await visit.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await visit.send(b"X-More: " + b"y" * 50 + b"\r\n")
        await asyncio.sleep(0.2)


async def headers_without_end(visit: Visit) -> None:
    """The same at full speed."""
    await visit.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await visit.send((b"X-More: " + b"y" * 5000 + b"\r\n") * 100)


LISTS: list[tuple[str, Manners]] = [
    ("a million instances", body(million())),
    ("values that swell", body(b'{"name":"num-0","status":"connected","x":[' + b"[]," * 10_000_000 + b"0]}")),
    ("texts that swell", body(('{"name":"num-0","status":"connected","x":"' + "\U0001f4a3" * 7_000_000 + '"}').encode())),
    ("names of a megabyte", body(b",".join(b'{"name":"%s"}' % (b"n" * (1 << 20)) for _n in range(30)))),
    ("an error of 30 MB", bad.error("400 No", EVIL * 2_000_000)),
    ("nested", body(b"[" * 30_000_000)),
    ("no end", bad.endless),
    ("headers without end", headers_without_end),
    ("slow loris", slow_loris),
    ("a file", answer("302 Found", Location="file:///etc/passwd")),
    ("a script", answer("301 Moved", Location="javascript:alert(1)")),
    ("wrong type", answer("200 OK", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000, Content_Type="image/png")),
    ("length of ten digits", answer("200 OK", b"x", Content_Length="9999999999")),
    ("negative length", answer("200 OK", b"x", Content_Length="-1")),
    ("nulls", answer("200 OK", b"\0" * 1_000_000, Content_Type="application/json")),
    ("NaN", answer("200 OK", '{"instances":[NaN,Infinity,-Infinity,1e999,' + "9" * 5000 + "]}", Content_Type="application/json")),
]
STREAMS: list[tuple[str, Manners]] = [
    ("a snapshot without end", snapshots_without_end),
    ("rows without end", rows_without_end),
    ("frames that swell", swelling_frames),
    ("a file", answer("302 Found", Location="file:///etc/passwd")),
    ("slow loris", slow_loris),
    ("headers without end", headers_without_end),
]


def assert_clean_terminal(console: Console) -> None:
    """What the server sent has done nothing to the terminal."""
    assert "pwned" not in console.emulator.title and console.emulator.alternate
    assert not set(console.text()) & set("\x1b\x07\x9b\u202e\u2066\u200b\ufeff")
    assert not console.emulator.clipboard


def assert_alive(console: Console, case: str) -> None:
    """A key opens the help and another closes it, each within two seconds, while rows come and go; memory is bounded."""
    for key, there in (("?", True), ("esc", False)):
        began = time.monotonic()
        console.press(key)
        console.wait_for(lambda t, there=there: ("ryze-tui 0." in t.text()) is there, 15, what=f"{case}: {key}")
        assert console.read_at - began < 2.0, f"{case}: {key} took {console.read_at - began:.2f} s"
    assert memory(console) < MEGABYTES, f"{case}: {memory(console):.0f} MB"
    assert_clean_terminal(console)


@pytest.mark.parametrize("extensions", [True, False], ids=["extensions", "plain"])
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.timeout(400)
def test_lists_that_are_meant_to_harm(part: int, extensions: bool, tmp_path: Path) -> None:
    with Rogue(extensions=extensions) as server, Console(server.url, TOKEN, tmp_path, (160, 24)) as console:
        console.ready()
        for case, manners in LISTS[part::2]:
            asked = time.monotonic()
            server.misbehave(list=manners)
            while not server.asked("/list", asked):  # one that is still being waited for is not asked for again
                assert time.monotonic() < asked + 60, f"{case}: the list was not asked for\n{console.picture()}"
                console.press("R")
                console.settle(0.5, timeout=1)
            for _moment in range(8):
                console.settle(0.2, timeout=0.4)
                assert_alive(console, case)
            assert set(console.rows()) >= set(server.states), f"{case}: what was known stays\n{console.picture()}"
        server.behave(cut=True)
        console.wait_for(lambda _: "LIVE" in console.lines()[0], 90, what="live again")
        assert_alive(console, "at the end")
        console.quit()
        assert all(TOKEN not in line for _at, line, _headers in server.visits)
    assert_no_crash(tmp_path)


@pytest.mark.parametrize("case", range(len(STREAMS)), ids=[name for name, _manners in STREAMS])
@pytest.mark.timeout(300)
def test_streams_that_are_meant_to_harm(case: int, tmp_path: Path) -> None:
    name, manners = STREAMS[case]
    with Rogue(extensions=True) as server, Console(server.url, TOKEN, tmp_path, (160, 24)) as console:
        console.ready()
        server.misbehave(cut=True, stream=manners)
        for _moment in range(25):
            console.settle(0.2, timeout=0.4)
            assert_alive(console, name)
        server.behave(cut=True)
        console.press("R")
        console.wait_for(lambda _: set(console.rows()) == set(server.states), 90, what="the true rows and no others")
        console.wait_for(lambda _: "LIVE" in console.lines()[0], 90, what=f"live again\n{said(console)}")
        console.quit()
    assert_no_crash(tmp_path)


def test_every_text_is_hostile_on_every_page(tmp_path: Path) -> None:
    """Escapes in every field of every answer; every key that opens something is pressed."""

    def item(name: str) -> dict[str, object]:
        block = {"enabled": True, "url": f"https://{EVIL}", "events": [EVIL], "host": EVIL, "port": EVIL, "label": EVIL}
        return {
            "name": name, "id": EVIL, "token": "token-" + name * 3, "status": EVIL, "numberJid": EVIL, "createdAt": EVIL,
            "updatedAt": EVIL, "profile": {"name": EVIL, "businessName": EVIL, "isBusiness": True},
            "connection": {"state": EVIL, "numberJid": EVIL, "since": EVIL, "reason": EVIL, "displayStatus": EVIL},
        } | dict.fromkeys(("webhook", "websocket", "chatwoot", "proxy", "s3", "settings"), block)  # fmt: skip

    text = json.dumps({"success": True, "instances": [item(f"evil{EVIL}{n}") for n in range(5)] + [item("evil")]})
    with Rogue(extensions=False) as server, Console(server.url, TOKEN, tmp_path) as console:
        health = json.dumps(dict.fromkeys(("status", "service", "engine", "version"), EVIL))
        server.misbehave(list=answer("200 OK", text, Content_Type="application/json"), health=answer("200 OK", health))
        console.wait_for("evil", 20)
        for key in [key for letter in "1234567LEtJdxpmB?P" for key in (letter, "esc")]:
            console.press(key)
            console.settle(0.15, timeout=2)
            assert_clean_terminal(console)
        console.press("ctrl+q")
        console.wait_exit()
        console.assert_clean()
    assert_no_crash(tmp_path)
