"""Streams that are wrong in every way: said in words, no row lost, keys answer, memory stays, and it is live again by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..fakes import misbehaviour as bad
from ..fakes.rogue import BINARY, TOKEN, Manners, Rogue, answer, ws
from .driver import Console
from .watching import assert_no_crash, assert_responsive, bright, memory, said

pytestmark = pytest.mark.e2e
LONG = pytest.mark.long
EVIL = "a\x1b]0;pwned\x07\x1b[2J\u202eb"

Case = tuple[str, Manners, str]
"""What it does, how, and the words that show while it does; none where it is none of our business."""

FIRST: list[Case] = [
    ("500", answer("500 Oops", bad.TRACE), "No stream: the server answered 500: “500 Internal"),
    ("a frame of 20 MB", bad.frames(ws(b"x" * (20 << 20))), "No stream: the server sent a frame larger than 16 MB"),
    ("pings at full speed", bad.ping_flood, ""),
]
SECOND: list[Case] = [
    ("junk at full speed", bad.junk_flood, "No stream: the server sen"),
    ("1011", bad.closing(1011), "No stream: the server closed the stream because of a mistake of its own"),
    ("200", answer("200 OK", "{}"), "No stream: the server answered 200 instead of opening a stream"),
]
MORE: list[list[Case]] = [
    [("events at full speed", bad.event_flood, "")],
    [
        ("binary junk", bad.frames(ws(b"\0\1\2", BINARY) * 25), "No stream: the server sen"),
        ("no UTF-8", bad.frames(ws(b"\xff\xfe") * 25), "No stream: the server sen"),
        ("not even WebSocket", bad.frames(b"\xff" * 100), "No stream: the server broke the rules of WebSocket"),
    ],
    [
        ("1000", bad.closing(1000), "No stream: the server closed the stream."),
        ("1001", bad.closing(1001), "No stream: the server is going away"),
        ("1008", bad.closing(1008), "No stream: the server closed the stream: the instance is gone or the token"),
    ],
    [
        ("1012", bad.closing(1012, EVIL), "No stream: the server is restarting"),
        ("1013", bad.closing(1013), "No stream: the server closed the stream because we read too slowly"),
        ("4321", bad.closing(4321), "No stream: the stream was closed (4321)"),
    ],
    [
        ("hung up on", bad.hang_up, "does not speak WebSocket here"),
        ("broken off", bad.frames(then_listen=False), "No stream: the stream broke off"),
        ("an error of its own", bad.error("403 No", f"not {EVIL} today"), "No stream: not a␛]0;pwned␇␛[2Jb today"),
    ],
    [("no answer", bad.mute, "did not answer in time")],
]


def both(cases: list[Case], name: str, *, long: bool) -> list[object]:
    """A console for these cases in either mode."""
    marks = [LONG] if long else []
    modes = ((True, "extensions"), (False, "plain"))
    return [pytest.param(mode, cases, id=f"{word}-{name}", marks=marks) for mode, word in modes]


@pytest.mark.parametrize(
    ("extensions", "cases"),
    [pytest.param(True, FIRST, id="extensions-first"), pytest.param(False, FIRST[:1], id="plain-first"),
     pytest.param(False, FIRST[1:], id="plain-rest", marks=LONG), *both(SECOND, "second", long=True),
     *(param for n, cases in enumerate(MORE) for param in both(cases, f"more{n}", long=True))],
)  # fmt: skip
@pytest.mark.timeout(300)  # lists are four a minute: a third case in one console waits for its turn to be live again
def test_streams_that_are_wrong(extensions: bool, cases: list[Case], tmp_path: Path) -> None:
    with Rogue(extensions=extensions) as server, Console(server.url, TOKEN, tmp_path, (160, 24)) as console:
        console.ready()
        for case, manners, words in cases:
            server.misbehave(cut=True, stream=manners)
            console.wait_for(lambda _, words=words: words in said(console), 30, what=f"{case}: {words!r}")
            assert_responsive(console)
            assert set(console.rows()) == set(server.states), case
            server.behave(cut=True)
            server.set("num-1", "banned" if server.states["num-1"] == "connected" else "connected")
            console.wait_for(lambda _: console.rows() == server.states, 65, what=f"{case}: every row right again")
            console.wait_for(lambda _: "LIVE" in console.lines()[0] and bright(console), 65, what=f"{case}: live again")
        assert memory(console) < 110, "it grew with what was sent"
        assert console.emulator.title.find("pwned") < 0
        console.quit()
    assert_no_crash(tmp_path)


def test_a_redirect_takes_no_token_along(tmp_path: Path) -> None:
    with Rogue(extensions=False) as elsewhere, Rogue(extensions=False) as server:
        away = answer("302 Found", Location=f"{elsewhere.url}/api/instance/list?token=x")
        with Console(server.url, TOKEN, tmp_path, (160, 24)) as console:
            console.ready()
            server.misbehave(cut=True, list=away, stream=away, health=away)
            console.press("R")
            console.wait_for(lambda _: f"redirects to {elsewhere.url}" in " ".join(console.text().split()), 8, what="where to")
            server.behave()
            console.wait_for(lambda _: "LIVE" in console.lines()[0] and bright(console), 65, what="live again")
            console.quit()
        assert not elsewhere.visits
        assert not [headers for _at, line, headers in server.visits if "/health" in line and "token" in headers]
    assert_no_crash(tmp_path)


@pytest.mark.parametrize("extensions", [True, False], ids=["extensions", "plain"])
def test_texts_of_a_stranger_are_harmless(extensions: bool, tmp_path: Path) -> None:
    with Rogue(extensions=extensions) as server:
        server.profile = EVIL
        server.states = {f"n{n}-{EVIL}": "connected" for n in range(3)} | {"num-0": "connected"}
        with Console(server.url, TOKEN, tmp_path) as console:
            console.ready("4 of 4")
            server.set(f"n0-{EVIL}", f"state-{EVIL}")
            server.set(f"n1-{EVIL}", "loggedout")
            console.press("R")  # a name that no socket can be opened for is polled
            console.wait_for("logged out")
            for key in ("end", "home", "d"):
                console.press(key)
            console.wait_for("Delete")
            console.press("esc")
            console.wait_gone("Delete")
            shown = console.text()
            assert "-a␛]0;pwned␇␛[2Jb" in shown
            assert not any(char in shown for char in "\x1b\x07\u202e")
            assert "pwned" not in console.emulator.title
            assert console.emulator.bells == 0
            console.quit()
    assert_no_crash(tmp_path)


WHOLE = {
    "login": (answer("200 OK", bad.LOGIN, Content_Type="text/html"), "a web page came instead", ("STALE", "OFFLINE")),
    "gateway": (answer("502 Bad", "<html><title>Bad Gateway</title>"), "the server answered 502", ("STALE", "OFFLINE")),
    "revoked": (bad.error("401 No", "Token was revoked"), "Token was revoked", ("TOKEN REFUSED",)),
    "limited": (bad.error("429 No", "Slow down", Retry_After="8"), "Slow down", ("STALE",)),
}


@pytest.mark.parametrize("extensions", [pytest.param(True, marks=LONG), False], ids=["extensions", "plain"])
@pytest.mark.parametrize("case", [pytest.param("login", marks=LONG), "gateway", "revoked", pytest.param("limited", marks=LONG)])
def test_everything_is_wrong_at_once(extensions: bool, case: str, tmp_path: Path) -> None:
    manners, words, badges = WHOLE[case]
    with Rogue(extensions=extensions) as server, Console(server.url, TOKEN, tmp_path, (160, 24)) as console:
        console.ready()
        server.misbehave(cut=True, list=manners, stream=manners, health=manners)
        console.press("R")
        console.wait_for(lambda _: words in said(console) and "As of " in said(console), 20, what=words)
        assert any(badge in console.lines()[0] for badge in badges)
        console.wait_for(lambda _: not bright(console), 2)
        assert console.rows() == server.states, "what was known must stay"
        assert_responsive(console)
        server.states["num-2"] = "banned"
        server.behave()
        console.wait_for(lambda _: console.rows() == server.states and bright(console), 40, what="every row right again")
        console.wait_for("LIVE", 65)
        console.quit()
    assert_no_crash(tmp_path)
